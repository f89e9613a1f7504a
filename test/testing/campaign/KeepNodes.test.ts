import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { keepNodes } from "../../../src/testing/campaign/KeepNodes.ts"
import { type Entry, FaultPlan } from "../../../src/testing/faults/FaultPlan.ts"
import { generate } from "../../../src/testing/faults/Swarm.ts"
import { describe as say } from "../../../src/testing/faults/Words.ts"

const plan = generate(1, "calm", { nodes: 4 })

/** What is left of an entry if only these of a, b, c and d are kept. */
const left = (kept: string, when: Entry["when"], fault: Entry["fault"]): string =>
  keepNodes({ ...plan, faults: [{ when, fault }] }, [...kept])
    .faults.map(say)
    .join()

describe("keepNodes", () => {
  it("calls the nodes that stay by their new places, wherever they are named", () => {
    assert.strictEqual(keepNodes(plan, ["b", "d"]).nodes, 2)
    assert.strictEqual(left("bd", { at: 0 }, { _tag: "Move", node: "d" }), "at 0 ms: b moves to another address")
    const stall = { _tag: "Stall", from: "b", to: "d", for: 1 } as const
    assert.strictEqual(left("bd", { at: 0 }, stall), "at 0 ms: stall between a and b for 1 ms")
    assert.strictEqual(left("bd", { at: 0 }, { _tag: "Stall", to: "d", for: 1 }), "at 0 ms: stall around b for 1 ms")
    assert.strictEqual(left("bd", { at: 0 }, { _tag: "Stall", for: 1 }), "at 0 ms: stall everywhere for 1 ms")
    const ghost = { _tag: "Ghost", from: "d", to: "b", after: 1 } as const
    const frame = { frame: { kind: "DATA", from: "d", to: "b", nth: 2 } } as const
    assert.strictEqual(left("bd", frame, ghost), "after DATA 2 from b to a: what b sent to a comes again 1 ms later")
    const site = { site: { name: "delivery.batch-sent-again", node: "c", nth: 1 } } as const
    assert.include(left("ac", site, { _tag: "Stall", for: 1 }), "at b")
    assert.include(left("cd", { commit: { node: "d", nth: 1 } }, { _tag: "Stall", for: 1 }), "commit 1 of b")
  })

  it("drops what cannot be without a node that is gone", () => {
    assert.strictEqual(left("ab", { at: 0 }, { _tag: "Move", node: "c" }), "")
    assert.strictEqual(left("ab", { at: 0 }, { _tag: "Stall", from: "a", to: "c", for: 1 }), "")
    assert.strictEqual(left("ab", { commit: { node: "d", nth: 1 } }, { _tag: "Move", node: "a" }), "")
  })

  it("shortens lists of nodes, and drops what they leave without any", () => {
    const split = { _tag: "Partition", shape: "split", side: ["a", "c"], for: 1 } as const
    assert.strictEqual(left("cd", { at: 0 }, split), "at 0 ms: partition for 1 ms: split a")
    assert.strictEqual(left("bd", { at: 0 }, split), "")
    const swizzle = { _tag: "Swizzle", nodes: ["d", "a", "c"], heal: "random", for: 1 } as const
    assert.strictEqual(left("ad", { at: 0 }, swizzle), "at 0 ms: swizzle b,a for 1 ms, healing random")
    assert.strictEqual(left("b", { at: 0 }, swizzle), "")
    const ring = { _tag: "Partition", shape: "ring", side: [], for: 1 } as const
    assert.strictEqual(left("ab", { at: 0 }, ring), "at 0 ms: partition for 1 ms: ring")
  })

  it("makes plans that the schema takes, whichever nodes are kept", () => {
    for (let seed = 0; seed < 200; seed++) {
      const drawn = generate(seed, "all-faults", { nodes: 4 })
      const kept = ["a", "b", "c", "d"].filter((_, index) => ((seed % 15) + 1) & (1 << index))
      const smaller = keepNodes(drawn, kept)
      assert.deepStrictEqual(Schema.decodeUnknownSync(FaultPlan)(JSON.parse(JSON.stringify(smaller))), smaller)
      assert.isTrue(kept.length < 4 || smaller.faults.length === drawn.faults.length)
    }
  })
})
