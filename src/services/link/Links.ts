/**
 * Makes sessions of sockets: channel, HELLO, the arbiter's word, the session's handler, and the end with its reason.
 * The same code whichever side dialled (docs/PROTOCOL.md, 4).
 *
 * At most one session per peer lives at a time, and a peer's next handler starts only after its last one has ended.
 */
import { Clock, Context, Deferred, Effect, Exit, Layer, Option, Queue, Random, RcMap, Result, Semaphore } from "effect"
import type { Socket } from "effect/socket/Socket"
import * as Frame from "../../protocol/link/Frame.ts"
import * as Handshake from "../../protocol/link/Handshake.ts"
import * as LinkMessage from "../../protocol/link/LinkMessage.ts"
import { type NodeKey, short } from "../../protocol/NodeKey.ts"
import { Buggify } from "../Buggify.ts"
import { Connection, monotonic, run as runConnection } from "./Connection.ts"
import { type Ended, ended } from "./Ended.ts"
import { goodbye, reject } from "./LastWord.ts"
import { LinkConfig } from "./LinkConfig.ts"
import { LinkTap } from "./LinkTap.ts"
import { nothing, type Outcome } from "./Outcome.ts"
import { Registry } from "./Registry.ts"
import { Self } from "./Self.ts"
import { type Session, SessionHandler } from "./Session.ts"
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

/** Session numbers end here, so that there is always a next one: a peer that claims a higher one is lying. */
const maxSessionNumber = 2n ** 63n - 1n

/** A conversation that a stopping node has to end. */
interface Leaving {
  readonly ended: Deferred.Deferred<Ended>
  readonly leave: (retryAfterMillis: number) => void
}

