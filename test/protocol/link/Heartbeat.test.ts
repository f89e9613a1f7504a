import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Heartbeat from "../../../src/protocol/link/Heartbeat.ts"
import { inputs } from "../../support/properties/Inputs.ts"

const { profiles, step } = Heartbeat
type Profile = Heartbeat.Profile

/** A peer and a clock: ticks at `phase + n * tick`, frames as the test says, and every ping noted. */
class Link {
  state: Heartbeat.State
  readonly profile: Profile
  readonly pings: Array<{ readonly at: number; readonly nonce: bigint }> = []
  deadAt: number | undefined
  #nonce = 1n

  constructor(profile: Profile) {
    this.profile = profile
    this.state = Heartbeat.initial(0)
  }

  #run(event: Heartbeat.Event): ReadonlyArray<Heartbeat.Action> {
    const { actions, state } = step(this.profile, this.state, event)
    this.state = state
    for (const action of actions) {
      if (action._tag === "Ping") this.pings.push({ at: event.now, nonce: action.nonce })
      else this.deadAt ??= event.now
    }
    return actions
  }

  tick(now: number) {
    return this.#run({ _tag: "Tick", now, nonce: this.#nonce++ })
  }
  probe(now: number) {
    return this.#run({ _tag: "Probe", now, nonce: this.#nonce++ })
  }
  frame(now: number) {
    return this.#run({ _tag: "Frame", now })
  }
  pong(now: number, nonce: bigint) {
    return this.#run({ _tag: "Pong", now, nonce })
  }
}

/** How long after the last frame the link is dead, for frames every `gap` until `silence` and ticks from `phase`. */
const detection = (
  profile: Profile,
  phase: number,
  silence: number,
  jitter: (n: number) => number = () => 0
): number => {
  const link = new Link(profile)
  const every = Heartbeat.tickMillis(profile)
  const gap = profile.interval / 4
  let nextFrame = silence % gap
  for (let n = 0; link.deadAt === undefined; n++) {
    const now = phase + n * every + jitter(n)
    for (; nextFrame <= Math.min(now, silence); nextFrame += gap) link.frame(nextFrame)
    link.tick(now)
    assert.isBelow(n, 1_000, "silence is found at all")
  }
  return link.deadAt - silence
}

const extremes = (profile: Profile, jitter?: (n: number) => number) => {
  const every = Heartbeat.tickMillis(profile)
  let shortest = Infinity
  let longest = 0
  for (let i = 0; i < 40; i++) {
    for (let j = 0; j <= 120; j++) {
      const took = detection(profile, (i * every) / 40, (j * profile.interval) / 40, jitter)
      shortest = Math.min(shortest, took)
      longest = Math.max(longest, took)
    }
  }
  return { shortest, longest }
}

describe("silence is found, over all phases of the timer and all moments it may start at,", () => {
  it("within 5 to 6 seconds in profile fast", () => {
    const { longest, shortest } = extremes(profiles.fast)
    assert.isAtLeast(shortest, 5_000)
    assert.isBelow(longest, 6_000)
    assert.isAbove(longest, 5_900, "the bound is met, not just kept")
  })

  it("within 30 to 37.5 seconds in profile default", () => {
    const { longest, shortest } = extremes(profiles.default)
    assert.isAtLeast(shortest, 30_000)
    assert.isBelow(longest, 37_500)
    assert.isAbove(longest, 37_000)
  })

  it("within 360 to 390 seconds in profile relaxed, after five missed pings", () => {
    const { longest, shortest } = extremes(profiles.relaxed)
    assert.isAtLeast(shortest, 360_000)
    assert.isBelow(longest, 390_000)
    assert.isAbove(longest, 389_000)
  })

  it("and a few milliseconds of a timer do not double the time", () => {
    for (const millis of [-2, 2, 40]) {
      const wobble = (n: number) => (n % 2 === 0 ? 0 : millis)
      assert.isAtMost(extremes(profiles.fast, wobble).longest, 6_100)
      assert.isAtMost(extremes(profiles.default, wobble).longest, 38_000)
      assert.isAtMost(extremes(profiles.relaxed, wobble).longest, 420_000)
    }
  })
})

