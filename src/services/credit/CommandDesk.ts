/**
 * What a user tells their node to do, as work of the desks: which desk does it, under which ids, and what its answer names.
 *
 * Runs inside the caller's transaction. Ids that are left out are made here; nobody but the user's own halves and lifts is touched.
 */
import { Effect, Result } from "effect"
import { SecureRandom } from "effect/crypto"
import { type Unfit, unfit } from "../../protocol/credit/Action.ts"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import { ChitId } from "../../protocol/credit/Chit.ts"
import { LiftId, type SignedPlan } from "../../protocol/credit/LiftPlan.ts"
import { QueryId } from "../../protocol/credit/Route.ts"
import { TallyId } from "../../protocol/credit/TallyDocument.ts"
import { Identity } from "../link/Identity.ts"
import { Records } from "../Records.ts"
import { type Answer, nothing, refusing } from "./Answer.ts"
import * as Circle from "./Circle.ts"
import type { Command, Done } from "./Command.ts"
import * as Tables from "./CreditTables.ts"
import * as Halves from "./Halves.ts"
import * as InvoiceDesk from "./InvoiceDesk.ts"
import * as LiftDesk from "./LiftDesk.ts"
import * as PaymentDesk from "./PaymentDesk.ts"
import * as RouteDesk from "./RouteDesk.ts"
import * as TallyDesk from "./TallyDesk.ts"
import * as TicketDesk from "./TicketDesk.ts"
import * as Users from "./Users.ts"

/** What is still to be done, and what the user is told if nothing did not fit. */
export interface Outcome {
  readonly answer: Answer
  readonly done: Done
}

type Of<Tag extends Command["_tag"]> = Extract<Command, { readonly _tag: Tag }>

const naming =
  (done: Done) =>
  (answer: Answer): Outcome => ({ answer, done })

const denied = (reason: string, detail: string): Outcome => ({
  answer: refusing(unfit("refused", reason, detail)),
  done: {}
})
const overtaken = (reason: string, detail: string): Outcome => ({
  answer: refusing(unfit("stale", reason, detail)),
  done: {}
})

const noUser = unfit("refused", "unknown-user", "nobody here has this cuid")
const unknownUser: Outcome = { answer: refusing(noUser), done: {} }

/** A new id, in the order of time. */
const fresh = Effect.flatMap(SecureRandom.SecureRandom, (random) => random.uuidV7())

/** What a tally says that its drafter has said nothing of. */
const unsaid = { memo: "", agree: { name: "none", rid: "none" } }

const unreachable = denied(
  "no-place",
  "a certificate says where this node is reached, and it listens at no address or at all of them: " +
    "set one that others can dial, as its address for credit (--credit-address) or as what it advertises (--advertise)"
)

const putUser = Effect.fnUntraced(function* (
  user: Cuid,
  { _tag, ...profile }: Of<"PutUser">,
  place: Users.Place | undefined
) {
  if (place === undefined) return unreachable
  return naming({})(yield* Users.put(user, profile, place))
})

const draft = Effect.fnUntraced(function* (user: Cuid, { _tag, tally, ...wanted }: Of<"DraftTally">) {
  const id = tally ?? TallyId.make(yield* fresh)
  return naming({ tally: id })(yield* TallyDesk.draft(user, { ...unsaid, ...wanted, id }))
})

const issue = Effect.fnUntraced(function* (user: Cuid, { life, reuse, tally }: Of<"IssueTicket">) {
  const invitation = yield* TicketDesk.issue(user, tally, life === undefined ? { reuse } : { life, reuse })
  if (invitation === undefined) return denied("not-a-draft", "there is no draft of this tally")
  return naming({ tally, invitation })(nothing)
})

const show = Effect.fnUntraced(function* (user: Cuid, { invitation, request }: Of<"ShowTicket">) {
  const id = request ?? (yield* fresh)
  return naming({ request: id })(yield* TicketDesk.show(user, id, invitation))
})

const revise = Effect.fnUntraced(function* (
  user: Tables.User,
  { _tag, revision, side, tally, ...wanted }: Of<"ReviseTally">
) {
  const { certificate } = user
  const holder = certificate.chad.cuid
  const half = yield* Halves.own(holder, tally)
  if (half !== undefined && half.side !== side) return denied("other-side", `this side of the tally is ${half.side}`)
  return naming({ tally })(
    yield* TallyDesk.revise(holder, tally, revision, { ...unsaid, ...wanted, cert: certificate })
  )
})

const set = Effect.fnUntraced(function* (user: Cuid, { chit, date, sets, sign, tally }: Of<"SetTally">) {
  const uuid = chit ?? ChitId.make(yield* fresh)
  const setting = { tally, uuid, sets, ...(date === undefined ? {} : { date }) }
  return naming({ tally, chit: uuid })(yield* InvoiceDesk.set(user, setting, sign))
})

const ask = Effect.fnUntraced(function* (user: Cuid, { _tag, chit, ...asked }: Of<"Ask">) {
  const uuid = chit ?? ChitId.make(yield* fresh)
  return naming({ tally: asked.tally, chit: uuid })(yield* InvoiceDesk.ask(user, { ...asked, uuid }))
})

/** A payment on one tally, unasked or of an invoice. */
export type Payment = Of<"Pay"> | Of<"PayInvoice">

export const isPayment = (command: Command): command is Payment =>
  command._tag === "Pay" || command._tag === "PayInvoice"

