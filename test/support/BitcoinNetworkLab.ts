/** Bitcoin nodes of this project, and peers that a test plays, on a network in memory with a virtual clock. */
import { Context, Effect, Layer, Scope, Stream } from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import * as StoresMemory from "../../src/layers/StoresMemory.ts"
import { Endpoint } from "../../src/protocol/Address.ts"
import type { BlockHeader } from "../../src/protocol/bitcoin/BlockHeader.ts"
import * as Command from "../../src/protocol/bitcoin/Command.ts"
import * as MessageFrame from "../../src/protocol/bitcoin/MessageFrame.ts"
import * as PayloadLimits from "../../src/protocol/bitcoin/PayloadLimits.ts"
import * as Version from "../../src/protocol/bitcoin/Version.ts"
import type { BlockLedger } from "../../src/services/bitcoin/BlockDownload.ts"
import * as Config from "../../src/services/bitcoin/Config.ts"
import { BlockStore } from "../../src/services/chain/BlockStore.ts"
import { HeaderStore } from "../../src/services/chain/HeaderStore.ts"
import { Manager } from "../../src/services/bitcoin/Manager.ts"
import type { PeerEvent } from "../../src/services/bitcoin/PeerEvent.ts"
import { PeerStore } from "../../src/services/bitcoin/PeerStore.ts"
import { LookupFailed, Resolver } from "../../src/services/bitcoin/Resolver.ts"
import { Bans, make as makeBans } from "../../src/services/link/Bans.ts"
import { Transactions } from "../../src/services/Transactions.ts"
import { MemoryNetwork } from "../../src/testing/TransportMemory.ts"
import { version } from "./BitcoinPeerLab.ts"
import { stored } from "./BitcoinStored.ts"
import { networkNamed } from "./BitcoinVectors.ts"

export const net = networkNamed("bsv-regtest")
export const at = (host: string, port = net.port): Endpoint => new Endpoint({ host, port })

/** What a test changes of a node's configuration. */
export type Changes = Partial<Omit<Config.Config, "pool">> & { readonly pool?: Partial<Config.Config["pool"]> }

export const configOf = (changes: Changes = {}): Config.Config => {
  const defaults = Config.defaults(net)
  // Nodes of this project give no blocks yet.
  return { ...defaults, required: 0n, ...changes, pool: { ...defaults.pool, ...changes.pool } }
}

const stores = Layer.provide(StoresMemory.layer, SecureRandom.layerWebCrypto)
const bans = Layer.effect(
  Bans,
  makeBans(() => [])
)

/** What a node is made with beside its configuration. */
export interface Made {
  /** Stores that outlive it; new ones without them. */
  readonly stores?: typeof stores
  readonly ledger?: BlockLedger
}

export class NetworkLab {
  readonly network = new MemoryNetwork()
  /** Addresses of seeds. */
  readonly names = new Map<string, ReadonlyArray<string>>()

  /** Starts a node; it stops with the scope. What happens is in `events`. */
  readonly start = Effect.fnUntraced(
    { self: this },
    function* (
      this: NetworkLab,
      host: string,
      changes?: Changes,
      known: ReadonlyArray<Endpoint> = [],
      headers: ReadonlyArray<BlockHeader> = [],
      first = net.first,
      made: Made = {}
    ) {
      const resolver = Layer.succeed(Resolver, {
        addresses: (name) => {
          const found = this.names.get(name)
          return found === undefined ? Effect.fail(new LookupFailed({ name })) : Effect.succeed(found)
        }
      })
      const ground = Layer.mergeAll(this.network.layer(host), resolver, bans).pipe(
        Layer.provideMerge(made.stores ?? stores)
      )
      const scope = yield* Effect.scope
      const context = yield* Layer.buildWithScope(ground, scope)
      const store = Context.get(context, PeerStore)
      yield* Effect.orDie(store.learn(net.name, known, 0))
      const headerStore = Context.get(context, HeaderStore)
      if (headers.length > 0) {
        yield* Effect.orDie(headerStore.replace(net.name, undefined, -1, stored([first, ...headers])))
      }
      const own = yield* Scope.fork(scope)
      const manager = Layer.provide(Manager.layer(configOf(changes), made.ledger), Layer.succeedContext(context))
      const service = Context.get(yield* Layer.buildWithScope(manager, own), Manager)
      const events: Array<PeerEvent> = []
      yield* Effect.forkChild(
        Stream.runForEach(service.events, (event) => Effect.sync(() => events.push(event))),
        { startImmediately: true }
      )
      yield* settle
      const transactions = Context.get(context, Transactions)
      const blockStore = Context.get(context, BlockStore)
      return {
        ...service,
        events,
        store,
        headerStore,
        blockStore,
        transactions,
        bans: Context.get(context, Bans),
        scope: own
      }
    }
  )

