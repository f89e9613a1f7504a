/**
 * How users of different nodes hand each other tickets in the scenario `credit`: what people do by mail or on paper is a message here.
 * Who gets one shows it at once.
 */
import { Effect, Schema } from "effect"
import { UuidText } from "../../protocol/Cbor.ts"
import { Cuid } from "../../protocol/credit/Chad.ts"
import { Invitation } from "../../protocol/credit/Invitation.ts"
import * as CreditProtocol from "../../services/credit/CreditProtocol.ts"
import * as TicketDesk from "../../services/credit/TicketDesk.ts"
import * as Protocol from "../../services/delivery/Protocol.ts"

const Handed = Schema.TaggedStruct("Handed", { user: Cuid, request: UuidText, invitation: Invitation })

export const Handover = Protocol.make("handover", {
  messages: Handed,
  subject: ({ request }) => request,
  handle: Effect.fnUntraced(function* ({ invitation, request, user }) {
    yield* CreditProtocol.perform(yield* TicketDesk.show(user, request, invitation))
  })
})