describe("a link", () => {
  it("that is busy is not pinged", () => {
    for (const profile of Object.values(profiles)) {
      const link = new Link(profile)
      const every = Heartbeat.tickMillis(profile)
      for (let now = 0; now < 200 * every; now += every / 2) {
        link.frame(now)
        if (now % every === 0) link.tick(now)
      }
      assert.deepStrictEqual(link.pings, [])
    }
  })

  it("that is idle and answers is pinged about once an interval and never dies", () => {
    for (const profile of Object.values(profiles)) {
      const link = new Link(profile)
      const every = Heartbeat.tickMillis(profile)
      for (let n = 1; n <= 400; n++) {
        for (const action of link.tick(n * every)) if (action._tag === "Ping") link.pong(n * every + 20, action.nonce)
      }
      assert.isUndefined(link.deadAt)
      // An interval after the pong, seen at the next tick: three ticks from ping to ping.
      assert.strictEqual(link.pings.length, Math.floor((400 - 2) / 3) + 1)
      assert.strictEqual(link.state.matched, link.pings.length)
      assert.deepStrictEqual(link.state.outstanding, [])
    }
  })

  it("that sends frames but never a pong lives", () => {
    const link = new Link(profiles.default)
    for (let now = 7_500; now < 10_000_000; now += 7_500) {
      link.tick(now)
      if (now % 22_500 === 0) link.frame(now + 1)
    }
    assert.isUndefined(link.deadAt)
    assert.isAtMost(link.state.outstanding.length, Heartbeat.maxOutstanding)
  })

  it("is not condemned by silence without a ping that waited for an interval", () => {
    const link = new Link({ ...profiles.default, timeout: 15_000 })
    for (const now of [7_500, 15_000, 22_500]) link.tick(now)
    assert.isUndefined(link.deadAt)
    link.tick(30_000)
    assert.strictEqual(link.deadAt, 30_000)
  })

  it("counts a pong that nobody waits for, and takes it for life", () => {
    const link = new Link(profiles.default)
    link.pong(14_000, 999n)
    assert.strictEqual(link.state.unknown, 1)
    assert.strictEqual(link.state.matched, 0)
    link.tick(15_000)
    assert.deepStrictEqual(link.pings, [])
  })

  it("keeps what round trips took, and counts those apart that took longer than the time-out", () => {
    const link = new Link(profiles.fast)
    link.probe(0)
    link.pong(20, link.pings[0]!.nonce)
    link.probe(100)
    link.pong(100 + profiles.fast.timeout, link.pings[1]!.nonce)
    assert.deepStrictEqual([link.state.matched, link.state.late], [2, 0])
    link.probe(10_000)
    link.pong(10_001 + profiles.fast.timeout, link.pings[2]!.nonce)
    assert.deepStrictEqual([link.state.matched, link.state.late], [3, 1])
    const { max, min, sum } = link.state.roundTrips
    assert.deepStrictEqual([min, max, sum], [20, profiles.fast.timeout + 1, 2 * profiles.fast.timeout + 21])
  })

  it("matches a pong once", () => {
    const link = new Link(profiles.default)
    link.probe(100)
    const { nonce } = link.pings[0]!
    link.pong(150, nonce)
    link.pong(160, nonce)
    assert.deepStrictEqual([link.state.sent, link.state.matched, link.state.unknown], [1, 1, 1])
    assert.strictEqual(link.state.rttMillis, 50)
  })

  it("keeps at most eight pings waiting, and what was missed stays missed however often it is probed", () => {
    const link = new Link(profiles.relaxed)
    for (let n = 1; link.deadAt === undefined && n < 100; n++) {
      link.tick(n * 30_000)
      for (let k = 1; k <= 12; k++) link.probe(n * 30_000 + k)
      assert.isAtMost(link.state.outstanding.length, Heartbeat.maxOutstanding)
    }
    assert.isAtMost(link.deadAt!, 420_000)
  })

  it("whose old pings were never answered still finds new silence", () => {
    const link = new Link(profiles.relaxed)
    for (let k = 0; k < 20; k++) link.probe(k)
    link.frame(1_000)
    for (let n = 1; link.deadAt === undefined && n < 100; n++) link.tick(n * 30_000)
    assert.isAtMost(link.deadAt! - 1_000, 420_000)
  })
})

describe("the adaptive deadline", () => {
  const Trips = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3_600_000 })))

  it.prop("never shortens and lengthens at most fourfold", [Trips], ([trips]) => {
    for (const profile of Object.values(profiles)) {
      const link = new Link(profile)
      let now = 0
      for (const trip of trips) {
        link.probe(now)
        now += trip
        link.pong(now, link.pings.at(-1)!.nonce)
        const deadline = Heartbeat.deadline(profile, link.state)
        assert.isAtLeast(deadline, profile.timeout)
        assert.isAtMost(deadline, Heartbeat.maxStretch * profile.timeout)
      }
    }
  })

  it("gives a slow peer more time, by its round trips", () => {
    const dies = (trip: number): number => {
      const link = new Link(profiles.fast)
      link.probe(0)
      link.pong(trip, link.pings[0]!.nonce)
      for (let now = 1_000; link.deadAt === undefined; now += 1_000) link.tick(now)
      return link.deadAt - trip
    }
    assert.isBelow(dies(10), 6_000)
    // 4 x 1,500 + 4 x 750
    assert.isAtLeast(dies(1_500), 9_000)
    assert.isBelow(dies(1_500), 10_000)
    assert.isBelow(dies(100_000), 22_000)
  })
})

