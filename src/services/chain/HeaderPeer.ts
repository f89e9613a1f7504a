/** Somebody who has headers of a chain, as those who fetch them see him, whatever the wire. */
import type { Effect } from "effect"

/** Headers of which one does not follow the one before it, and headers that follow nothing, many at once or again and again. */
export type Lapse = "broken" | "unconnected"

export interface HeaderPeer<Fault> {
  /** A number of this process. */
  readonly id: number
  readonly remote: string
  /** This node has chosen it, and asks it before those that have chosen this node. */
  readonly isChosen: boolean
  /** Asks for what comes after these; the answer is told by `heard`. */
  readonly ask: (locator: ReadonlyArray<string>) => Effect.Effect<void>
  /** It has given what it must not give. */
  readonly charge: (fault: Fault | Lapse, detail: string) => void
}

/** Headers that follow none that is known. */
export interface News {
  /** Fewer are news; so many or more are an answer to nothing. */
  readonly most: number
  /** So many such news in a row are one fault. */
  readonly forFault: number
}

/** As Bitcoin's nodes have it. */
export const bitcoinNews: News = { most: 8, forFault: 10 }