const paying = Effect.fnUntraced(function* (command: Payment) {
  const { _tag, chit, tally: _, ...rest } = command
  const found: InvoiceDesk.Paying =
    chit !== undefined && _tag === "PayInvoice"
      ? { ...rest, uuid: chit }
      : { ...rest, uuid: chit ?? ChitId.make(yield* fresh), isNew: true }
  return found
})

/**
 * Payments of one user on one tally, in their order, inside the caller's transaction: what is still to be done for all of them, and what
 * each was about or what was wrong with it.
 */
export const payAll = Effect.fnUntraced(function* (user: Cuid, tally: TallyId, all: ReadonlyArray<Payment>) {
  const row = yield* Users.get(user)
  if (row === undefined) return { answer: nothing, outcomes: all.map(() => Result.fail(noUser)) }
  const payings = yield* Effect.forEach(all, paying)
  const { answer, wrong } = yield* InvoiceDesk.payAll(row, tally, payings)
  const outcomes = payings.map(({ uuid: chit }, at): Result.Result<Done, Unfit> => {
    const unfit = wrong[at]
    return unfit === undefined ? Result.succeed({ tally, chit }) : Result.fail(unfit)
  })
  return { answer, outcomes }
})

const pay = Effect.fnUntraced(function* (user: Cuid, command: Payment) {
  const { answer, outcomes } = yield* payAll(user, command.tally, [command])
  const [outcome = Result.fail(noUser)] = outcomes
  return Result.match(outcome, {
    onFailure: (wrong): Outcome => ({ answer: refusing(wrong), done: {} }),
    onSuccess: (done): Outcome => ({ answer, done })
  })
})

const findWays = Effect.fnUntraced(function* (user: Cuid, { query, to, units }: Of<"FindWays">) {
  const id = query ?? QueryId.make(yield* fresh)
  const aim = to === undefined ? yield* Circle.aim(user, units, 0) : { find: to }
  if (aim === undefined) return denied("no-circle", "there is no tally over which so much could come back")
  return naming({ query: id })(yield* RouteDesk.begin(user, { query: id, units, to: aim }))
})

/** Of a lift that this user pays for, and that begins here. */
const isOwn = Effect.fnUntraced(function* (user: Cuid, { payor }: SignedPlan["plan"]) {
  return payor.cuid === user && payor.agent === (yield* Identity).key
})

const foreign = denied("not-the-payor", "somebody else pays in this lift")

const lift = Effect.fnUntraced(function* (user: Cuid, { authority, plan }: Of<"Lift">) {
  if (!(yield* isOwn(user, plan))) return foreign
  return naming({ lift: plan.lift })(yield* LiftDesk.begin({ plan, authority }))
})

const payOver = Effect.fnUntraced(function* (
  user: Tables.User,
  { _tag, lift: id, ...paid }: Of<"PayOver">,
  place: Users.Place | undefined
) {
  const lift = id ?? LiftId.make(yield* fresh)
  return naming({ lift })(yield* PaymentDesk.begin(user, { ...paid, lift }, place))
})

/** A payment, or a lift that the user has planned themselves. */
const abort = Effect.fnUntraced(function* (user: Cuid, id: LiftId) {
  const payment = yield* (yield* Records).get(Tables.payments, [id])
  if (payment !== undefined) {
    return payment.user === user ? naming({ lift: id })(yield* PaymentDesk.abort(payment)) : foreign
  }
  const state = yield* (yield* Records).get(Tables.lifts, [id])
  if (state === undefined) return overtaken("unknown-lift", "nothing is known of this lift here")
  if (!(yield* isOwn(user, state.plan))) return foreign
  return naming({ lift: id })(yield* LiftDesk.abort(id))
})

/** The command of a user whom this node has. */
const known = Effect.fnUntraced(function* (
  row: Tables.User,
  command: Exclude<Command, Of<"PutUser"> | Payment>,
  place: Users.Place | undefined
) {
  const user = row.certificate.chad.cuid
  const done = "tally" in command && command.tally !== undefined ? { tally: command.tally } : {}
  const said = naming(done)
  switch (command._tag) {
    case "DraftTally":
      return yield* draft(user, command)
    case "IssueTicket":
      return yield* issue(user, command)
    case "ShowTicket":
      return yield* show(user, command)
    case "OfferTally":
      return said(yield* TallyDesk.offer(user, command.tally, command))
    case "AcceptTally":
      return said(yield* TallyDesk.accept(user, command.tally, command.revision, command.sign))
    case "RefuseTally":
      return said(yield* TallyDesk.refuse(user, command.tally, command.revision))
    case "ReviseTally":
      return yield* revise(row, command)
    case "WithdrawTally":
      return said(yield* TallyDesk.withdraw(user, command.tally))
    case "ResendTally":
      return said(yield* TallyDesk.resend(user, command.tally))
    case "SetTally":
      return yield* set(user, command)
    case "Ask":
      return yield* ask(user, command)
    case "Decline":
      return naming({ ...done, chit: command.chit })(
        yield* InvoiceDesk.decline(user, command.tally, command.chit, command.revision)
      )
    case "FindWays":
      return yield* findWays(user, command)
    case "PayOver":
      return yield* payOver(row, command, place)
    case "Lift":
      return yield* lift(user, command)
    case "AbortLift":
      return yield* abort(user, command.lift)
  }
})

/** Does what the user wants, in the caller's transaction. `place`: where this node is reached, for certificates. */
export const run = Effect.fnUntraced(function* (user: Cuid, command: Command, place: Users.Place | undefined) {
  if (command._tag === "PutUser") return yield* putUser(user, command, place)
  if (isPayment(command)) return yield* pay(user, command)
  const row = yield* Users.get(user)
  return row === undefined ? unknownUser : yield* known(row, command, place)
})
