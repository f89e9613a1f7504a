/**
 * The connections of a node on one Bitcoin network: as many as are wanted, to nodes that it knows or that are listed for it,
 * and as many as there may be with those that come in.
 */
import { Clock, Context, Effect, FiberSet, Layer, PubSub, Random, Stream } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { Endpoint } from "../../protocol/Address.ts"
import * as AgentPolicy from "../../protocol/bitcoin/AgentPolicy.ts"
import * as ChainRules from "../../protocol/bitcoin/ChainRules.ts"
import * as Command from "../../protocol/bitcoin/Command.ts"
import type { Block } from "../../protocol/bitcoin/Block.ts"
import type { BlockHeader } from "../../protocol/bitcoin/BlockHeader.ts"
import * as PayloadLimits from "../../protocol/bitcoin/PayloadLimits.ts"
import type { Placed } from "../../protocol/chain/HeaderTree.ts"
import { Buggify } from "../Buggify.ts"
import type { BlockStore } from "../chain/BlockStore.ts"
import type { ChainEvent } from "../chain/ChainEvent.ts"
import * as HeaderChain from "../chain/HeaderChain.ts"
import type { HeaderStore } from "../chain/HeaderStore.ts"
import type { ChainMismatch } from "../chain/HeaderTurn.ts"
import { Alarms } from "../link/Alarms.ts"
import { Bans } from "../link/Bans.ts"
import * as DialLimits from "../link/DialLimits.ts"
import { LinkConfig } from "../link/LinkConfig.ts"
import type { Transport } from "../link/Transport.ts"
import type { Transactions } from "../Transactions.ts"
import * as Addresses from "./Addresses.ts"
import * as BlockDownload from "./BlockDownload.ts"
import * as Blocks from "./Blocks.ts"
import { Broadcast, type Message } from "./Broadcast.ts"
import * as Calls from "./Calls.ts"
import * as Config from "./Config.ts"
import * as Giving from "./Giving.ts"
import * as HeaderSync from "./HeaderSync.ts"
import type { BitcoinPeer, Place, Watcher } from "./Peer.ts"
import type { PeerEvent } from "./PeerEvent.ts"
import * as PeerObserver from "./PeerObserver.ts"
import { PeerStore, type Status } from "./PeerStore.ts"
import * as Reception from "./Reception.ts"
import * as Refill from "./Refill.ts"
import type { Resolver } from "./Resolver.ts"
import { type Entry, Roster } from "./Roster.ts"
import * as Seeds from "./Seeds.ts"
import * as Serve from "./Serve.ts"
import * as Wire from "./Wire.ts"

/** The headers of the best chain, which has the most work by their own bits: docs/bitcoin.md says on which networks those are checked. */
export interface KnownHeaders {
  /** Height 0 and the network's first header, before anything was heard. */
  readonly best: () => Placed<BlockHeader>
  /** The header at a height of the best chain, if there is one. */
  readonly at: (height: number) => Effect.Effect<BlockHeader | undefined, SqlError>
  /** Whether a peer has been asked for more, and has not answered yet. */
  readonly isAsking: () => boolean
}

/**
 * The blocks of the best chain that have been fetched and applied in their order. All of it is there as long as what a reader wants is
 * kept: nothing is queued.
 */
export type KnownBlocks = Pick<BlockDownload.BlockDownload, "after" | "applied" | "events" | "isBehind" | "status">

/** Events kept for a reader that falls behind; of more it misses the oldest. */
const keptEvents = 1_000

export class Manager extends Context.Service<
  Manager,
  {
    /** Every connection that has a place, those under way among them. */
    readonly connections: () => ReadonlyArray<Entry>
    /** What happens from now on. */
    readonly events: Stream.Stream<PeerEvent>
    /** What peers say from now on, but for handshakes, pings and wishes. */
    readonly messages: Stream.Stream<Message>
    /** Queues a message, waiting for room; false if there is no such connection, or its handshake is not over. */
    readonly send: (connection: number, command: Command.Command, payload: Uint8Array) => Effect.Effect<boolean>
    /**
     * A block that a connected peer has and gives, with the transactions that its header commits to. One peer after another is
     * asked; four blocks at a time, the others wait.
     */
    readonly fetchBlock: (id: string) => Effect.Effect<Block, Blocks.BlockIdInvalid | Blocks.BlockUnavailable>
    /** Closes a connection; false if there is none. */
    readonly close: (connection: number) => Effect.Effect<boolean>
    /** Dials a node now, if it is not engaged and there is a place. */
    readonly call: (endpoint: Endpoint) => Effect.Effect<void>
    readonly config: () => Config.Config
    /** Takes effect at once where `Config` says so. */
    readonly update: (config: Config.Config) => Effect.Effect<void, Config.ConfigInvalid>
    /** Where it listens, if it does. */
    readonly listening: () => Endpoint | undefined
    /** The best chain of headers that it knows; nothing where it keeps none. */
    readonly headers: KnownHeaders | undefined
    /** The blocks that it has; nothing where it fetches none (`Config.sync`). */
    readonly blocks: KnownBlocks | undefined
  }
