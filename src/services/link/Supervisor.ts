/**
 * Keeps the wanted peers connected: one supervised fiber per wanted peer dials, waits for the end, waits, dials again
 * (docs/PROTOCOL.md, 6). Peers that only dialled us are not redialled.
 *
 * A peer may be wanted for several reasons at once; it is dialled while one of them holds, for ever.
 */
import { Clock, Context, Effect, FiberSet, Latch, Layer, Random, Semaphore } from "effect"
import type { Endpoint } from "../../protocol/Address.ts"
import * as Arbiter from "../../protocol/link/Arbiter.ts"
import * as Redial from "../../protocol/link/Redial.ts"
import { type NodeKey, short } from "../../protocol/NodeKey.ts"
import { Buggify } from "../Buggify.ts"
import { monotonic } from "./Connection.ts"
import { type Ended, ended } from "./Ended.ts"
import { LinkConfig } from "./LinkConfig.ts"
import { Links } from "./Links.ts"
import { nothing, type Outcome } from "./Outcome.ts"
import { PeerBook } from "./PeerBook.ts"
import { Registry } from "./Registry.ts"
import { Self } from "./Self.ts"
import { Transport } from "./Transport.ts"

/** Why a peer is wanted: somebody asked for it, or something is owed to it. */
export type Desire = "asked" | "owed"

/** What the supervisor does about a peer. */
export interface Watch {
  readonly peer: NodeKey
  readonly desires: ReadonlyArray<Desire>
  readonly breaker: Redial.State["breaker"]
  readonly failures: number
  /** Milliseconds until the next dial, while it waits for one. */
  readonly nextDialInMillis: number | undefined
  readonly lastEnded: Ended | undefined
}

interface Entry {
  readonly desires: Set<Desire>
  redial: Redial.State
  /** Monotonic milliseconds before which there is no dial. */
  notBefore: number
  /** Somebody asked for a dial whatever the back-off says, and none has begun since. */
  poked: boolean
  lastEnded: Ended | undefined
  /** Opened when a connection with the peer has ended, when its address may have changed, and when it is no longer wanted. */
  readonly changed: Latch.Latch
}

