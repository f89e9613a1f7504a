/**
 * Seeds of one scenario under all profiles, one profile after the other, on processes that live as long as all of it: each takes the
 * next seed as soon as it is done with one.
 *
 * What fails is kept as a failure file and told at once, with the command that shows it again.
 */
import { Clock, Effect, type FileSystem, type Scope } from "effect"
import type { Totals } from "../../../src/testing/campaign/Campaign.ts"
import { Campaigning, type Failed } from "../../../src/programs/sim/Campaigning.ts"
import { type Drawing, profileNames } from "../../../src/programs/sim/Drawing.ts"
import { line } from "../../../src/programs/sim/RunProgress.ts"
import { parse, type Seeds } from "../../../src/programs/sim/Seeds.ts"
import type { SimulationMisused, WorkerBroken } from "../../../src/programs/sim/SimExit.ts"
import * as SimFlags from "../../../src/programs/sim/SimFlags.ts"
import * as Workers from "../../../src/programs/sim/Workers.ts"

export type Profile = Drawing["profile"]

export interface Options {
  readonly scenario: string
  readonly profiles: ReadonlyArray<Profile>
  /** The first seed, and how many of all profiles together: the first profiles have one more where they cannot be divided. */
  readonly from: number
  readonly seeds: number
  /** Processes. */
  readonly jobs: number
  /** Failures of a profile after which it is left. */
  readonly stopAfter: number
  /** Where failures are kept. */
  readonly folder: string
  /** Milliseconds between two lines of progress. */
  readonly every: number
  readonly say: (text: string) => void
}

export interface Outcome {
  readonly runs: number
  readonly failed: number
  readonly distinctHashes: number
  readonly virtualMillis: number
  readonly millis: number
  /** As of `sim run`: 0 if everything held. */
  readonly exitCode: number
}

/** A profile with the seeds that it has, and what they are called. */
interface Share {
  readonly profile: Profile
  readonly seeds: Seeds
}

/** No seed is in two shares; a profile that gets none is left out. */
export const shares = ({
  from,
  profiles,
  seeds
}: Pick<Options, "from" | "profiles" | "seeds">): ReadonlyArray<Share> => {
  let next = from
  return profiles.flatMap((profile, at) => {
    const count = Math.floor(seeds / profiles.length) + (at < seeds % profiles.length ? 1 : 0)
    const first = next
    next += count
    const parsed = parse(`${first}..${next}`, { clock: 0 })
    return count > 0 && parsed._tag === "Success" ? [{ profile, seeds: parsed.success }] : []
  })
}

const sum = (all: ReadonlyArray<Totals>, of: (totals: Totals) => number): number =>
  all.reduce((total, one) => total + of(one), 0)

const added = (all: ReadonlyArray<Totals>) => ({
  runs: sum(all, ({ runs }) => runs),
  failed: sum(all, ({ failed }) => failed),
  distinctHashes: sum(all, ({ distinctHashes }) => distinctHashes),
  virtualMillis: sum(all, ({ virtualMillis }) => virtualMillis)
})

/** Of profiles, the names that there are. */
export const profilesOf = (text: string): ReadonlyArray<Profile> =>
  text.split(",").map((given) => {
    const known = profileNames.find((name) => name === given)
    if (known !== undefined) return known
    throw new Error(`--profiles has "${given}", give some of: ${profileNames.join(", ")}`)
  })

/** What is said of a failure as soon as there is one. */
const told =
  ({ say }: Options, profile: Profile) =>
  ({ replay, seed, words }: Failed): void =>
    say(`FAILED seed ${seed}, ${profile}: ${words.split("\n", 1).join()}\n  ${replay}`)

/** Runs all of them, and says how far it is, again and again, and what each profile has shown. */
export const carryOut = (
  options: Options
): Effect.Effect<Outcome, WorkerBroken | SimulationMisused, FileSystem.FileSystem | Scope.Scope> =>
  Effect.gen(function* () {
    const { every, folder, jobs, say, scenario, seeds: of, stopAfter } = options
    const clock = yield* Clock.Clock
    const start = Workers.start({ job: { scenario, commit: yield* SimFlags.commit } })
    const workers = yield* Effect.all(
      Array.from({ length: jobs }, () => start),
      { concurrency: 8 }
    )
    const sometimes = workers[0]?.ready.sometimes ?? []
    const all = shares(options).map((share) => {
      const drawing: Drawing = { profile: share.profile }
      const onFailure = told(options, share.profile)
      const given = { seeds: share.seeds, drawing, twice: false, stopAfter, folder, sometimes, scenario, onFailure }
      return { ...share, campaigning: new Campaigning(given) }
    })
    const began = clock.currentTimeMillisUnsafe()
    const millis = (): number => clock.currentTimeMillisUnsafe() - began
    const totals = () => added(all.map(({ campaigning }) => campaigning.campaign.totals))
    yield* Effect.forkScoped(
      Effect.forever(
        Effect.andThen(
          Effect.sleep(every),
          Effect.sync(() => say(line(totals(), of, millis())))
        )
      )
    )
    for (const { campaigning, profile, seeds } of all) {
      yield* Effect.all(workers.map(campaigning.run), { concurrency: "unbounded", discard: true })
      const { failed, runs } = campaigning.campaign.totals
      const never = campaigning.missing.length === 0 ? "" : `, never seen: ${campaigning.missing.join(", ")}`
      say(`${profile}, seeds ${seeds.words}: ${runs} run, ${failed} failed${never}`)
    }
    const exitCode = Math.max(...all.map(({ campaigning }) => campaigning.exitCode))
    return { ...totals(), millis: millis(), exitCode }
  })
