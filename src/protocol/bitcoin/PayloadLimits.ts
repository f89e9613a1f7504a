/**
 * How long a payload may be, by its command: known from the header, before any of it has come. What a block needs is
 * a setting of the node, since on BSV a block has no size that all agree on.
 */
import type { Command } from "./Command.ts"
import type { Limits } from "./MessageFrame.ts"

/** What BSV's nodes take of everything that is not a block's, in bytes. */
const others = 2 * 1024 * 1024

export interface Largest {
  /** The largest block that this node takes, in bytes; announced is what is not a block's. */
  readonly block: number
  readonly transaction: number
}

export const defaults: Largest = { block: 32 * 1024 * 1024, transaction: 10_000_000 }

const blocks: ReadonlySet<string> = new Set<Command>(["block", "cmpctblock", "blocktxn", "hdrsen", "merkleblock"])
const transactions: ReadonlySet<string> = new Set<Command>(["tx", "datareftx"])

/** Before the handshake is over: nobody sends a block before it is asked for. */
export const early: Limits = () => others

/** Whether its length is a setting of each node, so that one above ours is nobody's fault. */
export const isOwnChoice = (command: string): boolean => blocks.has(command) || transactions.has(command)

/** After it. */
export const limits = (largest: Largest): Limits => {
  const block = Math.max(largest.block, others)
  const transaction = Math.max(largest.transaction, others)
  return (command) => (blocks.has(command) ? block : transactions.has(command) ? transaction : others)
}
