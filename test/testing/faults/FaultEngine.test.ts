import { assert, describe, it } from "@effect/vitest"
import { FaultEngine } from "../../../src/testing/faults/FaultEngine.ts"
import { type Entry, Fault, type FaultKind, type FaultPlan, type When } from "../../../src/testing/faults/FaultPlan.ts"
import { calm } from "../../../src/testing/network/NetModel.ts"
import { fifo } from "../../../src/testing/world/Schedule.ts"
import { RecordingStage } from "../../support/RecordingStage.ts"

const planOf = (faults: ReadonlyArray<Entry>): FaultPlan => ({
  version: 1,
  nodes: 3,
  duration: 60_000,
  schedule: fifo,
  network: calm,
  operations: 0,
  database: "memory",
  faults
})

const at = (millis: number, fault: Fault): Entry => ({ when: { at: millis }, fault })

const engineOn = (stage: RecordingStage, ...faults: ReadonlyArray<Entry>): FaultEngine => {
  const engine = new FaultEngine(stage, planOf(faults))
  engine.begin()
  return engine
}

const latency = { floor: 10, mean: 5, tailShare: 0, tail: 1 }
const everywhere = "ab,ac,ba,bc,ca,cb"

/** Every kind, struck at 1 s, and what the stage is asked then and after a second. */
const kinds: ReadonlyArray<readonly [Fault, ...Array<string>]> = [
  [{ _tag: "Partition", for: 50, shape: "isolate", side: ["c"] }, 'impair ac,bc,ca,cb {"stalled":true}'],
  [{ _tag: "Stall", from: "a", to: "b", for: 50 }, 'impair ab,ba {"stalled":true}'],
  [{ _tag: "Silence", from: "a" }, "silence ab,ac,ba,ca"],
  [{ _tag: "Close", to: "b", oneWay: true, how: "rst-as-end" }, "close ab,cb rst-as-end"],
  [{ _tag: "Slow", from: "a", to: "b", oneWay: true, for: 50, latency }, `impair ab ${JSON.stringify({ latency })}`],
  [{ _tag: "Bandwidth", for: 50, bitsPerSecond: 8_000 }, `impair ${everywhere} {"bandwidth":8000}`],
  [{ _tag: "Loss", for: 50, share: 0.1 }, `impair ${everywhere} {"loss":0.1}`],
  [{ _tag: "Chunks", for: 50, most: 3 }, `impair ${everywhere} {"chunk":3}`],
  [{ _tag: "Window", for: 50, bytes: 0 }, `impair ${everywhere} {"window":0}`],
  [{ _tag: "BitFlips", for: 50, share: 0.01 }, `impair ${everywhere} {"bitFlips":0.01}`],
  [
    { _tag: "Dials", from: "a", oneWay: true, for: 50, how: "slow", share: 0.5, takes: 900 },
    'dials ab,ac {"how":"slow","share":0.5,"takes":900}'
  ],
  [{ _tag: "Backlog", node: "a", for: 50, connections: 1 }, "backlog a 1"],
  [{ _tag: "Exhaustion", node: "a", for: 50, connections: 0 }, "exhaust a 0"],
  [{ _tag: "Dns", node: "a", for: 50, how: "elsewhere" }, "dns a elsewhere"],
  [{ _tag: "Move", node: "b" }, "move b"],
  [{ _tag: "Kill", node: "b", down: 20, end: "silence", wipe: true }, "kill b 20 silence wiped"],
  [{ _tag: "Restart", node: "b", down: 20 }, "restart b 20"],
  [{ _tag: "ClockStep", node: "a", by: -3_600_000 }, "step a -3600000"],
  [{ _tag: "SlowDatabase", node: "a", for: 50, latency }, "slow a"],
  [{ _tag: "FailingDatabase", node: "a", for: 50, share: 0.2, when: "after-commit" }, "failing a 0.2 after-commit"],
  [{ _tag: "DatabaseRestart", node: "a", for: 50 }, "database a down 50"],
  [
    { _tag: "Buggify", node: "a", for: 50, site: "delivery.batch-sent-again", share: 1 },
    "buggify a delivery.batch-sent-again 1"
  ]
]

