import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type Entry, FaultPlan, nodesIn } from "../../../src/testing/faults/FaultPlan.ts"
import { deliveryConfig, linkConfig } from "../../../src/testing/faults/Knobs.ts"
import { calm } from "../../../src/testing/network/NetModel.ts"
import { fifo } from "../../../src/testing/world/Schedule.ts"
import * as Delivery from "../../../src/services/delivery/DeliveryConfig.ts"
import * as Link from "../../../src/services/link/LinkConfig.ts"

const plan = { version: 1, nodes: 2, duration: 1, schedule: fifo, network: calm, operations: 1, database: "memory" }

const problem = (...faults: ReadonlyArray<unknown>): string => {
  try {
    Schema.decodeUnknownSync(FaultPlan)({ ...plan, faults })
    return ""
  } catch (error) {
    return String(error)
  }
}

const kill = (node: string): unknown => ({ when: { at: 1 }, fault: { _tag: "Kill", node, down: 0, end: "rst" } })

describe("FaultPlan", () => {
  it("names only nodes that it has", () => {
    assert.strictEqual(problem(kill("a"), kill("b")), "")
    const words = problem(kill("a"), kill("c"))
    assert.include(words, 'it names "c", but the 2 nodes of the plan are called a to b')
    assert.include(words, '["faults"][1]')
  })

  it("knows every node that an entry names", () => {
    const cases: ReadonlyArray<readonly [Entry, string]> = [
      [{ when: { at: 1 }, fault: { _tag: "Stall", from: "a", to: "b", for: 1 } }, "ab"],
      [{ when: { at: 1 }, fault: { _tag: "Stall", for: 1 } }, ""],
      [{ when: { commit: { node: "c", nth: 1 } }, fault: { _tag: "Move", node: "d" } }, "cd"],
      [
        {
          when: { frame: { kind: "DATA", from: "a", to: "b", nth: 1 } },
          fault: { _tag: "Partition", shape: "split", side: ["c", "d"], for: 1 }
        },
        "abcd"
      ],
      [
        {
          when: { site: { name: "delivery.batch-sent-again", node: "e", nth: 1 } },
          fault: { _tag: "Swizzle", nodes: ["a", "b"], heal: "forward", for: 1 }
        },
        "eab"
      ]
    ]
    for (const [entry, names] of cases) assert.strictEqual(nodesIn(entry).join(""), names)
  })

  it("refuses a frame or a site that does not exist, for it would never come", () => {
    const move = { _tag: "Move", node: "a" }
    const frame = (kind: string) => ({ when: { frame: { kind, from: "a", to: "b", nth: 1 } }, fault: move })
    const site = (name: string) => ({ when: { site: { name, node: "a", nth: 1 } }, fault: move })
    assert.strictEqual(problem(frame("DATA"), site("delivery.batch-sent-again")), "")
    assert.notStrictEqual(problem(frame("Data")), "")
    assert.notStrictEqual(problem(site("nowhere")), "")
  })
})

describe("Knobs", () => {
  it("leave everything as in production unless they are set", () => {
    assert.deepStrictEqual(linkConfig({}), Link.defaults)
    assert.deepStrictEqual(deliveryConfig({}), Delivery.defaults)
  })

  it("set every figure that they are for", () => {
    const link = linkConfig({
      heartbeat: "fast",
      handshakeTimeout: 1,
      writeTimeout: 2,
      probeTimeout: 3,
      firstDialDelay: 4,
      redialBase: 5,
      writeBytes: 6,
      sessionQueue: 7
    })
    const { firstDialDelay, handshakeTimeout, probeTimeout, queue, redial, sessionQueue, writeTimeout } = link
    assert.deepStrictEqual(
      [handshakeTimeout, writeTimeout, probeTimeout, firstDialDelay, redial.baseMillis, queue.writeBytes, sessionQueue],
      [1, 2, 3, 4, 5, 6, 7]
    )
    assert.strictEqual(link.heartbeat.timeout, 5_000)
    const delivery = deliveryConfig({ window: 1, batch: 2, receiptTimeout: 3, batchTime: 4, sweep: 5 })
    const { batch, batchTime, receiptTimeout, sweep, window } = delivery
    assert.deepStrictEqual([window.messages, batch.messages, receiptTimeout, batchTime, sweep], [1, 2, 3, 4, 5])
  })
})
