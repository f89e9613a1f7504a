import { assert, describe, it } from "@effect/vitest"
import { faultBands, slots, struck } from "../../../src/testing/explain/FaultBands.ts"
import type { Entry, Fault } from "../../../src/testing/faults/FaultPlan.ts"
import * as Synthetic from "../../support/SyntheticFailure.ts"

const nodes = ["a", "b", "c"]
const pause: Fault = { _tag: "Pause", node: "b", for: 100 }
const stall: Fault = { _tag: "Stall", for: 100 }

const happening = (kind: string, entry?: number, node = "") => ({
  node,
  kind,
  detail: entry === undefined ? {} : { entry, words: `fault ${entry}` }
})

const bandsOf = (faults: ReadonlyArray<Fault>, events: ReadonlyArray<ReturnType<typeof happening>>) => {
  const { plan } = Synthetic.make()
  const entries = faults.map((fault): Entry => ({ when: { at: 0 }, fault }))
  return faultBands({ plan: { ...plan, faults: entries }, trace: Synthetic.inOrder(events) }, nodes)
}

const stretches = (bands: ReturnType<typeof bandsOf>) => bands.map(({ entry, first, last }) => [entry, first, last])

describe("fault bands", () => {
  it("last from the begin of a fault to its end, on the nodes that it strikes", () => {
    const bands = bandsOf(
      [pause, stall],
      [
        happening("fault", 0),
        happening("fault", 1),
        happening("x"),
        happening("fault-over", 0),
        happening("fault-over", 1)
      ]
    )
    assert.deepStrictEqual(stretches(bands), [
      [0, 0, 3],
      [1, 1, 4]
    ])
    assert.deepStrictEqual(
      bands.map((band) => band.nodes),
      [["b"], nodes]
    )
    assert.strictEqual(bands[0]?.words, "pause b for 100 ms")
  })

  it("last to the quiet or to the end when nothing says that they are over, once", () => {
    assert.deepStrictEqual(
      stretches(bandsOf([pause], [happening("fault", 0), happening("quiet"), happening("fault-over", 0)])),
      [[0, 0, 1]]
    )
    assert.deepStrictEqual(stretches(bandsOf([pause], [happening("fault", 0), happening("x"), happening("x")])), [
      [0, 0, 2]
    ])
  })

  it("begin with the trace when only their end was kept", () => {
    assert.deepStrictEqual(stretches(bandsOf([pause], [happening("x"), happening("fault-over", 0)])), [[0, 0, 1]])
  })

  it("keep the words of the event when the plan has no such fault", () => {
    const [band] = bandsOf([], [happening("fault", 7, "c")])
    assert.deepStrictEqual(band, { entry: -1, words: "fault 7", nodes: ["c"], first: 0, last: 0 })
  })

  it("lie beside each other where they overlap", () => {
    const band = (first: number, last: number) => ({ entry: 0, words: "", nodes, first, last })
    assert.deepStrictEqual(slots([band(0, 9), band(2, 3), band(3, 5), band(4, 4), band(10, 11)]), [0, 1, 2, 1, 0])
  })
})

describe("whom a fault strikes", () => {
  const partition = (shape: "split" | "isolate" | "ring" | "bridge"): Fault => ({
    _tag: "Partition",
    for: 1,
    shape,
    side: ["a"]
  })
  const cases: ReadonlyArray<readonly [Fault, ReadonlyArray<string>]> = [
    [pause, ["b"]],
    [stall, nodes],
    [{ ...stall, from: "c" }, ["c"]],
    [{ ...stall, from: "c", to: "a" }, ["c", "a"]],
    [{ _tag: "Ghost", from: "a", to: "b", after: 1 }, ["a", "b"]],
    [{ _tag: "Swizzle", for: 1, nodes: ["a", "c"], heal: "forward" }, ["a", "c"]],
    [partition("isolate"), ["a"]],
    [partition("split"), ["a"]],
    [partition("bridge"), ["b", "c"]],
    [partition("ring"), nodes]
  ]
  for (const [fault, expected] of cases)
    it(`is in its fields: ${fault._tag} ${expected.join()}`, () =>
      assert.deepStrictEqual(struck(fault, nodes), expected))
})
