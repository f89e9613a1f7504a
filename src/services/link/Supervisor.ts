/**
 * Keeps the wanted peers connected: one supervised fiber per wanted peer dials, waits for the end, waits, dials again
 * (docs/PROTOCOL.md, 6). Peers that only dialled us are not redialled.
 *
 * A peer may be wanted for several reasons at once; it is dialled while one of them holds: for ever, unless the reason
 * is no more than that somebody told of it.
 */
import { Clock, Context, Effect, FiberHandle, FiberSet, Layer, Random } from "effect"
import type { Endpoint } from "../../protocol/Address.ts"
import * as Arbiter from "../../protocol/link/Arbiter.ts"
import { Losses } from "../../protocol/link/Losses.ts"
import { TokenBucket } from "../../protocol/link/TokenBucket.ts"
import { type NodeKey, short } from "../../protocol/NodeKey.ts"
import { Remembered } from "../../protocol/Remembered.ts"
import { Buggify } from "../Buggify.ts"
import { monotonic } from "../Monotonic.ts"
import { BanGate } from "./BanGate.ts"
import * as Dialer from "./Dialer.ts"
import { ended } from "./Ended.ts"
import { LinkConfig } from "./LinkConfig.ts"
import type { Links } from "./Links.ts"
import { nothing, type Outcome } from "./Outcome.ts"
import { PeerBook } from "./PeerBook.ts"
import { Registry } from "./Registry.ts"
import { Self } from "./Self.ts"
import type { Transport } from "./Transport.ts"
import * as WakeUp from "./WakeUp.ts"
import { type Circumstances, type Desire, type Watch, Watched } from "./Watched.ts"

export type { Desire, Watch } from "./Watched.ts"

export class Supervisor extends Context.Service<
  Supervisor,
  {
    /**
     * Dials the peer from now on, at the address the peer book has for it. Wanting twice is wanting once. Who is wanted
     * as `learned` alone is dropped after so many failures, and then not taken again for a while; nor are more of them
     * at once than the limit.
     */
    readonly want: (peer: NodeKey, desire: Desire) => Effect.Effect<void>
    /** Takes one reason back. The session, if there is one, goes on. */
    readonly unwant: (peer: NodeKey, desire: Desire) => Effect.Effect<void>
    /** A connection that the peer dialled has ended. */
    readonly report: (outcome: Outcome) => Effect.Effect<void>
    /** The peer's address may have changed: dial as soon as nothing is open with it, whatever the back-off says. */
    readonly poke: (peer: NodeKey) => Effect.Effect<void>
    /**
     * This node may reach others than before, as after a change of its network: dials whoever waits for no other reason
     * than the back-off soon, and asks every live session for a sign of life. Happens by itself after a standstill.
     */
    readonly refresh: Effect.Effect<void>
    readonly watches: Effect.Effect<ReadonlyArray<Watch>>
    /** No more dials, for good: this node stops. */
    readonly stop: Effect.Effect<void>
  }
>()("holdfast/services/link/Supervisor") {
  static readonly layer: Layer.Layer<Supervisor, never, Links | PeerBook | Registry | Self | Transport> = Layer.effect(
    Supervisor,
    Effect.suspend(() => make)
  )
}

/** How long to wait before looking again for an address of a peer that has none, in milliseconds. */
const lookAgain = 5_000
/** How often to look whether a connection is still there, should nobody have said that it has ended. */
const lookWhileEngaged = 60_000
/** The largest number that `Random.next` gives. */
const almostOne = 1 - 2 ** -53
/** Peers remembered as given up. */
const givenUpKept = 1_024
/** How often waiting peers are dialled out of turn at the most. */
const refreshes = { burst: 2, perSecond: 1 / 60 }
/** The shortest time over which they are spread, in milliseconds. */
const leastSpread = 1_000