  /** A peer that a test plays: dials, and says what the test has it say until the scope ends. */
  readonly caller = Effect.fnUntraced({ self: this }, function* (this: NetworkLab, host: string, to: Endpoint) {
    const socket = yield* this.network.transport(host).dial(to)
    const { pull } = yield* socket.reader
    const writer = yield* socket.writer
    const decoder = new MessageFrame.Decoder(net, PayloadLimits.limits(PayloadLimits.defaults))
    const messages: Array<MessageFrame.Message> = []
    let isOver = false
    const reading = Effect.map(pull, (chunks) => {
      for (const chunk of chunks) if (typeof chunk !== "string") decoder.feed(chunk, messages)
    })
    const ended = Effect.sync(() => void (isOver = true))
    yield* Effect.forkScoped(Effect.ensuring(Effect.ignore(Effect.forever(reading)), ended), { startImmediately: true })
    /** Whether the node hears it or not. */
    const bytes = (given: Uint8Array) => Effect.andThen(Effect.ignore(writer.write(given)), settle)
    return {
      bytes,
      /** Says it, and waits for nothing. */
      write: (command: Command.Command, payload: Uint8Array) =>
        Effect.ignore(writer.write(MessageFrame.encode(net, command, payload))),
      /** Says it, and lets it have its effect. */
      say: (command: Command.Command | (string & {}), payload: Uint8Array = new Uint8Array(0)) =>
        bytes(MessageFrame.encode(net, command, payload)),
      /** What it has heard since it was asked last, of this command if one is given. */
      heard: (command?: string) =>
        messages.splice(0).filter((message) => command === undefined || message.command === command),
      isOver: () => isOver
    }
  })

  /** The same, past the handshake. */
  readonly guest = Effect.fnUntraced({ self: this }, function* (this: NetworkLab, host: string, to: Endpoint) {
    const caller = yield* this.caller(host, to)
    yield* caller.say("version", Version.version.encode(version))
    yield* caller.say("verack")
    return caller
  })

  /** A peer that a test plays: listens, and answers every version with its own and a verack. */
  readonly play = Effect.fnUntraced({ self: this }, function* (this: NetworkLab, host: string, script: Script = {}) {
    const { handshake = true, says = {} } = script
    const transport = this.network.transport(host)
    const listener = yield* transport.listen({ host, port: net.port })
    const heard: Array<string> = []
    let accepted = 0
    yield* Effect.forkChild(
      listener.run(({ socket }) =>
        Effect.scoped(
          Effect.gen(function* () {
            accepted++
            const { pull } = yield* socket.reader
            const writer = yield* socket.writer
            const decoder = new MessageFrame.Decoder(net, PayloadLimits.limits(PayloadLimits.defaults))
            const say = (command: Command.Command, payload: Uint8Array = new Uint8Array(0)) =>
              writer.write(MessageFrame.encode(net, command, payload))
            while (true) {
              const messages: Array<MessageFrame.Message> = []
              for (const chunk of yield* pull) if (typeof chunk !== "string") decoder.feed(chunk, messages)
              for (const { command } of messages) {
                heard.push(command)
                if (command === "version" && handshake) {
                  yield* say("version", Version.version.encode({ ...version, ...says }))
                  yield* say("verack")
                }
                if (command === "verack" && script.hangsUp === true) return
                const answer = script.answers?.[command]
                for (const [reply, payload] of answer ?? []) yield* say(reply, payload)
              }
            }
          })
        ).pipe(Effect.ignore)
      ),
      { startImmediately: true }
    )
    return { heard, accepted: () => accepted }
  })
}

export interface Script {
  readonly handshake?: boolean
  readonly says?: Partial<Version.Version>
  /** Closes as soon as the handshake is over. */
  readonly hangsUp?: boolean
  /** What it says to a command. */
  readonly answers?: Readonly<Record<string, ReadonlyArray<readonly [Command.Command, Uint8Array]>>>
}

/** Lets time go by in small steps: what is said and answered takes no time, but turns. */
export const elapse = (millis: number): Effect.Effect<void> =>
  Effect.repeat(TestClock.adjust(millis / 200), { times: 199 }).pipe(Effect.asVoid)

/** Lets everything that needs no time happen. */
export const settle = elapse(1)

export const tags = (events: ReadonlyArray<PeerEvent>): ReadonlyArray<string> =>
  events.map((event) => (event._tag === "Changed" ? `${event.from} to ${event.to}` : event._tag))
