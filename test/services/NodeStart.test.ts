/**
 * What a whole node tells from its database when it starts, before anybody can connect.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import * as IdentityMemory from "../../src/layers/IdentityMemory.ts"
import { MemoryDatabase } from "../../src/layers/MemoryDatabase.ts"
import * as StoresMemory from "../../src/layers/StoresMemory.ts"
import { AttentionStore } from "../../src/services/delivery/AttentionStore.ts"
import { Feed } from "../../src/services/delivery/Feed.ts"
import { FeedStore } from "../../src/services/delivery/FeedStore.ts"
import * as Protocol from "../../src/services/delivery/Protocol.ts"
import { RetryStore } from "../../src/services/delivery/RetryStore.ts"
import { Transport } from "../../src/services/link/Transport.ts"
import { Node } from "../../src/services/Node.ts"
import { MemoryNetwork } from "../../src/testing/TransportMemory.ts"
import { hostOf } from "../support/LinkNode.ts"
import { message, stranger, uuid } from "../support/Messages.ts"

/** A protocol whose users wait, and which notes in the feed what it is told of its messages. */
const Words = Protocol.make("words", {
  messages: Schema.String,
  handle: () => Effect.void,
  onOutcome: (word, { _tag }) =>
    Feed.use((feed) => feed.append([{ audience: "told", protocol: "words", subject: word, kind: _tag, body: null }])),
  attention: Effect.succeed([
    { audience: "anna", subject: "tally 7", kind: "credit.request", detail: "Bob asks for 5", since: 1_000 }
  ])
})

const stores = (database: MemoryDatabase["Service"]) =>
  StoresMemory.layerOn(database).pipe(Layer.provide(SecureRandom.layerWebCrypto))

/** What a life before has left: something owed to a peer without an address, and an end that nobody was told. */
const left = Effect.gen(function* () {
  const homeless = stranger()
  yield* RetryStore.use((store) => store.enqueue([message(homeless)], 0))
  const { body } = Words.prepare("late")
  const end = { _tag: "Settled", outcome: { _tag: "Ok" } } as const
  const untold = { id: uuid(), peer: homeless, protocol: "words", subject: "", body, end, at: 0 }
  yield* AttentionStore.use((attention) => attention.keep(untold))
})

describe("the start of a node", () => {
  it.effect("tells its protocols and its users again what waits for them, before it accepts connections", () =>
    Effect.gen(function* () {
      const database = yield* MemoryDatabase.make
      const network = new MemoryNetwork()
      yield* Effect.provide(left, stores(database))
      const order: Array<string> = []
      const note = (what: string) => Effect.sync(() => void order.push(what))
      const feeds = Layer.effect(
        FeedStore,
        Effect.map(FeedStore, (store) => ({
          ...store,
          append: (events: Parameters<typeof store.append>[0], now: number) =>
            Effect.andThen(
              Effect.forEach(events, ({ audience, kind }) => note(`${audience} ${kind}`)),
              store.append(events, now)
            )
        }))
      ).pipe(Layer.provide(stores(database)))
      const listening = Layer.effect(
        Transport,
        Effect.map(Transport, (transport) => ({
          ...transport,
          listen: (at: Parameters<typeof transport.listen>[0]) =>
            Effect.map(transport.listen(at), (listener) => ({
              ...listener,
              run: (handler: Parameters<typeof listener.run>[0]) =>
                Effect.andThen(note("accepts"), listener.run(handler))
            }))
        }))
      ).pipe(Layer.provide(network.layer(hostOf(1))))
      const ground = Layer.mergeAll(
        IdentityMemory.layerFromSeed(new Uint8Array(32).fill(1)),
        Layer.merge(stores(database), feeds),
        listening,
        SecureRandom.layerWebCrypto
      )
      const node = Node.layer({ protocols: [Words.handled], listen: { host: hostOf(1), port: 4000 } })
      const context = yield* Layer.build(Layer.fresh(Layer.provideMerge(node, ground)))
      assert.deepStrictEqual(order, ["told Ok", " attention", "anna attention", "accepts"])
      const untold = AttentionStore.use((attention) => attention.untold({ limit: 10 }))
      assert.deepStrictEqual(yield* Effect.provideContext(untold, context), [])
    }).pipe(Effect.scoped)
  )
})
