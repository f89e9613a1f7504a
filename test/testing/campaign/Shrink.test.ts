import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { FailureGone, type Options, type Progress, shrink, timesOf } from "../../../src/testing/campaign/Shrink.ts"
import { held, type Verdict } from "../../../src/testing/cluster/Verdict.ts"
import {
  type Entry,
  type Fault,
  FaultPlan,
  type FaultKind,
  type FaultOf
} from "../../../src/testing/faults/FaultPlan.ts"
import { generate } from "../../../src/testing/faults/Swarm.ts"
import { calm } from "../../../src/testing/network/NetModel.ts"
import { Rng } from "../../../src/testing/world/Rng.ts"
import { fifo } from "../../../src/testing/world/Schedule.ts"

const lost: Verdict = { _tag: "Unsafe", property: "nothing is lost", detail: "1 message" }

const base: FaultPlan = {
  version: 1,
  nodes: 3,
  duration: 40_000,
  schedule: { order: "priorities", preemptEvery: 50, demoteEvery: 20 },
  network: { ...calm, loss: 0.05, chunk: 100 },
  knobs: { heartbeat: "fast", window: 3 },
  operations: 50,
  database: "pglite",
  faults: []
}

/** Shrinks a plan that fails if this holds, and says what it took. It fails in the end, unless it is said when. */
const shrinking = async (
  plan: FaultPlan,
  fails: (plan: FaultPlan) => boolean,
  more: Partial<Options> = {},
  lasts: (plan: FaultPlan) => number = ({ duration }) => duration
) => {
  const ran: Array<string> = []
  const progress: Array<Progress> = []
  const shrunk = await shrink({
    plan,
    verdict: lost,
    run: async (candidate) => {
      ran.push(JSON.stringify(Schema.decodeUnknownSync(FaultPlan)(candidate)))
      const verdict = fails(candidate) ? { ...lost, detail: `${ran.length} messages` } : held
      return { verdict, virtualMillis: lasts(candidate) }
    },
    clock: () => 0,
    onProgress: (step) => progress.push(step),
    ...more
  })
  return { ...shrunk, ran, progress }
}

const at = (millis: number, fault: Fault): Entry => ({ when: { at: millis }, fault })

/** The fault of this kind that a plan has, if it has one. */
const only = <K extends FaultKind>({ faults }: FaultPlan, kind: K): FaultOf<K> | undefined =>
  faults.map(({ fault }) => fault).find((fault): fault is FaultOf<K> => fault._tag === kind)

/** A plan of about 40 faults of all families. */
const crowded = (seed: number): FaultPlan => {
  const plan = generate(seed, "all-faults", { nodes: 4, duration: 25_000 })
  return { ...plan, faults: plan.faults.slice(0, 40) }
}

