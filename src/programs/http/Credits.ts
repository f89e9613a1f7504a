/**
 * Credit as the API shows it, or that the node keeps none.
 */
import { Effect, Option } from "effect"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import type { ChitId } from "../../protocol/credit/Chit.ts"
import type { LiftId } from "../../protocol/credit/LiftPlan.ts"
import type { QueryId } from "../../protocol/credit/Route.ts"
import type { TallyId } from "../../protocol/credit/TallyDocument.ts"
import type { Command } from "../../services/credit/Command.ts"
import { Credit } from "../../services/credit/Credit.ts"
import { CommandRefused, NotFound, Refused } from "./ApiErrors.ts"
import { reachable } from "./Reachable.ts"

/** Rows that a request shows which does not say how many. */
const standardLimit = 100

const noCredit = new NotFound({
  message: "this node keeps no credit",
  fix: "Start it without --no-credit, and with credit left out of its settings or true."
})

interface Query<Key> {
  readonly after?: Key | undefined
  readonly limit?: number | undefined
}

interface OfUser {
  readonly user: Cuid
}
interface OfTally extends OfUser {
  readonly tally: TallyId
}

/** What to do about a refusal, as far as its outcome says. */
const fixOf = (outcome: "stale" | "refused"): string =>
  outcome === "stale" ? "See how it stands now, and give another command if that is still wanted." : "Nothing was done."

/** The page, and where the next one begins; one that is not full is the last. */
const paged = <Row, Key>(rows: ReadonlyArray<Row>, limit: number, keyOf: (row: Row) => Key | undefined) => {
  const last = rows.length < limit ? undefined : rows.at(-1)
  const next = last === undefined ? undefined : keyOf(last)
  return next === undefined ? { items: rows } : { items: rows, next }
}

const paging = <Key>({ after, limit = standardLimit }: Query<Key>) => ({ after, limit })

export const make = Effect.gen(function* () {
  const credit = Option.getOrUndefined(yield* Effect.serviceOption(Credit))
  const kept = Effect.suspend(() => (credit === undefined ? Effect.fail(noCredit) : Effect.succeed(credit)))

  /** Asks the service; what there is none of is `NotFound`. */
  const view = <A, E>(ask: (credit: Credit["Service"]) => Effect.Effect<A, E>) =>
    Effect.flatMap(kept, (credit) => reachable(ask(credit)))
  const one = Effect.fnUntraced(function* <A, E>(
    ask: (credit: Credit["Service"]) => Effect.Effect<A | undefined, E>,
    message: string,
    fix: string
  ) {
    return (yield* view(ask)) ?? (yield* new NotFound({ message, fix }))
  })

  const known = (user: Cuid) =>
    one((credit) => credit.user(user), `this node has no user ${user}`, "See them with: holdfast user list")
  const half = ({ tally, user }: OfTally) =>
    one(
      (credit) => credit.tally(user, tally),
      `${user} has no tally ${tally}`,
      `See them with: holdfast tally list --user ${user}`
    )

  return {
    run: Effect.fn("Api.credit.run")(function* (user: Cuid, command: Command, key: string | undefined) {
      return yield* view((credit) => credit.run(user, command, key)).pipe(
        Effect.catchTags({
          CreditRefused: ({ detail, outcome, reason, revision }) =>
            Effect.fail(
              new CommandRefused({ message: detail, fix: fixOf(outcome), outcome, reason, detail, revision })
            ),
          CommandKeyTaken: ({ message }) =>
            Effect.fail(new Refused({ message, fix: "A key belongs to one command, which it makes repeatable." }))
        })
      )
    }),

    user: known,
    users: Effect.fn("Api.credit.users")(function* (query: Query<Cuid>) {
      const { after, limit } = paging(query)
      const rows = yield* view((credit) => credit.users({ after, limit }))
      return paged(rows, limit, ({ certificate }) => certificate.chad.cuid)
    }),

    tally: half,
    tallies: Effect.fn("Api.credit.tallies")(function* ({ user }: OfUser, query: Query<TallyId>) {
      yield* known(user)
      const { after, limit } = paging(query)
      const rows = yield* view((credit) => credit.tallies(user, { after, limit }))
      return paged(rows, limit, ({ id }) => id)
    }),

    chit: ({ chit, tally, user }: OfTally & { readonly chit: ChitId }) =>
      one(
        (credit) => credit.chit(user, tally, chit),
        `${user} has no chit ${chit} on the tally ${tally}`,
        `See them with: holdfast chit list ${tally} --user ${user}`
      ),
    chits: Effect.fn("Api.credit.chits")(function* (at: OfTally, query: Query<number>) {
      yield* half(at)
      const { after, limit } = paging(query)
      const rows = yield* view((credit) => credit.placed(at.user, at.tally, { after, limit }))
      return paged(rows, limit, ({ index }) => index)
    }),
    moving: Effect.fn("Api.credit.moving")(function* (at: OfTally, { limit = standardLimit }: Query<never>) {
      yield* half(at)
      return { items: yield* view((credit) => credit.moving(at.user, at.tally, limit)) }
    }),
    evidence: Effect.fn("Api.credit.evidence")(function* (at: OfTally, { limit = standardLimit }: Query<never>) {
      yield* half(at)
      return { items: yield* view((credit) => credit.evidence(at.user, at.tally, limit)) }
    }),

    tickets: Effect.fn("Api.credit.tickets")(function* ({ user }: OfUser, { limit = standardLimit }: Query<never>) {
      yield* known(user)
      return { items: yield* view((credit) => credit.tickets(user, limit)) }
    }),
    requests: Effect.fn("Api.credit.requests")(function* ({ user }: OfUser, { limit = standardLimit }: Query<never>) {
      yield* known(user)
      return { items: yield* view((credit) => credit.requests(user, limit)) }
    }),

    route: ({ query, user }: OfUser & { readonly query: QueryId }) =>
      one(
        (credit) => credit.route(user, query),
        `${user} has no search ${query}`,
        "What was found is kept for an hour: search anew with: holdfast route find"
      ),

    payment: ({ lift, user }: OfUser & { readonly lift: LiftId }) =>
      one(
        (credit) => credit.payment(user, lift),
        `${user} has no payment ${lift}`,
        `See them with: holdfast lift list --user ${user}`
      ),
    payments: Effect.fn("Api.credit.payments")(function* ({ user }: OfUser, query: Query<LiftId>) {
      yield* known(user)
      const { after, limit } = paging(query)
      const rows = yield* view((credit) => credit.payments(user, { after, limit }))
      return paged(rows, limit, ({ lift }) => lift)
    }),

    lift: ({ lift }: { readonly lift: LiftId }) =>
      one(
        (credit) => credit.lift(lift),
        `this node takes no part in a lift ${lift}`,
        "Give the id of one that it does: a payment has none before a way was found."
      )
  }
})
