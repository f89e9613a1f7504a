/**
 * What tells one kind of chain from another, as a value: its first header, how headers are stored, what each weighs, and which may
 * come where. Whatever keeps and fetches headers is the same for all.
 */
import type { HeaderTree, Linked, Node } from "./HeaderTree.ts"

/** What is wrong with a header. */
export interface Objection<Fault> {
  /** What it costs whoever gave it; nothing where clocks may be to blame, or what is not kept any more. */
  readonly fault: Fault | undefined
  readonly detail: string
}

/** `H` is a header; ids are 64 lower-case hex digits. `Fault` names what a peer may be charged with. */
export interface ChainRules<H extends Linked, Fault> {
  /** Of the chain in the stores, at most 80 characters. */
  readonly name: string
  /** The header at height 0. */
  readonly genesis: H
  /** The body of that block, as it is stored. */
  readonly genesisBody: Uint8Array
  /** Headers of a full answer: who gives so many has more. */
  readonly page: number
  /** Headers that are checked in one go, which should take no more than 5 ms; other fibers run between two goes. */
  readonly atOnce: number
  /** Headers below the best tip that a branch may leave the chain from; at least as many as `objection` looks at. */
  readonly depth: number
  /** Headers that are kept beside the best chain. */
  readonly mostBeside: number
  /** Whether `one` is better than `best`, of equal weight. */
  readonly prefers: (one: H, best: H) => boolean
  /** Of this header alone. The sum of a chain stays below 2^256. */
  readonly weight: (header: H) => bigint
  /** As it is stored: 1 to 256 bytes. */
  readonly encode: (header: H) => Uint8Array
  /** The header of such bytes, with the id that follows from them; nothing if they are none. */
  readonly decode: (bytes: Uint8Array) => H | undefined
  /** What is wrong with a header that names `parent`, at `nowMillis` since 1970; nothing if it may come there. */
  readonly objection: (
    tree: HeaderTree<H>,
    parent: Node<H>,
    header: H,
    nowMillis: number
  ) => Objection<Fault> | undefined
}