describe("our own late timers", () => {
  const Stalls = Schema.Array(
    Schema.Struct({
      /** Ticks on time before the stall. */
      quiet: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })),
      /** Its length, in tenths of an interval or in many intervals. */
      stall: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12 })),
      long: Schema.Boolean,
      probed: Schema.Boolean
    })
  ).check(Schema.isMaxLength(20))

  const neverCondemned = ([stalls]: readonly [typeof Stalls.Type]) => {
    for (const profile of Object.values(profiles)) {
      const link = new Link(profile)
      const every = Heartbeat.tickMillis(profile)
      let now = 0
      let unread: Array<bigint> = []
      // What the peer answered is read after the timer has fired: the order of an event loop that was blocked.
      const turn = (probed: boolean) => {
        const before = link.pings.length
        if (probed) link.probe(now)
        link.tick(now)
        for (const nonce of unread) link.pong(now, nonce)
        unread = link.pings.slice(before).map((ping) => ping.nonce)
      }
      for (const { long, probed, quiet, stall } of stalls) {
        for (let n = 0; n < quiet; n++) {
          now += every
          turn(false)
          for (const nonce of unread.splice(0)) link.pong(now + 1, nonce)
        }
        now += every + (stall * profile.interval) / (long ? 0.01 : 10)
        turn(probed)
      }
      assert.isUndefined(link.deadAt)
    }
  }
  const many = { arbitrary: { runs: inputs(500), size: 20 } }
  it.prop("never condemn a peer that answers at once, however long we were away", [Stalls], neverCondemned, many)

  it("give a peer a whole interval after a long sleep, whatever was unanswered before it", () => {
    const link = new Link(profiles.default)
    for (const now of [7_500, 15_000, 22_500]) link.tick(now)
    const woken = 3_600_000
    link.tick(woken)
    link.tick(woken + 7_500)
    assert.isUndefined(link.deadAt)
    link.tick(woken + 15_000)
    assert.strictEqual(link.deadAt, woken + 15_000)
  })

  it("do not hide a peer that is gone for long", () => {
    for (const profile of Object.values(profiles)) {
      const link = new Link(profile)
      const every = Heartbeat.tickMillis(profile)
      let now = 60 * profile.interval
      link.tick(now)
      assert.isUndefined(link.deadAt, "the first tick after a long sleep asks")
      assert.strictEqual(link.pings.length, 1)
      while (link.deadAt === undefined) link.tick((now += every))
      assert.isAtMost(link.deadAt - 60 * profile.interval, Math.max(2, profile.missed + 1) * profile.interval)
    }
  })

  it("do not switch the detector off when every tick is somewhat late", () => {
    for (const profile of Object.values(profiles)) {
      const link = new Link(profile)
      const every = Heartbeat.tickMillis(profile) * 1.9
      for (let n = 1; link.deadAt === undefined && n < 200; n++) link.tick(n * every)
      assert.isAtMost(link.deadAt ?? Infinity, profile.timeout + (profile.missed + 4) * profile.interval)
    }
  })
})

describe("states of a link", () => {
  const Events = Schema.Array(
    Schema.Struct({
      kind: Schema.Literals(["Frame", "Pong", "Tick", "Probe"]),
      wait: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40_000 })),
      which: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))
    })
  )
  it.prop("add up: pings sent are matched, waiting or forgotten, and at most eight wait", [Events], ([events]) => {
    const link = new Link(profiles.default)
    let now = 0
    let pongs = 0
    for (const { kind, wait, which } of events) {
      now += wait
      if (kind === "Tick") link.tick(now)
      else if (kind === "Probe") link.probe(now)
      else if (kind === "Frame") link.frame(now)
      else {
        pongs++
        link.pong(now, link.pings.at(-which)?.nonce ?? 0n)
      }
      const { matched, outstanding, sent, unknown } = link.state
      assert.isAtMost(outstanding.length, Heartbeat.maxOutstanding)
      assert.strictEqual(sent, link.pings.length)
      assert.strictEqual(matched + unknown, pongs)
      assert.isAtMost(matched + outstanding.length, sent)
    }
  })
})