/** Those that end by undoing what the stage began. */
const undone = new Set<FaultKind>(kinds.flatMap(([fault]) => ("for" in fault ? [fault._tag] : [])))

/** Kinds with tests of their own below. */
const apart: ReadonlyArray<FaultKind> = [
  "Swizzle",
  "CloseAfter",
  "Ghost",
  "Pause",
  "ClockDrift",
  "LateTimers",
  "RestoreBackup"
]

describe("FaultEngine", () => {
  for (const [fault, line] of kinds) {
    it(`carries out ${fault._tag} when its time has come${undone.has(fault._tag) ? ", and undoes it" : ""}`, async () => {
      const stage = new RecordingStage()
      engineOn(stage, at(1_000, fault))
      await stage.runTo(2_000)
      assert.deepStrictEqual(
        stage.log,
        undone.has(fault._tag) ? [`1000 ${line}`, `1050 end of ${line}`] : [`1000 ${line}`]
      )
    })
  }

  it("is tested for every kind of fault there is", () => {
    const tested = [...kinds.map(([{ _tag }]) => _tag), ...apart]
    assert.deepStrictEqual(tested.toSorted(), (Object.keys(Fault.cases) as Array<FaultKind>).toSorted())
  })

  it("stalls the nodes of a swizzle one after the other and heals every one of them", async () => {
    const stage = new RecordingStage()
    const engine = engineOn(stage, at(0, { _tag: "Swizzle", nodes: ["a", "b", "c"], for: 10_000, heal: "reverse" }))
    await stage.runTo(20_000)
    const around: Record<string, string> = { a: "ab,ac,ba,ca", b: "ab,ba,bc,cb", c: "ac,bc,ca,cb" }
    const order = stage.log.map((line) => line.replace(/^[\d.]+ /, ""))
    const cut = (node: string) => `impair ${around[node]} {"stalled":true}`
    assert.deepStrictEqual(order, [
      ...["a", "b", "c"].map(cut),
      ...["c", "b", "a"].map((node) => `end of ${cut(node)}`)
    ])
    assert.strictEqual(stage.log[0], `0 ${cut("a")}`)
    assert.strictEqual(stage.log.at(-1), `10000 end of ${cut("a")}`)
    assert.strictEqual(engine.struck.Swizzle, 1)
  })

  it("keeps a connection's limit of bytes until the end of the disturbed part", async () => {
    const stage = new RecordingStage()
    const engine = engineOn(stage, at(5, { _tag: "CloseAfter", from: "a", to: "b", oneWay: true, bytes: 100 }))
    await stage.runTo(59_000)
    assert.deepStrictEqual(stage.log, ["5 closeAfter ab 100"])
    engine.stop()
    assert.strictEqual(stage.log[1], "59000 end of closeAfter ab 100")
    assert.strictEqual(engine.struck.CloseAfter, 1)
  })

  it("forgets a connection's limit of bytes at its time, if it has one", async () => {
    const stage = new RecordingStage()
    engineOn(stage, at(5, { _tag: "CloseAfter", for: 50, bytes: 100 }))
    await stage.runTo(100)
    assert.deepStrictEqual(stage.log, [`5 closeAfter ${everywhere} 100`, `55 end of closeAfter ${everywhere} 100`])
  })

  it("lets a ghost speak only after its time, and counts it only if there was one", async () => {
    for (const touched of [0, 1]) {
      const stage = new RecordingStage()
      stage.touched = touched
      const engine = engineOn(stage, at(10, { _tag: "Ghost", from: "a", to: "b", after: 500 }))
      await stage.runTo(1_000)
      assert.deepStrictEqual(stage.log, ["510 ghost a b"])
      assert.strictEqual(engine.struck.Ghost, touched)
    }
  })

  it("lets no ghost speak once it has stopped", async () => {
    const stage = new RecordingStage(["a"])
    const engine = engineOn(stage, at(10, { _tag: "Ghost", from: "a", to: "b", after: 500 }))
    await stage.runTo(100)
    engine.stop()
    await stage.runTo()
    assert.deepStrictEqual(stage.log, ["100 heal", "100 resume a", "100 revive a"])
    assert.strictEqual(engine.struck.Ghost, 0)
  })

  it("resumes a node when the last of its pauses is over", async () => {
    const stage = new RecordingStage()
    engineOn(
      stage,
      at(0, { _tag: "Pause", node: "a", for: 100 }),
      at(50, { _tag: "Pause", node: "a", for: 100 }),
      at(60, { _tag: "Pause", node: "b", for: 10 })
    )
    await stage.runTo(1_000)
    assert.deepStrictEqual(stage.log, ["0 pause a", "50 pause a", "60 pause b", "70 resume b", "150 resume a"])
  })

  it("lets a clock drift until the end of the disturbed part", async () => {
    const stage = new RecordingStage(["a"])
    const engine = engineOn(
      stage,
      at(0, { _tag: "ClockDrift", node: "a", partsPerMillion: 100 }),
      at(10, { _tag: "ClockDrift", node: "a", partsPerMillion: -200 })
    )
    await stage.runTo(100)
    engine.stop()
    assert.deepStrictEqual(stage.log.slice(0, 4), [
      "0 drift a 100",
      "10 drift a -200",
      "100 drift a 100",
      "100 drift a 0"
    ])
    assert.strictEqual(engine.struck.ClockDrift, 2)
  })

  it("lets clocks go as the latest of the drifts says that are not over", async () => {
    const stage = new RecordingStage()
    const drift = (partsPerMillion: number, lasts: number): Fault => ({
      _tag: "ClockDrift",
      node: "a",
      partsPerMillion,
      for: lasts
    })
    const engine = engineOn(stage, at(0, drift(100, 50)), at(10, drift(-200, 20)), at(20, drift(300, 100)))
    await stage.runTo(200)
    assert.deepStrictEqual(stage.log, [
      "0 drift a 100",
      "10 drift a -200",
      "20 drift a 300",
      "30 drift a 300",
      "50 drift a 300",
      "120 drift a 0"
    ])
    assert.strictEqual(engine.struck.ClockDrift, 3)
  })

  it("makes a share of timers late, mostly by little, and adds up what overlaps", async () => {
    const stage = new RecordingStage()
    const engine = engineOn(
      stage,
      at(0, { _tag: "LateTimers", node: "a", for: 100, share: 0.25, most: 200 }),
      at(50, { _tag: "LateTimers", node: "a", for: 100, share: 1, most: 200 })
    )
    const drawn = () => Array.from({ length: 4_000 }, () => stage.samplers.get("a timers")!())
    await stage.runTo(10)
    const some = drawn()
    const late = some.filter((micros) => micros > 0)
    assert.isTrue(Math.abs(late.length / some.length - 0.25) < 0.07, `${late.length} late`)
    assert.isTrue(some.every((micros) => Number.isInteger(micros) && micros >= 0 && micros <= 200_000))
    assert.isTrue(late.filter((micros) => micros > 100_000).length < late.length / 10)
    await stage.runTo(60)
    assert.isTrue(drawn().filter((micros) => micros > 0).length > 3_000)
    await stage.runTo(120)
    assert.isTrue(stage.samplers.has("a timers"))
    await stage.runTo(200)
    assert.deepStrictEqual(stage.log, ["0 lateness a on", "50 lateness a on", "150 lateness a off"])
    assert.strictEqual(engine.struck.LateTimers, 2)
  })

  it("restores the backup that was taken at its time until nobody wants it any more, and nothing if there is none yet", async () => {
    const stage = new RecordingStage()
    const backup = (takenAt: number): Fault => ({ _tag: "RestoreBackup", node: "a", takenAt, down: 10 })
    const engine = engineOn(stage, at(500, backup(100)), at(600, backup(100)), at(700, backup(900)))
    await stage.runTo(2_000)
    assert.deepStrictEqual(stage.log, [
      "100 snapshot a",
      "500 restoreBackup a 7 10",
      "600 restoreBackup a 7 10",
      "600 drop a 7",
      "900 snapshot a"
    ])
    assert.strictEqual(engine.struck.RestoreBackup, 2)
  })

  it("draws the delay of every query from the latency it is given", async () => {
    const stage = new RecordingStage()
    const fault: Fault = {
      _tag: "SlowDatabase",
      node: "a",
      for: 100,
      latency: { ...latency, tailShare: 0.1, tail: 20 }
    }
    const engine = engineOn(stage, at(0, fault), at(500, fault))
    await stage.runTo(10)
    const drawn = Array.from({ length: 4_000 }, () => stage.samplers.get("a database")!())
    const mean = drawn.reduce((sum, millis) => sum + millis, 0) / drawn.length
    assert.isTrue(drawn.every((millis) => millis >= 10))
    assert.isTrue(Math.abs(mean - 15 * (0.9 + 0.1 * 20)) < 4, `mean ${mean}`)
    await stage.runTo(2_000)
    // Nobody asked the second one.
    assert.strictEqual(engine.struck.SlowDatabase, 1)
  })

  it("counts only what touched something, and what nobody counts as touched", async () => {
    for (const [touched, expected] of [
      [0, 0],
      [5, 1],
      [undefined, 1]
    ] as const) {
      const stage = new RecordingStage()
      stage.touched = touched
      const engine = engineOn(
        stage,
        at(1, { _tag: "Stall", for: 10 }),
        at(2, { _tag: "Close", how: "rst" }),
        at(3, { _tag: "Kill", node: "a", down: 1, end: "fin" })
      )
      await stage.runTo(100)
      assert.deepStrictEqual(
        [engine.struck.Stall, engine.struck.Close, engine.struck.Kill],
        [expected, expected, expected]
      )
      assert.strictEqual(engine.struck.Pause, 0)
    }
  })

  it("writes the beginning and the end of every fault into the trace", async () => {
    const stage = new RecordingStage()
    engineOn(stage, at(3, { _tag: "Move", node: "b" }), at(1, { _tag: "Stall", from: "a", to: "b", for: 10 }))
    await stage.runTo(100)
    const stall = "stall between a and b for 10 ms"
    const move = "b moves to another address"
    assert.deepStrictEqual(
      stage.world.trace.events.map(({ at, detail, kind, node }) => ({ at, node, kind, detail })),
      [
        { at: 1_000, node: "", kind: "fault", detail: { entry: 1, fault: stall } },
        { at: 3_000, node: "b", kind: "fault", detail: { entry: 0, fault: move } },
        { at: 3_000, node: "b", kind: "fault-over", detail: { entry: 0, fault: move, touched: 1 } },
        { at: 11_000, node: "", kind: "fault-over", detail: { entry: 1, fault: stall, touched: 1 } }
      ]
    )
  })

  it("strikes at the nth frame, commit, event or pass, inside the call that reports it", () => {
    const cases: ReadonlyArray<readonly [When, (engine: FaultEngine) => void, (engine: FaultEngine) => void]> = [
      [
        { frame: { kind: "DATA", from: "a", to: "b", nth: 2 } },
        (engine) => {
          engine.frame("DATA", "a", "b")
          engine.frame("DATA", "b", "a")
          engine.frame("RECEIPT", "a", "b")
        },
        (engine) => engine.frame("DATA", "a", "b")
      ],
      [
        { commit: { node: "a", nth: 3 } },
        (engine) => {
          engine.commit("a", 2)
          engine.commit("b", 3)
        },
        (engine) => engine.commit("a", 3)
      ],
      [{ event: 100 }, (engine) => engine.event(99), (engine) => engine.event(102)],
      [
        { site: { node: "a", name: "delivery.batch-sent-again", nth: 1 } },
        (engine) => {
          engine.site("b", "delivery.batch-sent-again")
          engine.site("a", "delivery.numbered-before-sent")
        },
        (engine) => engine.site("a", "delivery.batch-sent-again")
      ]
    ]
    for (const [when, early, due] of cases) {
      const stage = new RecordingStage()
      const engine = engineOn(stage, { when, fault: { _tag: "Kill", node: "c", down: 0, end: "rst" } })
      early(engine)
      assert.deepStrictEqual(stage.log, [], JSON.stringify(when))
      due(engine)
      assert.deepStrictEqual(stage.log, ["0 kill c 0 rst"], JSON.stringify(when))
      due(engine)
      assert.strictEqual(stage.log.length, 1, "struck twice")
    }
  })

  it("undoes everything when it stops, the latest first, and nothing strikes afterwards", async () => {
    const stage = new RecordingStage(["a", "b"])
    const engine = engineOn(
      stage,
      at(0, { _tag: "Stall", from: "a", oneWay: true, for: 10_000 }),
      at(1, { _tag: "Pause", node: "a", for: 10_000 }),
      at(2, { _tag: "Swizzle", nodes: ["a"], for: 10_000, heal: "forward" }),
      at(500, { _tag: "Move", node: "a" }),
      { when: { commit: { node: "a", nth: 1 } }, fault: { _tag: "Move", node: "b" } }
    )
    await stage.runTo(100)
    stage.log.length = 0
    engine.stop()
    engine.commit("a", 1)
    await stage.runTo()
    assert.deepStrictEqual(stage.log, [
      '100 end of impair ab,ba {"stalled":true}',
      "100 resume a",
      '100 end of impair ab {"stalled":true}',
      "100 heal",
      "100 resume a",
      "100 revive a",
      "100 resume b",
      "100 revive b"
    ])
    assert.deepStrictEqual(
      [engine.struck.Stall, engine.struck.Pause, engine.struck.Swizzle, engine.struck.Move],
      [1, 1, 1, 0]
    )
  })

  it("gives an entry the same draws whatever else is in the plan, wherever it stands, and however strong it is", async () => {
    const loss = (share: number): Entry => at(10, { _tag: "Loss", from: "a", for: 100, share })
    const others: ReadonlyArray<Entry> = [
      at(5, { _tag: "Dials", how: "refuse", share: 0.5, for: 1_000 }),
      at(10, { _tag: "Loss", from: "b", for: 100, share: 0.5 }),
      at(11, { _tag: "Loss", from: "a", for: 100, share: 0.5 })
    ]
    const draws = async (entries: ReadonlyArray<Entry>, mine: number): Promise<ReadonlyArray<number>> => {
      const stage = new RecordingStage(["a", "b"], 42)
      engineOn(stage, ...entries)
      await stage.runTo(50)
      return Array.from({ length: 5 }, () => stage.randoms[mine]!.u32())
    }
    const alone = await draws([loss(0.5)], 0)
    assert.deepStrictEqual(await draws([loss(0.01)], 0), alone)
    assert.deepStrictEqual(await draws([...others, loss(0.5)], 2), alone)
    assert.deepStrictEqual(await draws([loss(0.5), ...others], 1), alone)
    assert.notDeepEqual(await draws([loss(0.5), ...others], 0), alone)
    assert.notDeepEqual(await draws([loss(0.5), loss(0.5)], 1), alone)
  })

  it("leaves the order of everything else alone with a fault that strikes nothing", async () => {
    const orderWith = async (...faults: ReadonlyArray<Entry>): Promise<ReadonlyArray<number>> => {
      const stage = new RecordingStage(["a", "b"], 3, { order: "uniform", preemptEvery: 0, demoteEvery: 0 })
      engineOn(stage, ...faults)
      const order: Array<number> = []
      stage.world.at(5_000, () => {
        for (let n = 0; n < 20; n++) stage.world.at(6_000, () => void order.push(n))
      })
      await stage.runTo()
      return order
    }
    const calmly = await orderWith()
    assert.notDeepEqual(
      calmly,
      calmly.toSorted((a, b) => a - b)
    )
    assert.deepStrictEqual(
      await orderWith(at(1, { _tag: "Stall", for: 2 }), at(2, { _tag: "Move", node: "a" })),
      calmly
    )
  })
})
