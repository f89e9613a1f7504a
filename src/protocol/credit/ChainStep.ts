/**
 * What a step of the chain gives back, at foil and at stock alike: beside the half and the actions what is to be stored, what has to
 * be told to lifts, and what has to be read to make the next message.
 */
import type { Action, Stepped, Unfit } from "./Action.ts"
import { stepped, unfit } from "./Action.ts"
import type { Digest } from "./Canonical.ts"
import type { ChitState } from "./ChitState.ts"
import type { Entry, Index } from "./ChitLog.ts"
import type { CreditMessage } from "./CreditMessage.ts"
import type { LiftRecord } from "./LiftRecord.ts"
import type { Chain, TallyHalf } from "./TallyHalf.ts"
import type { TallyDocument } from "./TallyDocument.ts"

/** A half whose chain has begun: it is open or closed. */
export type Begun = TallyHalf & { readonly document: TallyDocument; readonly chain: Chain }

export const hasBegun = (half: TallyHalf): half is Begun => half.document !== undefined && half.chain !== undefined

/** A chit that takes no effect, kept to be shown. */
export interface Evidence {
  readonly entry: Entry
  /** `conflict`: another content of the same id counts, whose digest is `against`. Anything else: what is wrong with it. */
  readonly reason: string
  readonly against?: Digest
}

/** What to read of this half's chits for a message that is then made and sent. */
export type Reading =
  /** The place `after` and at most so many entries behind it: `FoilChain.entered`. */
  | { readonly _tag: "Push"; readonly after: Index; readonly most: number }
  /** The places with these indexes: `StockChain.where`. */
  | { readonly _tag: "Where"; readonly indexes: ReadonlyArray<Index> }
  /** The place `after` and at most so many entries behind it: `StockChain.history`. */
  | { readonly _tag: "Recall"; readonly after: Index; readonly most: number }
  /** At most so many good chits that have no place yet: `StockChain.proposals`. */
  | { readonly _tag: "Propose"; readonly most: number }

export interface ChainStepped<S extends TallyHalf = TallyHalf> extends Stepped<S> {
  /** To be stored in place of what is there under their ids. */
  readonly chits: ReadonlyArray<ChitState>
  readonly evidence: ReadonlyArray<Evidence>
  /** Why chits of lifts are good that were not so here: for the lifts of this node, in this transaction. */
  readonly records: ReadonlyArray<LiftRecord>
  /**
   * A setting that had a place has lost it for good: the half's settings are those of its chain once the chits are stored, by `Sets.after`
   * one after the other, and not those of `state`.
   */
  readonly isUnset?: boolean
  readonly reading?: Reading
  /** What the message's sender is told, though the rest of it has taken effect. */
  readonly refused?: Unfit
}

/** The half and its chits stay as they are; what is wrong is kept, and people are told. */
export interface ChainUnfit extends Unfit {
  readonly evidence: ReadonlyArray<Evidence>
  readonly actions: ReadonlyArray<Action>
}

export type ChainResult = ChainStepped | ChainUnfit

/** What a step may have besides the half. */
export type Outcome = Partial<Omit<ChainStepped, "_tag" | "state">>

export const done = <S extends TallyHalf>(state: S, { actions = [], ...outcome }: Outcome = {}): ChainStepped<S> => ({
  ...stepped(state, ...actions),
  chits: [],
  evidence: [],
  records: [],
  ...outcome
})

const revisionOf = (half: TallyHalf): string => String(half.chain?.at.index ?? "")

export const misfit = (half: TallyHalf, outcome: Unfit["outcome"], reason: string, detail: string): ChainUnfit => ({
  ...unfit(outcome, reason, detail, revisionOf(half)),
  evidence: [],
  actions: []
})

/** Tells the operator and the half's holder. */
export const alarm = (half: TallyHalf, kind: string, body: Readonly<Record<string, unknown>>): ReadonlyArray<Action> =>
  [undefined, half.holder].map((user) => ({ _tag: "Tell", user, subject: half.id, kind, body }))

/** A message is refused whole, because of one chit. */
export const forged = (half: TallyHalf, entry: Entry, reason: string): ChainUnfit => {
  const { uuid } = entry.chit.core
  return {
    ...unfit("refused", reason, `chit ${uuid} is not taken: ${reason}`, revisionOf(half)),
    evidence: [{ entry, reason }],
    actions: alarm(half, "chit.forged", { tally: half.id, chit: uuid, reason })
  }
}

/** The two sides do not have the same tally: from here on a person has to look at it. */
export const troubled = (half: TallyHalf): ChainStepped => {
  const trouble = "both sides have begun the chain with different tallies"
  return done({ ...half, trouble }, { actions: alarm(half, "tally.trouble", { tally: half.id, trouble }) })
}

/** A good chit that has no room on the tally, or a place already. */
export const noRoom = (half: TallyHalf, entry: Entry, reason: string): ChainUnfit => {
  const { actions, ...rest } = forged(half, entry, reason)
  return {
    ...rest,
    actions: actions.map((action) => (action._tag === "Tell" ? { ...action, kind: "chit.misfit" } : action))
  }
}

export const closed = (half: TallyHalf): ChainUnfit => misfit(half, "refused", "closed", "the tally is closed")

/** To the partner's node. */
export const send = ({ partner }: TallyHalf, message: CreditMessage): ReadonlyArray<Action> =>
  partner === undefined ? [] : [{ _tag: "Send", to: partner.agent, message }]
