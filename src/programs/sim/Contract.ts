/**
 * What a command of the simulator and the processes that run its seeds say to each other: one JSON value a line.
 */
import { Schema } from "effect"
import { Verdict } from "../../testing/cluster/Verdict.ts"
import { FaultPlan } from "../../testing/faults/FaultPlan.ts"
import { Drawing } from "./Drawing.ts"

const natural = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const Counts = Schema.Record(Schema.String, Schema.Finite)

/** What a process is started for. */
export const Job = Schema.Struct({
  /** The name of one that is built in, or `<file>#<export>`. */
  scenario: Schema.String,
  /** Of the sources, for the files of failures. */
  commit: Schema.String
})
export type Job = typeof Job.Type

const telling = {
  /** Whether the reply has the file of the run even if it held. */
  whole: Schema.optionalKey(Schema.Boolean),
  /** The last event that is told in words. */
  until: Schema.optionalKey(natural)
}

export const Request = Schema.Union([
  /** A seed with the plan that is drawn for it, twice if two runs are to be compared. */
  Schema.TaggedStruct("Draw", { seed: natural, drawing: Drawing, twice: Schema.Boolean, ...telling }),
  /** A plan as it is. */
  Schema.TaggedStruct("Run", { seed: Schema.Int, plan: FaultPlan, ...telling }),
  /** One long world, with the heap measured whenever `every` milliseconds of its time have passed. */
  Schema.TaggedStruct("Soak", { seed: natural, drawing: Drawing, every: natural })
])
export type Request = typeof Request.Type

export const RunOf = Schema.Struct({
  seed: Schema.Int,
  verdict: Verdict,
  hash: Schema.String,
  events: natural,
  virtualMillis: Schema.Finite,
  sometimes: Counts,
  figures: Counts
})

/** Two runs of one seed that differ. */
export const Parted = Schema.Struct({ sameUntil: natural, differentBy: natural, detail: Schema.String })
export type Parted = typeof Parted.Type

/** The heap after a forced collection, in bytes, at a moment of a long world. */
export const Sample = Schema.TaggedStruct("Sample", {
  virtualMillis: Schema.Finite,
  heap: natural
})
export type Sample = typeof Sample.Type

export const Ran = Schema.TaggedStruct("Ran", {
  run: RunOf,
  /** The file of the run, if it failed or if the whole of it was asked for. */
  file: Schema.optionalKey(Schema.String),
  parted: Schema.optionalKey(Parted)
})
export type Ran = typeof Ran.Type

export const Ready = Schema.TaggedStruct("Ready", {
  scenario: Schema.String,
  sometimes: Schema.Array(Schema.String)
})
export type Ready = typeof Ready.Type

export const Reply = Schema.Union([
  Ready,
  /** It cannot do what it was started for. */
  Schema.TaggedStruct("Unable", { problem: Schema.String }),
  Ran,
  Sample
])
export type Reply = typeof Reply.Type

/** The file descriptor that replies go to. Standard output is the scenario's own, and goes to the standard error output. */
export const replies = 3
