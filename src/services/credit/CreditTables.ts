/**
 * What a node keeps of credit, as tables of records: one row for each user, half of a tally, chit, lift and so on.
 */
import { Schema } from "effect"
import { UuidText } from "../../protocol/Cbor.ts"
import { Certificate, shortText } from "../../protocol/credit/Certificate.ts"
import { Chad, Cuid, Person } from "../../protocol/credit/Chad.ts"
import { Digest } from "../../protocol/credit/Canonical.ts"
import { Entry } from "../../protocol/credit/ChitLog.ts"
import { ChitState } from "../../protocol/credit/ChitState.ts"
import { Instant } from "../../protocol/credit/Instant.ts"
import { LiftId, mostReferees, Referee } from "../../protocol/credit/LiftPlan.ts"
import { LiftState } from "../../protocol/credit/LiftState.ts"
import { RefereeState } from "../../protocol/credit/RefereeState.ts"
import { RouteState } from "../../protocol/credit/RouteState.ts"
import { TallyId } from "../../protocol/credit/TallyDocument.ts"
import { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import { Redemption, Ticket } from "../../protocol/credit/Ticket.ts"
import { Token } from "../../protocol/credit/Token.ts"
import { SomeUnits } from "../../protocol/credit/Units.ts"
import { NodeKey } from "../../protocol/NodeKey.ts"
import { Records } from "../Records.ts"

/** A user of this node. */
export const User = Schema.Struct({
  /** What the user tells of themselves in new tallies; its `public` is the key that they sign with. */
  certificate: Certificate,
  /** What they told before, the newest first: tallies may still come back with it. */
  former: Schema.Array(Certificate).check(Schema.isMaxLength(16)),
  /** Whether this node signs for them, by its keyring. */
  isKept: Schema.Boolean
})
export type User = typeof User.Type

/** A ticket of somebody else's that a user has shown, until there is a tally. */
export const Request = Schema.Struct({
  request: UuidText,
  user: Cuid,
  issuer: Chad,
  token: Token,
  expires: Instant,
  status: Schema.Literals(["asked", "granted", "refused", "expired"]),
  tally: Schema.optionalKey(TallyId),
  /** Why it was refused. */
  reason: Schema.optionalKey(shortText(256))
})
export type Request = typeof Request.Type

/** A chit that takes no effect, kept to be shown. */
export const Evidence = Schema.Struct({
  tally: TallyId,
  holder: Cuid,
  entry: Entry,
  /** Of the chit's core. */
  digest: Digest,
  reason: shortText(64),
  against: Schema.optionalKey(Digest),
  at: Instant
})
export type Evidence = typeof Evidence.Type

/** Ways that one payment tries, at most. */
export const mostAttempts = 3

/** A payment of a user over other users' tallies, from its beginning to its end: first a way is found, then there is a lift over it. */
export const Payment = Schema.Struct({
  /** Its id, and that of the first lift. */
  lift: LiftId,
  /** Which try this is, from 1: a way that turns out not to go is not the only one. */
  attempt: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: mostAttempts })),
  /** The id of this try's lift: that of the payment for the first, a fresh one that nobody can know beforehand for each other. */
  current: LiftId,
  /** The lifts of the tries before this one. */
  tried: Schema.optionalKey(Schema.Array(LiftId).check(Schema.isMaxLength(mostAttempts))),
  user: Cuid,
  /** The user themselves in a circle. */
  to: Person,
  units: SomeUnits,
  memo: Schema.optionalKey(shortText(1_024)),
  ref: Schema.optionalKey(shortText(1_024)),
  referees: Schema.Array(Referee).check(Schema.isMaxLength(mostReferees)),
  /** `seeking`: there is no lift yet. `failed`: there never was one. */
  status: Schema.Literals(["seeking", "lifting", "good", "void", "failed"]),
  /** Why the try before this one did not go. */
  failed: Schema.optionalKey(shortText(64)),
  /** Why it is void, or has failed. */
  reason: Schema.optionalKey(shortText(64)),
  begun: Instant,
  /** Until when a way may be found and promised. */
  expires: Instant
})
export type Payment = typeof Payment.Type

/** A command that a user has given under a key of their own: what it said, and what came of it. */
export const Command = Schema.Struct({
  user: Cuid,
  key: shortText(64),
  /** Of the command's name and arguments. */
  digest: Digest,
  /** JSON. */
  answer: Schema.String,
  at: Instant
})
export type Command = typeof Command.Type

export const users = Records.table("credit_users", {
  row: User,
  key: ({ certificate }) => [certificate.chad.cuid]
})

