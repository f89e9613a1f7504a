/**
 * Mutual credit of this node's users: what they tell it to do, and what they see.
 *
 * A command is one transaction. What it brings about at other nodes comes later: it is told in the feed (the user's id is the audience)
 * and seen in the views. Amounts are milli-CHIP.
 */
import { Context, Effect, Exit, Layer, Option } from "effect"
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
import * as Contention from "../Contention.ts"
import { Node } from "../Node.ts"
import * as SharedCommits from "../SharedCommits.ts"
import { Transactions } from "../Transactions.ts"
import { type Command, type CommandKeyTaken, CreditRefused, type Done } from "./Command.ts"
import * as CommandDesk from "./CommandDesk.ts"
import * as CommandKeys from "./CommandKeys.ts"
import { CreditConfig, placeOf } from "./CreditConfig.ts"
import * as CreditProtocol from "./CreditProtocol.ts"
import { CreditMeter, type Meter } from "./CreditMeter.ts"
import type { Evidence, Payment, Request, User } from "./CreditTables.ts"
import * as CreditViews from "./CreditViews.ts"
import * as SharedPayments from "./SharedPayments.ts"
import type { Place } from "./Users.ts"

export { mostRows, type Paging } from "./CreditViews.ts"
type Paging<Key> = CreditViews.Paging<Key>

export class Credit extends Context.Service<
  Credit,
  {
    /**
     * Does what a user of this node wants, in one transaction, or in the caller's. Under a key it is done once: the same again, up to
     * a week later, gives the same answer. What was refused has changed nothing and can be given again under its key. A transaction of
     * its own that the database has ended for the sake of another one is run again, five times at the most; the caller's is not.
     * Payments on one tally that come while another one is under way share a transaction, in the order in which they came, 32 at the
     * most; one that is interrupted before its turn has changed nothing.
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
    /** Those that expire last, the last one last. */
    readonly tickets: (user: Cuid, limit: number) => Effect.Effect<ReadonlyArray<Ticket>, SqlError>
    /** Tickets of others that the user has shown; those that expire last, the last one last. */
    readonly requests: (user: Cuid, limit: number) => Effect.Effect<ReadonlyArray<Request>, SqlError>
    readonly route: (user: Cuid, query: QueryId) => Effect.Effect<RouteState | undefined, SqlError>
    /** A lift that this node takes part in. */
    readonly lift: (lift: LiftId) => Effect.Effect<LiftState | undefined, SqlError>
    /** What the user pays over others, and what became of it; the newest last. */
    readonly payment: (user: Cuid, lift: LiftId) => Effect.Effect<Payment | undefined, SqlError>
    readonly payments: (user: Cuid, paging: Paging<LiftId>) => Effect.Effect<ReadonlyArray<Payment>, SqlError>
  }
>()("holdfast/services/credit/Credit") {
  /** Over a node whose protocols have `CreditProtocol.Credit` among them. */
  static readonly layer: Layer.Layer<Credit, never, CreditProtocol.Services | Transactions | Node> = Layer.effect(
    Credit,
    Effect.suspend(() => make)
  )
}

/** Does it, and everything that follows from it here; in the caller's transaction. */
const perform = Effect.fnUntraced(function* (user: Cuid, command: Command, place: Place | undefined) {
  const { answer, done } = yield* CommandDesk.run(user, command, place)
  if (answer.unfit !== undefined) return yield* CreditRefused.of(answer.unfit)
  yield* CreditProtocol.perform(answer)
  return done
})

const performOnce = Effect.fnUntraced(function* (user: Cuid, command: Command, key: string, place: Place | undefined) {
  if (!CommandKeys.isKey(key)) {
    const detail = "a key has 1 to 64 characters"
    return yield* new CreditRefused({ outcome: "refused", reason: "key-unfit", detail, revision: "" })
  }
  const before = yield* CommandKeys.answered(user, key, command)
  if (before !== undefined) return before
  const done = yield* perform(user, command, place)
  yield* CommandKeys.rememberAll(user, [{ command, key, done }])
  return done
})

type Failed = CreditRefused | CommandKeyTaken | SqlError

/** Counts how a command has ended; one that was interrupted, or is a defect, counts as failed. */
const counted =
  (meter: Meter, { _tag }: Command) =>
  (exit: Exit.Exit<Done, Failed>): Effect.Effect<void> =>
    Effect.sync(() => {
      const error = Option.getOrUndefined(Exit.findErrorOption(exit))
      if (Exit.isSuccess(exit)) meter.commanded(_tag, "done")
      else if (error?._tag === "CreditRefused") {
        meter.commanded(_tag, error.outcome, error.outcome === "refused" ? error.reason : undefined)
      } else if (error?._tag === "CommandKeyTaken") meter.commanded(_tag, "refused", "key-taken")
      else meter.commanded(_tag, "failed")
    })

const make = Effect.gen(function* () {
  const context = yield* Effect.context<CreditProtocol.Services>()
  const transactions = yield* Transactions
  const within = Contention.within(transactions)
  const share = SharedCommits.make(transactions, SharedPayments.work)
  const shared = (given: SharedPayments.Given) => share(SharedPayments.placeOf(given), given)
  const { address } = yield* Node
  const meter = yield* CreditMeter
  const place = placeOf(yield* CreditConfig, address)
  const run = Effect.fn("Credit.run")(function* (user: Cuid, command: Command, key?: string) {
    const isShared = CommandDesk.isPayment(command) && (key === undefined || CommandKeys.isKey(key))
    const work =
      isShared && !(yield* transactions.isOpen)
        ? shared({ user, command, key })
        : within(key === undefined ? perform(user, command, place) : performOnce(user, command, key, place))
    return yield* Effect.provide(work, context).pipe(Effect.onExit(counted(meter, command)))
  })
  return Credit.of({ run, ...(yield* CreditViews.make) })
})
