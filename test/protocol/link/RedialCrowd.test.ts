import { assert, describe, it } from "@effect/vitest"
import * as Redial from "../../../src/protocol/link/Redial.ts"
import { seeded } from "../../support/Malformed.ts"

const { defaults, initial, step } = Redial

interface Storm {
  readonly clients: number
  /** How the hub turns away whom it cannot admit: without a word, or with REJECT(busy). */
  readonly refusal: "closed" | "busy"
  /** Whether each client has lost other peers at the same moment. */
  readonly outage: boolean
  /** Uniform in [0, 1), of a generator of that kind; another one to see what chance is good for. */
  readonly jitter?: (random: number) => number
}

/** Milliseconds until the hub is back, and clients that it admits in a second. */
const [back, admission] = [60_000, 25]

/** What becomes of a dial at this millisecond. */
const resultOf = (storm: Storm, now: number, random: number): Redial.Event => {
  if (now < back) return { _tag: "Failed", now, random }
  return storm.refusal === "busy"
    ? { _tag: "Rejected", now, random, reason: "busy" }
    : { _tag: "Failed", now, random, answered: true }
}

/** All clients lose the hub at once, and dial it until they are admitted. */
const weather = (seed: number, storm: Storm) => {
  const next = seeded(seed)
  const random = () => (storm.jitter ?? ((it) => it))(next())
  const due: Array<Array<Redial.State> | undefined> = []
  const schedule = (at: number, state: Redial.State) => (due[at] ??= []).push(state)
  for (let i = 0; i < storm.clients; i++) {
    const event = { _tag: "Ended", now: 0, random: random(), stable: true, outage: storm.outage } as const
    const { state, waitMillis } = step(defaults, initial, event)
    schedule(waitMillis, state)
  }
  const dials: Array<number> = []
  const admitted: Array<number> = []
  let gate = { second: -1, taken: 0 }
  for (let now = 0; admitted.length < storm.clients; now++) {
    for (const client of due[now] ?? []) {
      dials.push(now)
      const second = Math.floor(now / 1_000)
      if (gate.second !== second) gate = { second, taken: 0 }
      if (now >= back && gate.taken++ < admission) admitted.push(now - back)
      else {
        const { state, waitMillis } = step(defaults, client, resultOf(storm, now, random()))
        schedule(now + Math.max(1, waitMillis), state)
      }
    }
  }
  const most = (from: number, span: number) => {
    const counts = new Map<number, number>()
    for (const at of dials)
      if (at >= from) counts.set(Math.floor(at / span), (counts.get(Math.floor(at / span)) ?? 0) + 1)
    return Math.max(...counts.values())
  }
  return {
    /** Until half and until all are back, in milliseconds from the hub's return. */
    half: admitted[Math.floor(storm.clients / 2)]!,
    all: admitted.at(-1)!,
    dials: dials.length,
    /** Dials in the worst second after the hub's return. */
    peak: most(back, 1_000),
    /** Dials in the worst tenth of a second, once the first waits are over. */
    crest: most(10_000, 100)
  }
}

const storms: ReadonlyArray<readonly [string, Storm]> = [200, 500].flatMap((clients) =>
  (["closed", "busy"] as const).flatMap((refusal) =>
    [false, true].map(
      (outage) =>
        [`${clients} clients, ${refusal}, ${outage ? "several" : "one"} lost`, { clients, refusal, outage }] as const
    )
  )
)

describe("a crowd whose hub was away for a minute", () => {
  for (const [name, storm] of storms) {
    it(`is back within a minute of its return, without a stampede: ${name}`, () => {
      const halves: Array<number> = []
      for (let seed = 1; seed <= 40; seed++) {
        const { all, crest, dials, half, peak } = weather(seed, storm)
        halves.push(half)
        assert.isAtMost(all, 60_000, `seed ${seed}`)
        assert.isAtMost(half, 25_000, `seed ${seed}`)
        assert.isAtMost(peak, 3 * admission, `seed ${seed}`)
        // A tenth of a second never brings many of them: nothing makes them dial in step.
        assert.isAtMost(crest, storm.clients / 15, `seed ${seed}`)
        assert.isBelow(dials, 12 * storm.clients, `seed ${seed}`)
      }
      assert.isAtMost(halves.toSorted((a, b) => a - b)[20]!, 20_000)
    })
  }

  it("would come in step, and stay for ten minutes, without the jitter", () => {
    const { all, crest, peak } = weather(1, { clients: 500, refusal: "closed", outage: false, jitter: () => 0.999 })
    assert.isAbove(all, 600_000)
    assert.isAbove(peak, 400)
    assert.isAbove(crest, 400)
  })
})

