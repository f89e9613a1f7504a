/**
 * The timers of a node over a memory database that outlives it, for tests that crash and restart it.
 *
 * Its one protocol notes what takes effect as an event of the feed, rolled back with the transaction as rows are.
 */
import { Context, Effect, Layer, Schema, type Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import { MemoryDatabase } from "../../src/layers/MemoryDatabase.ts"
import * as StoresMemory from "../../src/layers/StoresMemory.ts"
import { Feed } from "../../src/services/delivery/Feed.ts"
import * as Protocol from "../../src/services/delivery/Protocol.ts"
import type { Timer } from "../../src/services/delivery/TimerHandling.ts"
import * as TimerRunner from "../../src/services/delivery/TimerRunner.ts"
import { Timers } from "../../src/services/delivery/Timers.ts"
import { TimerStore } from "../../src/services/delivery/TimerStore.ts"
import { TimerWatch } from "../../src/services/delivery/TimerWatch.ts"
import { Transactions } from "../../src/services/Transactions.ts"

export type Services = Feed | Timers | TimerStore | TimerWatch | Transactions | SecureRandom.SecureRandom

/** What happens besides the effect's event, before it. */
export type Then = (payload: string, timer: Timer) => Effect.Effect<void, Error, Services>

/** A protocol whose timers carry a text. */
export const bell = (then: Then = () => Effect.void, name = "bell") =>
  Protocol.make(name, {
    messages: Schema.Never,
    handle: () => Effect.void,
    timers: Schema.String,
    onTimer: (payload, timer) =>
      Effect.gen(function* () {
        yield* then(payload, timer)
        const feed = yield* Feed
        yield* feed.append([{ audience: "rang", protocol: name, subject: timer.subject, kind: payload, body: null }])
      })
  })
export const Bell = bell()

export interface TimerNode {
  readonly context: Context.Context<Services>
  readonly timers: Timers["Service"]
  readonly store: TimerStore["Service"]
  readonly within: Transactions["Service"]["within"]
  /** What has taken effect, in order, whichever life it was in. */
  readonly rang: Effect.Effect<ReadonlyArray<string>>
  /** What the operator was told. */
  readonly told: Effect.Effect<ReadonlyArray<{ readonly kind: string; readonly body: unknown }>>
}

/** One life of the process, until the scope closes. */
export const start = Effect.fnUntraced(function* (
  database: MemoryDatabase["Service"],
  protocols: ReadonlyArray<Protocol.Handled<Services>> = [Bell.handled],
  amend: (store: TimerStore["Service"]) => TimerStore["Service"] = (store) => store
): Effect.fn.Return<TimerNode, never, Scope.Scope> {
  const stores = StoresMemory.layerOn(database).pipe(Layer.provideMerge(SecureRandom.layerWebCrypto))
  const amended = Layer.effect(TimerStore, Effect.map(TimerStore, amend)).pipe(Layer.provideMerge(stores))
  const layer = Layer.mergeAll(Timers.layer, Feed.layer).pipe(
    Layer.provideMerge(TimerWatch.layer),
    Layer.provideMerge(amended)
  )
  const context = yield* Effect.orDie(Layer.build(Layer.fresh(layer)))
  yield* TimerRunner.run(protocols).pipe(
    Effect.provide(context),
    Effect.tapCause(Effect.logError),
    Effect.forkScoped({ startImmediately: true })
  )
  const feed = Context.get(context, Feed)
  const events = (audience: string) =>
    Effect.map(Effect.orDie(feed.read({ audience, limit: 1_000 })), (items) =>
      items.flatMap((item) => (item._tag === "Event" ? [item.event] : []))
    )
  return {
    context,
    timers: Context.get(context, Timers),
    store: Context.get(context, TimerStore),
    within: Context.get(context, Transactions).within,
    rang: Effect.map(events("rang"), (all) => all.map(({ kind }) => kind)),
    told: Effect.map(events(""), (all) => all.map(({ body, kind }) => ({ body, kind })))
  }
})
