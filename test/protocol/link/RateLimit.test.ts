import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Kind } from "../../../src/protocol/link/Frame.ts"
import * as RateLimit from "../../../src/protocol/link/RateLimit.ts"

const { classOf, defaults } = RateLimit
type Metered = RateLimit.Metered
const metered: ReadonlyArray<Metered> = ["ping", "pong", "control", "gossip", "question"]

/** The answers to so many frames of one class at one moment. */
const flood = (limit: RateLimit.RateLimit, frame: Metered, count: number, now = 0) =>
  Array.from({ length: count }, () => limit.step(frame, false, now))

const tags = (answers: ReadonlyArray<RateLimit.Answer>) => answers.map(({ _tag }) => _tag)
const counts = (answers: ReadonlyArray<RateLimit.Answer>): string =>
  tags(answers)
    .reduce<Array<[string, number]>>((runs, tag) => {
      const last = runs.at(-1)
      if (last?.[0] === tag) last[1]++
      else runs.push([tag, 1])
      return runs
    }, [])
    .map(([tag, count]) => `${tag} ${count}`)
    .join(", ")

describe("frames that nobody asked for", () => {
  it("pass up to a burst, are delayed at the rate, then dropped, then end the session", () => {
    const control = flood(new RateLimit.RateLimit(defaults), "control", 151)
    assert.strictEqual(counts(control), "Pass 50, Delay 50, Drop 50, Disconnect 1")
    assert.deepStrictEqual(control.slice(50, 53), [
      { _tag: "Delay", millis: 100 },
      { _tag: "Delay", millis: 200 },
      { _tag: "Delay", millis: 300 }
    ])
    const gossip = flood(new RateLimit.RateLimit(defaults), "gossip", 100_000)
    assert.strictEqual(counts(gossip), "Pass 2000, Drop 98000", "it may be lost, so too much is no offence")
  })

  it("are never dropped where somebody waits for the answer, and slowed down to the rate", () => {
    const limit = new RateLimit.RateLimit(defaults)
    let now = 0
    for (let n = 0; n < 10_400; n++) {
      const answer = limit.step("question", false, now)
      if (answer._tag === "Delay") now += answer.millis
      else assert.strictEqual(answer._tag, "Pass")
    }
    assert.closeTo(now, 50_000, 100)
  })

  it("are forgiven once the peer has been quiet for a whole burst", () => {
    const limit = new RateLimit.RateLimit(defaults)
    flood(limit, "control", 140)
    // 50 were delayed on credit: 5 s until they are paid for, and 5 s for a burst.
    assert.strictEqual(limit.step("control", false, 9_000)._tag, "Pass")
    assert.strictEqual(counts(flood(limit, "control", 60, 9_000)), "Pass 39, Drop 10, Disconnect 11")
    assert.strictEqual(counts(flood(limit, "control", 60, 30_000)), "Pass 50, Delay 10")
  })

  it("are of a class by their kind", () => {
    const of = (...kinds: ReadonlyArray<number>) => [...new Set(kinds.map(classOf))]
    assert.deepStrictEqual(of(Kind.Hello, Kind.Commit, Kind.Reject, Kind.Goodbye, Kind.Resume, 99), ["control"])
    assert.deepStrictEqual(of(Kind.Ping), ["ping"])
    assert.deepStrictEqual(of(Kind.Pong), ["pong"])
    assert.deepStrictEqual(of(Kind.Data, Kind.Receipt, Kind.Stream, Kind.Headers, Kind.Blocks), ["bulk"])
    assert.deepStrictEqual(of(Kind.Gossip, Kind.Tip, 200, 255), ["gossip"])
    assert.deepStrictEqual(of(Kind.Ask, Kind.Want), ["question"])
  })
})