type Meet = (
  now: number,
  random: () => number
) => { readonly events: ReadonlyArray<Redial.Event>; readonly lasts: number }

/** The dials of one wanted peer over so many milliseconds; `meet` tells what becomes of one, and how long it lasts. */
const trace = (millis: number, seed: number, meet: Meet) => {
  const random = seeded(seed)
  const dials: Array<number> = []
  let state = initial
  let now = 0
  while (now < millis) {
    dials.push(now)
    const { events, lasts } = meet(now, random)
    let wait = 0
    for (const event of events) {
      const next = step(defaults, state, event)
      state = next.state
      wait = next.waitMillis
    }
    now += lasts + Math.max(1, wait)
  }
  return { dials, gaps: dials.slice(1).map((at, i) => at - dials[i]!), state }
}

const hour = 3_600_000
const within = (dials: ReadonlyArray<number>, span: number): number =>
  Math.max(...dials.map((from) => dials.filter((at) => at >= from && at < from + span).length))

describe("the dials of a wanted peer", () => {
  const gone: Meet = (now, random) => ({
    events: [{ _tag: "Failed", now, random: random() } as const],
    lasts: 0
  })

  it("have gaps that grow, each at random, up to the cap, and never stop", () => {
    const traces = Array.from({ length: 400 }, (_, seed) => trace(hour, seed + 1, gone).gaps)
    const means = Array.from({ length: 12 }, (_, n) => traces.reduce((sum, gaps) => sum + gaps[n]!, 0) / traces.length)
    for (const [n, mean] of means.entries()) {
      const half = Math.min(60_000, 1_000 * 2 ** n) / 2
      assert.isTrue(mean > 0.88 * half && mean < 1.12 * half, `gap ${n}: ${mean}`)
      const gaps = new Set(traces.map((gaps) => gaps[n]))
      assert.isAbove(gaps.size, 200, `gap ${n} is drawn`)
    }
    for (const gaps of traces) assert.isAtMost(Math.max(...gaps), 60_000)
    assert.isAbove(trace(30 * 24 * hour, 1, gone).dials.length, 30 * 24 * 100)
  })

  it("begin anew after a stable session, and only then", () => {
    const meet = (lasts: number, stable: boolean) => (now: number, random: () => number) =>
      now < hour
        ? gone(now, random)
        : {
            events: [
              { _tag: "Started", now } as const,
              { _tag: "Ended", now: now + lasts, random: random(), stable } as const
            ],
            lasts
          }
    for (let seed = 1; seed <= 50; seed++) {
      const stable = trace(2 * hour, seed, meet(90_000, true))
      const after = stable.gaps.filter((_, i) => stable.dials[i]! >= hour)
      assert.isTrue(after.every((gap) => gap - 90_000 <= 1_000))
      assert.deepStrictEqual(stable.state, initial)
      const short = trace(2 * hour, seed, meet(30_000, false))
      assert.isAbove(short.state.failures, 100)
    }
  })

  it("are few where a peer accepts and closes, before a session or after one has begun", () => {
    const closing: Meet = (now, random) => ({
      events: [{ _tag: "Failed", now, random: random(), answered: true } as const],
      lasts: 20
    })
    const flapping: Meet = (now, random) => ({
      events: [
        { _tag: "Started", now } as const,
        { _tag: "Ended", now: now + 200, random: random(), stable: false } as const
      ],
      lasts: 200
    })
    const polite: Meet = (now, random) => ({
      events: [
        { _tag: "Started", now } as const,
        { _tag: "Goodbye", now: now + 200, random: random(), reason: "shutdown", retryAfterMillis: 0 } as const
      ],
      lasts: 200
    })
    for (let seed = 1; seed <= 50; seed++) {
      const few = (meet: Meet, inMinute: number, inHour: number) => {
        const { dials } = trace(6 * hour, seed, meet)
        assert.isAtMost(within(dials, 60_000), inMinute)
        assert.isAtMost(
          within(
            dials.filter((at) => at >= hour),
            hour
          ),
          inHour
        )
        assert.isAbove(dials.at(-1)!, 6 * hour - 660_000, "they go on")
      }
      few(closing, 20, 160)
      few(flapping, 7, 8)
      few(polite, 7, 42)
    }
  })
})
