/**
 * Which connections are open, which one of each peer is the session, and what has happened to all of them.
 *
 * The one place that knows: it drives the arbiter machine of every pair and performs its actions at once, in the turn
 * of the event, so that no two fibers ever see different answers. Counts are derived, never kept by hand.
 */
import { Clock, Context, Effect, Layer, PubSub, Stream } from "effect"
import * as Arbiter from "../../protocol/link/Arbiter.ts"
import type { RejectReason } from "../../protocol/link/LinkMessage.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Buggify } from "../Buggify.ts"
import type { Connection } from "./Connection.ts"
import { History } from "./History.ts"
import { LinkConfig } from "./LinkConfig.ts"
import { Self } from "./Self.ts"
import type { Session } from "./Session.ts"
import type { ConnectionState, Transition } from "./Transition.ts"

/** Transitions kept for whoever asks later: so many of peers, and so many of strangers. */
export const keptTransitions = 1_024
/** Peers whose last session number is remembered after everything with them is closed. */
const keptPairs = 8_192

/** A connection whose peer is known, in whatever state. */
export interface Known {
  readonly connection: Connection
  readonly peer: NodeKey
  /** Ends it: this node keeps its peer or its host out from now on, for so many milliseconds. */
  readonly keepOut: (reason: string, forMillis: number) => void
}

/** One that the arbiter decides about, and what it may do with it. All of it takes effect at once. */
export interface Member extends Known {
  /** Whether the peer has proven its key. A dialled node has at once, one that dialled us with its first frame. */
  readonly proven: () => boolean
  /** It is session `number` now; `send`: say so with COMMIT. */
  readonly activate: (number: bigint, send: boolean) => void
  readonly refuse: (reason: RejectReason, number: bigint, detail: string) => void
  /** Another connection takes its place. */
  readonly replace: () => void
}

/** A session and the connection under it. */
export interface Live {
  readonly session: Session
  readonly connection: Connection
}

interface Pair {
  state: Arbiter.State
  /** Rarely more than one. */
  members: ReadonlyArray<Member>
  live: Live | undefined
  /** How often its sessions were asked for a sign of life. */
  asked: number
}

export class Registry extends Context.Service<
  Registry,
  {
    /** A new name for a connection. */
    readonly nextId: () => number
    /** A connection whose peer is proven: the arbiter may act on it from now on. */
    readonly enter: (member: Member) => void
    /** Something happened on a connection of this peer. Performs what follows from it before it returns. */
    readonly event: (peer: NodeKey, event: Arbiter.Event) => void
    /** The connection is gone. */
    readonly leave: (peer: NodeKey, id: number) => void
    /** The connection is, or asks to be, a further one of the peer's session: the arbiter has no more to do with it. */
    readonly asLane: (lane: Known) => void
    /** Every connection that is open and whose peer is known: sessions, lanes, and what may become one. */
    readonly connections: () => ReadonlyArray<Known>
    /** What a HELLO to this peer says about the session. */
    readonly standing: (peer: NodeKey) => { readonly knows: bigint; readonly holds: boolean }
    /** Whether a connection with this peer, which has proven itself, is open: no other is dialled then. */
    readonly engaged: (peer: NodeKey) => boolean
    /** Whether no other connection under this peer's name is open. */
    readonly alone: (peer: NodeKey, id: number) => boolean
    /** Whether this node wants to stay connected to the peer: its session is not given up for others. */
    readonly desired: (peer: NodeKey) => boolean
    /** It does from now on, or no longer. */
    readonly desire: (peer: NodeKey, desired: boolean) => void
    /** The session has its handler now, and is what `session` and `sessions` show. */
    readonly publish: (live: Live) => void
    readonly session: (peer: NodeKey) => Live | undefined
    readonly sessions: () => ReadonlyArray<Live>
    /** Notes and announces a transition. */
    readonly note: (
      connection: Pick<Connection, "id" | "direction" | "remote">,
      change: Pick<Transition, "from" | "to" | "reason" | "detail" | "session"> & {
        readonly peer?: NodeKey | undefined
      }
    ) => void
    /** The last transitions of peers and those of strangers, oldest first, of one peer if it is given. */
    readonly recent: (peer?: NodeKey) => ReadonlyArray<Transition>
    /** Transitions from now on. A reader that falls behind by `keptTransitions` misses the oldest. */
    readonly transitions: Stream.Stream<Transition>
  }
