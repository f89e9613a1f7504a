/**
 * A transport under test: what the tests need besides itself, and its connections in their hands.
 */
import { Deferred, Effect, Exit, Fiber, Queue, Scope } from "effect"
import type { Endpoint } from "../../src/protocol/Address.ts"
import type { Accepted, Transport } from "../../src/services/link/Transport.ts"
import { type End, use } from "./SocketEnd.ts"

export interface Subject {
  readonly transport: Transport["Service"]
  /** The same in real time with a time-out for dials that can be waited for, which other dials might not meet. */
  readonly impatient?: Transport["Service"]
  /** The host that the transport dials from and listens at. */
  readonly host: string
  /** A connection to `endpoint`, made by other means; `reset` breaks it off as a crashed host does. */
  readonly breakable: (endpoint: Endpoint) => Effect.Effect<{ readonly reset: Effect.Effect<void> }, never, Scope.Scope>
  /** Somewhere that does not answer a dial, for the length of the scope. */
  readonly silentHost: Effect.Effect<Endpoint, never, Scope.Scope>
  /** Lets the time-out of an impatient dial pass. */
  readonly waitForTimeout: Effect.Effect<void>
}

export type Test = <A, E>(name: string, self: () => Effect.Effect<A, E, Scope.Scope>) => void

/** Listens, in a scope of its own, and collects what comes; each connection lives until it is closed here. */
export const listening = Effect.fnUntraced(function* ({ host, transport }: Subject) {
  const outer = yield* Effect.scope
  const scope = yield* Scope.fork(outer)
  const listener = yield* Scope.provide(transport.listen({ host, port: 0 }), scope)
  const arrivals = yield* Queue.unbounded<{ readonly end: End; readonly remote: Accepted["remote"] }>()
  const ended = yield* Queue.unbounded<"interrupted" | "closed">()
  const running = yield* Effect.forkIn(
    listener.run(({ remote, socket }) =>
      Effect.gen(function* () {
        const own = yield* Scope.fork(yield* Effect.scope)
        const done = yield* Deferred.make<void>()
        const end = yield* use(socket, own).pipe(Effect.orDie)
        yield* Queue.offer(arrivals, {
          remote,
          end: { ...end, close: Effect.asVoid(Deferred.succeed(done, undefined)) }
        })
        yield* Deferred.await(done)
        yield* Scope.close(own, Exit.void)
      }).pipe(
        Effect.scoped,
        Effect.onExit((exit) => Queue.offer(ended, Exit.isSuccess(exit) ? "closed" : "interrupted"))
      )
    ),
    scope,
    { startImmediately: true }
  )
  return {
    endpoint: listener.endpoint,
    accept: Queue.take(arrivals),
    ended: Queue.take(ended),
    stopRunning: Fiber.interrupt(running),
    close: Scope.close(scope, Exit.void)
  }
})

/** Dials, in a scope of its own. */
export const dial = Effect.fnUntraced(function* ({ transport }: Subject, endpoint: Endpoint) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  return yield* use(yield* Scope.provide(transport.dial(endpoint), scope), scope)
})

/** Both ends of a connection. */
export const connected = Effect.fnUntraced(function* (make: Effect.Effect<Subject, never, Scope.Scope>) {
  const subject = yield* make
  const listener = yield* listening(subject)
  const dialled = yield* dial(subject, listener.endpoint)
  const { end: accepted } = yield* listener.accept
  return { subject, listener, dialled, accepted }
})
