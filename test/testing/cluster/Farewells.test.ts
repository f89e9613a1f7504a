import { assert, describe, it } from "@effect/vitest"
import { Farewells, trueReason } from "../../../src/testing/cluster/Farewells.ts"
import type { FaultPlan } from "../../../src/testing/faults/FaultPlan.ts"
import { calm } from "../../../src/testing/network/NetModel.ts"
import { endOf, planWith, watched } from "./Watched.ts"

const quiet = { active: 0, begun: 3 }
const restart = { _tag: "Restart", node: "b", down: 1 } as const

/** What is found once "b", which "a" knows by connection 7, was asked to stop. */
const after = (
  happens: (farewells: Farewells) => void,
  { faults = quiet, plan = planWith(restart) }: { readonly faults?: typeof quiet; readonly plan?: FaultPlan } = {}
) => {
  const { violations, watching } = watched()
  const farewells = new Farewells(watching, plan)
  farewells.stops("b", new Map([["a", 7]]), faults)
  happens(farewells)
  return violations
}

const cutOff = (farewells: Farewells) => farewells.transition("a", "b", endOf("network"), quiet.begun)

describe("a stop in good order", () => {
  it("is heard of by a goodbye and in no other way", () => {
    assert.deepStrictEqual(after(cutOff), [
      [trueReason, 'b has stopped in good order, and a has noticed "network": in words']
    ])
    assert.deepStrictEqual(
      after((farewells) => farewells.transition("a", "b", endOf("goodbye"), quiet.begun)),
      []
    )
  })

  const elsewhere: ReadonlyArray<readonly [string, (farewells: Farewells) => void]> = [
    ["another peer", (farewells) => farewells.transition("a", "c", endOf("network"), quiet.begun)],
    [
      "a node that had no session with it",
      (farewells) => farewells.transition("c", "b", endOf("network"), quiet.begun)
    ],
    [
      "a connection that came later",
      (farewells) => farewells.transition("a", "b", endOf("network", { connection: 8 }), quiet.begun)
    ],
    [
      "a connection that was no session any more",
      (farewells) => farewells.transition("a", "b", endOf("network", { from: "candidate" }), quiet.begun)
    ],
    [
      "a session that begins",
      (farewells) => farewells.transition("a", "b", endOf("network", { to: "active" }), quiet.begun)
    ],
    ["a time when another fault had begun", (farewells) => farewells.transition("a", "b", endOf("network"), 4)]
  ]
  for (const [what, happens] of elsewhere) {
    it(`says nothing of ${what}`, () => assert.deepStrictEqual(after(happens), []))
  }

  it("is not judged while a fault is at work, or after one that leaves something behind", () => {
    assert.deepStrictEqual(after(cutOff, { faults: { active: 1, begun: 3 } }), [])
    for (const fault of [
      { _tag: "Silence" },
      { _tag: "Move", node: "c" },
      { _tag: "Exhaustion", node: "c", connections: 0, for: 1 },
      { _tag: "Backlog", node: "c", connections: 0, for: 1 }
    ] as const)
      assert.deepStrictEqual(after(cutOff, { plan: planWith(fault, restart) }), [], fault._tag)
  })

  it("is not judged with figures or a network of the plan's own", () => {
    assert.deepStrictEqual(after(cutOff, { plan: { ...planWith(restart), knobs: { window: 1 } } }), [])
    assert.deepStrictEqual(after(cutOff, { plan: { ...planWith(restart), network: { ...calm, loss: 0.1 } } }), [])
  })

  it("is judged whatever the order in which a plan describes its network", () => {
    const { latency, ...others } = calm
    assert.strictEqual(after(cutOff, { plan: { ...planWith(restart), network: { ...others, latency } } }).length, 1)
  })

  it("is forgotten when the next one stops", () => {
    assert.deepStrictEqual(
      after((farewells) => {
        farewells.stops("c", new Map(), quiet)
        cutOff(farewells)
      }),
      []
    )
  })
})