const make = Effect.gen(function* () {
  const registry = yield* Registry
  const self = yield* Self
  const handler = yield* SessionHandler
  const wire = yield* Wire
  const config = yield* LinkConfig
  const tap = yield* LinkTap
  const buggify = yield* Buggify
  const clock = yield* Clock.Clock
  const turns = yield* RcMap.make({ lookup: (_peer: NodeKey) => Semaphore.make(1) })
  const described = { network: self.network, key: self.key, instance: self.instance, versions: self.versions }
  const pending = new Map<number, Pending>()
  const conversations = new Map<number, Leaving>()
  const sessions = new Set<number>()
  let closing = false

  const hello = (peer: NodeKey): Uint8Array =>
    Frame.encode(
      Frame.Kind.Hello,
      LinkMessage.hello.encode({
        network: self.network,
        instance: self.instance,
        database: self.database,
        incarnation: self.incarnation,
        versions: self.versions,
        ...registry.standing(peer),
        agent: self.agent,
        protocols: self.protocols,
        ...(self.listen === undefined ? {} : { listen: { host: self.listen.host, port: self.listen.port } })
      })
    )

  /** Why this node can take no session more, if so. A peer that has one may replace it. */
  const full = (peer: NodeKey): { readonly reason: "busy" | "shutdown"; readonly detail: string } | undefined => {
    if (closing) return { reason: "shutdown", detail: "this node stops" }
    if (registry.standing(peer).holds) return undefined
    const isFull = sessions.size >= config.maxSessions || buggify.fires("link.refused-as-busy")
    return isFull ? { reason: "busy", detail: `${config.maxSessions} sessions are live` } : undefined
  }

  /** Everything about one connection whose peer is known, until it ends. */
  const converse = Effect.fnUntraced(function* (
    stub: { readonly id: number; readonly direction: Direction; readonly remote: string },
    { channel, peer }: Opened<Error>,
    deadline: number
  ) {
    const frames = yield* Queue.bounded<Frame.Frame>(config.sessionQueue)
    const live = yield* Deferred.make<bigint>()
    let state: Handshake.State = Handshake.initial
    let number: bigint | undefined
    let startedAt = 0
    let rejected: Outcome["reject"]
    let left: LinkMessage.Goodbye | undefined
    let proven = stub.direction === "outbound"

    const connection = new Connection({
      ...stub,
      wire,
      tap,
      peer,
      config,
      points: buggify,
      now: monotonic(clock),
      nonce: BigInt(yield* Random.nextIntBetween(0, 0xffff_ffff)) << 16n,
      violated: (_, reason) => refuse("violation", 0n, reason),
      onEnded: (_, reason) => {
        pending.delete(stub.id)
        conversations.delete(stub.id)
        sessions.delete(stub.id)
        registry.note(stub, { peer, from: phase(), to: "closed", ...reason, ...numbered() })
        registry.leave(peer, stub.id)
      }
    })

    const phase = () => (number === undefined ? "candidate" : "active")
    const numbered = () => (number === undefined ? {} : { session: number })

    /** Says why and ends: with REJECT as long as there is no session, with GOODBYE after. */
    const refuse = (reason: LinkMessage.RejectReason, known: bigint, why: string | Ended): void => {
      if (connection.finishing) return
      state = { phase: "closed" }
      const detail = typeof why === "string" ? why : why.detail
      const meaning = reason === "violation" ? ended("violation", detail) : ended("refused", `${reason}: ${detail}`)
      if (number === undefined) rejected = { by: "us", reason }
      const last = number === undefined ? reject(reason, known, detail) : goodbye("violation", 0, detail)
      connection.finish(typeof why === "string" ? meaning : why, last)
    }

    const overclaimed = (message: string, claimed: bigint): void =>
      refuse("violation", 0n, `${message} claims session number ${claimed}, ${maxSessionNumber} is the last`)

    const activate = (given: bigint, send: boolean): void => {
      if (connection.finishing) return
      state = Handshake.step(described, peer, state, { _tag: "Activated" }).state
      number = given
      startedAt = monotonic(clock)
      pending.delete(stub.id)
      sessions.add(stub.id)
      registry.note(stub, { peer, from: "candidate", to: "active", session: given })
      // Before anything that the session's handler may send.
      if (send) connection.control(Frame.encode(Frame.Kind.Commit, LinkMessage.commit.encode({ number: given })))
      connection.established(startedAt)
      Deferred.doneUnsafe(live, Effect.succeed(given))
    }

    const perform = (action: Handshake.Action, frame: Frame.Frame): Effect.Effect<void> | undefined => {
      switch (action._tag) {
        case "Propose": {
          const objection = full(peer)
          if (action.hello.knows > maxSessionNumber) overclaimed("HELLO", action.hello.knows)
          else if (objection !== undefined) refuse(objection.reason, 0n, objection.detail)
          else registry.event(peer, { _tag: "Hello", connection: stub.id, claim: action.hello })
          return undefined
        }
        case "Obey":
          if (action.number > maxSessionNumber) overclaimed("COMMIT", action.number)
          else registry.event(peer, { _tag: "Commit", connection: stub.id, claim: action.hello, number: action.number })
          return undefined
        case "Deliver":
          return Queue.offerUnsafe(frames, frame) ? undefined : Effect.asVoid(Queue.offer(frames, frame))
        case "Rejected": {
          const { detail, number: standing, reason } = action.reject
          rejected = { by: "peer", reason }
          const alone = registry.alone(peer, stub.id)
          if (reason === "duplicate") registry.event(peer, { _tag: "Duplicate", number: standing, alone })
          connection.end(ended("rejected", `${reason}: ${detail}`))
          return undefined
        }
        case "Left":
          left = action.goodbye
          connection.end(ended("goodbye", `${left.reason}: ${left.detail}`))
          return undefined
        case "Refuse":
          refuse(action.reason, 0n, action.detail)
          return undefined
        case "Ignore":
          return undefined
      }
    }

    const handle = (frame: Frame.Frame): Effect.Effect<void> | undefined => {
      proven = true
      const message = LinkMessage.decode(frame.kind, frame.body)
      if (message !== undefined && Result.isFailure(message)) {
        refuse("violation", 0n, message.failure.message)
        return undefined
      }
      const event: Handshake.Event =
        message === undefined ? { _tag: "Frame", kind: frame.kind } : { _tag: "Message", message: message.success }
      const step = Handshake.step(described, peer, state, event)
      state = step.state
      return step.action === undefined ? undefined : perform(step.action, frame)
    }

    const session = (greeting: LinkMessage.Hello, given: bigint): Session => ({
      peer,
      number: given,
      direction: stub.direction,
      remote: stub.remote,
      hello: greeting,
      frames,
      send: (kind, body) => connection.bulk(Frame.encode(kind, body)),
      close: (reason, detail) =>
        Effect.sync(() => connection.finish(ended(endings[reason], detail), goodbye(reason, pauses[reason], detail)))
    })

    /** The session's handler, once it is one and the peer's last handler has ended. */
    const handled = Effect.gen(function* () {
      const given = yield* Deferred.await(live)
      if (state.phase !== "active") return
      const current = session(state.hello, given)
      yield* Effect.logInfo("Session live")
      yield* buggify.pass("link.live-before-handler")
      const turn = yield* RcMap.get(turns, peer)
      yield* turn.withPermit(
        Effect.suspend(() => {
          registry.publish({ session: current, connection })
          return handler.run(current)
        }).pipe(Effect.ensuring(buggify.pass("link.handler-ended-before-next")))
      )
      connection.finish(ended("internal", "the session's handler ended"), goodbye("unwanted", pauses.unwanted, ""))
    }).pipe(
      Effect.scoped,
      Effect.annotateLogs({ ...stub, peer }),
      Effect.tapCause((cause) => Effect.logError("The session's handler failed", cause)),
      Effect.catchCause(() =>
        Effect.sync(() =>
          connection.finish(ended("internal", "the session's handler failed"), goodbye("unwanted", pauses.unwanted, ""))
        )
      )
    )

    const tooLate = Effect.andThen(
      Effect.sleep(Math.max(0, deadline - monotonic(clock))),
      Effect.sync(() => {
        if (number !== undefined) return
        const late = ended("handshake-timeout", `no session within ${config.handshakeTimeout} ms`)
        refuse(state.phase === "greeting" ? "violation" : "busy", 0n, late)
      })
    )

    const cut = () => Effect.sync(() => connection.end(ended("shutdown", "this node closes the connection")))
    const conversation = Effect.gen(function* () {
      registry.note(stub, { peer, from: "opening", to: "candidate" })
      registry.enter({
        connection,
        peer,
        proven: () => proven,
        activate,
        refuse,
        replace: () => connection.end(ended("replaced", "a newer connection with the same peer is the session"))
      })
      conversations.set(stub.id, {
        ended: connection.ended,
        leave: (retryAfterMillis) =>
          number === undefined
            ? refuse("shutdown", 0n, "this node stops")
            : connection.finish(
                ended("shutdown", "this node stops"),
                goodbye("shutdown", retryAfterMillis, "this node stops")
              )
      })
      yield* Effect.forkScoped(handled)
      yield* Effect.forkScoped(tooLate)
      const greeting = hello(peer)
      yield* buggify.pass("link.hello-before-sent")
      connection.control(greeting)
      // The connection is over before anything waits for the end of its handler.
      return yield* Effect.onExit(runConnection(connection, channel, { handle, describe: wire.describe }), cut)
    })
    const reason = yield* conversation.pipe(Effect.scoped, Effect.onExit(cut))
    const outcome: Outcome = {
      ended: reason,
      peer: proven ? peer : undefined,
      reject: rejected,
      goodbye: left,
      session:
        number === undefined
          ? undefined
          : { lifetimeMillis: monotonic(clock) - startedAt, pongs: connection.heartbeat.matched, startedAt }
    }
    return outcome
  })

  /** A connection from its open socket on, as a sequence of transitions that always ends with `closed`. */
  const serve = Effect.fnUntraced(function* (socket: Socket, from: From) {
    const stub = { id: registry.nextId(), direction: from.direction, remote: from.remote }
    const deadline = monotonic(clock) + config.handshakeTimeout
    const fail = (reason: Ended): Outcome => {
      registry.note(stub, { peer: from.expected, from: "opening", to: "closed", ...reason })
      return nothing(reason)
    }
    let opened = false
    const open = Effect.gen(function* () {
      registry.note(stub, { to: "opening", peer: from.expected })
      pending.set(stub.id, { direction: from.direction, host: from.host ?? from.remote })
      if (closing) return fail(ended("shutdown", "this node stops"))
      const channel = yield* wire
        .open(socket, from.direction, from.expected)
        .pipe(Effect.timeoutOption(config.handshakeTimeout), Effect.result)
      if (Result.isFailure(channel)) return fail(wire.describe(channel.failure))
      if (Option.isNone(channel.success)) {
        return fail(ended("handshake-timeout", `no secure channel within ${config.handshakeTimeout} ms`))
      }
      opened = true
      return yield* converse(stub, channel.success.value, deadline)
    })
    return yield* open.pipe(
      Effect.onExit((exit) =>
        Effect.sync(() => {
          pending.delete(stub.id)
          if (Exit.isFailure(exit) && !opened) fail(ended("shutdown", "this node closes the connection"))
        })
      )
    )
  }, Effect.scoped)

  const logged = (from: From, outcome: Outcome) =>
    Effect.logInfo("Connection closed").pipe(
      Effect.annotateLogs({ direction: from.direction, remote: from.remote, ...outcome.ended, ...named(outcome, from) })
    )

  return Links.of({
    serve: (socket, from) =>
      serve(socket, from).pipe(
        Effect.tapCause((cause) => Effect.logError("A connection crashed", cause)),
        Effect.catchCause(() =>
          Effect.succeed(nothing(ended("internal", "this node failed to handle the connection")))
        ),
        Effect.tap((outcome) => logged(from, outcome))
      ),
    pending: () => pending.values(),
    close: (retryAfterMillis) =>
      Effect.suspend(() => {
        closing = true
        const leaving = [...conversations.values()]
        for (const { leave } of leaving) leave(retryAfterMillis)
        return Effect.forEach(leaving, ({ ended }) => Deferred.await(ended), {
          concurrency: "unbounded",
          discard: true
        })
      }).pipe(Effect.timeoutOption(2 * config.lingerTimeout), Effect.asVoid)
  })
})

const named = (outcome: Outcome, from: From) => {
  const peer = outcome.peer ?? from.expected
  return peer === undefined ? {} : { peer: short(peer) }
}

const endings = {
  shutdown: "shutdown",
  unwanted: "shutdown",
  replaced: "replaced",
  violation: "violation",
  slow: "slow"
} as const

/** When a peer shall dial again after this node has ended the session, in milliseconds. */
const pauses = { shutdown: 0, unwanted: 1_000, replaced: 0, violation: 0, slow: 0 } as const