>()("holdfast/services/bitcoin/Manager") {
  /** `ledger`: what the program makes of each block, in the transaction in which it is applied, where `Config.sync` fetches them. */
  static layer<R = never>(
    config: Config.Config,
    ledger?: BlockDownload.BlockLedger<R>
  ): Layer.Layer<
    Manager,
    Config.ConfigInvalid | ChainMismatch | SqlError,
    Bans | BlockStore | HeaderStore | PeerStore | R | Resolver | Transactions | Transport
  > {
    return Layer.effect(Manager, make(config, ledger))
  }
}

type Applied = Extract<ChainEvent, { readonly _tag: "Tip" }>

const offences = {
  network: "bitcoin-network",
  agent: "bitcoin-agent",
  misbehaved: "bitcoin-misbehaviour"
} as const

const make = Effect.fnUntraced(function* <R>(initial: Config.Config, given?: BlockDownload.BlockLedger<R>) {
  const context = yield* Effect.context<R>()
  const ledger = given && provided(given, context)
  let config = yield* Effect.fromResult(Config.check(initial))
  const bans = yield* Bans
  const store = yield* PeerStore
  const points = yield* Buggify
  const link = yield* LinkConfig
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  const alarms = yield* Alarms.make
  const fork = yield* FiberSet.makeRuntime<never, void>()
  const observer = yield* PeerObserver.PeerObserver
  const connect = PeerObserver.dials(yield* DialLimits.make, observer)
  const events = yield* PubSub.sliding<PeerEvent>(keptEvents)
  const broadcast = new Broadcast(observer?.missed)
  const tell = (event: PeerEvent): void => {
    observer?.told(event)
    PubSub.publishUnsafe(events, event)
  }
  const current = () => config
  const chain = config.headers ? yield* HeaderChain.make(ChainRules.of(config.network)) : undefined
  const { network } = config
  const applied = ({ id, joined }: Applied): void => sync?.applied(id, joined)
  const download =
    chain &&
    config.sync &&
    (yield* BlockDownload.make({ network, sync: config.sync, chain, alarms, fork, ledger, applied }))
  const sync = chain && (yield* HeaderSync.make({ config: current, chain, alarms, fork, tell, blocks: download }))
  const giving = chain && Giving.make({ config: current, chain, stored: download })

  const place = (): Place => {
    const { agents, handshakeTimeout, heartbeat, largest, network, required } = config
    return {
      wire: Wire.framing(network, PayloadLimits.limits(largest)),
      tap: observer && PeerObserver.tap(observer),
      config: { ...link, handshakeTimeout, heartbeat },
      points,
      alarms,
      fork,
      network,
      terms: {
        services: required,
        agent: (agent) => unwanted(agents, agent),
        isOwn: (nonce) => roster.ofNonce(nonce) !== undefined
      }
    }
  }

  const about = ({ connection: { id, remote }, kind }: BitcoinPeer) => ({ id, remote, kind })

  const watcher: Watcher = {
    introduced: (peer, version) => roster.introduced(peer, version),
    connected: (peer) => {
      roster.connected(peer)
      if (peer.kind === "Outbound") fork(mark(new Endpoint({ host: peer.host, port: peer.port }), "Valid"))
      observer?.connected(peer.connection)
      addresses.connected(peer)
      download?.connected(peer)
      sync?.connected(peer)
    },
    received: (peer, frame) => {
      const { body, kind } = frame
      if (addresses.received(peer, frame)) return undefined
      const taken = sync?.received(peer, frame)
      if (taken !== undefined) return taken.wait
      const isFetched = blocks.received(peer, frame)
      if (download?.received(peer, frame) === true || isFetched) return undefined
      broadcast.publish({ peer: peer.connection.id, kind, command: Command.nameOf(kind), body })
      return giving?.received(peer, frame)
    },
    caughtUp: () => broadcast.flush(),
    rejected: (peer, { code, command, reason }) => {
      tell({ _tag: "Rejected", ...about(peer), command, code, reason: AgentPolicy.printable(reason) })
    },
    misbehaved: (peer, fault, detail) => {
      tell({ _tag: "Misbehaved", ...about(peer), fault, detail, points: peer.score })
    },
    ending: (peer, ending) => {
      // It is the other end of a connection that this node has dialled.
      const nonce = ending === "self" ? peer.version?.nonce : undefined
      if (nonce !== undefined) roster.ofNonce(nonce)?.close("self", "this node has connected to itself")
      if (ending !== "network" && ending !== "agent" && ending !== "misbehaved") return
      bans.report(offences[ending], { host: peer.host }, "")
      tell({ _tag: "Banned", remote: peer.connection.remote, reason: ending })
    },
    ended: (peer, ending) => {
      observer?.left(peer.connection.id, ending)
      addresses.ended(peer)
      sync?.ended(peer)
      download?.ended(peer)
      blocks.ended(peer)
      giving?.ended(peer)
    }
  }

  const mark = (endpoint: Endpoint, status: Status, reason?: string) =>
    store
      .mark(config.network.name, {
        endpoint,
        status,
        since: clock.currentTimeMillisUnsafe(),
        ...(reason === undefined ? {} : { reason: AgentPolicy.printable(reason) })
      })
      .pipe(Effect.catch((error) => Effect.logWarning("What is known of a Bitcoin node cannot be kept", error)))
  const isBanned = (host: string): boolean => bans.ofHost(host) !== undefined
  const roster: Roster = new Roster({
    settings: () => config.pool,
    now: () => alarms.now,
    probeTimeout: link.probeTimeout,
    tell,
    freed: () => {
      calls.freed()
      refill.look()
    }
  })
  const height = (): number => download?.applied().height ?? chain?.best().height ?? -1
  const serve = Serve.make({ config: current, place, roster, watcher, clock, random, height })
  const monotonic = () => alarms.now
  const connected = () =>
    roster.entries.flatMap(({ peer, state }) => (peer !== undefined && state === "Connected" ? [peer] : []))
  const blocks = yield* Blocks.make({ config: current, peers: connected })
  const calls = yield* Calls.make({ config: current, now: monotonic, roster, connect, serve, isBanned, tell, mark })
  const refill = yield* Refill.make({ config: current, roster, calls, isBanned })
  const addresses = yield* Addresses.make({ config: current, fork, learnt: refill.look })
  const reception = yield* Reception.make({ config: current, roster, serve, isBanned, tell })
  yield* Effect.forkScoped(reception.run)
  yield* Effect.forkScoped(Seeds.run({ config: current, tell, learnt: refill.look }))
  yield* Effect.forkScoped(refill.run)
  if (download !== undefined) yield* Effect.forkScoped(download.run)

  return Manager.of({
    connections: () => roster.entries,
    events: Stream.fromPubSub(events),
    messages: broadcast.stream,
    send: (connection, command, payload) =>
      Effect.suspend(() => {
        const peer = roster.entry(connection)?.peer
        return peer === undefined ? Effect.succeed(false) : peer.send(command, payload)
      }),
    fetchBlock: blocks.fetch,
    close: (connection) =>
      Effect.sync(() => {
        const peer = roster.entry(connection)?.peer
        peer?.close("closed", "this node has closed it")
        return peer !== undefined
      }),
    call: calls.call,
    config: current,
    update: Effect.fnUntraced(function* (next) {
      const { listen } = config
      config = yield* Effect.fromResult(Config.checkChange(config, next))
      if (listen?.toString() !== config.listen?.toString()) reception.changed()
      calls.freed()
      refill.look()
    }),
    listening: reception.endpoint,
    headers: chain && sync && { best: chain.best, at: chain.at, isAsking: sync.isAsking },
    blocks: download
  })
})

const provided = <R>(ledger: BlockDownload.BlockLedger<R>, context: Context.Context<R>): BlockDownload.BlockLedger => ({
  apply: (block) => Effect.provide(ledger.apply(block), context),
  undo: (block) => Effect.provide(ledger.undo(block), context)
})

/** Why an agent is not wanted, if it is not. */
const unwanted = (policy: AgentPolicy.AgentPolicy, agent: string): string | undefined => {
  const verdict = AgentPolicy.judge(policy, agent)
  if (verdict._tag === "Taken") return undefined
  const shown = AgentPolicy.printable(agent)
  return verdict._tag === "Denied"
    ? `its agent, ${shown}, has "${verdict.by}"`
    : `its agent, ${shown}, is none of those wanted`
}