export const halves = Records.table("credit_halves", {
  row: TallyHalf,
  key: ({ holder, id }) => [holder, id],
  indexes: {
    /** Which half a message is for. */
    side: ({ id, partner, side }) => (partner === undefined ? undefined : [id, side, partner.agent]),
    /** All that is shared with a node. */
    agent: ({ id, partner }) => (partner === undefined ? undefined : [partner.agent, id]),
    /** What another node has begun: what nobody has opened, and what is void and unsigned by its holder. */
    begun: ({ id, isTheirs, partner, status }) => {
      if (partner === undefined) return undefined
      if (status === "draft" || status === "received") return [partner.agent, "waiting", id]
      return status === "void" && isTheirs === true ? [partner.agent, "void", id] : undefined
    },
    /** Those that wait for their holder. */
    waits: ({ draft, holder, status, trouble }) =>
      trouble !== undefined || status === "received" || (status === "draft" && draft?.partner !== undefined)
        ? [holder]
        : undefined
  }
})

export const chits = Records.table("credit_chits", {
  row: ChitState,
  key: ({ core, holder }) => [holder, core.tally, core.uuid],
  indexes: {
    place: ({ core, holder, index }) => (index === undefined ? undefined : [holder, core.tally, index]),
    /** Good, and without a place. */
    loose: ({ core, holder, index, status }) =>
      status === "good" && index === undefined ? [holder, core.tally, core.date] : undefined,
    /** Invoices that wait, and lifts that are promised. */
    asked: ({ core, holder, status }) => (status === "asked" ? [holder, core.tally] : undefined)
  }
})

export const evidence = Records.table("credit_evidence", {
  row: Evidence,
  key: ({ digest, holder, tally }) => [holder, tally, digest]
})

export const tickets = Records.table("credit_tickets", {
  row: Ticket,
  key: ({ token }) => [token],
  indexes: { holder: ({ expires, holder }) => [holder, expires] }
})

export const redemptions = Records.table("credit_redemptions", {
  row: Redemption,
  key: ({ request, token }) => [token, request],
  /** By the node of whoever has shown the ticket. */
  indexes: { agent: ({ by, request, token }) => [token, by.agent, request] }
})

export const requests = Records.table("credit_requests", {
  row: Request,
  key: ({ request }) => [request],
  indexes: {
    user: ({ expires, user }) => [user, expires],
    refused: ({ expires, status }) => (status === "refused" ? [expires] : undefined)
  }
})

export const lifts = Records.table("credit_lifts", {
  row: LiftState,
  key: ({ plan }) => [plan.lift],
  indexes: {
    wake: ({ plan, wakeAt }) => (wakeAt === undefined ? undefined : [wakeAt, plan.lift]),
    /** What this node has refused to another one, by the end of the plan. */
    refused: ({ asker, plan, status }) => (asker === undefined || status === "good" ? undefined : [asker, plan.expires])
  }
})

export const referees = Records.table("credit_referees", {
  row: RefereeState,
  key: ({ plan }) => [plan.lift],
  /** Not decided yet, by the node that has come with it. */
  indexes: {
    undecided: ({ asker, plan, record }) =>
      record === undefined && asker !== undefined ? [asker, plan.lift] : undefined
  }
})

export const routes = Records.table("credit_routes", {
  row: RouteState,
  key: ({ holder, query }) => [holder, query],
  indexes: {
    wake: ({ wakeAt }) => [wakeAt],
    query: ({ holder, query }) => [query, holder],
    /** Those of other nodes, by who has asked. */
    asker: ({ asker, holder, query }) => (asker === undefined ? undefined : [asker.agent, query, holder])
  }
})

/** What is owed to a node, and when it is said again. */
export const Repair = Schema.Struct({
  peer: NodeKey,
  /** Rounds since everything was quiet. */
  attempts: Schema.Natural,
  /** When the next round is. */
  at: Instant,
  /** When everything was last looked through, whether quiet or not; the epoch if it never was. */
  checked: Instant,
  /** Where a round that is under way goes on, and what it has met so far. */
  going: Schema.optionalKey(
    Schema.Struct({ after: TallyId, isCheck: Schema.Boolean, begun: Instant, isQuiet: Schema.Boolean })
  )
})
export type Repair = typeof Repair.Type

export const repairs = Records.table("credit_repairs", { row: Repair, key: ({ peer }) => [peer] })

export const payments = Records.table("credit_payments", {
  row: Payment,
  key: ({ lift }) => [lift],
  indexes: {
    user: ({ lift, user }) => [user, lift],
    /** Those that have not ended. */
    current: ({ current, status }) => (status === "seeking" || status === "lifting" ? [current] : undefined)
  }
})

export const commands = Records.table("credit_commands", {
  row: Command,
  key: ({ key, user }) => [user, key],
  indexes: { at: ({ at }) => [at] }
})

/** Until when this node, as a referee, may have forgotten what it has signed. */
export const Horizon = Schema.Struct({ of: Schema.Literal("referee"), until: Instant })
export type Horizon = typeof Horizon.Type

export const horizons = Records.table("credit_horizons", { row: Horizon, key: ({ of }) => [of] })

/** All of them, for the migrations. */
export const all = [
  users,
  halves,
  chits,
  evidence,
  tickets,
  redemptions,
  requests,
  lifts,
  referees,
  routes,
  payments,
  commands,
  repairs,
  horizons
]
