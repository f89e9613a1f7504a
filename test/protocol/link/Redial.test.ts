import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Redial from "../../../src/protocol/link/Redial.ts"
import { GoodbyeReason, RejectReason } from "../../../src/protocol/link/LinkMessage.ts"
import { inputs } from "../../support/properties/Inputs.ts"

const { defaults, initial, step } = Redial
const hopeless: ReadonlyArray<RejectReason> = ["self", "network", "version", "genesis", "banned"]
const exact: ReadonlyArray<RejectReason> = ["duplicate", "owner"]

/** The states and waits after each of `events`. */
const run = (events: ReadonlyArray<Redial.Event>, state: Redial.State = initial) => {
  const waits: Array<number> = []
  let now = state
  for (const event of events) {
    const next = step(defaults, now, event)
    now = next.state
    waits.push(next.waitMillis)
  }
  return { state: now, waits, wait: waits.at(-1)! }
}

const failed = (random = 0.5): Redial.Event => ({ _tag: "Failed", now: 0, random })
const started = (now: number): Redial.Event => ({ _tag: "Started", now })
const ended = (now: number, stable = false, random = 0.5): Redial.Event => ({ _tag: "Ended", now, random, stable })
const rejected = (reason: RejectReason, random = 0.5): Redial.Event => ({ _tag: "Rejected", now: 0, random, reason })
const goodbye = (
  retryAfterMillis: number,
  reason: GoodbyeReason = "shutdown",
  now = 0,
  stable = false
): Redial.Event => ({
  _tag: "Goodbye",
  now,
  random: 0.5,
  reason,
  retryAfterMillis,
  stable
})
/** Six sessions of a second, which is one more than the window allows. */
const flapping = (from: number): ReadonlyArray<Redial.Event> =>
  Array.from({ length: 6 }, (_, i) => [started(from + i * 2_000), ended(from + i * 2_000 + 1_000)]).flat()

