/**
 * What both sides of the comparison with bcoin are asked, each in a process of its own: to fetch the blocks of a Bitcoin regtest
 * from one node that has them.
 */
import type { Endpoint } from "../../src/protocol/Address.ts"

/** Where the blocks go. What is in memory is gone with the process. */
export type Store =
  | { readonly _tag: "Memory" }
  | { readonly _tag: "Pglite"; readonly data: string }
  | { readonly _tag: "Postgres"; readonly url: string }

export interface Opening {
  readonly store: Store
  /** The node that has the blocks, which nobody dials yet. */
  readonly from: Pick<Endpoint, "host" | "port">
}

export interface Synced {
  /** From the dial, before the connection and the handshake, until the last block is stored. */
  readonly millis: number
  /** Of the last block, as explorers show it. */
  readonly id: string
}

export interface BlocksEnd {
  /** Returns once it is ready, with nothing but the first block. */
  readonly open: (opening: Opening) => Promise<void>
  /** Dials, and returns once the block of this height is the tip. Once in a process. */
  readonly sync: (height: number) => Promise<Synced>
}
