/**
 * Does what the desks ask for, in their transaction: messages to other nodes go to delivery, those to this node are heard at once,
 * events go into the feed, what has a time gets a timer, and a payment goes on where it has waited for what has changed.
 */
import { Effect } from "effect"
import type { Action } from "../../protocol/credit/Action.ts"
import type { CreditMessage } from "../../protocol/credit/CreditMessage.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Feed } from "../delivery/Feed.ts"
import { Identity } from "../link/Identity.ts"
import type { Answer, Wake, Work } from "./Answer.ts"
import { CreditMeter } from "./CreditMeter.ts"
import * as CreditOutcomes from "./CreditOutcomes.ts"
import * as Desks from "./Desks.ts"
import * as PaymentDesk from "./PaymentDesk.ts"
import * as RepairDesk from "./RepairDesk.ts"

/** Messages of this node to itself that one message may bring about, at most: more are a loop. */
const mostOwn = 1_024

export interface Ways {
  /** Sends to another node. */
  readonly send: (to: NodeKey, message: CreditMessage) => Work<never, void>
  /** Sets the timer, or takes it back where there is no time. */
  readonly wake: (wake: Wake) => Work<never, void>
  /** Runs once the transaction has committed. */
  readonly afterCommit: (count: () => void) => Work<never, void>
}

type Told = Extract<Action, { readonly _tag: "Tell" }>

const event = ({ body, kind, subject, user }: Told) => ({
  audience: user ?? "",
  protocol: "credit",
  subject,
  kind,
  body
})

export const perform = Effect.fnUntraced(function* (answer: Answer, { afterCommit, send, wake }: Ways) {
  const { key: me } = yield* Identity
  const feed = yield* Feed
  const own: Array<CreditMessage> = []
  const owed = new Set<NodeKey>()
  const meter = yield* CreditMeter
  const counted: Array<() => void> = []
  const take = Effect.fnUntraced(function* ({ actions, changed, marks, owing, records, wakes }: Answer) {
    for (const peer of owing) owed.add(peer)
    for (const mark of marks) counted.push(() => meter.marked(mark))
    for (const action of actions) if (action._tag === "Tell") counted.push(() => meter.told(action))
    yield* feed.append(actions.flatMap((action) => (action._tag === "Tell" ? [event(action)] : [])))
    for (const action of actions) {
      if (action._tag !== "Send") continue
      if (action.to === me) own.push(action.message)
      else yield* send(action.to, action.message)
    }
    for (const record of records) own.push({ _tag: "Ended", record })
    for (const one of wakes) yield* wake(one)
    return changed
  })
  /** What follows from an answer for payments, which may go on at once over what is all at this node. */
  const follow = Effect.fnUntraced(function* (first: Answer) {
    const waiting = [...(yield* take(first))]
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      waiting.push(...(yield* take(yield* PaymentDesk.look(id))))
    }
  })
  yield* follow(answer)
  for (let count = 0; own.length > 0; count++) {
    if (count === mostOwn) return yield* Effect.die(new Error(`this node has ${mostOwn} messages for itself`))
    const message = own.shift()!
    const heard = yield* Desks.hear(message, me)
    yield* follow(heard)
    yield* follow(yield* CreditOutcomes.hear(message, CreditOutcomes.outcomeOf(heard.unfit), me))
  }
  if (counted.length > 0) yield* afterCommit(() => counted.forEach((count) => count()))
  // In one order, so that two transactions do not wait for each other.
  for (const peer of [...owed].toSorted()) for (const one of yield* RepairDesk.soon(peer)) yield* wake(one)
})
