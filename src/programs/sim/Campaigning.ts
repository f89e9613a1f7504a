/**
 * A campaign over several processes: each takes the next seed as soon as it is done with one, until there are none left
 * or enough have failed.
 */
import { Effect, type FileSystem, type Scope } from "effect"
import { Campaign } from "../../testing/campaign/Campaign.ts"
import { describe } from "../../testing/cluster/Verdict.ts"
import type { Parted, Ran } from "./Contract.ts"
import type { Drawing } from "./Drawing.ts"
import { keep, replayWith, written } from "./FailureFolder.ts"
import { each, type Seeds } from "./Seeds.ts"
import { codeOf, gravest, SimExit, type SimulationMisused, type WorkerBroken } from "./SimExit.ts"
import type { Worker } from "./Workers.ts"

export interface Options {
  readonly seeds: Seeds
  readonly drawing: Drawing
  readonly twice: boolean
  /** Ends the campaign when so many have failed. */
  readonly stopAfter: number
  readonly folder: string
  readonly sometimes: ReadonlyArray<string>
  /** As it was asked for. */
  readonly scenario: string
  readonly onFailure: (failure: Failed) => void
}

/** A seed that failed, and where it is kept. */
export interface Failed {
  readonly seed: number
  readonly words: string
  readonly file: string
  readonly replay: string
}

/** From this many runs on a `sometimes` that was never seen is a failure. */
const manyRuns = 200

export class Campaigning {
  readonly campaign: Campaign
  readonly failures: Array<Failed> = []
  readonly #codes = new Set<number>()
  readonly #options: Options
  readonly #seeds: Iterator<number>

  constructor(options: Options) {
    this.#options = options
    this.#seeds = each(options.seeds)
    this.campaign = new Campaign(options.sometimes)
  }

  /** Has everything been run that was asked for? */
  get complete(): boolean {
    return this.campaign.totals.runs === this.#options.seeds.count
  }

  /** Declared, and not seen in so many runs that it should have been. */
  get missing(): ReadonlyArray<string> {
    const { runs, unseen } = this.campaign.totals
    return runs >= manyRuns ? unseen : []
  }

  get exitCode(): number {
    return gravest(this.missing.length > 0 ? [...this.#codes, SimExit.stuck] : this.#codes)
  }

  /** Seeds, one after the other, on one process. */
  readonly run = (
    worker: Worker
  ): Effect.Effect<void, WorkerBroken | SimulationMisused, FileSystem.FileSystem | Scope.Scope> =>
    Effect.gen({ self: this }, function* () {
      const { drawing, stopAfter, twice } = this.#options
      while (this.failures.length < stopAfter) {
        const next = this.#seeds.next()
        if (next.done === true) return
        yield* this.#add(yield* worker.ask({ _tag: "Draw", seed: next.value, drawing, twice }))
      }
    })

  #add({ file: text, parted, run }: Ran) {
    return Effect.gen({ self: this }, function* () {
      if (text === undefined) return this.campaign.add(run, () => neverAsked())
      const file = yield* written(text)
      this.campaign.add(run, () => file.plan)
      this.#codes.add(parted === undefined ? codeOf(run.verdict) : SimExit.undetermined)
      const at = yield* keep(this.#options.folder, file)
      const failure = {
        seed: run.seed,
        words: parted === undefined ? describe(run.verdict) : apart(parted),
        file: at,
        replay: replayWith(file, at, this.#options.scenario)
      }
      this.failures.push(failure)
      this.#options.onFailure(failure)
    })
  }
}

const neverAsked = (): never => {
  throw new Error("a run that held has no failure to keep")
}

/** Two runs that should have been one, in words. */
export const apart = ({ detail, differentBy, sameUntil }: Parted): string =>
  `two runs that should be one diverged between event ${sameUntil} and ${differentBy}: ${detail}`
