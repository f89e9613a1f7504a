/**
 * Makes sessions of sockets: channel, HELLO, the arbiter's word, the session's handler, and the end with its reason.
 * The same code whichever side dialled (docs/PROTOCOL.md, 4).
 *
 * At most one session per peer lives at a time, and a peer's next handler starts only after its last one has ended.
 */
import { Context, Deferred, Effect, Exit, Fiber, FiberSet, Layer, Random, Scope } from "effect"
import type { Socket } from "effect/socket/Socket"
import { type NodeKey, short } from "../../protocol/NodeKey.ts"
import { Buggify } from "../Buggify.ts"
import { Alarms } from "./Alarms.ts"
import { BanGate } from "./BanGate.ts"
import { Conversation, type Office } from "./Conversation.ts"
import { type Ended, ended } from "./Ended.ts"
import { Entrance } from "./Entrance.ts"
import * as Greeting from "./Greeting.ts"
import * as Handlers from "./Handlers.ts"
import { LinkConfig } from "./LinkConfig.ts"
import { LinkTap } from "./LinkTap.ts"
import { nothing, type Outcome } from "./Outcome.ts"
import { Registry } from "./Registry.ts"
import { Self } from "./Self.ts"
import { SessionHandler } from "./Session.ts"
import { type Direction, type Opened, Wire } from "./Wire.ts"

/** Where a socket came from. */
export interface From {
  readonly direction: Direction
  /** The other end, for people. */
  readonly remote: string
  /** The IP address at the other end, for limits. */
  readonly host?: string | undefined
  /** The key that must answer; the peer's own word counts without it. */
  readonly expected?: NodeKey | undefined
}

/** A connection that is not a session, or not yet. */
export interface Pending {
  readonly direction: Direction
  readonly host: string
}

export class Links extends Context.Service<
  Links,
  {
    /** Runs one connection from its open socket to its end. Interrupting it cuts it: `close` says GOODBYE. */
    readonly serve: (socket: Socket, from: From) => Effect.Effect<Outcome>
    /** The connections that are open without being a session. */
    readonly pending: () => Iterable<Pending>
    /**
     * No more sessions, for good: says GOODBYE on every session and REJECT(shutdown) on every other connection whose
     * peer is known, and waits for their ends, each bounded by twice the linger time.
     */
    readonly close: (retryAfterMillis: number) => Effect.Effect<void>
  }
>()("holdfast/services/link/Links") {
  static readonly layer: Layer.Layer<Links, never, Registry | Self | SessionHandler | Wire> = Layer.effect(
    Links,
    Effect.suspend(() => make)
  )
}

/** A connection before its peer is known. */
interface Stub {
  readonly id: number
  readonly direction: Direction
  readonly remote: string
  readonly host: string
}

