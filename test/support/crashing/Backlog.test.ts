import { assert, describe, it } from "@effect/vitest"
import { faults, type Figures } from "./Backlog.ts"

const mebi = 2 ** 20
const options = { messages: 20_000, each: 1_000, bytes: 1_024, probes: 200, everyMillis: 20 }
const calm = { probes: 200, p50: 2_000, p99: 5_000 }
const phases = { quiet: calm, piling: calm, away: calm, draining: calm }
const even = { piling: 1, away: 1, draining: 1 }
const weight = { heap: 40 * mebi, outside: 10 * mebi }

const good: Figures = {
  messages: 20_000,
  seconds: { piling: 10, draining: 10 },
  weights: { before: weight, piled: weight, halfway: { ...weight, outside: 20 * mebi }, after: weight },
  resident: { before: 190 * mebi, piling: 300 * mebi, draining: 300 * mebi },
  frame: { bytes: 550_000, messages: 500 },
  transaction: { messages: 700, transactions: 80 },
  arrived: { effects: 20_000, different: 20_000, disordered: 0 },
  probed: { sent: 900, effects: 900, different: 900 },
  latency: phases,
  bystanders: phases,
  p99Ratio: { byQuiet: even, byBystanders: even }
}

describe("the judgement of a backlog", () => {
  it("finds nothing where everything took effect once, in order, in batches, with a memory that stays", () => {
    assert.deepStrictEqual(faults(good, options), [])
  })

  const heavy = { ...weight, heap: 60 * mebi }
  const spoilt: ReadonlyArray<readonly [string, Partial<Figures>]> = [
    ["a message that is lost", { arrived: { effects: 19_999, different: 19_999, disordered: 0 } }],
    ["a message that took effect twice", { arrived: { effects: 20_001, different: 20_000, disordered: 0 } }],
    ["one lost and another one doubled", { arrived: { effects: 20_000, different: 19_999, disordered: 0 } }],
    ["messages out of order", { arrived: { ...good.arrived, disordered: 1 } }],
    ["a probe that is lost", { probed: { sent: 900, effects: 899, different: 899 } }],
    ["a heap that holds the backlog", { weights: { ...good.weights, piled: heavy } }],
    ["a heap that holds what it has drained", { weights: { ...good.weights, after: heavy } }],
    ["a whole backlog under way", { weights: { ...good.weights, halfway: { ...weight, outside: 40 * mebi } } }],
    ["a frame that is too long", { frame: { ...good.frame, bytes: 700_000 } }],
    ["a frame of too many messages", { frame: { ...good.frame, messages: 513 } }],
    ["a transaction of everything", { transaction: { messages: 20_000, transactions: 1 } }]
  ]
  it.each(spoilt)("finds %s", (_, part) => {
    assert.lengthOf(faults({ ...good, ...part }, options), 1)
  })
})