describe("shrink", () => {
  it("finds exactly the two or three faults of forty that it takes, in at most 300 runs", async () => {
    let most = 0
    for (let seed = 0; seed < 60; seed++) {
      const plan = crowded(seed)
      const rng = new Rng(seed, "needed")
      const texts = plan.faults.map((entry) => JSON.stringify(entry))
      const needed = rng
        .shuffle(texts.keys())
        .slice(0, rng.between(2, 3))
        .sort((a, b) => a - b)
      const isNeeded = (candidate: FaultPlan) => {
        const there = new Set(candidate.faults.map((entry) => JSON.stringify(entry)))
        return needed.every((index) => there.has(texts[index]!))
      }
      const { complete, plan: found, runs } = await shrinking(plan, isNeeded)
      assert.deepStrictEqual(
        found.faults,
        needed.map((index) => plan.faults[index]!),
        `seed ${seed}`
      )
      assert.isTrue(complete)
      assert.deepStrictEqual([found.operations, found.duration, found.network, found.schedule], [0, 1, calm, fifo])
      most = Math.max(most, runs)
    }
    assert.isTrue(most <= 300, `${most} runs`)
  })

  it("makes a plan without faults and without work of a failure that needs neither", async () => {
    const { plan, runs } = await shrinking(crowded(1), () => true)
    assert.deepStrictEqual(plan, {
      version: 1,
      nodes: 1,
      duration: 1,
      schedule: fifo,
      network: calm,
      operations: 0,
      database: "memory",
      faults: []
    })
    assert.isTrue(runs < 25, `${runs} runs`)
  })

  it("keeps to the same verdict, and gives the words of the last", async () => {
    const other: Verdict = { _tag: "Stuck", property: "nothing is lost", detail: "" }
    const shrunk = await shrink({
      plan: base,
      verdict: lost,
      run: async ({ duration, operations }) => ({
        virtualMillis: duration,
        verdict:
          operations > 20
            ? { ...lost, detail: `${operations}` }
            : operations > 5
              ? other
              : { ...lost, property: "order" }
      }),
      clock: () => 0
    })
    assert.strictEqual(shrunk.plan.operations, 21)
    assert.deepStrictEqual(shrunk.verdict, { ...lost, detail: "21" })
  })

  it("finds the fewest operations, and the nodes that are needed, called anew", async () => {
    const plan: FaultPlan = {
      ...base,
      nodes: 5,
      faults: [
        at(1_000, { _tag: "Kill", node: "e", down: 0, end: "rst" }),
        at(2_000, { _tag: "Stall", from: "c", to: "e", for: 1 }),
        at(3_000, { _tag: "Move", node: "a" })
      ]
    }
    const fails = (candidate: FaultPlan) => {
      if (candidate.faults.some(({ when }) => "at" in when && when.at < 1_000)) return false
      const [kill, stall] = [only(candidate, "Kill"), only(candidate, "Stall")]
      return candidate.operations >= 13 && kill !== undefined && stall !== undefined && stall.to === kill.node
    }
    const found = (await shrinking(plan, fails)).plan
    assert.deepStrictEqual([found.nodes, found.operations], [2, 13])
    assert.deepStrictEqual(found.faults, [
      at(1_000, { _tag: "Kill", node: "b", down: 0, end: "rst" }),
      at(1_000, { _tag: "Stall", from: "a", to: "b", for: 1 })
    ])
  })

  it("halves times, makes shares certain, and drops what makes a fault special", async () => {
    const latency = { floor: 100, mean: 50, tailShare: 0.01, tail: 9 }
    const plan: FaultPlan = {
      ...base,
      faults: [
        at(1_234, { _tag: "Dials", from: "a", oneWay: true, how: "refuse", share: 0.37, for: 9_000 }),
        at(2_345, { _tag: "Slow", from: "a", to: "b", oneWay: true, for: 5_000, latency }),
        at(3_456, { _tag: "Kill", node: "a", down: 4_000, end: "fin", wipe: true }),
        at(4_567, { _tag: "ClockStep", node: "a", by: -9_000 }),
        at(5_678, { _tag: "Swizzle", nodes: ["a", "b", "c"], heal: "random", for: 100 })
      ]
    }
    const fails = (candidate: FaultPlan) => {
      const [dials, slow] = [only(candidate, "Dials"), only(candidate, "Slow")]
      const [kill, step] = [only(candidate, "Kill"), only(candidate, "ClockStep")]
      const isLong = (dials?.for ?? 0) >= 1_000 && (kill?.down ?? 0) >= 900
      const isLate = candidate.faults.some(({ when }) => "at" in when && when.at >= 2_900)
      const isStrong = (slow?.latency.floor ?? 0) >= 20 && (step?.by ?? 0) <= -600
      return isLong && isLate && isStrong && only(candidate, "Swizzle") !== undefined && candidate.duration >= 6_000
    }
    const { plan: found } = await shrinking(plan, fails)
    const least = { floor: 25, mean: 0, tailShare: 0, tail: 1 }
    assert.deepStrictEqual(found.faults, [
      at(0, { _tag: "Dials", from: "a", how: "refuse", share: 1, for: 1_125 }),
      at(0, { _tag: "Slow", from: "a", to: "b", for: 1, latency: least }),
      at(0, { _tag: "Kill", node: "a", down: 1_000, end: "fin" }),
      at(0, { _tag: "ClockStep", node: "a", by: -1_125 }),
      at(5_000, { _tag: "Swizzle", nodes: ["a", "b"], heal: "forward", for: 1 })
    ])
    assert.deepStrictEqual([found.duration, found.nodes], [10_000, 2])
  })

  it("keeps what is unusual about the surroundings only if it takes it", async () => {
    const { plan } = await shrinking(base, ({ knobs, network }) => network.loss > 0 && knobs?.window === 3)
    assert.deepStrictEqual(plan.network, { ...calm, loss: 0.05 })
    assert.deepStrictEqual(plan.knobs, { window: 3 })
    assert.strictEqual(plan.database, "memory")
    const { plan: another } = await shrinking(base, ({ database }) => database === "pglite")
    assert.deepStrictEqual([another.network, another.knobs, another.database], [calm, undefined, "pglite"])
  })

  it("runs tasks in order if it may, else with as little in between as it takes", async () => {
    const orders = async (fails: (schedule: FaultPlan["schedule"]) => boolean) =>
      (await shrinking(base, ({ schedule }) => fails(schedule))).plan.schedule
    assert.deepStrictEqual(await orders(() => true), fifo)
    assert.deepStrictEqual(await orders(({ order }) => order === "priorities"), {
      order: "priorities",
      preemptEvery: 0,
      demoteEvery: 0
    })
    assert.deepStrictEqual(await orders(({ order, preemptEvery }) => order === "priorities" && preemptEvery > 0), {
      order: "priorities",
      preemptEvery: 50,
      demoteEvery: 0
    })
  })

  it("puts the time when a trigger struck in its place, if that does as well, and else waits for fewer", async () => {
    const when = { frame: { kind: "DATA", from: "a", to: "b", nth: 17 } } as const
    const plan: FaultPlan = {
      ...base,
      faults: [
        { when: { commit: { node: "a", nth: 9 } }, fault: { _tag: "Move", node: "a" } },
        { when, fault: { _tag: "Kill", node: "b", down: 0, end: "rst" } }
      ]
    }
    const fails = ({ faults: [move, kill] }: FaultPlan) =>
      move !== undefined && kill !== undefined && "frame" in kill.when && kill.when.frame.nth >= 3
    let asked = 0
    const times = async (candidate: FaultPlan) => {
      asked++
      return new Map(candidate.faults.map((_, index) => [index, 1_500.25 + index]))
    }
    const { plan: found } = await shrinking(plan, fails, { times })
    assert.deepStrictEqual(
      found.faults.map(({ when }) => when),
      [{ at: 0 }, { frame: { ...when.frame, nth: 4 } }]
    )
    assert.isTrue(asked <= 2, `${asked} times`)
    const { plan: without } = await shrinking(plan, fails)
    assert.deepStrictEqual(without.faults[0]!.when, { commit: { node: "a", nth: 1 } })
  })

  it("begins anew until nothing helps any more", async () => {
    const { plan } = await shrinking(
      crowded(2),
      ({ faults, operations }) => faults.length >= 2 && operations >= (faults.length > 2 ? 10 : 4)
    )
    assert.deepStrictEqual([plan.faults.length, plan.operations], [2, 4])
  })

  it("runs only as long as it takes until it fails, at the same pace, before anything else", async () => {
    const plan: FaultPlan = {
      ...base,
      faults: [
        at(900, { _tag: "Move", node: "a" }),
        at(1_100, { _tag: "Move", node: "b" }),
        at(9_000, { _tag: "Move", node: "c" })
      ]
    }
    const lasts = () => 1_999.5
    const fails = ({ duration, faults }: FaultPlan) => duration >= 2_001 && faults.length > 0
    const { progress, ran } = await shrinking(plan, fails, {}, lasts)
    const [first] = progress
    assert.deepStrictEqual([first?.stage, first?.runs], ["size", 2])
    assert.deepStrictEqual(first?.plan, { ...plan, duration: 2_001, operations: 3, faults: plan.faults.slice(0, 2) })
    assert.isTrue(ran.slice(1).every((text) => text.includes(`"duration":2001`) || !text.includes(`"duration":40000`)))
    const slower = ({ duration }: FaultPlan) => duration >= 4_002
    assert.strictEqual((await shrinking(plan, slower, {}, lasts)).progress[0]?.plan.duration, 4_002)
  })

  it("has fewer nodes do much for as long as at first where they show nothing in less, for a third of the time", async () => {
    const fails = ({ duration, nodes, operations }: FaultPlan) =>
      nodes === 3 ? duration >= 2_001 && operations > 0 : duration === 40_000 && operations === 200 && nodes === 2
    const lasts = ({ nodes }: FaultPlan) => (nodes === 3 ? 2_000 : 5_000)
    const found = await shrinking(base, fails, {}, lasts)
    assert.deepStrictEqual([found.plan.nodes, found.plan.duration], [2, 40_000])
    let now = 0
    const hurried = await shrinking(base, fails, { maxMillis: 12_000, clock: () => (now += 1_000) }, lasts)
    assert.strictEqual(hurried.plan.nodes, 3)
  })

  it("leaves out whole kinds of faults before single ones", async () => {
    const kinds = ["Move", "Pause", "Kill"] as const
    const faults = Array.from({ length: 36 }, (_, n): Entry => {
      const kind = kinds[n % kinds.length]
      if (kind === "Move") return at(n, { _tag: "Move", node: "a" })
      return at(
        n,
        kind === "Kill" ? { _tag: "Kill", node: "a", down: 0, end: "rst" } : { _tag: "Pause", node: "a", for: 1 }
      )
    })
    const needed = JSON.stringify(faults[19]?.fault)
    const fails = (candidate: FaultPlan) =>
      candidate.faults.some(({ fault }) => JSON.stringify(fault) === needed) && candidate.faults.length >= 3
    const { progress } = await shrinking({ ...base, faults }, fails)
    const first = progress.find(({ stage }) => stage === "faults")
    const kept = new Set(first?.plan.faults.map(({ fault }) => fault._tag))
    assert.isAtMost(kept.size, 2)
    assert.strictEqual(first?.plan.faults.length, 12 * kept.size)
  })

  it("runs no plan twice, only smaller ones, and tells of every one that it takes", async () => {
    for (let seed = 0; seed < 20; seed++) {
      const plan = crowded(seed)
      const fails = ({ faults, operations }: FaultPlan) =>
        operations > 2 && faults.some(({ fault }) => "node" in fault) && faults.length >= 4
      const { plan: found, progress, ran, runs } = await shrinking(plan, fails)
      assert.strictEqual(new Set(ran).size, ran.length)
      assert.strictEqual(runs, ran.length)
      const order = ["size", "faults", "values", "schedule"]
      const first = progress.map(({ stage }) => order.indexOf(stage))
      assert.isTrue(first.length > 3 && first[0] === 0)
      assert.strictEqual(progress.at(-1)!.plan, found)
      for (const [index, step] of progress.entries()) {
        const before = index === 0 ? plan : progress[index - 1]!.plan
        assert.isTrue(step.plan.faults.length <= before.faults.length && step.plan.nodes <= before.nodes)
        assert.isTrue(fails(step.plan))
      }
    }
  })

  it("does the same every time", async () => {
    const fails = ({ faults }: FaultPlan) => faults.filter(({ when }) => "at" in when).length >= 3
    const first = await shrinking(crowded(3), fails)
    assert.deepStrictEqual(await shrinking(crowded(3), fails), first)
  })

  it("stops at a number of runs and at a time, with the best that it has found", async () => {
    const fails = ({ faults }: FaultPlan) => faults.length >= 2
    const few = await shrinking(crowded(1), fails, { maxRuns: 10 })
    assert.deepStrictEqual([few.runs, few.complete], [10, false])
    assert.isTrue(few.plan.faults.length < 40 && fails(few.plan))
    let now = 0
    const short = await shrinking(crowded(1), fails, { maxMillis: 1_000, clock: () => (now += 100) })
    assert.isFalse(short.complete)
    assert.isTrue(short.runs >= 5 && short.runs <= 11, `${short.runs} runs`)
    assert.isTrue((await shrinking(crowded(1), fails)).complete)
  })

  it("says so if the plan does not fail, or in another way", async () => {
    const found = async (verdict: Verdict, expected: Verdict = lost) => {
      try {
        const run = async () => ({ verdict, virtualMillis: 1 })
        await shrink({ plan: base, verdict: expected, run, clock: () => 0 })
        return undefined
      } catch (error) {
        return error
      }
    }
    for (const verdict of [held, { ...lost, property: "order" }]) {
      const error = await found(verdict)
      assert.instanceOf(error, FailureGone)
      assert.include(String(error), "1 message")
    }
    const nothing = await found(held, held)
    assert.instanceOf(nothing, FailureGone)
    assert.include(String(nothing), "nothing to shrink")
    assert.isUndefined(await found({ ...lost, detail: "other words" }))
  })
})

describe("timesOf", () => {
  it("has the time of every entry that struck", () => {
    const event = (at: number, kind: string, entry: number) => ({ n: 1, at, node: "", kind, detail: { entry } })
    const times = timesOf({ trace: [event(1_500, "fault", 2), event(2_000, "fault-over", 2), event(7, "fault", 0)] })
    assert.deepStrictEqual(
      [...times],
      [
        [2, 1.5],
        [0, 0.007]
      ]
    )
  })
})