const Frames = Schema.Array(
  Schema.Struct({
    frame: Schema.Literals(metered),
    solicited: Schema.Boolean,
    wait: Schema.Literals([0, 1, 7, 40, 100, 900, 12_000])
  })
).check(Schema.isMaxLength(400))
const tight: RateLimit.Limits = {
  ping: { perSecond: 10, burst: 5, delays: 4, drops: 3 },
  pong: { perSecond: 10, burst: 5, delays: 4, drops: 3 },
  control: { perSecond: 7, burst: 6, delays: 2, drops: 5 },
  gossip: { perSecond: 20, burst: 10, delays: 0, drops: 2 },
  question: { perSecond: 15, burst: 8, delays: Number.POSITIVE_INFINITY, drops: 0 }
}

describe("whatever a peer sends", () => {
  it.prop("what was asked for passes, and leaves the answers to everything else as they are", [Frames], ([frames]) => {
    const all = new RateLimit.RateLimit(tight)
    const without = new RateLimit.RateLimit(tight)
    let now = 0
    for (const { frame, solicited, wait } of frames) {
      now += wait
      const answer = all.step(frame, solicited, now)
      assert.deepStrictEqual(answer, solicited ? { _tag: "Pass" } : without.step(frame, false, now))
    }
  })

  it.prop("no class is limited by another one", [Frames], ([frames]) => {
    const together = new RateLimit.RateLimit(tight)
    const apart = new Map(metered.map((frame) => [frame, new RateLimit.RateLimit(tight)]))
    let now = 0
    for (const { frame, wait } of frames) {
      now += wait
      assert.deepStrictEqual(together.step(frame, false, now), apart.get(frame)!.step(frame, false, now))
    }
  })

  it.prop("what is handled keeps the rate, if the delays are kept", [Frames], ([frames]) => {
    const limit = new RateLimit.RateLimit(tight)
    const handled = new Map<Metered, Array<number>>()
    let now = 0
    for (const { frame, wait } of frames) {
      now += wait
      const answer = limit.step(frame, false, now)
      if (answer._tag === "Delay") now += answer.millis
      if (answer._tag === "Pass" || answer._tag === "Delay") handled.set(frame, [...(handled.get(frame) ?? []), now])
    }
    for (const [frame, times] of handled) {
      const { burst, perSecond } = tight[frame]
      for (const [first, from] of times.entries()) {
        for (const [count, at] of times.slice(first).entries()) {
          assert.isAtMost(count + 1, burst + ((at - from) * perSecond) / 1_000 + 1e-6, frame)
        }
      }
    }
  })

  it.prop("a peer that keeps the rate is never delayed", [Schema.Literals(metered), Frames], ([frame, frames]) => {
    const limit = new RateLimit.RateLimit(tight)
    const { burst, perSecond } = tight[frame]
    // An allowance of its own, counted in exact thousandths of a frame.
    let [now, allowed] = [0, burst * 1_000]
    for (const { wait } of frames) {
      now += wait
      allowed = Math.min(burst * 1_000, allowed + wait * perSecond)
      if (allowed < 1_000) continue
      allowed -= 1_000
      assert.strictEqual(limit.step(frame, false, now + 1e-6)._tag, "Pass")
    }
  })

  it.prop(
    "nothing is dropped before the delays are used up, nor the session ended before the drops are",
    [Frames],
    ([frames]) => {
      const limit = new RateLimit.RateLimit(tight)
      const since = new Map<Metered, { Delay: number; Drop: number }>()
      let now = 0
      for (const { frame, wait } of frames) {
        now += wait
        const answer = limit.step(frame, false, now)
        const seen = since.get(frame) ?? { Delay: 0, Drop: 0 }
        since.set(frame, seen)
        if (answer._tag === "Delay") {
          if (seen.Delay >= tight[frame].delays || seen.Drop > 0) since.set(frame, { Delay: 1, Drop: 0 })
          else seen.Delay++
        }
        if (answer._tag === "Drop") {
          assert.isAtLeast(seen.Delay, tight[frame].delays)
          seen.Drop++
        }
        if (answer._tag === "Disconnect") assert.isAtLeast(seen.Drop, tight[frame].drops)
      }
    }
  )
})
