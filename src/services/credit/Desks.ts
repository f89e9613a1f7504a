/**
 * Which desk a message is for. What a message brings about at this node itself is done in the same transaction.
 */
import { Effect } from "effect"
import type { CreditMessage } from "../../protocol/credit/CreditMessage.ts"
import type * as LiftEvent from "../../protocol/credit/LiftEvent.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { both, nothing } from "./Answer.ts"
import * as ChainDesk from "./ChainDesk.ts"
import * as InvoiceDesk from "./InvoiceDesk.ts"
import * as LiftDesk from "./LiftDesk.ts"
import * as RefereeDesk from "./RefereeDesk.ts"
import * as RouteDesk from "./RouteDesk.ts"
import * as TallyDesk from "./TallyDesk.ts"
import * as TicketDesk from "./TicketDesk.ts"

/** A lift's end and a question for it concern a node of the plan and a referee, who may be one. */
const lifts = Effect.fnUntraced(function* (message: LiftEvent.Message | RefereeDesk.Message, from: NodeKey) {
  const isReferees = RefereeDesk.isMessage(message) && (yield* RefereeDesk.isConcerned(message))
  const one = isReferees ? yield* RefereeDesk.hear(message, from) : nothing
  if (!LiftDesk.isMessage(message)) return one
  const other = yield* LiftDesk.hear(message, from)
  if (!isReferees) return other
  // What only one of the two knows nothing of has been taken in.
  const { unfit: _one, ...first } = one
  const { unfit: _other, ...second } = other
  return one.unfit === undefined || other.unfit === undefined ? both(first, second) : both(one, other)
})

/** What a message brings about; it comes from the node that its link has proved, or from this one. */
export const hear = Effect.fnUntraced(function* (message: CreditMessage, from: NodeKey) {
  if (message._tag === "Ticket") return yield* TicketDesk.hear(message, from)
  if (TallyDesk.isMessage(message)) return yield* TallyDesk.hear(message, from)
  if (ChainDesk.isMessage(message)) return yield* ChainDesk.hear(message, from)
  if (InvoiceDesk.isMessage(message)) return yield* InvoiceDesk.hear(message, from)
  if (RouteDesk.isMessage(message)) return yield* RouteDesk.hear(message, from)
  return yield* lifts(message, from)
})
