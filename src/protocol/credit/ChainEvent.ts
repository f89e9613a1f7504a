/**
 * What happens to a chain of chits, and what of this half's chits the step has to be given with it: a few rows, however long the
 * chain is.
 */
import type { NodeKey } from "../NodeKey.ts"
import type { ChitId } from "./Chit.ts"
import type { ChitState } from "./ChitState.ts"
import type { Entry, Index, Position } from "./ChitLog.ts"
import * as CreditMessage from "./CreditMessage.ts"

export interface Loaded {
  /** Those of the chits of `loads` that this half has, by id. */
  readonly known: ReadonlyMap<ChitId, ChitState>
  /** This half's own places with the indexes of `loads`, as far as it has them. Place 0 need not be among them. */
  readonly places: ReadonlyArray<Position>
  /** The two pages of `loads.recovery`, in their order; none where that is left out. */
  readonly behind: ReadonlyArray<ChitState>
  readonly tail: ReadonlyArray<ChitState>
  /** The oldest of the good chits without a place, at most `mostLoose`, where `loads.isRecovering` says so. */
  readonly loose: ReadonlyArray<ChitState>
}

/** Nothing was loaded. */
export const unread: Loaded = { known: new Map(), places: [], behind: [], tail: [], loose: [] }

/** A chit of this side's is signed, or a lift's chit is good by the verdict on its lift: then the record comes with it. */
export interface Good {
  readonly _tag: "Good"
  readonly entry: Entry
  readonly loaded: Loaded
  /** Milliseconds since 1970. */
  readonly now: number
}

export interface Received<M> {
  readonly _tag: "Received"
  /** The node that it comes from, as its link has proved it. */
  readonly from: NodeKey
  readonly message: M
  readonly loaded: Loaded
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Foil has refused chits for `conflict`: the ids that it has named. `loaded.known` has them. */
export interface Conflicted {
  readonly _tag: "Conflicted"
  readonly loaded: Loaded
  /** Milliseconds since 1970. */
  readonly now: number
}

type M<Schema extends { readonly Type: unknown }> = Schema["Type"]
export type Propose = M<typeof CreditMessage.Propose>
export type Entered = M<typeof CreditMessage.Entered>
export type Ack = M<typeof CreditMessage.Ack>
export type Where = M<typeof CreditMessage.Where>
export type Fetch = M<typeof CreditMessage.Fetch>
export type History = M<typeof CreditMessage.History>

export type ToFoil = Propose | Ack | Where | History
export type ToStock = Entered | Fetch

export type FoilEvent = Good | Received<ToFoil>
export type StockEvent = Good | Received<ToStock> | Conflicted

/** What to load for a message, from the chits of the half that it is for. */
export interface Loads {
  readonly chits: ReadonlyArray<ChitId>
  readonly indexes: ReadonlyArray<Index>
  /** What foil has to compare with what stock shows: `recoveryPages`. */
  readonly recovery?: Recovery
  /** Foil goes on with what has lost its place. */
  readonly isRecovering?: boolean
}

/** Stock shows so many entries behind a place. */
export interface Recovery {
  readonly after: Index
  readonly entries: number
}

/** Chits that lose their places at foil in one step, and that get places again, at most. */
export const mostDisplaced = 128
export const mostLoose = CreditMessage.mostEntries

/** Chits that have a place behind `after`, `most` of them. */
export interface Page {
  readonly after: Index
  readonly most: number
}

/**
 * What foil reads, however long its chain is: what stands in the places that stock shows, and its own last chits behind there, as many as can lose
 * their places at once and one more.
 */
export const recoveryPages = (
  { after, entries }: Recovery,
  end: Index
): { readonly behind: Page; readonly tail: Page } => ({
  behind: { after, most: entries },
  tail: { after: Math.max(after, end - mostDisplaced - 1), most: mostDisplaced + 1 }
})

const ids = (entries: ReadonlyArray<Entry>): ReadonlyArray<ChitId> => entries.map(({ chit }) => chit.core.uuid)

export const loads = (message: ToFoil | ToStock): Loads => {
  switch (message._tag) {
    case "Propose":
      return { chits: ids(message.chits), indexes: [message.at.index] }
    case "Ack":
      return { chits: [], indexes: [message.at.index], isRecovering: true }
    case "Where":
      return { chits: [], indexes: message.places.map(({ index }) => index) }
    case "Fetch":
      return { chits: [], indexes: [] }
    case "History":
      return {
        chits: ids(message.entries),
        indexes: [message.after.index],
        recovery: { after: message.after.index, entries: message.entries.length }
      }
    case "Entered":
      return { chits: ids(message.entries), indexes: [message.after.index, message.head.index] }
  }
}
