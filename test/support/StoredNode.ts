/**
 * The delivery half of a node on any of the databases, which outlives it: a process may start, be killed and start again.
 *
 * What its handlers do is an event of its feed, so that effects are counted in the database and not in the process.
 */
import { Context, Deferred, Effect, Exit, Fiber, Layer, Queue, Schema, Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import * as IdentityMemory from "../../src/layers/IdentityMemory.ts"
import type { Outcome } from "../../src/protocol/delivery/Message.ts"
import { Buggify, none, type PassingSite, type Points } from "../../src/services/Buggify.ts"
import { Delivery } from "../../src/services/delivery/Delivery.ts"
import * as Exchange from "../../src/services/delivery/Exchange.ts"
import { Feed } from "../../src/services/delivery/Feed.ts"
import { FeedStore } from "../../src/services/delivery/FeedStore.ts"
import * as Protocol from "../../src/services/delivery/Protocol.ts"
import { RetryStore } from "../../src/services/delivery/RetryStore.ts"
import { Outbounds } from "../../src/services/delivery/Outbounds.ts"
import { Wakes } from "../../src/services/delivery/Wakes.ts"
import { Identity } from "../../src/services/link/Identity.ts"
import type { Session } from "../../src/services/link/Session.ts"
import { Transactions } from "../../src/services/Transactions.ts"
import * as SessionPair from "./SessionPair.ts"
import { Reopen, type Stores } from "./Stores.ts"

type Services = Stores | Delivery | Feed | Outbounds | Wakes | Identity

export interface Place {
  readonly seed: number
  /** What became of messages that were sent from here, told when that is durable. */
  readonly outcomes: Queue.Queue<readonly [string, Outcome["_tag"]]>
  readonly protocol: Protocol.Protocol<"words", string, Services>
  /** From now on `later` is taken. */
  readonly relent: () => void
  readonly reopen: Effect.Effect<Context.Context<Stores>, never, Scope.Scope>
}

/** The answer to a word is what it begins with; `later` is taken by who is willing. */
const decide = (word: string, willing: boolean): Effect.Effect<void, Protocol.Rejected> => {
  if (word.startsWith("refused")) return Effect.fail(Protocol.Rejected.refused("not-wanted"))
  if (word.startsWith("stale")) return Effect.fail(Protocol.Rejected.stale("7"))
  return word.startsWith("later") && !willing ? Effect.fail(Protocol.Rejected.later("1 hour")) : Effect.void
}

/** A database, and how a process starts on it. */
export const reopening = (stores: Layer.Layer<Stores | Reopen>): Effect.Effect<Reopen["Service"], never, Scope.Scope> =>
  Effect.map(Layer.build(Layer.fresh(stores)), (context) => Context.get(context, Reopen))

/** Two databases, which the nodes of many tests share. */
export class Databases extends Context.Service<Databases, readonly [Reopen["Service"], Reopen["Service"]]>()(
  "test/support/StoredNode/Databases"
) {
  static readonly layer = (stores: Layer.Layer<Stores | Reopen>): Layer.Layer<Databases> => {
    const one = reopening(stores)
    return Layer.effect(Databases, Effect.all([one, one]))
  }
}

let seeds = 0

/** A node in a database, which no other test has. */
const place = Effect.fnUntraced(function* ({ reopen }: Reopen["Service"]) {
  const seed = ++seeds
  const outcomes = yield* Queue.unbounded<readonly [string, Outcome["_tag"]]>()
  let willing = false
  const protocol = Protocol.make<"words", string, string, Services>("words", {
    messages: Schema.String,
    subject: (word) => word,
    handle: (word) =>
      Effect.gen(function* () {
        yield* decide(word, willing)
        const feed = yield* Feed
        yield* feed.append([{ audience: String(seed), protocol: "words", subject: word, kind: "handled", body: null }])
      }),
    onOutcome: (word, outcome) =>
      Effect.flatMap(Transactions, ({ afterCommit }) =>
        afterCommit(Effect.sync(() => void Queue.offerUnsafe(outcomes, [word, outcome._tag])))
      )
  })
  const it: Place = { seed, outcomes, protocol, relent: () => void (willing = true), reopen }
  return it
})

/** A sender and a receiver. */
export const places = Effect.flatMap(Databases, ([one, other]) => Effect.all([place(one), place(other)]))

export interface Life {
  readonly context: Context.Context<Services>
  readonly key: Identity["Service"]["key"]
  readonly send: (to: Life, ...words: ReadonlyArray<string>) => Effect.Effect<void>
  readonly run: (session: Session) => Effect.Effect<void>
  /** Ends everything that it does, wherever it is. */
  readonly kill: Effect.Effect<void>
  /** The words that had their effect, in order, as the database has them. */
  readonly handled: Effect.Effect<ReadonlyArray<string>>
  readonly owedTo: (peer: Life) => Effect.Effect<number>
}

/** One life of the process at a place. */
export const live = Effect.fnUntraced(function* (at: Place, points: Points = none) {
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope, exit) => Scope.close(scope, exit))
  const stores = yield* Scope.provide(at.reopen, scope)
  const services = Layer.mergeAll(Delivery.layer, Feed.layer).pipe(
    Layer.provideMerge(
      Layer.mergeAll(Wakes.layer, Outbounds.layer, IdentityMemory.layerFromSeed(new Uint8Array(32).fill(at.seed)))
    ),
    Layer.provideMerge(SecureRandom.layerWebCrypto),
    Layer.provideMerge(Layer.succeedContext(stores))
  )
  const context = yield* Layer.buildWithScope(Layer.fresh(services), scope).pipe(Effect.provideService(Buggify, points))
  const run = yield* Exchange.make([at.protocol.handled], () => undefined).pipe(
    Effect.provide(context),
    Effect.provideService(Buggify, points)
  )
  const { key } = Context.get(context, Identity)
  const { send } = Context.get(context, Delivery)
  const store = Context.get(context, RetryStore)
  const feed = Context.get(context, FeedStore)
  const fibers = new Set<Fiber.Fiber<void>>()
  const life: Life = {
    context,
    key,
    send: (to, ...words) =>
      Effect.forEach(words, (word) => Effect.orDie(send(to.key, at.protocol, word)), { discard: true }),
    run: (session) =>
      Effect.flatMap(Effect.forkIn(run(session), scope), (fiber) => {
        fibers.add(fiber)
        return Effect.asVoid(Fiber.await(fiber))
      }),
    kill: Effect.andThen(
      Effect.suspend(() => Fiber.interruptAll(fibers)),
      Scope.close(scope, Exit.void)
    ),
    handled: Effect.gen(function* () {
      while ((yield* feed.publish(1_000)) > 0);
      const events = yield* feed.after(0n, 1_000, String(at.seed))
      return events.map(({ subject }) => subject)
    }).pipe(Effect.orDie),
    owedTo: (peer) => Effect.orDie(Effect.map(store.owed({ peer: peer.key, limit: 1_000 }), (rows) => rows.length))
  }
  return life
})

/** Joins two lives by a session, which both serve until one of them is killed or the pair is cut. */
export const join = Effect.fnUntraced(function* (a: Life, b: Life) {
  const pair = yield* SessionPair.make(a.key, b.key)
  const [left, right] = [yield* Effect.forkScoped(a.run(pair.left)), yield* Effect.forkScoped(b.run(pair.right))]
  return { pair, left, right }
})

/** Points that hold whoever passes a site, for ever, and tell. */
export const stopAt = Effect.fnUntraced(function* (site: PassingSite) {
  const reached = yield* Deferred.make<void>()
  const stop = Effect.andThen(Deferred.succeed(reached, undefined), Effect.never)
  const points: Points = { ...none, pass: (passed) => (passed === site ? stop : Effect.void) }
  return { points, reached: Deferred.await(reached) }
})
