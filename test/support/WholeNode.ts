/**
 * A whole node on a network and a database in memory, for tests in virtual time: it exchanges notes with its peers, and
 * every effect of a note is an event of its feed, rolled back with the transaction as a handler's rows are.
 */
import { Context, Effect, Layer, Schema, Stream } from "effect"
import { SecureRandom } from "effect/crypto"
import * as IdentityMemory from "../../src/layers/IdentityMemory.ts"
import type { MemoryDatabase } from "../../src/layers/MemoryDatabase.ts"
import * as StoresMemory from "../../src/layers/StoresMemory.ts"
import type { Address } from "../../src/protocol/Address.ts"
import * as Heartbeat from "../../src/protocol/link/Heartbeat.ts"
import type { NodeKey } from "../../src/protocol/NodeKey.ts"
import { Buggify, type Points } from "../../src/services/Buggify.ts"
import { Delivery } from "../../src/services/delivery/Delivery.ts"
import { Feed } from "../../src/services/delivery/Feed.ts"
import * as Protocol from "../../src/services/delivery/Protocol.ts"
import { RetryStore } from "../../src/services/delivery/RetryStore.ts"
import { Gossip } from "../../src/services/gossip/Gossip.ts"
import * as LinkConfig from "../../src/services/link/LinkConfig.ts"
import { PeerBook } from "../../src/services/link/PeerBook.ts"
import { Registry } from "../../src/services/link/Registry.ts"
import { Node } from "../../src/services/Node.ts"
import type { MemoryNetwork } from "../../src/testing/TransportMemory.ts"
import { hostOf } from "./LinkNode.ts"

/** A note has a place in its lane; notes of one lane take effect in order. */
export const Note = Schema.Struct({ lane: Schema.String, n: Schema.Int })
export type Note = typeof Note.Type

const event = (audience: "handled" | "outcome", kind: string) =>
  Effect.flatMap(Feed, (feed) => feed.append([{ audience, protocol: "notes", subject: "", kind, body: null }]))

/** What a receiver makes of a note; `times` counts how often it was asked about it. */
export type Decide = (note: Note, times: number) => Effect.Effect<void, Protocol.Rejected>

const notes = (decide: Decide) => {
  const asked = new Map<string, number>()
  const name = ({ lane, n }: Note) => `${lane} ${n}`
  return Protocol.make("notes", {
    messages: Note,
    subject: ({ lane }) => lane,
    handle: (note) =>
      Effect.gen(function* () {
        const times = (asked.get(name(note)) ?? 0) + 1
        asked.set(name(note), times)
        yield* decide(note, times)
        yield* event("handled", name(note))
      }),
    onOutcome: (note, { _tag }) => (_tag === "Later" ? Effect.void : event("outcome", `${name(note)} ${_tag}`))
  })
}

export interface Options {
  readonly network: MemoryNetwork
  readonly seed: number
  readonly database: MemoryDatabase["Service"]
  readonly points: Points
  readonly decide: Decide
  readonly dialDiscovered?: boolean
}

/** One life of the node, until the scope closes. */
export const start = Effect.fnUntraced(function* (options: Options) {
  const { database, decide, dialDiscovered = false, network, points, seed } = options
  const host = hostOf(seed)
  const Notes = notes(decide)
  const ground = Layer.mergeAll(
    IdentityMemory.layerFromSeed(new Uint8Array(32).fill(seed)),
    StoresMemory.layerOn(database).pipe(Layer.provide(SecureRandom.layerWebCrypto)),
    network.layer(host),
    SecureRandom.layerWebCrypto,
    Layer.succeed(LinkConfig.LinkConfig, { ...LinkConfig.defaults, heartbeat: Heartbeat.profiles.fast })
  )
  const layer = Layer.provideMerge(
    Node.layer({ protocols: [Notes.handled], listen: { host, port: 4000 }, dialDiscovered }),
    ground
  )
  const context = yield* Effect.provideService(Layer.build(Layer.fresh(layer)), Buggify, points).pipe(Effect.orDie)
  const node = Context.get(context, Node)
  const delivery = Context.get(context, Delivery)
  const feed = Context.get(context, Feed)
  const store = Context.get(context, RetryStore)
  const kinds = (audience: "handled" | "outcome") =>
    Effect.map(feed.read({ audience, limit: 1_000 }), (items) =>
      items.flatMap((item) => (item._tag === "Event" ? [item.event.kind] : []))
    )
  return {
    key: node.key,
    address: node.address!,
    registry: Context.get(context, Registry),
    gossip: Context.get(context, Gossip),
    book: Context.get(context, PeerBook),
    connect: (address: Address) => Effect.orDie(node.connect(address)),
    send: (peer: NodeKey, note: Note) => Effect.orDie(delivery.sendNow(peer, Notes, note)),
    /** Notes that took effect here, and outcomes of own notes that were told here, in order. */
    handled: Effect.orDie(kinds("handled")),
    outcomes: Effect.orDie(kinds("outcome")),
    /** Writes the notes that take effect down, as one who follows the feed sees them. */
    follow: (seen: Array<string>) =>
      feed.follow({ audience: "handled" }).pipe(
        Stream.runForEach((item) =>
          Effect.sync(() => {
            if (item._tag === "Event") seen.push(item.event.kind)
          })
        ),
        Effect.orDie
      ),
    owed: Effect.orDie(Effect.map(store.owed({ limit: 1_000 }), (owed) => owed.length))
  }
})

export type WholeNode = Effect.Success<ReturnType<typeof start>>