>()("holdfast/services/link/Registry") {
  static readonly layer: Layer.Layer<Registry, never, Self> = Layer.effect(
    Registry,
    Effect.gen(function* () {
      const self = yield* Self
      const config = yield* LinkConfig
      const buggify = yield* Buggify
      const clock = yield* Clock.Clock
      const runSync = Effect.runSyncWith(yield* Effect.context<never>())
      const announced = yield* PubSub.sliding<Transition>(keptTransitions)
      const pairs = new Map<NodeKey, Pair>()
      const lanes = new Map<number, Known>()
      const desired = new Set<NodeKey>()
      const history = new History(keptTransitions)
      let lastId = 0

      const forgetIdlePairs = () => {
        for (const [peer, pair] of pairs) {
          if (pairs.size <= keptPairs) return
          if (pair.members.length === 0) pairs.delete(peer)
        }
      }

      const pairOf = (peer: NodeKey): Pair => {
        const known = pairs.get(peer)
        if (known !== undefined) return known
        const pair: Pair = { state: Arbiter.initial, members: [], live: undefined, asked: 0 }
        pairs.set(peer, pair)
        if (pairs.size > keptPairs) forgetIdlePairs()
        return pair
      }

      const probe = (peer: NodeKey, pair: Pair, connection: Connection) => {
        const asked = ++pair.asked
        connection.probe(config.probeTimeout, (answered) => {
          // Whoever an earlier probe was made for is gone: it says nothing about the session that a later one asks about.
          if (pair.asked === asked) event(peer, { _tag: "Probed", connection: connection.id, answered })
        })
      }

      const perform = (peer: NodeKey, pair: Pair, action: Arbiter.Action) => {
        const member = pair.members.find(({ connection }) => connection.id === action.connection)
        if (member === undefined) return
        switch (action._tag) {
          case "Close":
            return member.replace()
          case "Activate":
            return member.activate(action.number, action.send)
          case "Refuse":
            return member.refuse(action.reason, action.number, refusals[action.reason] ?? "")
          case "Probe":
            return probe(peer, pair, member.connection)
        }
      }

      const event = (peer: NodeKey, happened: Arbiter.Event): void => {
        const pair = pairOf(peer)
        const { actions, state } = Arbiter.step(Arbiter.roleOf(self.key, peer), pair.state, happened)
        pair.state = state
        for (const action of actions) perform(peer, pair, action)
      }

      const leave = (peer: NodeKey, id: number): void => {
        lanes.delete(id)
        const pair = pairOf(peer)
        pair.members = pair.members.filter(({ connection }) => connection.id !== id)
        if (pair.live?.connection.id === id) pair.live = undefined
        event(peer, { _tag: "Closed", connection: id })
        if (pair.members.length === 0 && buggify.fires("link.idle-pair-forgotten")) pairs.delete(peer)
      }

      return Registry.of({
        nextId: () => ++lastId,
        enter: (member) => {
          const pair = pairOf(member.peer)
          // Exactly as long as it is, where a spread leaves room for many more.
          pair.members = pair.members.concat(member)
        },
        event,
        leave,
        asLane: (lane) => {
          const { id } = lane.connection
          const { peer } = lane
          if (pairs.get(peer)?.members.some(({ connection }) => connection.id === id) === true) leave(peer, id)
          lanes.set(id, lane)
        },
        connections: () => [...[...pairs.values()].flatMap(({ members }) => members), ...lanes.values()],
        standing: (peer) => Arbiter.standing(pairs.get(peer)?.state ?? Arbiter.initial),
        engaged: (peer) => pairs.get(peer)?.members.some((member) => member.proven()) === true,
        alone: (peer, id) => pairs.get(peer)?.members.every(({ connection }) => connection.id === id) !== false,
        desired: (peer) => desired.has(peer),
        desire: (peer, isDesired) => void (isDesired ? desired.add(peer) : desired.delete(peer)),
        publish: (live) => void (pairOf(live.session.peer).live = live),
        session: (peer) => pairs.get(peer)?.live,
        sessions: () => [...pairs.values()].flatMap((pair) => (pair.live === undefined ? [] : [pair.live])),
        note: (connection, change) => {
          const transition = transitionOf(clock.currentTimeMillisUnsafe(), connection, change)
          history.note(transition)
          // The unsafe one does not slide: it refuses what is too much for the slowest reader.
          if (!PubSub.publishUnsafe(announced, transition)) runSync(PubSub.publish(announced, transition))
        },
        recent: (peer) => history.recent(peer),
        transitions: Stream.fromPubSub(announced)
      })
    })
  )
}

const refusals: Partial<Record<RejectReason, string>> = {
  duplicate: "another connection between the two nodes is the session",
  clone: "another process with this node's key is connected and alive: two nodes must not share a key",
  busy: "another connection is being checked",
  violation: "only the arbiter of the pair sends COMMIT"
}

const transitionOf = (
  at: number,
  connection: Pick<Connection, "id" | "direction" | "remote">,
  change: {
    readonly from?: ConnectionState
    readonly to: ConnectionState
    readonly reason?: Transition["reason"]
    readonly detail?: string
    readonly session?: bigint
    readonly peer?: NodeKey | undefined
  }
): Transition => ({
  at,
  connection: connection.id,
  direction: connection.direction,
  remote: connection.remote,
  to: change.to,
  ...(change.peer === undefined ? {} : { peer: change.peer }),
  ...(change.from === undefined ? {} : { from: change.from }),
  ...(change.session === undefined ? {} : { session: change.session }),
  ...(change.reason === undefined ? {} : { reason: change.reason }),
  ...(change.detail === undefined ? {} : { detail: change.detail })
})
