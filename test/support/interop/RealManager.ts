/** A node of this project on a Bitcoin network, with real sockets and the real clock; its stores are in memory. */
import { Context, Effect, Layer, Stream } from "effect"
import { SecureRandom } from "effect/crypto"
import * as ResolverDns from "../../../src/layers/ResolverDns.ts"
import * as StoresMemory from "../../../src/layers/StoresMemory.ts"
import * as TransportTcp from "../../../src/layers/TransportTcp.ts"
import { Endpoint } from "../../../src/protocol/Address.ts"
import type { BlockHeader } from "../../../src/protocol/bitcoin/BlockHeader.ts"
import * as ChainRules from "../../../src/protocol/bitcoin/ChainRules.ts"
import type { State } from "../../../src/protocol/bitcoin/ConnectionState.ts"
import * as Inventory from "../../../src/protocol/bitcoin/Inventory.ts"
import * as ProofOfWork from "../../../src/protocol/bitcoin/ProofOfWork.ts"
import type { Message } from "../../../src/services/bitcoin/Broadcast.ts"
import * as Config from "../../../src/services/bitcoin/Config.ts"
import type { ChainEvent } from "../../../src/services/chain/ChainEvent.ts"
import { HeaderStore } from "../../../src/services/chain/HeaderStore.ts"
import { Manager } from "../../../src/services/bitcoin/Manager.ts"
import type { PeerEvent } from "../../../src/services/bitcoin/PeerEvent.ts"
import { type KnownPeer, PeerStore, type Status } from "../../../src/services/bitcoin/PeerStore.ts"
import { read } from "../../../src/services/chain/HeaderTurn.ts"
import { Bans, make as makeBans } from "../../../src/services/link/Bans.ts"
import { stored } from "../BitcoinStored.ts"
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

/**
 * Starts one on the network of this name, which listens unless it is told otherwise, and has these headers after the first one;
 * it stops with the scope.
 */
export const start = Effect.fnUntraced(function* (
  name: string,
  changes: Changes = {},
  headers: ReadonlyArray<BlockHeader> = []
) {
  const context = yield* Layer.build(ground)
  const network = networkNamed(name)
  const headerStore = Context.get(context, HeaderStore)
  const rules = ChainRules.of(network)
  const work = ProofOfWork.work(network.first.bits)
  yield* Effect.orDie(headerStore.replace(name, undefined, -1, stored([network.first, ...headers], 0, work)))
  const defaults = Config.defaults(network)
  const endpoint = yield* freePlace
  const pool = { ...defaults.pool, ...changes.pool }
  const config: Config.Config = { ...defaults, listen: endpoint, ...changes, pool }
  const known = Context.get(context, PeerStore)
  const marks = new Seen<KnownPeer>((peer) => JSON.stringify(peer))
  const store = PeerStore.of({
    ...known,
    mark: (name, peer) => Effect.tap(known.mark(name, peer), () => Effect.sync(() => marks.add(peer)))
  })
  const layer = Layer.provide(Manager.layer(config), Layer.succeedContext(Context.add(context, PeerStore, store)))
  const manager = Context.get(yield* Layer.build(layer), Manager)
  const events = new Seen<PeerEvent>((event) => JSON.stringify(event))
  const messages = new Seen<Message>(({ body, command }) => `${command}, ${body.length} bytes`)
  const watched = Stream.runForEach(manager.events, (event) => Effect.sync(() => events.add(event)))
  const heard = Stream.runForEach(manager.messages, (message) => Effect.sync(() => messages.add(message)))
  const tips = new Seen<{ readonly at: number; readonly event: ChainEvent }>((tip) => JSON.stringify(tip))
  const chained = Stream.runForEach(manager.blocks?.events ?? Stream.empty, (event) =>
    Effect.sync(() => tips.add({ at: performance.now(), event }))
  )
  yield* Effect.forkScoped(chained, { startImmediately: true })
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

  const peer = (id: number) =>
    Effect.suspend(() => {
      const found = manager.connections().find((entry) => entry.id === id)?.peer
      return found === undefined ? Effect.die(new Error(`connection ${id} is gone`)) : Effect.succeed(found)
    })
  let asked = 0

  return {
    ...manager,
    events,
    messages,
    next,
    became,
    /** Those whose handshake is over. */
    live: () => manager.connections().filter(({ state }) => state === "Connected"),
    /** The live connection with this number, as the node has it. */
    peer,
    /** The first message with this command from this place on. */
    heard: (command: string, place = 0) =>
      messages.until(command, (message) => (message.command === command ? message : undefined), place),
    /**
     * Asks the node at the other end for a transaction that nobody has, and waits for its answer: all that was said before on either
     * side has been heard then.
     */
    exchange: Effect.fnUntraced(function* (id: number) {
      const item = { kind: Inventory.Kind.transaction, id: (++asked).toString(16).padStart(64, "0") }
      const place = messages.count
      if (!(yield* manager.send(id, "getdata", Inventory.getdata.encode([item])))) {
        return yield* Effect.die(new Error(`connection ${id} is gone`))
      }
      const wanted = Buffer.from(Inventory.notfound.encode([item]))
      const isAnswer = ({ body, command }: Message) => command === "notfound" && wanted.equals(body)
      yield* messages.until("notfound", (message) => (isAnswer(message) ? message : undefined), place)
    }),
    /** A connection whose end is told with these words. */
    ended: (words: string) =>
      events.until(`end with "${words}"`, (event) =>
        event._tag === "Changed" && event.detail?.includes(words) === true ? event : undefined
      ),
    /** What is noted of a node, as soon as it is. */
    marked: (status: Status, place = 0) =>
      marks.until(`node that is ${status}`, (peer) => (peer.status === status ? peer : undefined), place),
    marks,
    /** A tip of the best chain of headers at this height, from this place of the events on. */
    tip: (height: number, place = 0) =>
      events.until(
        `tip at ${height}`,
        (event) => (event._tag === "Tip" && event.height === height ? event : undefined),
        place
      ),
    /** The time since this process began, in milliseconds, when it has applied the block of this height. */
    applied: (height: number) =>
      tips.until(`block at ${height}`, ({ at, event }) => {
        return event._tag === "Tip" && event.height >= height ? at : undefined
      }),
    tips,
    /** Its headers after the first one. */
    chain: Effect.map(Effect.orDie(headerStore.above(name, 0, 10_000)), (headers) =>
      headers.map((it) => read(rules, it))
    ),
    /** Where it listens. */
    endpoint
  }
})

export type RealManager = Effect.Success<ReturnType<typeof start>>
