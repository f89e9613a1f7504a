/**
 * Peers as the API shows them: what the peer book, the registry, the supervisor and the outbox know of each, in one
 * picture; and connecting and disconnecting.
 */
import { Clock, Effect } from "effect"
import type { Address } from "../../protocol/Address.ts"
import * as PingSuccess from "../../protocol/link/PingSuccess.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { type LinkTotals, RetryStore } from "../../services/delivery/RetryStore.ts"
import { monotonic } from "../../services/Monotonic.ts"
import type { Ended } from "../../services/link/Ended.ts"
import { LinkConfig } from "../../services/link/LinkConfig.ts"
import type { Counters } from "../../services/link/LinkObserver.ts"
import { type BookEntry, PeerBook } from "../../services/link/PeerBook.ts"
import { type Live, Registry } from "../../services/link/Registry.ts"
import { Supervisor, type Watch } from "../../services/link/Supervisor.ts"
import { Node } from "../../services/Node.ts"
import { NotFound, Refused } from "./ApiErrors.ts"
import type { PeerView } from "./Models.ts"
import { reachable } from "./Reachable.ts"

/** Peers looked at, at the most. */
const limit = 10_000

/** What a connection counts, as numbers to show. */
const countersView = (counters: Counters, ticks: number, timeout: number) => {
  const { bytesIn, bytesOut = 0, framesIn, framesOut, heartbeat, queuedBytes = 0 } = counters
  const { matched, rttMillis, sent, unknown } = heartbeat
  const success = PingSuccess.ratio(PingSuccess.ofOpen(heartbeat, ticks, timeout))
  return {
    ...(rttMillis === undefined ? {} : { rttMillis: Math.round(rttMillis * 1_000) / 1_000 }),
    pings: sent,
    pongs: matched,
    unknownPongs: unknown,
    ...(success === undefined ? {} : { pingSuccess: success }),
    framesIn,
    framesOut,
    bytesIn,
    bytesOut,
    queuedBytes
  }
}

const sessionView = ({ connection, session }: Live, now: number, ticks: number, timeout: number) => ({
  number: session.number,
  direction: session.direction,
  remote: session.remote,
  since: Math.round(now - (ticks - connection.openedAt)),
  agent: session.hello.agent,
  ...(session.lanes === 1 ? {} : { lanes: { open: session.openLanes.length, most: session.lanes } }),
  ...countersView(connection, ticks, timeout)
})

const watchView = (watch: Watch, now: number): PeerView["dialling"] => ({
  reasons: watch.desires,
  breaker: watch.breaker,
  failures: watch.failures,
  ...(watch.nextDialInMillis === undefined ? {} : { nextDialAt: Math.round(now + watch.nextDialInMillis) }),
  ...(watch.lastEnded === undefined ? {} : { lastEnded: watch.lastEnded })
})

const byPeer = <A extends { readonly peer: NodeKey }>(items: ReadonlyArray<A>): ReadonlyMap<NodeKey, A> =>
  new Map(items.map((item) => [item.peer, item]))

/** How the last connection with each peer ended, of those that are remembered. */
const lastEnds = (registry: Registry["Service"]): ReadonlyMap<NodeKey, Ended> => {
  const ends = new Map<NodeKey, Ended>()
  for (const { detail = "", from, peer, reason, to } of registry.recent()) {
    if (to === "closed" && from !== "lane" && peer !== undefined && reason !== undefined)
      ends.set(peer, { reason, detail })
  }
  return ends
}

export const make = Effect.gen(function* () {
  const book = yield* PeerBook
  const node = yield* Node
  const registry = yield* Registry
  const store = yield* RetryStore
  const supervisor = yield* Supervisor
  const clock = yield* Clock.Clock
  const { heartbeat } = yield* LinkConfig

  const view = (
    key: NodeKey,
    entry: BookEntry | undefined,
    watch: Watch | undefined,
    totals: LinkTotals | undefined,
    ended: Ended | undefined
  ): PeerView => {
    const now = clock.currentTimeMillisUnsafe()
    const live = registry.session(key)
    const dialled = watch !== undefined && watch.desires.length > 0
    // A dial that failed is no connection, so that only who dials knows of it.
    const lastEnded = watch?.lastEnded ?? ended
    return {
      key,
      state: live !== undefined ? "connected" : dialled ? "dialling" : "known",
      wanted: entry?.wanted ?? false,
      owed: totals?.owed ?? 0,
      received: totals?.received ?? 0n,
      duplicates: totals?.duplicates ?? 0n,
      ...(entry?.endpoint === undefined ? {} : { endpoint: entry.endpoint.toString() }),
      ...(entry?.lastConnectedAt === undefined ? {} : { lastConnectedAt: entry.lastConnectedAt }),
      ...(live === undefined ? {} : { session: sessionView(live, now, monotonic(clock), heartbeat.timeout) }),
      ...(lastEnded === undefined ? {} : { lastEnded }),
      ...(dialled ? { dialling: watchView(watch, now)! } : {})
    }
  }

  return {
    list: Effect.gen(function* () {
      const entries = byPeer(yield* book.list(limit))
      const watches = byPeer(yield* supervisor.watches)
      const totals = byPeer(yield* store.totals(limit))
      const live = registry.sessions().map(({ session }) => session.peer)
      const ends = lastEnds(registry)
      const keys = [...new Set([...entries.keys(), ...watches.keys(), ...totals.keys(), ...live])].toSorted()
      return keys.map((key) => view(key, entries.get(key), watches.get(key), totals.get(key), ends.get(key)))
    }).pipe(reachable),

    transitions: (key: NodeKey) => Effect.sync(() => registry.recent(key)),

    connect: Effect.fn("Api.connect")(function* (address: Address) {
      if (address.key === node.key) {
        return yield* new Refused({
          message: `${address.toString()} is this node itself`,
          fix: "Give the address that the other node prints when it starts."
        })
      }
      yield* reachable(node.connect(address))
      return { key: address.key }
    }),

    disconnect: Effect.fn("Api.disconnect")(function* (key: NodeKey) {
      const known = yield* reachable(book.find(key))
      const live = registry.session(key)
      if (known === undefined && live === undefined) {
        return yield* new NotFound({
          message: `node ${key} is not a peer`,
          fix: "Give the key of one that is.",
          see: "GET /peers"
        })
      }
      yield* reachable(node.forget(key))
      if (live !== undefined) yield* live.session.close("unwanted", "an operator disconnected")
      return { key }
    })
  }
})
