/**
 * What the steps of the machines ask to be done, in the transaction that stores the new state.
 */
import type { NodeKey } from "../NodeKey.ts"
import type { Cuid } from "./Chad.ts"
import type { CreditMessage } from "./CreditMessage.ts"

export type Action =
  /** Sent by delivery, which brings it there once this transaction has committed. `to` may be this node itself. */
  | { readonly _tag: "Send"; readonly to: NodeKey; readonly message: CreditMessage }
  /** An event in the feed of a user, or of the operator (`undefined`). `body` is JSON. */
  | {
      readonly _tag: "Tell"
      readonly user: Cuid | undefined
      readonly subject: string
      readonly kind: string
      readonly body: Readonly<Record<string, unknown>>
    }

/** A step: the new state, and what is to be done with it. */
export interface Stepped<S> {
  readonly _tag: "Stepped"
  readonly state: S
  readonly actions: ReadonlyArray<Action>
}

/** Nothing changes: why, and for a message what its sender is told. */
export interface Unfit {
  readonly _tag: "Unfit"
  /** `stale`: overtaken by what has happened since, or done already in another way. `refused`: it never fits. */
  readonly outcome: "stale" | "refused"
  /** A short name for programs, such as `bad-signature`. */
  readonly reason: string
  /** A sentence for people. */
  readonly detail: string
  /** Where the state is, such as a revision or an index. */
  readonly revision: string
  /** What is done nevertheless: a late message is answered with what it has missed, or a person is told. */
  readonly actions: ReadonlyArray<Action>
}

export const stepped = <S>(state: S, ...actions: ReadonlyArray<Action>): Stepped<S> => ({
  _tag: "Stepped",
  state,
  actions
})

export const unfit = (outcome: Unfit["outcome"], reason: string, detail: string, revision = ""): Unfit => ({
  _tag: "Unfit",
  outcome,
  reason,
  detail,
  revision,
  actions: []
})

/** The same, with something to be done. */
export const answering = (why: Unfit, ...actions: ReadonlyArray<Action>): Unfit => ({
  ...why,
  actions: [...why.actions, ...actions]
})