const make = Effect.gen(function* () {
  const book = yield* PeerBook
  const registry = yield* Registry
  const self = yield* Self
  const config = yield* LinkConfig
  const gate = yield* BanGate
  const buggify = yield* Buggify
  const clock = yield* Clock.Clock
  const dialer = yield* Dialer.make
  const run = yield* FiberSet.makeRuntime()
  const asking = yield* FiberHandle.make()
  const now = () => monotonic(clock)
  const entries = new Map<NodeKey, Watched>()
  const losses = new Losses()
  const givenUp = new Remembered<NodeKey>(givenUpKept, config.learnedMemory)
  const refreshing = new TokenBucket(refreshes, now())
  let stopped = false

  const isStable = (session: { readonly lifetimeMillis: number; readonly pongs: number }) =>
    session.pongs > 0 && session.lifetimeMillis >= Math.max(config.heartbeat.stable, 2 * config.heartbeat.interval)

  /** Whoever waits for the end of a connection looks again. A hint: nothing but latency depends on it. */
  const rouse = (entry: Watched) => {
    if (!buggify.fires("link.redial-wake-up-lost")) entry.changed.openUnsafe()
  }

  /** Whoever is wanted for more than that it was heard of keeps its session, however many others want one. */
  const keep = (entry: Watched) => registry.desire(entry.peer, entry.desires.size > 0 && !entry.opportunistic)

  const unwant = (entry: Watched, desire: Desire) => {
    entry.desires.delete(desire)
    keep(entry)
    if (entry.desires.size === 0) entry.changed.openUnsafe()
  }

  const giveUp = (entry: Watched) => {
    givenUp.note(entry.peer, now())
    unwant(entry, "learned")
    return Effect.annotateLogs(Effect.logInfo("Peer given up"), { peer: short(entry.peer), failures: entry.failures })
  }

  /** What the end of a connection means for the next dial. */
  const conclude = Effect.fnUntraced(function* (entry: Watched, outcome: Outcome, dialled?: Circumstances["dialled"]) {
    const jitter = yield* Random.next
    const early = buggify.fires("link.redialled-at-once") ? 0 : jitter
    const random = buggify.fires("link.redialled-late") ? almostOne : early
    const { goodbye, session } = outcome
    const stable = session !== undefined && isStable(session)
    const outage = stable && goodbye === undefined && losses.lost(now())
    entry.conclude(outcome, { now: now(), random, stable, outage, dialled })
    rouse(entry)
    if (entry.opportunistic && entry.failures >= config.learnedFailures) yield* giveUp(entry)
  })

  /** For how long this endpoint would be dialled in vain. */
  const closedFor = (entry: Watched, endpoint: Endpoint): number =>
    Math.max(entry.hopelessFor(endpoint, now()), gate.closedFor(entry.peer, endpoint))

  const isOpen = (entry: Watched) => (endpoint: Endpoint) => !dialer.isOwn(endpoint) && closedFor(entry, endpoint) === 0

  const locate = (entry: Watched) =>
    book.find(entry.peer).pipe(
      Effect.map((known) => entry.choose(known, isOpen(entry))),
      Effect.tapError((error) => Effect.logWarning("The peer book cannot be read", error)),
      Effect.catch(() => Effect.succeed(undefined))
    )

  const changes = (entry: Watched, atMost: number) => Effect.timeoutOption(entry.changed.await, atMost)

  /** One turn for one peer: waits for whatever has to be waited for, then dials once. */
  const turn = Effect.fnUntraced(function* (entry: Watched) {
    const { peer } = entry
    // Everything that opens the latch is looked at below, so that what came before is not lost with it.
    entry.changed.closeUnsafe()
    if (stopped) return yield* Effect.never
    if (registry.engaged(peer)) {
      entry.poked = false
      return yield* changes(entry, lookWhileEngaged)
    }
    const wait = entry.millisLeft(now())
    if (wait > 0) return yield* changes(entry, wait)
    entry.poked = false
    const endpoint = yield* locate(entry)
    if (endpoint === undefined || dialer.isOwn(endpoint)) {
      if (endpoint !== undefined) entry.lastEnded = ended("dial-failed", `${endpoint.toString()} is this node itself`)
      return yield* entry.opportunistic ? giveUp(entry) : changes(entry, lookAgain)
    }
    const closed = closedFor(entry, endpoint)
    if (closed > 0) return yield* changes(entry, Math.min(closed, lookWhileEngaged))
    const isDue = () => !stopped && entry.desires.size > 0 && !registry.engaged(peer)
    const dialled = yield* dialer.dial(peer, endpoint, isDue)
    if (dialled !== undefined) yield* conclude(entry, dialled.outcome, { endpoint, host: dialled.host })
  })

  /** A defect costs one turn and a wait, not the peer. */
  const supervised = (entry: Watched) =>
    Effect.catchCause(turn(entry), (cause) =>
      Effect.gen(function* () {
        yield* Effect.logError("A turn of the supervisor crashed", cause)
        yield* conclude(entry, nothing(ended("internal", "the turn crashed")))
        yield* Effect.sleep(lookAgain)
      })
    )

  const watch = Effect.fnUntraced(function* (entry: Watched) {
    if (Arbiter.roleOf(self.key, entry.peer) === "follower") {
      yield* Effect.sleep((yield* Random.next) * config.firstDialDelay)
    }
    while (entry.desires.size > 0) yield* supervised(entry)
    // In the turn in which it was found unwanted, so that whoever wants it again starts anew.
    entries.delete(entry.peer)
  })

  const mayLearn = (peer: NodeKey): boolean => {
    if (givenUp.has(peer, now())) return false
    return entries.has(peer) || [...entries.values()].filter((it) => it.opportunistic).length < config.maxLearned
  }

  const refresh = Effect.gen(function* () {
    if (stopped) return
    const live = registry.sessions().map(({ connection }) => connection)
    yield* FiberHandle.run(asking, WakeUp.ask(live, config.probeTimeout))
    dialer.forgetOwn()
    if (!refreshing.take(now())) return
    const waiting = [...entries.values()].filter(({ peer }) => !registry.engaged(peer))
    const spread = Math.max(leastSpread, (waiting.length * 1_000) / config.dialRate.perSecond)
    for (const entry of waiting) entry.hasten(now(), (yield* Random.next) * spread)
  })

  yield* WakeUp.watch(config.standstill, (lateMillis) =>
    Effect.andThen(Effect.annotateLogs(Effect.logInfo("This node stood still"), { lateMillis }), refresh)
  ).pipe(
    Effect.tapCause((cause) => Effect.logError("Nobody looks any more whether this node stands still", cause)),
    Effect.forkScoped
  )

  return Supervisor.of({
    want: (peer, desire) =>
      Effect.sync(() => {
        if (peer === self.key || (desire === "learned" && !mayLearn(peer))) return
        const known = entries.get(peer)
        if (known !== undefined) {
          known.desires.add(desire)
          return keep(known)
        }
        const entry = new Watched(peer, desire, config.redial)
        entries.set(peer, entry)
        keep(entry)
        run(Effect.annotateLogs(watch(entry), { peer: short(peer) }))
      }),
    unwant: (peer, desire) =>
      Effect.sync(() => {
        const entry = entries.get(peer)
        if (entry !== undefined) unwant(entry, desire)
      }),
    report: (outcome) =>
      Effect.suspend(() => {
        const { peer, reject, session } = outcome
        if (peer !== undefined && session !== undefined) givenUp.forget(peer)
        const entry = peer === undefined ? undefined : entries.get(peer)
        if (entry === undefined) return Effect.void
        // Without a session or the peer's own word it says nothing about whether dialling works.
        if (session !== undefined || reject?.by === "peer") return conclude(entry, outcome)
        return Effect.sync(() => rouse(entry))
      }),
    poke: (peer) => Effect.sync(() => entries.get(peer)?.poke()),
    refresh,
    stop: Effect.sync(() => {
      stopped = true
    }),
    watches: Effect.sync(() => [...entries.values()].map((entry) => entry.view(now(), registry.engaged(entry.peer))))
  })
})
