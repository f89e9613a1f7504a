/**
 * What the threads of a flood say to each other.
 */
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"

/** What the thread is. */
export interface Part {
  readonly hub: { readonly key: NodeKey; readonly host: string; readonly port: number }
  /** Names of the nodes in this thread. */
  readonly numbers: ReadonlyArray<number>
  /** Who dribbles sends its frames in records of one byte. */
  readonly role: "asks" | "floods" | "dribbles"
  /** Of the frames that it sends. */
  readonly kind: number
  /** Of a body, in bytes. */
  readonly size: number
}

/** How many answers each peer waits for in any case, unless one of them has had as many as a peer that starves never gets. */
export const answersWanted = { least: 20, most: 2_000 } as const

/** What a peer had answered, in milliseconds each. */
export type Answers = ReadonlyArray<number>

/** The first byte of a body. */
export const [asks, floods] = [1, 2] as const
