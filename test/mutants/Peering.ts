/**
 * Bugs in what a node does among the nodes of a Bitcoin network. The scenario of the simulator that covers them has properties
 * of its own: `test/support/BitcoinProperties.ts`. Nothing of the code is loaded from here: it would come without its bug.
 */
import type { Property } from "../support/BitcoinProperties.ts"
import type { Planted } from "./Mutant.ts"

export interface PeerMutant extends Planted {
  /** One sentence. */
  readonly what: string
  /** The property that must find it. */
  readonly property: Property
}

export const peering: ReadonlyArray<PeerMutant> = [
  {
    name: "bitcoin-never-full",
    what: "Whoever comes in is taken, however many there are.",
    file: "src/protocol/bitcoin/Pool.ts",
    find: `const kind: Kind = counted(state) < settings.most ?`,
    replace: `const kind: Kind = settings.most > 0 ?`,
    property: "bitcoin: nobody that behaves is banned, left unanswered, or one too many"
  },
  {
    name: "bitcoin-mistakes-banned",
    what: "A payload that cannot be read costs as much as the worst there is.",
    file: "src/protocol/bitcoin/Misbehaviour.ts",
    find: `"payload-malformed": 0`,
    replace: `"payload-malformed": 100`,
    property: "bitcoin: nobody that behaves is banned, left unanswered, or one too many"
  },
  {
    name: "bitcoin-place-kept",
    what: "The place of a connection that has ended is not given back.",
    file: "src/services/bitcoin/Roster.ts",
    find: `    this.#step({ _tag: "Ended", id })`,
    replace: ``,
    property: "bitcoin: everybody is connected in the end"
  },
  {
    name: "bitcoin-lost-is-left",
    what: "A peer that was lost is not dialled again.",
    file: "src/services/bitcoin/Calls.ts",
    find: `        tell({ _tag: "Restarting", remote, waitMillis: 0 })
        return true`,
    replace: `        tell({ _tag: "Restarting", remote, waitMillis: 0 })
        return yield* Effect.never`,
    property: "bitcoin: everybody is connected in the end"
  }
]
