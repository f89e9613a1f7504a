/** A node of this project on a Bitcoin network, with real sockets and the real clock; its stores are in memory. */
import { Context, Effect, Layer, Stream } from "effect"
import { SecureRandom } from "effect/crypto"
import * as ResolverDns from "../../../src/layers/ResolverDns.ts"
import * as StoresMemory from "../../../src/layers/StoresMemory.ts"
import * as TransportTcp from "../../../src/layers/TransportTcp.ts"
import { Endpoint } from "../../../src/protocol/Address.ts"
import type { State } from "../../../src/protocol/bitcoin/ConnectionState.ts"
import type { Message } from "../../../src/services/bitcoin/Broadcast.ts"
import * as Config from "../../../src/services/bitcoin/Config.ts"
import { Manager } from "../../../src/services/bitcoin/Manager.ts"
import type { PeerEvent } from "../../../src/services/bitcoin/PeerEvent.ts"
import { PeerStore } from "../../../src/services/bitcoin/PeerStore.ts"
import { Bans, make as makeBans } from "../../../src/services/link/Bans.ts"
import { networkNamed } from "../BitcoinVectors.ts"
import { freePort } from "../FreePort.ts"
import { Seen } from "./Seen.ts"

/** What a test changes of the defaults. */
export type Changes = Partial<Omit<Config.Config, "network" | "pool">> & {
  readonly pool?: Partial<Config.Config["pool"]>
}

const bans = Layer.effect(
  Bans,
  makeBans(() => [])
)
const ground = Layer.mergeAll(TransportTcp.layer, ResolverDns.layer, bans).pipe(
  Layer.provideMerge(Layer.provide(StoresMemory.layer, SecureRandom.layerWebCrypto)),
  Layer.fresh
)

/** A place on loopback where nobody listens. */
export const freePlace = Effect.map(Effect.promise(freePort), (port) => new Endpoint({ host: "127.0.0.1", port }))

type Of<Tag extends PeerEvent["_tag"]> = Extract<PeerEvent, { readonly _tag: Tag }>

const isTagged = <Tag extends PeerEvent["_tag"]>(event: PeerEvent, tag: Tag): event is Of<Tag> => event._tag === tag

/** Starts one on the network of this name, which listens unless it is told otherwise; it stops with the scope. */
export const start = Effect.fnUntraced(function* (network: string, changes: Changes = {}) {
  const context = yield* Layer.build(ground)
  const defaults = Config.defaults(networkNamed(network))
  const endpoint = yield* freePlace
  const pool = { ...defaults.pool, ...changes.pool }
  const config: Config.Config = { ...defaults, listen: endpoint, ...changes, pool }
  const layer = Layer.provide(Manager.layer(config), Layer.succeedContext(context))
  const manager = Context.get(yield* Layer.build(layer), Manager)
  const store = Context.get(context, PeerStore)
  const events = new Seen<PeerEvent>((event) => JSON.stringify(event))
  const messages = new Seen<Message>(({ body, command }) => `${command}, ${body.length} bytes`)
  const watched = Stream.runForEach(manager.events, (event) => Effect.sync(() => events.add(event)))
  const heard = Stream.runForEach(manager.messages, (message) => Effect.sync(() => messages.add(message)))
  yield* Effect.forkScoped(watched, { startImmediately: true })
  yield* Effect.forkScoped(heard, { startImmediately: true })

  /** The next event of this kind from this place on. */
  const next = <Tag extends PeerEvent["_tag"]>(tag: Tag, place = 0): Effect.Effect<Of<Tag>> =>
    events.until(tag, (event) => (isTagged(event, tag) ? event : undefined), place)
  /** The next change of a connection to this state. */
  const became = (to: State, place = 0): Effect.Effect<Of<"Changed">> =>
    events.until(
      `connection that is ${to}`,
      (event) => (event._tag === "Changed" && event.to === to ? event : undefined),
      place
    )
  if (config.listen !== undefined && manager.listening() === undefined) yield* next("Listening")

  return {
    ...manager,
    events,
    messages,
    next,
    became,
    /** Its live connections, as it counts them: an event may come a moment before the connection that it is of has gone. */
    live: () => manager.connections().filter(({ state }) => state === "Connected"),
    /** The live connection with this number, as the node has it. */
    peer: (id: number) =>
      Effect.suspend(() => {
        const peer = manager.connections().find((entry) => entry.id === id)?.peer
        return peer === undefined ? Effect.die(new Error(`connection ${id} is gone`)) : Effect.succeed(peer)
      }),
    /** What is known of a node. */
    known: (endpoint: Endpoint) => Effect.orDie(store.find(network, endpoint)),
    /** Where it listens. */
    endpoint
  }
})

export type RealManager = Effect.Success<ReturnType<typeof start>>