describe("a peer that cannot be reached", () => {
  it("is dialled with growing, jittered, capped gaps, for ever", () => {
    const { state, waits } = run(Array.from({ length: 5_000 }, () => failed(0.5)))
    assert.deepStrictEqual(waits.slice(0, 8), [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
    assert.isTrue(waits.slice(6).every((wait) => wait === 30_000))
    assert.strictEqual(state.breaker, "closed")
    assert.strictEqual(run([failed(0)]).wait, 0)
    assert.isBelow(run([failed(0.999_999)]).wait, 1_000)
  })
})

describe("back-off", () => {
  const many = Array.from({ length: 10 }, () => failed())

  it("is forgotten after a stable session only", () => {
    assert.strictEqual(run([...many, started(0), ended(1, true), failed()]).waits.at(-2), 500)
    assert.strictEqual(run([...many, started(0), ended(1, true)]).state.failures, 0)
    assert.strictEqual(run([...many, started(0)]).state.failures, 10, "a session that starts is no success yet")
    assert.strictEqual(run([...many, started(0), ended(1, false)]).wait, 30_000)
    assert.strictEqual(run([...many, started(0), goodbye(0, "shutdown", 1), failed()]).wait, 30_000)
    assert.strictEqual(run([...many, started(0), goodbye(0, "shutdown", 1, true), failed()]).wait, 500)
  })

  it("grows with every short session, although the connection worked", () => {
    const { waits } = run([0, 1, 2, 3].flatMap((i) => [started(i * 70_000), ended(i * 70_000 + 1_000)]))
    assert.deepStrictEqual(
      waits.filter((_, i) => i % 2 === 1),
      [500, 1_000, 2_000, 4_000]
    )
  })
})

describe("the first wait after a stable session", () => {
  const after = (more: { readonly outage?: boolean }) =>
    [0, 0.5, 0.999_999].map((random) => run([{ _tag: "Ended", now: 0, random, stable: true, ...more }]))

  it("is up to a second, and up to five where several peers were lost at once", () => {
    assert.deepStrictEqual(
      after({}).map(({ wait }) => wait),
      [0, 500, 999]
    )
    assert.deepStrictEqual(
      after({ outage: true }).map(({ wait }) => wait),
      [0, 2_500, 4_999]
    )
    for (const { state } of after({ outage: true })) assert.deepStrictEqual(state, initial)
  })

  it("is never longer than the cap", () => {
    const lost = { _tag: "Ended", now: 0, random: 0.999_999, stable: true, outage: true } as const
    assert.strictEqual(step({ ...defaults, capMillis: 200 }, initial, lost).waitMillis, 199)
  })

  it("is as after any failure if the session was not stable, whoever else was lost", () => {
    assert.strictEqual(run([{ _tag: "Ended", now: 0, random: 0.5, stable: false, outage: true }]).wait, 500)
  })
})

describe("a peer that answers and takes nobody yet", () => {
  const absent = Array.from({ length: 12 }, () => failed(0.999_999))
  const answers = (): Redial.Event => ({ _tag: "Failed", now: 0, random: 0.999_999, answered: true })
  const busy = () => rejected("busy", 0.999_999)

  it("is dialled sooner than one that is away, and less and less so", () => {
    for (const come of [answers, busy]) {
      const { waits } = run([...absent, come(), come(), come(), come(), failed(0.999_999), come()])
      assert.deepStrictEqual(waits.slice(11), [59_999, 14_999, 29_999, 59_999, 59_999, 59_999, 14_999])
    }
  })

  it("is dialled no sooner than after so many failures anyway", () => {
    const { waits } = run(Array.from({ length: 8 }, answers))
    assert.deepStrictEqual(waits, [999, 1_999, 3_999, 7_999, 15_999, 31_999, 59_999, 59_999])
  })

  it("gets no such credit for sessions that end at once", () => {
    assert.strictEqual(run([...absent, answers(), started(0), ended(1, false, 0.999_999)]).wait, 59_999)
    assert.strictEqual(run([...absent, answers(), answers(), started(0)]).state.answered, 0)
  })
})

describe("what stands whatever changes on this side", () => {
  const firm = (events: ReadonlyArray<Redial.Event>) => {
    const before = run(events.slice(0, -1)).state
    const { firmMillis, waitMillis } = step(defaults, before, events.at(-1)!)
    assert.isAtMost(firmMillis, waitMillis)
    return firmMillis
  }

  it("is what the peer has said, and an open breaker", () => {
    assert.strictEqual(firm([goodbye(7_000)]), 7_000)
    assert.strictEqual(firm([rejected("network")]), 600_000)
    assert.strictEqual(firm(flapping(0)), 60_000)
    assert.strictEqual(firm([...flapping(0), goodbye(5_000, "unwanted", 20_000)]), 125_000)
  })

  it("is no back-off", () => {
    for (const event of [failed(), ended(0), ended(0, true), rejected("busy"), rejected("duplicate"), started(0)]) {
      assert.strictEqual(firm([failed(), failed(), event]), 0)
    }
  })
})

describe("the breaker", () => {
  it("opens when a sixth session within the window ends, and not when the six are spread wider", () => {
    assert.deepStrictEqual(run(flapping(0)).state.breaker, "open")
    assert.strictEqual(run(flapping(0)).wait, 60_000)
    const five = flapping(0).slice(0, 10)
    assert.strictEqual(run(five).state.breaker, "closed")
    const late = [...five, started(60_001), ended(60_002)]
    assert.strictEqual(run(late).state.breaker, "closed")
  })

  it("opens however the sessions end: a peer that says goodbye again and again is not dialled again and again", () => {
    for (const reason of GoodbyeReason.literals) {
      const polite = Array.from({ length: 6 }, (_, i) => [
        started(i * 2_000),
        goodbye(0, reason, i * 2_000 + 1_000)
      ]).flat()
      assert.strictEqual(run(polite).state.breaker, "open", reason)
      assert.isAtLeast(run(polite).wait, 60_000)
    }
  })

  it("opens when the sessions are refused after they have begun here: who decides hears of a refusal too late", () => {
    const refusals = (reason: RejectReason, announced: { readonly retryAfterMillis?: number } = {}) =>
      Array.from({ length: 6 }, (_, i): ReadonlyArray<Redial.Event> => [
        started(i * 1_000),
        { _tag: "Rejected", now: i * 1_000 + 500, random: 0.5, reason, ...announced }
      ]).flat()
    for (const reason of RejectReason.literals) {
      if (!hopeless.includes(reason)) assert.strictEqual(run(refusals(reason)).wait, 60_000, reason)
    }
    assert.strictEqual(run(refusals("banned", { retryAfterMillis: 5_000 })).wait, 65_000)
    assert.strictEqual(run(refusals("network")).wait, 600_000)
  })

  it("lets one dial through when it has been open, and doubles up to ten minutes while that fails", () => {
    const results = [failed, () => ended(1e9), () => rejected("busy"), failed, failed, failed]
    let { state } = run(flapping(0))
    const waits: Array<number> = []
    for (const result of results) {
      const next = run([result()], state)
      assert.strictEqual(next.state.breaker, "open")
      waits.push(next.wait)
      state = next.state
    }
    assert.deepStrictEqual(waits, [120_000, 240_000, 480_000, 600_000, 600_000, 600_000])
  })

  it("closes after a stable session and then starts over at a minute", () => {
    const healed = run([...flapping(0), started(70_000), ended(170_000, true)])
    assert.deepStrictEqual(healed.state, initial)
    assert.isAtMost(healed.wait, 1_000)
    assert.strictEqual(run(flapping(200_000), healed.state).wait, 60_000)
  })

  it("is half-open while the one dial's session lasts, and opens again if that was short", () => {
    const probing = run([...flapping(0), started(80_000)])
    assert.strictEqual(probing.state.breaker, "half-open")
    const again = run([ended(81_000)], probing.state)
    assert.strictEqual(again.state.breaker, "open")
    assert.strictEqual(again.wait, 120_000)
  })
})

describe("a goodbye", () => {
  it("is obeyed: no dial before the time that it names", () => {
    for (const reason of GoodbyeReason.literals) {
      for (const after of [0, 1, 5_000, 86_400_000]) {
        for (const before of [[], flapping(0), [failed(), failed()]]) {
          assert.isAtLeast(run([...before, goodbye(after, reason)]).wait, after)
        }
      }
    }
    assert.strictEqual(run([goodbye(5_000)]).wait, 5_500)
  })

  it("is a failure only if the peer had something against us", () => {
    const failures = GoodbyeReason.literals.map((reason) => [reason, run([goodbye(0, reason)]).state.failures])
    assert.deepStrictEqual(failures, [
      ["shutdown", 0],
      ["replaced", 0],
      ["violation", 1],
      ["slow", 1],
      ["unwanted", 1]
    ])
  })
})

describe("a refusal", () => {
  it("as one that is banned is waited out, ten minutes if nobody said until when", () => {
    const banned = (retryAfterMillis?: number): Redial.Event => ({
      _tag: "Rejected",
      now: 0,
      random: 0.5,
      reason: "banned",
      ...(retryAfterMillis === undefined ? {} : { retryAfterMillis })
    })
    assert.strictEqual(run([banned()]).wait, 600_000)
    for (const until of [1, 3_600_000]) {
      const { state, wait } = run([failed(), failed(), failed(), banned(until)])
      assert.strictEqual(wait, until + 500, "and then a first wait")
      assert.strictEqual(state.failures, 4)
    }
    assert.isAtMost(run([banned(1e15)]).wait, 86_401_000, "nobody is away for longer than a day")
  })

  it("that names a time is not dialled before it", () => {
    for (const reason of RejectReason.literals) {
      assert.isAtLeast(
        run([{ _tag: "Rejected", now: 0, random: 0, reason, retryAfterMillis: 40_000 }]).wait,
        40_000,
        reason
      )
    }
  })

  it("as a duplicate, or for another agent, is followed by a wait without chance", () => {
    for (const random of [0, 0.999_999]) {
      for (const reason of ["duplicate", "owner"] as const)
        assert.strictEqual(run([rejected(reason, random)]).wait, 500)
    }
  })

  it("that another dial will not change is followed by ten minutes of quiet, every time", () => {
    for (const reason of hopeless) {
      for (const random of [0, 0.999]) {
        const { waits } = run(Array.from({ length: 50 }, () => rejected(reason, random)))
        assert.isTrue(
          waits.every((wait) => wait === 600_000),
          reason
        )
      }
    }
  })

  it("as a duplicate costs nothing twice, and backs off when it does not end", () => {
    const { waits, state } = run(Array.from({ length: 12 }, () => rejected("duplicate")))
    assert.deepStrictEqual(waits.slice(0, 6), [500, 500, 500, 1_000, 2_000, 4_000])
    assert.strictEqual(waits.at(-1), 30_000)
    assert.strictEqual(run([started(0)], state).state.duplicates, 0)
    assert.strictEqual(run([rejected("duplicate"), rejected("duplicate")]).state.failures, 0)
  })

  it("in favour of another agent is followed by a dial of that one at once, and backs off when agents point in circles", () => {
    const { state, waits } = run([...Array.from({ length: 4 }, () => rejected("owner")), rejected("duplicate")])
    assert.deepStrictEqual(waits, [500, 500, 500, 1_000, 2_000])
    assert.strictEqual(run([started(0), rejected("owner")], state).wait, 500)
    assert.strictEqual(run([rejected("owner"), rejected("duplicate")]).state.failures, 0)
  })

  it("for any other reason is a failure", () => {
    for (const reason of ["occupied", "busy", "shutdown", "violation"] as const) {
      assert.deepStrictEqual(run([rejected(reason), rejected(reason)]).waits, [500, 1_000])
    }
  })
})

const Events = Schema.Array(
  Schema.Struct({
    kind: Schema.Literals(["Started", "Ended", "Goodbye", "Failed", "Rejected"]),
    wait: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20_000 })),
    random: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999 })),
    stable: Schema.Boolean,
    goodbye: GoodbyeReason,
    reject: RejectReason
  })
).check(Schema.isMaxLength(80))

