/**
 * No sender runs farther ahead than its window, however much it owes: what has a number and has not been taken in by
 * its receiver is never more than the window has messages, and but for the last of them less than it has bytes.
 *
 * Looked at after every commit, in databases in memory. Says nothing across restored databases.
 */
import type { MemoryDatabase } from "../../layers/MemoryDatabase.ts"
import { rowsIn } from "../../layers/retry/MemoryRows.ts"
import type { Window } from "../../protocol/delivery/Sequence.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Watching } from "../cluster/Scenario.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import { deliveryConfig } from "../faults/Knobs.ts"

export const bounded = "nobody runs ahead of the window"

type Memory = MemoryDatabase["Service"]

export class Bounds {
  readonly #watching: Watching
  readonly #window: Window
  /** Of every node that has committed anything. */
  readonly #memories = new Map<NodeKey, Memory>()

  constructor(watching: Watching, { knobs = {} }: FaultPlan) {
    this.#watching = watching
    this.#window = deliveryConfig(knobs).window
  }

  committed(node: { readonly name: string; readonly key: NodeKey }, memory: Memory): void {
    this.#memories.set(node.key, memory)
    const rows = rowsIn.of(memory)
    for (const { peer, sending } of rows.links) {
      const theirs = this.#memories.get(peer)
      if (sending === undefined || theirs === undefined) continue
      const link = rowsIn.of(theirs).links.get(node.key)
      const position = link?.stream === sending.stream ? link.position : 0n
      // Most links have nothing under way.
      if (sending.last <= position) continue
      let [messages, bytes, last] = [0, 0, 0]
      for (const { body, seq } of rows.of(peer).outbox) {
        if (seq === undefined || seq <= position) continue
        messages++
        bytes += body.length
        if (seq === sending.last) last = body.length
      }
      const { name } = node
      if (messages > this.#window.messages || bytes - last >= Math.max(1, this.#window.bytes)) {
        const allowed = `${this.#window.messages} messages and ${this.#window.bytes} bytes are`
        this.#watching.violated(
          bounded,
          `${name} has ${messages} messages and ${bytes} bytes under way, ${allowed} allowed`
        )
      }
    }
  }
}