const make = Effect.gen(function* () {
  const registry = yield* Registry
  const self = yield* Self
  const wire = yield* Wire
  const config = yield* LinkConfig
  const points = yield* Buggify
  const alarms = yield* Alarms.make
  const handle = yield* Handlers.make(yield* SessionHandler, registry, points)
  const fork = yield* FiberSet.makeRuntime<never, void>()
  const pending = new Map<number, Pending>()
  const conversations = new Map<number, Conversation>()
  const gate = yield* BanGate
  const salt = yield* Random.nextIntBetween(0, 0xffff_ffff)
  const entrance = new Entrance({ config, gate, points, registry, salt, now: () => alarms.now })

  const office: Office = {
    wire,
    tap: yield* LinkTap,
    config,
    points,
    alarms,
    fork,
    registry,
    self: { network: self.network, key: self.key, instance: self.instance, versions: self.versions },
    greeting: (peer) => Greeting.frame(self, registry.standing(peer)),
    entrance,
    gate,
    activated: ({ connection }) => void pending.delete(connection.id),
    closed: ({ connection }) => {
      pending.delete(connection.id)
      conversations.delete(connection.id)
    },
    handle
  }

  const tooLate = ended("handshake-timeout", `no secure channel within ${config.handshakeTimeout} ms`)

  const converse = Effect.fnUntraced(function* (stub: Stub, { peer }: Opened<Error>, deadline: number) {
    const nonce = BigInt(yield* Random.nextIntBetween(0, 0xffff_ffff)) << 16n
    const conversation = new Conversation(office, { ...stub, peer, nonce, phase: yield* Random.next }, deadline)
    conversations.set(stub.id, conversation)
    return conversation
  })

  /** A connection from its open socket on, as a sequence of transitions that always ends with `closed`. */
  const serve = (socket: Socket, from: From): Effect.Effect<Outcome> =>
    Effect.suspend(() => {
      const { direction, expected, remote } = from
      const stub: Stub = { id: registry.nextId(), direction, remote, host: from.host ?? hostIn(remote) }
      const deadline = alarms.now + config.handshakeTimeout
      const scope = Scope.makeUnsafe()
      let opened = false
      let timedOut = false
      const fail = (reason: Ended): Outcome => {
        registry.note(stub, { peer: expected, from: "opening", to: "closed", ...reason })
        return nothing(reason)
      }
      registry.note(stub, { to: "opening", peer: expected })
      if (entrance.closed) return Effect.succeed(fail(ended("shutdown", "this node stops")))
      pending.set(stub.id, stub)
      // Closing the scope ends an opening that takes too long.
      const late = alarms.set(deadline, () => {
        timedOut = true
        fork(Scope.close(scope, Exit.void))
      })
      const opening = Scope.provide(wire.open(socket, direction, expected), scope)
      return Effect.forkIn(opening, scope, { startImmediately: true }).pipe(
        Effect.flatMap(Fiber.await),
        Effect.flatMap((exit) => {
          if (timedOut) return Effect.sync(() => fail(tooLate))
          if (Exit.isFailure(exit)) {
            return Effect.map(reasonOf(exit), (error) => {
              const meaning = wire.describe(error)
              const offence = direction === "inbound" ? wire.offence(error) : undefined
              if (offence !== undefined) gate.offended(offence, { host: stub.host }, meaning.detail)
              return fail(meaning)
            })
          }
          late.cancel()
          opened = true
          return Effect.flatMap(converse(stub, exit.value, deadline), (conversation) =>
            conversation.converse(exit.value.channel, wire.describe)
          )
        }),
        Effect.onExit((exit) => {
          late.cancel()
          pending.delete(stub.id)
          if (Exit.isFailure(exit) && !opened) fail(ended("shutdown", "this node closes the connection"))
          return Scope.close(scope, exit)
        })
      )
    })

  /** Two nodes with one key are nobody's intention: somebody has to know. */
  const logged = (from: From, outcome: Outcome) =>
    (outcome.reject?.reason === "clone" ? Effect.logError : Effect.logInfo)("Connection closed").pipe(
      Effect.annotateLogs({ direction: from.direction, remote: from.remote, ...outcome.ended, ...named(outcome, from) })
    )

  return Links.of({
    serve: (socket, from) =>
      serve(socket, from).pipe(
        Effect.catchCause((cause) =>
          Effect.as(
            Effect.logError("A connection crashed", cause),
            nothing(ended("internal", "this node failed to handle the connection"))
          )
        ),
        Effect.tap((outcome) => logged(from, outcome))
      ),
    pending: () => pending.values(),
    close: (retryAfterMillis) =>
      Effect.suspend(() => {
        entrance.close()
        const leaving = [...conversations.values()]
        for (const conversation of leaving) conversation.leave(retryAfterMillis)
        return Effect.forEach(leaving, ({ connection }) => Deferred.await(connection.ended), {
          concurrency: "unbounded",
          discard: true
        })
      }).pipe(Effect.timeoutOption(2 * config.lingerTimeout), Effect.asVoid)
  })
})

/** The host of `host:port`. */
const hostIn = (remote: string): string => remote.slice(0, remote.lastIndexOf(":")).replace(/^\[|\]$/g, "")

/** The typed reason of a failed opening; what is none crashes on. */
const reasonOf = (exit: Exit.Exit<unknown, Error>): Effect.Effect<Error> =>
  Effect.flip(Effect.flatMap(exit, () => Effect.die(new Error("it did not fail"))))

const named = (outcome: Outcome, from: From) => {
  const peer = outcome.peer ?? from.expected
  return peer === undefined ? {} : { peer: short(peer) }
}
