/**
 * Makes sessions of sockets: channel, HELLO, the arbiter's word, the session's handler, and the end with its reason.
 * The same code whichever side dialled (docs/PROTOCOL.md, 4).
 *
 * At most one session per peer lives at a time, and a peer's next handler starts only after its last one has ended.
 */
import { Context, Deferred, Effect, Exit, FiberSet, Layer, Random } from "effect"
import type { Socket } from "effect/socket/Socket"
import { type NodeKey, short } from "../../protocol/NodeKey.ts"
import { Buggify } from "../Buggify.ts"
import { Alarms } from "./Alarms.ts"
import { BanGate } from "./BanGate.ts"
import { NodeChain } from "./Beside.ts"
import { Complaints } from "./Complaints.ts"
import type { Conversation } from "./Conversation.ts"
import { Connection } from "./Connection.ts"
import { ended } from "./Ended.ts"
import { Entrance } from "./Entrance.ts"
import * as Greeting from "./Greeting.ts"
import * as Handlers from "./Handlers.ts"
import * as LaneKeeper from "./LaneKeeper.ts"
import { LaneLink } from "./LaneLink.ts"
import { LinkConfig } from "./LinkConfig.ts"
import { LinkTap } from "./LinkTap.ts"
import type { Office } from "./Office.ts"
import { nothing, type Outcome } from "./Outcome.ts"
import { Registry } from "./Registry.ts"
import type { RunningSession } from "./RunningSession.ts"
import { Self } from "./Self.ts"
import { type Begin, type From, type Pending, type Service, Serving } from "./Serving.ts"
import { SessionHandler } from "./Session.ts"
import { Wire } from "./Wire.ts"

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
  const live = new Map<NodeKey, RunningSession>()
  const gate = yield* BanGate
  const chain = yield* NodeChain
  const random = yield* Random.Random
  const salt = random.nextIntUnsafe()
  const strangers = new Complaints(closed)
  // Two nodes with one key are nobody's intention: somebody has to know. Anybody can say that there are.
  const clones = new Complaints(closed, Effect.logError)
  const entrance = new Entrance({ config, gate, points, registry, salt, now: () => alarms.now })

  const office: Office = {
    wire,
    tap: yield* LinkTap,
    config,
    points,
    alarms,
    fork,
    registry,
    self: {
      network: self.network,
      key: self.key,
      instance: self.instance,
      versions: self.versions,
      chain: chain?.claim()
    },
    greeting: (peer) =>
      Greeting.frame(self, { ...registry.standing(peer), lanes: config.lanes, chain: chain?.claim() }),
    entrance,
    gate,
    activated: (session) => {
      pending.delete(session.connection.id)
      live.set(session.peer, session)
    },
    closed: ({ connection, peer }) => {
      pending.delete(connection.id)
      conversations.delete(connection.id)
      if (live.get(peer)?.connection === connection) live.delete(peer)
    },
    home: (peer, number) => {
      const session = live.get(peer)
      return session?.number === number && session.connection.direction === "inbound" ? session.home : undefined
    },
    joined: ({ id }) => void pending.delete(id),
    keep: (session, again) => {
      const { lanes } = session.live
      return lanes === 1 ? undefined : fork(LaneKeeper.keep(config, lanes, lane(session, again)))
    },
    handle
  }

  const service: Service = { office, wire, pending, conversations, random: () => random.nextDoubleUnsafe() }

  const logged = (from: From, outcome: Outcome): Effect.Effect<void> => {
    const { direction, remote } = from
    const data = { direction, remote, ...outcome.ended, ...named(outcome, from) }
    if (outcome.reject?.reason === "clone") return clones.say(data, alarms.now)
    const isStranger = direction === "inbound" && outcome.session === undefined
    return isStranger ? strangers.say(data, alarms.now) : Effect.annotateLogs(Effect.logInfo(closed), data)
  }

  const serve = (socket: Socket, from: From, begin?: Begin): Effect.Effect<Outcome> =>
    Effect.flatMap(Effect.exit(new Serving(service, from, begin).run(socket)), (exit) => {
      if (Exit.isSuccess(exit)) return Effect.as(logged(from, exit.value), exit.value)
      const outcome = nothing(ended("internal", "this node failed to handle the connection"))
      return Effect.as(Effect.logError("A connection crashed", exit.cause), outcome)
    })

  /** Dials one of the lanes of this session and runs it to its end. */
  const lane =
    (session: RunningSession, again: LaneKeeper.Again): LaneKeeper.Dial =>
    (number, opened) => {
      const { connection, home, peer } = session
      if (home === undefined) return Effect.void
      const from = { direction: "outbound", remote: connection.remote, expected: peer } as const
      const isDue = () => !home.lanes.over && !entrance.closed
      const join: Begin = (parties, deadline) =>
        new LaneLink(office, home, number, (owner) => new Connection(office, owner, parties), deadline, opened)
      return again(isDue).pipe(
        Effect.flatMap((socket) => {
          if (socket === undefined || !isDue() || gate.keptOut(peer, socket.remoteHost) !== undefined)
            return Effect.void
          return serve(socket, { ...from, host: socket.remoteHost }, join)
        }),
        Effect.catchTag("DialFailed", ({ message }) =>
          Effect.annotateLogs(Effect.logDebug("Dial of a lane failed"), { peer: short(peer), detail: message })
        ),
        Effect.scoped,
        Effect.asVoid
      )
    }

  return Links.of({
    serve: (socket, from) => serve(socket, from),
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

const closed = "Connection closed"

const named = (outcome: Outcome, from: From) => {
  const peer = outcome.peer ?? from.expected
  return peer === undefined ? {} : { peer: short(peer) }
}
