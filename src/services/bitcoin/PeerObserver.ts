/**
 * Hears of everything that happens to the Bitcoin peers of a node, for metrics and tracing. Without one, which is the default, nothing
 * is called.
 *
 * It is read once, while the manager is built, and called synchronously in the midst of its work: it must be quick and must not
 * throw.
 */
import { Context, Effect, Exit } from "effect"
import type { Ending } from "../../protocol/bitcoin/Restarts.ts"
import type { Connect } from "../link/DialLimits.ts"
import type { Counters, DialResult } from "../link/LinkObserver.ts"
import type { Tap } from "../link/LinkTap.ts"
import type { DialReason } from "../link/Transport.ts"
import type { PeerEvent } from "./PeerEvent.ts"

export interface Observer {
  /** What the readers of events are told, as it happens. */
  readonly told: (event: PeerEvent) => void
  /** A dial begins. What is returned is called once, with what came of it. */
  readonly dialling: () => (result: DialResult) => void
  /** The handshake of a connection is over; it has its counters from now on. */
  readonly connected: (connection: Counters & { readonly id: number }) => void
  /** A connection is over and counts no more. That it has changed its state is told after this. */
  readonly left: (id: number, ending: Ending) => void
  /** A message of a peer is about to be handled, or queued for one: the number of its command, and its bytes with the header. */
  readonly received: (kind: number, bytes: number) => void
  readonly sent: (kind: number, bytes: number) => void
  /** A reader of messages has missed one, for want of room. */
  readonly missed: () => void
}

export const PeerObserver = Context.Reference<Observer | undefined>("holdfast/services/bitcoin/PeerObserver", {
  defaultValue: () => undefined
})

/** All of them, in this order. */
export const all = (observers: ReadonlyArray<Observer>): Observer => ({
  told: (event) => observers.forEach((observer) => observer.told(event)),
  dialling: () => {
    const ends = observers.map((observer) => observer.dialling())
    return (result) => ends.forEach((end) => end(result))
  },
  connected: (connection) => observers.forEach((observer) => observer.connected(connection)),
  left: (id, ending) => observers.forEach((observer) => observer.left(id, ending)),
  received: (kind, bytes) => observers.forEach((observer) => observer.received(kind, bytes)),
  sent: (kind, bytes) => observers.forEach((observer) => observer.sent(kind, bytes)),
  missed: () => observers.forEach((observer) => observer.missed())
})

/** What connections say of each message, for an observer. */
export const tap = ({ received, sent }: Observer): Tap => ({
  received: (_, kind, bytes) => received(kind, bytes),
  sent: (_, kind, bytes) => sent(kind, bytes)
})

const resultOf = (exit: Exit.Exit<unknown, { readonly reason: DialReason }>): DialResult => {
  if (Exit.isSuccess(exit)) return exit.value === undefined ? "interrupted" : "connected"
  const failure = exit.cause.reasons.find((reason) => reason._tag === "Fail")
  return failure === undefined ? "interrupted" : failure.error.reason
}

/** The dials of a node, observed, with the time for which they wait for their turn. */
export const dials = (connect: Connect, observer: Observer | undefined): Connect =>
  observer === undefined
    ? connect
    : (endpoint, isDue) =>
        Effect.suspend(() => {
          const end = observer.dialling()
          return Effect.onExit(connect(endpoint, isDue), (exit) => Effect.sync(() => end(resultOf(exit))))
        })
