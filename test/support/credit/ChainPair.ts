/**
 * The desks of two nodes that share a tally, each over records of its own, and the messages between them: brought in order, but for those
 * that a test loses.
 */
import { Context, Effect, Layer, type Scope } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import * as IdentityMemory from "../../../src/layers/IdentityMemory.ts"
import type { Unfit } from "../../../src/protocol/credit/Action.ts"
import type { Entry } from "../../../src/protocol/credit/ChitLog.ts"
import { other, type Side } from "../../../src/protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../../src/protocol/credit/TallyHalf.ts"
import type { Answer, Work } from "../../../src/services/credit/Answer.ts"
import * as ChainDesk from "../../../src/services/credit/ChainDesk.ts"
import * as Tables from "../../../src/services/credit/CreditTables.ts"
import * as Halves from "../../../src/services/credit/Halves.ts"
import type { Identity } from "../../../src/services/link/Identity.ts"
import { Records } from "../../../src/services/Records.ts"
import { Transactions } from "../../../src/services/Transactions.ts"
import { agents, opened, tally } from "./Parties.ts"

type Services = Records | Transactions | Identity

export interface ChainSide {
  /** Ids of the kinds of its events. */
  readonly told: Array<string>
  /** What it has refused, and why. */
  readonly refused: Array<string>
  readonly run: <A>(work: Effect.Effect<A, SqlError, Services>) => Effect.Effect<A, SqlError>
  readonly half: Effect.Effect<TallyHalf, SqlError>
}

export interface ChainPair {
  readonly sides: Readonly<Record<Side, ChainSide>>
  /** A chit of this side's becomes good. */
  readonly book: (side: Side, entry: Entry) => Effect.Effect<void, SqlError>
  readonly repair: (side: Side) => Effect.Effect<void, SqlError>
  /** The partner says this. */
  readonly hear: (side: Side, message: ChainDesk.Message) => Effect.Effect<void, SqlError>
  /** Brings all that is under way, and what that causes. */
  readonly settle: Effect.Effect<void, SqlError>
  /** Loses all that is under way. */
  readonly lose: () => void
}

const lockedHalf = (side: Side) =>
  Effect.flatMap(Halves.own(opened(side).holder, tally), (half) =>
    half === undefined ? Effect.die(new Error(`${side} has no half`)) : Effect.succeed(half)
  )

/** More than any test needs: the sides would talk for ever. */
const mostMessages = 1_000

const seeds = { stock: 1, foil: 2 } as const

const start = Effect.fnUntraced(function* (stores: Layer.Layer<Records | Transactions>, side: Side) {
  const identity = IdentityMemory.layerFromSeed(new Uint8Array(32).fill(seeds[side]))
  const context = yield* Layer.build(Layer.fresh(Layer.mergeAll(stores, identity)))
  const { within } = Context.get(context, Transactions)
  const run: ChainSide["run"] = (work) => Effect.provide(within(work), context)
  yield* run(Effect.flatMap(Records, (records) => records.insert(Tables.halves, opened(side))))
  const found: ChainSide = { told: [], refused: [], run, half: run(lockedHalf(side)) }
  return found
})

export const make = Effect.fnUntraced(function* (
  stores: Layer.Layer<Records | Transactions>
): Effect.fn.Return<ChainPair, SqlError, Scope.Scope> {
  const sides = { stock: yield* start(stores, "stock"), foil: yield* start(stores, "foil") }
  const way: Array<{ readonly to: Side; readonly message: ChainDesk.Message }> = []

  const take = (side: Side, { actions, unfit }: Answer): void => {
    const here = sides[side]
    if (unfit !== undefined) here.refused.push(reasonOf(unfit))
    for (const action of actions) {
      if (action._tag === "Tell") here.told.push(action.kind)
      else if (ChainDesk.isMessage(action.message)) way.push({ to: other(side), message: action.message })
    }
  }
  const work = (side: Side, what: Work<Services>) => Effect.map(sides[side].run(what), (answer) => take(side, answer))

  const hear = (side: Side, message: ChainDesk.Message) => work(side, ChainDesk.hear(message, agents[other(side)].key))

  return {
    sides,
    hear,
    book: (side, entry) =>
      work(
        side,
        Effect.flatMap(lockedHalf(side), (half) => ChainDesk.book(half, entry))
      ),
    repair: (side) => work(side, Effect.flatMap(lockedHalf(side), ChainDesk.repair)),
    settle: Effect.gen(function* () {
      let count = 0
      for (let next = way.shift(); next !== undefined; next = way.shift()) {
        if (++count > mostMessages) return yield* Effect.die(new Error("the sides do not come to an end"))
        yield* hear(next.to, next.message)
      }
    }),
    lose: () => void way.splice(0)
  }
})

const reasonOf = ({ outcome, reason }: Unfit): string => `${outcome}: ${reason}`