describe("whatever happens", () => {
  const model = ([events]: readonly [typeof Events.Type]) => {
    let state = initial
    let now = 0
    /** What a reader of the rules would keep: starts within the window, and openings since the last stable end. */
    let starts: Array<number> = []
    let openings = 0
    let blocked = false
    for (const { goodbye: why, kind, random: thousandth, reject, stable, wait } of events) {
      now += wait
      const random = thousandth / 1_000
      const event: Redial.Event =
        kind === "Started"
          ? { _tag: kind, now }
          : kind === "Ended"
            ? { _tag: kind, now, random, stable }
            : kind === "Goodbye"
              ? { _tag: kind, now, random, stable, reason: why, retryAfterMillis: wait }
              : kind === "Failed"
                ? { _tag: kind, now, random }
                : { _tag: kind, now, random, reason: reject }
      const next = step(defaults, state, event)
      const announced = kind === "Goodbye" ? wait : 0
      starts = starts.filter((at) => now - at < 60_000)
      if (kind === "Started") starts.push(now)
      const heals = (kind === "Ended" || kind === "Goodbye") && stable
      const isEnd = kind === "Ended" || kind === "Goodbye" ? !stable : kind === "Rejected" && !hopeless.includes(reject)
      const floods = isEnd && starts.length > 5
      const blames =
        kind === "Failed" ||
        (kind === "Ended" && !stable) ||
        (kind === "Goodbye" && !stable && ["violation", "slow", "unwanted"].includes(why)) ||
        (kind === "Rejected" && !hopeless.includes(reject) && (!exact.includes(reject) || state.duplicates >= 2))
      const opens = floods || (blocked && blames)
      if (opens) {
        assert.strictEqual(next.waitMillis - announced, Math.min(600_000, 60_000 * 2 ** openings))
        openings++
        starts = []
        blocked = true
      }
      if (heals) {
        openings = 0
        starts = []
        blocked = false
      }
      assert.strictEqual(next.state.breaker, opens ? "open" : blocked ? "half-open" : "closed", kind)
      assert.isTrue(Number.isSafeInteger(next.waitMillis) && next.waitMillis >= announced)
      assert.isAtMost(next.waitMillis - announced, 600_000)
      assert.isAtMost(next.state.started.length, defaults.starts + 1)
      if (kind === "Rejected" && hopeless.includes(reject)) assert.strictEqual(next.waitMillis, 600_000)
      state = next.state
    }
  }
  it.prop("the breaker follows its rules and every wait is bounded", [Events], model, {
    arbitrary: { runs: inputs(500), size: 40 }
  })
})
