/**
 * Mutual credit of this node's users: what they tell it to do, and what they see.
 *
 * A command is one transaction. What it brings about at other nodes comes later: it is told in the feed (the user's id is the audience)
 * and seen in the views. Amounts are milli-CHIP.
 */
import { Context, type Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import type { ChitId } from "../../protocol/credit/Chit.ts"
import type { ChitState } from "../../protocol/credit/ChitState.ts"
import type { LiftId } from "../../protocol/credit/LiftPlan.ts"
import type { LiftState } from "../../protocol/credit/LiftState.ts"
import type { QueryId } from "../../protocol/credit/Route.ts"
import type { RouteState } from "../../protocol/credit/RouteState.ts"
import type { TallyId } from "../../protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import type { Ticket } from "../../protocol/credit/Ticket.ts"
import type { Command, CommandKeyTaken, CreditRefused, Done } from "./Command.ts"
import type { Evidence, Payment, Request, User } from "./CreditTables.ts"

/** Rows of one page at the most. */
export const mostRows = 256

/** Up to `limit` rows (`mostRows` at the most), behind the one that `after` names. */
export interface Paging<Key> {
  readonly after?: Key | undefined
  readonly limit: number
}

export class Credit extends Context.Service<
  Credit,
  {
    /**
     * Does what a user of this node wants, in one transaction, or in the caller's. Under a key it is done once: the same again, up to
     * a week later, gives the same answer. What was refused has changed nothing and can be given again under its key.
     */
    readonly run: (
      user: Cuid,
      command: Command,
      key?: string
    ) => Effect.Effect<Done, CreditRefused | CommandKeyTaken | SqlError>

    readonly user: (user: Cuid) => Effect.Effect<User | undefined, SqlError>
    readonly users: (paging: Paging<Cuid>) => Effect.Effect<ReadonlyArray<User>, SqlError>
    readonly tally: (user: Cuid, tally: TallyId) => Effect.Effect<TallyHalf | undefined, SqlError>
    readonly tallies: (user: Cuid, paging: Paging<TallyId>) => Effect.Effect<ReadonlyArray<TallyHalf>, SqlError>
    readonly chit: (user: Cuid, tally: TallyId, chit: ChitId) => Effect.Effect<ChitState | undefined, SqlError>
    /** In the order of the chain, those that have a place; behind an index. */
    readonly placed: (
      user: Cuid,
      tally: TallyId,
      paging: Paging<number>
    ) => Effect.Effect<ReadonlyArray<ChitState>, SqlError>
    /** Invoices that wait, lifts that are promised, and what is good without a place yet. */
    readonly moving: (user: Cuid, tally: TallyId, limit: number) => Effect.Effect<ReadonlyArray<ChitState>, SqlError>
    /** Chits that take no effect, kept to be shown. */
    readonly evidence: (user: Cuid, tally: TallyId, limit: number) => Effect.Effect<ReadonlyArray<Evidence>, SqlError>
    readonly tickets: (user: Cuid, limit: number) => Effect.Effect<ReadonlyArray<Ticket>, SqlError>
    /** Tickets of others that the user has shown, the newest last. */
    readonly requests: (user: Cuid, limit: number) => Effect.Effect<ReadonlyArray<Request>, SqlError>
    readonly route: (user: Cuid, query: QueryId) => Effect.Effect<RouteState | undefined, SqlError>
    /** A lift that this node takes part in. */
    readonly lift: (lift: LiftId) => Effect.Effect<LiftState | undefined, SqlError>
    /** What the user pays over others, and what became of it; the newest last. */
    readonly payment: (user: Cuid, lift: LiftId) => Effect.Effect<Payment | undefined, SqlError>
    readonly payments: (user: Cuid, paging: Paging<LiftId>) => Effect.Effect<ReadonlyArray<Payment>, SqlError>
  }
>()("holdfast/services/credit/Credit") {}
