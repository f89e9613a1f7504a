/**
 * Tickets: those that users of this node have issued, and those of others that they have shown.
 */
import { Clock, Effect } from "effect"
import { SecureRandom } from "effect/crypto"
import { Hex } from "effect/encoding"
import { unfit } from "../../protocol/credit/Action.ts"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import type * as Message from "../../protocol/credit/CreditMessage.ts"
import type { Invitation } from "../../protocol/credit/Invitation.ts"
import { TallyId } from "../../protocol/credit/TallyDocument.ts"
import * as TallyMachine from "../../protocol/credit/TallyMachine.ts"
import * as Ticket from "../../protocol/credit/Ticket.ts"
import { Token } from "../../protocol/credit/Token.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Records } from "../Records.ts"
import { acting, type Answer, owingFor, refusing } from "./Answer.ts"
import * as Tables from "./CreditTables.ts"
import * as Halves from "./Halves.ts"
import { busy, isBusy, isServed } from "./Quotas.ts"
import * as Users from "./Users.ts"

export type Shown = typeof Message.Ticket.Type

const unknown = refusing(unfit("refused", "ticket-unknown", "there is no such ticket"))

const served = refusing(
  unfit("refused", "ticket-limit", "users of your node have as many tallies by this ticket as it gives")
)

/** A ticket for a draft of the holder's; `life` in milliseconds. None if there is no such draft. */
export const issue = Effect.fnUntraced(function* (
  holder: Cuid,
  tally: TallyId,
  { life, reuse }: { readonly life?: number; readonly reuse: boolean }
) {
  const half = yield* Halves.own(holder, tally)
  const user = yield* Users.get(holder)
  if (half?.draft === undefined || half.status !== "draft" || user === undefined) return undefined
  const token = Token.make(Hex.encode(yield* (yield* SecureRandom.SecureRandom).randomBytes(16)))
  const now = yield* Clock.currentTimeMillis
  const ticket = Ticket.issue({ token, holder, tally, reuse, now, ...(life === undefined ? {} : { life }) })
  yield* (yield* Records).put(Tables.tickets, ticket)
  const invitation: Invitation = { token, chad: user.certificate.chad, expires: ticket.expires }
  return invitation
})

/** Somebody shows a ticket of one of this node's users. */
export const hear = Effect.fnUntraced(function* ({ cert, request, token }: Shown, from: NodeKey) {
  const records = yield* Records
  if (cert.chad.agent !== from)
    return refusing(unfit("refused", "not-its-user", "the certificate is of another node's user"))
  const ticket = yield* records.lock(Tables.tickets, [token])
  const known = yield* records.get(Tables.redemptions, [token, request])
  const fresh = TallyId.make(yield* (yield* SecureRandom.SecureRandom).uuidV7())
  const now = yield* Clock.currentTimeMillis
  const by = { cuid: cert.chad.cuid, agent: from }
  const redeemed = Ticket.redeem({ request, by, now, fresh, ticket, known })
  if (redeemed._tag === "Unfit") return refusing(redeemed)
  if (ticket === undefined || !redeemed.isNew) return acting([])
  if (yield* isServed(ticket, from)) return served
  if (yield* isBusy(from)) return busy
  const { holder } = ticket
  const base = yield* Halves.own(holder, ticket.tally)
  if (base?.draft === undefined) return unknown
  const { tally: id } = redeemed.redemption
  const half = id === ticket.tally ? base : undefined
  const { draft, side } = base
  const step = TallyMachine.step(half, { _tag: "Redeemed", holder, id, side, draft, from, partner: cert })
  if (step._tag === "Unfit") return refusing(step)
  yield* records.put(Tables.tickets, redeemed.ticket ?? ticket)
  yield* records.put(Tables.redemptions, redeemed.redemption)
  yield* records.put(Tables.halves, step.state)
  const answer: Answer = { ...acting(step.actions), owing: owingFor(step.state) }
  return answer
})

/** A user shows somebody else's ticket, under a request id of their own: the same again changes nothing. */
export const show = Effect.fnUntraced(function* (user: Cuid, request: string, { chad, expires, token }: Invitation) {
  const records = yield* Records
  const here = yield* Users.get(user)
  if (here === undefined) return refusing(unfit("refused", "unknown-user", "nobody here has this cuid"))
  const now = yield* Clock.currentTimeMillis
  if (now >= expires) return refusing(unfit("refused", "ticket-expired", "the ticket has expired: ask for a new one"))
  const row: Tables.Request = { request, user, issuer: chad, token, expires, status: "asked" }
  if (!(yield* records.insert(Tables.requests, row))) {
    return refusing(unfit("stale", "request-known", "this request was made before"))
  }
  const message: Shown = { _tag: "Ticket", token, request, cert: here.certificate }
  return acting([{ _tag: "Send", to: chad.agent, message }])
})

/** How long it is worth to show the ticket of a request, in milliseconds. */
export const leftOf = Effect.fnUntraced(function* (request: string) {
  const row = yield* (yield* Records).get(Tables.requests, [request])
  const now = yield* Clock.currentTimeMillis
  return row === undefined ? Ticket.lifeByDefault : Math.max(0, row.expires - now)
})

/** What became of a ticket that was shown: its issuer's node has answered, or it has expired before that. */
export const concluded = Effect.fnUntraced(function* (
  request: string,
  status: Tables.Request["status"],
  reason?: string
) {
  const records = yield* Records
  const row = yield* records.lock(Tables.requests, [request])
  if (row === undefined || row.status !== "asked") return acting([])
  const now: Tables.Request = { ...row, status, ...(reason === undefined ? {} : { reason: reason.slice(0, 256) }) }
  yield* records.put(Tables.requests, now)
  const body = { request, issuer: row.issuer.cuid, ...(reason === undefined ? {} : { reason }) }
  return acting([{ _tag: "Tell", user: row.user, subject: request, kind: `ticket.${status}`, body }])
})
