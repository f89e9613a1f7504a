import { assert, describe, it } from "@effect/vitest"
import type { Entry, FaultPlan } from "../../../src/testing/faults/FaultPlan.ts"
import { hopeless } from "../../../src/testing/faults/Validity.ts"
import { calm, type NetModel } from "../../../src/testing/network/NetModel.ts"
import { fifo } from "../../../src/testing/world/Schedule.ts"

const plan: FaultPlan = {
  version: 1,
  nodes: 2,
  duration: 10_000,
  schedule: fifo,
  network: calm,
  operations: 1,
  database: "memory",
  faults: []
}

const kill = (node: string, at: number, down: number): Entry => ({
  when: { at },
  fault: { _tag: "Kill", node, down, end: "rst" }
})

const on = (network: Partial<NetModel>): string | undefined => hopeless({ ...plan, network: { ...calm, ...network } })

describe("hopeless", () => {
  it("has nothing against a plan under which something works for a while", () => {
    assert.strictEqual(hopeless(plan), undefined)
    const all = [kill("a", 0, 10_000), kill("b", 0, 9_999)]
    assert.strictEqual(hopeless({ ...plan, faults: all }), undefined)
    assert.strictEqual(hopeless({ ...plan, faults: [kill("a", 0, 20_000)] }), undefined)
    const gap = [kill("a", 0, 4_000), kill("a", 4_001, 6_000), kill("b", 0, 10_000)]
    assert.strictEqual(hopeless({ ...plan, faults: gap }), undefined)
  })

  it("finds a run in which all nodes are dead from beginning to end", () => {
    const all = [kill("a", 0, 10_000), kill("b", 0, 60_000)]
    assert.strictEqual(hopeless({ ...plan, faults: all }), "all 2 nodes are dead for all of 10000 ms")
    const inTurns = [kill("b", 4_000, 6_000), kill("a", 0, 10_000), kill("b", 0, 5_000)]
    assert.isDefined(hopeless({ ...plan, faults: inTurns }))
  })

  it("counts nobody as dead who dies only if something happens", () => {
    const faults: ReadonlyArray<Entry> = ["a", "b"].map((node) => ({
      when: { event: 1 },
      fault: { _tag: "Kill", node, down: 60_000, end: "rst" }
    }))
    assert.strictEqual(hopeless({ ...plan, faults }), undefined)
  })

  it("finds networks on which no session comes to be", () => {
    assert.include(on({ latency: { ...calm.latency, floor: 2_000 } }), "handshake")
    assert.include(on({ bandwidth: 300 }), "handshake")
    assert.include(on({ window: 1, latency: { ...calm.latency, floor: 50 } }), "windows of 1 bytes")
    assert.include(on({ loss: 0.9 }), "lost")
    assert.include(hopeless({ ...plan, nodes: 4, network: { ...calm, connections: 2 } }), "3 connections")
    assert.strictEqual(on({ latency: { ...calm.latency, floor: 300 }, loss: 0.2, bandwidth: 64_000 }), undefined)
  })

  it("knows how long the handshake of its nodes may take", () => {
    const network = { ...calm, latency: { ...calm.latency, floor: 2_000 } }
    assert.isDefined(hopeless({ ...plan, network }))
    assert.strictEqual(hopeless({ ...plan, network, knobs: { handshakeTimeout: 20_000 } }), undefined)
  })

  it("wants no network of a node that is alone", () => {
    assert.strictEqual(hopeless({ ...plan, nodes: 1, network: { ...calm, loss: 1, connections: 1 } }), undefined)
  })
})
