/**
 * Hears of everything that happens to connections and dials, for metrics and tracing: a few calls in the life of a
 * connection, none per frame. Without one, which is the default, nothing is called.
 *
 * It is read once, while the services that it observes are built, and called synchronously in the midst of their work:
 * it must be quick and must not throw.
 */
import { Context, Effect, Exit, Layer } from "effect"
import type * as PingSuccess from "../../protocol/link/PingSuccess.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Registry } from "./Registry.ts"
import type { Self } from "./Self.ts"
import type { Transition } from "./Transition.ts"
import { type DialReason, Transport } from "./Transport.ts"

/** What came of a dial; `interrupted`: nobody waits for it any more. */
export type DialResult = "connected" | "interrupted" | DialReason

/** A transition as it happens. */
export interface Noted extends Omit<Transition, "at" | "peer"> {
  readonly peer?: NodeKey | undefined
}

/** What a connection counts itself, to be read at any time. `Connection` is one. */
export interface Counters {
  readonly framesIn: number
  readonly framesOut: number
  readonly bytesIn: number
  readonly bytesOut?: number
  /** What waits to be written. */
  readonly queuedBytes?: number
  readonly heartbeat: PingSuccess.Beats
}

export interface Observer {
  /** A dial begins. What is returned is called once, with what came of it. */
  readonly dialling: (endpoint: string) => (result: DialResult) => void
  /** A connection has become one with a peer, proven or claimed, and has its counters from now on. */
  readonly entered: (peer: NodeKey, connection: Counters & { readonly id: number }) => void
  /** The connection is over and counts no more. Its last transition came before. */
  readonly left: (peer: NodeKey, id: number) => void
  readonly noted: (transition: Noted) => void
}

export const LinkObserver = Context.Reference<Observer | undefined>("holdfast/services/link/LinkObserver", {
  defaultValue: () => undefined
})

/** All of them, in this order. */
export const all = (observers: ReadonlyArray<Observer>): Observer => ({
  dialling: (endpoint) => {
    const ends = observers.map((observer) => observer.dialling(endpoint))
    return (result) => ends.forEach((end) => end(result))
  },
  entered: (peer, connection) => observers.forEach((observer) => observer.entered(peer, connection)),
  left: (peer, id) => observers.forEach((observer) => observer.left(peer, id)),
  noted: (transition) => observers.forEach((observer) => observer.noted(transition))
})

/** The registry, observed. */
export const registry: Layer.Layer<Registry, never, Self> = Layer.effect(
  Registry,
  Effect.gen(function* () {
    const plain = yield* Registry
    const observer = yield* LinkObserver
    if (observer === undefined) return plain
    return Registry.of({
      ...plain,
      enter: (member) => {
        plain.enter(member)
        observer.entered(member.peer, member.connection)
      },
      asLane: (lane) => {
        plain.asLane(lane)
        observer.entered(lane.peer, lane.connection)
      },
      leave: (peer, id) => {
        plain.leave(peer, id)
        observer.left(peer, id)
      },
      note: (connection, change) => {
        plain.note(connection, change)
        const { direction, id, remote } = connection
        observer.noted({ connection: id, direction, remote, ...change })
      }
    })
  })
).pipe(Layer.provide(Registry.layer))

const resultOf = (exit: Exit.Exit<unknown, { readonly reason: DialReason }>): DialResult => {
  if (Exit.isSuccess(exit)) return "connected"
  const failure = exit.cause.reasons.find((reason) => reason._tag === "Fail")
  return failure === undefined ? "interrupted" : failure.error.reason
}

/** The transport below, with its dials observed. */
export const transport: Layer.Layer<Transport, never, Transport> = Layer.effect(
  Transport,
  Effect.gen(function* () {
    const plain = yield* Transport
    const observer = yield* LinkObserver
    if (observer === undefined) return plain
    return Transport.of({
      ...plain,
      dial: (endpoint) =>
        Effect.suspend(() => {
          const end = observer.dialling(endpoint.toString())
          return Effect.onExit(plain.dial(endpoint), (exit) => Effect.sync(() => end(resultOf(exit))))
        })
    })
  })
)
