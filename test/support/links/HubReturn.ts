/**
 * A hub that is killed and stays away, and the crowd that was connected to it: how its nodes come back once the hub is,
 * although it lets in only so many a second.
 */
import { Effect } from "effect"
import * as End from "../../../bench/End.ts"
import type { Rate } from "../../../src/protocol/link/TokenBucket.ts"
import * as Redial from "../../../src/protocol/link/Redial.ts"
import { freePort } from "../FreePort.ts"
import * as Crowd from "./Crowd.ts"
import type { Standstill } from "./CrowdEnd.ts"

export interface Options {
  readonly clients: number
  /** For how long the hub is away, in milliseconds. */
  readonly away: number
  /** Whom the hub lets in after its return. */
  readonly admission: Rate
  /** Every time is divided by this, those of redialling too, and rates are multiplied: the same in less time. */
  readonly scale: number
}

/** As they would be without a scale. Times in milliseconds since the hub's return. */
export interface Figures {
  readonly clients: number
  readonly half: number
  readonly all: number
  /** For how long the clients' process has stood still since. */
  readonly stoodStill: number
  /** Dials while the hub was away, and after. */
  readonly inVain: number
  readonly dials: number
  /** Of those after, the ones that the hub closed because they were too many. */
  readonly turnedAway: number
  /**
   * The most dials after the return within a second, wherever it begins, and within a tenth of one. What was due while
   * the process stood still comes at once when it goes on, so that such a time counts with the window after it.
   */
  readonly peak: number
  readonly crest: number
  /** The most dials within a tenth of a second while the hub was away, from ten seconds on. */
  readonly crestAway: number
  /** Dials in each second after the return. */
  readonly perSecond: ReadonlyArray<number>
}

const now = (): number => End.now() / 1e6

/** The most of these moments that lie within `span` milliseconds, less what a standstill right before has brought together. */
export const densest = (
  moments: ReadonlyArray<number>,
  span: number,
  standstills: ReadonlyArray<Standstill> = []
): number => {
  const sorted = moments.toSorted((a, b) => a - b)
  let first = 0
  let most = 0
  for (const [index, at] of sorted.entries()) {
    while (sorted[first]! <= at - span) first++
    const begin = at - 2 * span
    const late = standstills.filter((it) => it.at > begin && it.at - it.millis < at)
    most = Math.max(most, (index - first + 1) / (1 + sumOf(late) / span))
  }
  return Math.ceil(most)
}

const sumOf = (standstills: ReadonlyArray<Standstill>): number =>
  standstills.reduce((sum, { millis }) => sum + millis, 0)

const perSecond = (moments: ReadonlyArray<number>): ReadonlyArray<number> => {
  const counts = new Array<number>(Math.ceil((Math.max(0, ...moments) + 1) / 1_000)).fill(0)
  for (const at of moments) counts[Math.floor(at / 1_000)]!++
  return counts
}

/** The times of redialling that its figures depend on. */
const scaled = (scale: number): Redial.Policy => {
  const { answeredMillis, baseMillis, capMillis, outageMillis, ...others } = Redial.defaults
  return {
    ...others,
    answeredMillis: answeredMillis / scale,
    baseMillis: baseMillis / scale,
    capMillis: capMillis / scale,
    outageMillis: outageMillis / scale
  }
}

export const run = Effect.fnUntraced(function* ({ admission, away, clients: count, scale }: Options) {
  const listen = { host: "127.0.0.1", port: yield* Effect.promise(() => freePort()) }
  const hub = { first: 1, count: 1, listen }
  const first = yield* Crowd.start(hub)
  const clients = yield* Crowd.start({ first: 2, count, link: { redial: scaled(scale) } })
  yield* clients.call("want", first.addresses)
  yield* clients.call("connected", 1)
  yield* first.kill
  const killed = now()
  yield* clients.call("connected", 0)
  yield* Effect.sleep(Math.max(0, away / scale - (now() - killed)))
  const rate = { burst: admission.burst, perSecond: admission.perSecond * scale }
  const second = yield* Crowd.start({ ...hub, admission: rate })
  const back = now()
  yield* clients.call("connected", 1)
  const { dials, live, standstills } = yield* clients.story
  const { turnedAway } = yield* second.story
  const since = dials.filter(({ at }) => at > killed).map(({ at }) => (at - back) * scale)
  const after = since.filter((at) => at >= 0)
  const returned = live.filter((at) => at > killed).map((at) => Math.round((at - back) * scale))
  const still = standstills.map(({ at, millis }) => ({ at: (at - back) * scale, millis: millis * scale }))
  const early = (killed - back) * scale + 10_000
  const figures: Figures = {
    clients: returned.length,
    half: returned[Math.floor(count / 2)] ?? Number.NaN,
    all: returned.at(-1) ?? Number.NaN,
    stoodStill: Math.round(sumOf(still.filter(({ at }) => at >= 0))),
    inVain: since.length - after.length,
    dials: after.length,
    turnedAway,
    peak: densest(after, 1_000, still),
    crest: densest(after, 100, still),
    crestAway: densest(
      since.filter((at) => at < 0 && at > early),
      100,
      still
    ),
    perSecond: perSecond(after)
  }
  return figures
}, Effect.scoped)
