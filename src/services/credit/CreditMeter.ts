/**
 * Counts what operators ask about credit and no table says cheaply: what users told the node to do, what other nodes said to it, what
 * was refused and why, and how long lifts, payments and chits took.
 *
 * What a transaction brings about is counted once it has committed. Everything begins at 0 with the process, and nothing in it grows with
 * what users or other nodes say.
 */
import { Context } from "effect"
import type { Action } from "../../protocol/credit/Action.ts"
import type { Status as LiftStatus } from "../../protocol/credit/LiftState.ts"
import type { Verdict } from "../../protocol/credit/LiftRecord.ts"
import * as Histogram from "../../protocol/Histogram.ts"
import * as Names from "./CreditNames.ts"

/** Something that a desk has stored, for the meter. Milliseconds are by this node's clock. */
export type Mark =
  /** This node has promised a lift, refused it, or has its record. `isOrigin`: its payor is a user of this node. */
  | { readonly _tag: "Lift"; readonly status: LiftStatus; readonly isOrigin: boolean; readonly millis: number }
  /** A payment over others has ended. */
  | { readonly _tag: "Payment"; readonly status: "good" | "void" | "failed"; readonly millis: number }
  /** A good chit has got its place. `millis`: since it was good, where a user of this node has issued it and the other end orders. */
  | { readonly _tag: "Placed"; readonly millis: number | undefined }
  /** This node as a referee has voted, or knows what was decided. */
  | { readonly _tag: "Vote"; readonly verdict: Verdict }
  | { readonly _tag: "Decision"; readonly verdict: Verdict }
  /** A round of saying again what is owed to a node, or of checking that both have the same. */
  | { readonly _tag: "Repair"; readonly isCheck: boolean; readonly messages: number }

export type CommandResult = "done" | "stale" | "refused" | "failed"
export const commandResults: ReadonlyArray<CommandResult> = ["done", "stale", "refused", "failed"]

/** `busy`: the sender has as much waiting here as it may. */
export type MessageOutcome = "ok" | "stale" | "refused" | "busy"
export const messageOutcomes: ReadonlyArray<MessageOutcome> = ["ok", "stale", "refused", "busy"]

export type Ended = "good" | "void" | "failed"
export type Tell = Extract<Action, { readonly _tag: "Tell" }>

export interface Reading {
  readonly commands: ReadonlyMap<string, number>
  readonly messages: ReadonlyMap<string, number>
  /** By `command` or `message` and the reason, with a blank between them. */
  readonly refusals: ReadonlyMap<string, number>
  /** By `user` or `operator` and the kind. */
  readonly events: ReadonlyMap<string, number>
  /** By `origin` or `other` and the status. */
  readonly lifts: ReadonlyMap<string, number>
  readonly votes: Readonly<Record<Verdict, number>>
  readonly decisions: Readonly<Record<Verdict, number>>
  readonly placed: number
  readonly repairs: { readonly owed: number; readonly check: number; readonly messages: number }
  /** Seconds from the plan to the record, of lifts that began here. */
  readonly liftSeconds: Readonly<Record<Verdict, Histogram.Histogram>>
  /** Seconds from the command to the end. */
  readonly paymentSeconds: Readonly<Record<Ended, Histogram.Histogram>>
  /** Seconds until the other end's place for a chit is known. */
  readonly chitSeconds: Histogram.Histogram
}

export interface Meter {
  /** A user's command has ended so; `reason` where it was refused. */
  readonly commanded: (kind: string, result: CommandResult, reason?: string) => void
  /** A message of another node has been handled; `reason` where it was refused. */
  readonly heard: (kind: string, outcome: MessageOutcome, reason?: string) => void
  /** An event was written into the feed. */
  readonly told: (tell: Tell) => void
  readonly marked: (mark: Mark) => void
  readonly reading: () => Reading
}

const bounds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 1_800, 7_200]

/** Counts by name, of names that are known beforehand. */
const counting = () => {
  const counts = new Map<string, number>()
  return { counts, count: (key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1) }
}

const namer = (names: ReadonlyArray<string>): ((name: string) => string) => {
  const known = new Set(names)
  return (name) => (known.has(name) ? name : Names.other)
}

const reasonName = namer(Names.reasons)
const eventName = namer(Names.eventKinds)
const alarmName = namer(Names.alarms)

/** A meter at 0. */
export const make = (): Meter => {
  const [commands, messages, refusals, events, lifts] = [counting(), counting(), counting(), counting(), counting()]
  const votes = { good: 0, void: 0 }
  const decisions = { good: 0, void: 0 }
  const repairs = { owed: 0, check: 0, messages: 0 }
  const empty = Histogram.empty(bounds)
  const liftSeconds = { good: empty, void: empty }
  const paymentSeconds = { good: empty, void: empty, failed: empty }
  let chitSeconds = empty
  let placed = 0

  const refused = (of: "command" | "message", reason: string | undefined): void => {
    if (reason !== undefined) refusals.count(`${of} ${reasonName(reason)}`)
  }
  const ofLift = ({ isOrigin, millis, status }: Extract<Mark, { readonly _tag: "Lift" }>): void => {
    lifts.count(`${isOrigin ? "origin" : "other"} ${status}`)
    if (!isOrigin || status === "promised" || status === "refused") return
    liftSeconds[status] = Histogram.add(liftSeconds[status], millis / 1_000)
  }
  const marked = (mark: Mark): void => {
    switch (mark._tag) {
      case "Lift":
        return ofLift(mark)
      case "Payment":
        paymentSeconds[mark.status] = Histogram.add(paymentSeconds[mark.status], mark.millis / 1_000)
        return
      case "Placed":
        placed++
        if (mark.millis !== undefined) chitSeconds = Histogram.add(chitSeconds, mark.millis / 1_000)
        return
      case "Vote":
        return void votes[mark.verdict]++
      case "Decision":
        return void decisions[mark.verdict]++
      case "Repair":
        repairs[mark.isCheck ? "check" : "owed"]++
        repairs.messages += mark.messages
        return
    }
  }
  return {
    commanded: (kind, result, reason) => {
      commands.count(`${kind} ${result}`)
      refused("command", reason)
    },
    heard: (kind, outcome, reason) => {
      messages.count(`${kind} ${outcome}`)
      refused("message", reason)
    },
    told: ({ kind, user }) =>
      events.count(user === undefined ? `operator ${alarmName(kind)}` : `user ${eventName(kind)}`),
    marked,
    reading: () => ({
      commands: commands.counts,
      messages: messages.counts,
      refusals: refusals.counts,
      events: events.counts,
      lifts: lifts.counts,
      votes: { ...votes },
      decisions: { ...decisions },
      placed,
      repairs: { ...repairs },
      liftSeconds: { ...liftSeconds },
      paymentSeconds: { ...paymentSeconds },
      chitSeconds
    })
  }
}

/** The meter of the node; one that nobody reads unless a program gives it one of its own. */
export const CreditMeter = Context.Reference<Meter>("holdfast/services/credit/CreditMeter", { defaultValue: make })