export class Supervisor extends Context.Service<
  Supervisor,
  {
    /** Dials the peer from now on, at the address the peer book has for it. Wanting twice is wanting once. */
    readonly want: (peer: NodeKey, desire: Desire) => Effect.Effect<void>
    /** Takes one reason back. The session, if there is one, goes on. */
    readonly unwant: (peer: NodeKey, desire: Desire) => Effect.Effect<void>
    /** A connection that the peer dialled has ended. */
    readonly report: (outcome: Outcome) => Effect.Effect<void>
    /** The peer's address may have changed: dial as soon as nothing is open with it, whatever the back-off says. */
    readonly poke: (peer: NodeKey) => Effect.Effect<void>
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

const make = Effect.gen(function* () {
  const links = yield* Links
  const book = yield* PeerBook
  const registry = yield* Registry
  const self = yield* Self
  const transport = yield* Transport
  const config = yield* LinkConfig
  const buggify = yield* Buggify
  const clock = yield* Clock.Clock
  const dials = yield* Semaphore.make(config.maxDials)
  const run = yield* FiberSet.makeRuntime()
  const entries = new Map<NodeKey, Entry>()
  let stopped = false

  const advance = (entry: Entry, event: Redial.Event) => {
    const step = Redial.step(config.redial, entry.redial, event)
    entry.redial = step.state
    entry.notBefore = Math.max(entry.notBefore, event.now + step.waitMillis)
  }

  const waitOf = (entry: Entry): number => (entry.poked ? 0 : Math.max(0, entry.notBefore - monotonic(clock)))

  const isStable = (session: { readonly lifetimeMillis: number; readonly pongs: number }) =>
    session.pongs > 0 && session.lifetimeMillis >= Math.max(config.heartbeat.stable, 2 * config.heartbeat.interval)

  /** Whoever waits for the end of a connection looks again. A hint: nothing but latency depends on it. */
  const rouse = (entry: Entry) => {
    if (!buggify.fires("link.redial-wake-up-lost")) entry.changed.openUnsafe()
  }

  /** What the end of a connection means for the next dial. */
  const conclude = Effect.fnUntraced(function* (entry: Entry, outcome: Outcome) {
    const now = monotonic(clock)
    const jitter = yield* Random.next
    const early = buggify.fires("link.redialled-at-once") ? 0 : jitter
    const random = buggify.fires("link.redialled-late") ? almostOne : early
    const { goodbye, reject, session } = outcome
    const stable = session !== undefined && isStable(session)
    entry.lastEnded = outcome.ended
    if (session !== undefined) {
      // Whatever an earlier failure had to wait for, the session is past it.
      entry.notBefore = 0
      advance(entry, { _tag: "Started", now: session.startedAt })
    }
    if (reject !== undefined) advance(entry, { _tag: "Rejected", now, random, reason: reject.reason })
    else if (goodbye !== undefined) advance(entry, { _tag: "Goodbye", now, random, stable, ...goodbye })
    else if (session !== undefined) advance(entry, { _tag: "Ended", now, random, stable })
    else advance(entry, { _tag: "Failed", now, random })
    rouse(entry)
  })

  const dial = (peer: NodeKey, endpoint: Endpoint) =>
    dials.withPermit(transport.dial(endpoint)).pipe(
      Effect.flatMap((socket) => {
        if (registry.engaged(peer)) return Effect.succeed(undefined)
        if (buggify.fires("link.dial-given-up")) return Effect.succeed(nothing(ended("dial-failed", "given up")))
        return links.serve(socket, { direction: "outbound", remote: endpoint.toString(), expected: peer })
      }),
      Effect.catchTag("DialFailed", (error) =>
        Effect.as(
          Effect.logDebug("Dial failed").pipe(Effect.annotateLogs({ peer: short(peer), detail: error.message })),
          nothing(ended("dial-failed", error.message))
        )
      ),
      Effect.scoped
    )

  /** One turn for one peer: waits for whatever has to be waited for, then dials once. */
  const turn = Effect.fnUntraced(function* (peer: NodeKey, entry: Entry) {
    // Everything that opens the latch is looked at below, so that what came before is not lost with it.
    entry.changed.closeUnsafe()
    if (stopped) return yield* Effect.never
    if (registry.engaged(peer)) {
      entry.poked = false
      return yield* Effect.timeoutOption(entry.changed.await, lookWhileEngaged)
    }
    const wait = waitOf(entry)
    if (wait > 0) return yield* Effect.timeoutOption(entry.changed.await, wait)
    entry.poked = false
    const known = yield* book.find(peer).pipe(
      Effect.tapError((error) => Effect.logWarning("The peer book cannot be read", error)),
      Effect.catch(() => Effect.succeed(undefined))
    )
    if (known?.endpoint === undefined) return yield* Effect.timeoutOption(entry.changed.await, lookAgain)
    const outcome = yield* dial(peer, known.endpoint)
    if (outcome !== undefined) yield* conclude(entry, outcome)
  })

  /** A defect costs one turn and a wait, not the peer. */
  const supervised = (peer: NodeKey, entry: Entry) =>
    Effect.catchCause(turn(peer, entry), (cause) =>
      Effect.gen(function* () {
        yield* Effect.logError("A turn of the supervisor crashed", cause)
        yield* conclude(entry, nothing(ended("internal", "the turn crashed")))
        yield* Effect.sleep(lookAgain)
      })
    )

  const watch = Effect.fnUntraced(function* (peer: NodeKey, entry: Entry) {
    if (Arbiter.roleOf(self.key, peer) === "follower") {
      yield* Effect.sleep((yield* Random.next) * config.firstDialDelay)
    }
    while (entry.desires.size > 0) yield* supervised(peer, entry)
    // In the turn in which it was found unwanted, so that whoever wants it again starts anew.
    entries.delete(peer)
  })

  return Supervisor.of({
    want: (peer, desire) =>
      Effect.sync(() => {
        if (peer === self.key) return
        const known = entries.get(peer)
        if (known !== undefined) return void known.desires.add(desire)
        const entry: Entry = {
          desires: new Set([desire]),
          redial: Redial.initial,
          notBefore: 0,
          poked: false,
          lastEnded: undefined,
          changed: Latch.makeUnsafe(false)
        }
        entries.set(peer, entry)
        run(Effect.annotateLogs(watch(peer, entry), { peer: short(peer) }))
      }),
    unwant: (peer, desire) =>
      Effect.sync(() => {
        const entry = entries.get(peer)
        if (entry === undefined) return
        entry.desires.delete(desire)
        if (entry.desires.size === 0) entry.changed.openUnsafe()
      }),
    report: (outcome) =>
      Effect.suspend(() => {
        const entry = outcome.peer === undefined ? undefined : entries.get(outcome.peer)
        if (entry === undefined) return Effect.void
        // Without a session or the peer's own word it says nothing about whether dialling works.
        if (outcome.session !== undefined || outcome.reject?.by === "peer") return conclude(entry, outcome)
        return Effect.sync(() => rouse(entry))
      }),
    poke: (peer) =>
      Effect.sync(() => {
        const entry = entries.get(peer)
        if (entry === undefined) return
        entry.poked = true
        entry.changed.openUnsafe()
      }),
    stop: Effect.sync(() => {
      stopped = true
    }),
    watches: Effect.sync(() =>
      [...entries].map(([peer, entry]) => ({
        peer,
        desires: [...entry.desires],
        breaker: entry.redial.breaker,
        failures: entry.redial.failures,
        nextDialInMillis: registry.engaged(peer) ? undefined : waitOf(entry),
        lastEnded: entry.lastEnded
      }))
    )
  })
})
