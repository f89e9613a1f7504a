/**
 * Holdfast's own link: TCP, Noise, HELLO and COMMIT, heartbeat, registry and supervisor, all as in a node, with a
 * session handler that counts and sends back. No database and no delivery: that is the other benchmark.
 *
 * The dialling node always has the higher key, so it is the follower of the pair: its session is live only after the
 * other side's COMMIT, the longer of the two ways.
 */
import { Context, Effect, Exit, Fiber, Layer, ManagedRuntime, Queue, References, Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import { randomBytes, randomUUID } from "node:crypto"
import * as IdentityMemory from "../../src/layers/IdentityMemory.ts"
import { MemoryDatabase } from "../../src/layers/MemoryDatabase.ts"
import * as PeerBookMemory from "../../src/layers/PeerBookMemory.ts"
import * as TransportTcp from "../../src/layers/TransportTcp.ts"
import { Endpoint } from "../../src/protocol/Address.ts"
import { type Frame, Kind, version } from "../../src/protocol/link/Frame.ts"
import { NodeKey } from "../../src/protocol/NodeKey.ts"
import * as NodeSecret from "../../src/protocol/NodeSecret.ts"
import * as Acceptor from "../../src/services/link/Acceptor.ts"
import type { Connection } from "../../src/services/link/Connection.ts"
import * as HoldfastWire from "../../src/services/link/HoldfastWire.ts"
import * as LinkConfig from "../../src/services/link/LinkConfig.ts"
import { Links } from "../../src/services/link/Links.ts"
import { Registry } from "../../src/services/link/Registry.ts"
import { Self } from "../../src/services/link/Self.ts"
import { type Session, SessionHandler } from "../../src/services/link/Session.ts"
import { Supervisor } from "../../src/services/link/Supervisor.ts"
import { Transport } from "../../src/services/link/Transport.ts"
import { type Contender, type Count, type Dial, type Flood, message, sentBack } from "./Line.ts"

/** What the handler of a session has of it, however fast it comes. */
const kind = Kind.Data

/** As in production, but that a ping may follow the other at once: a node takes ten a second from a peer. */
const config: LinkConfig.Config = {
  ...LinkConfig.defaults,
  rates: { ...LinkConfig.defaults.rates, ping: { perSecond: 1e6, burst: 1e6, delays: 0, drops: 0 } }
}

/** The links of one node with the identity of `seed`. */
const links = (seed: Uint8Array, run: SessionHandler["Service"]["run"]) => {
  const self = Layer.sync(Self, () => ({
    key: NodeSecret.fromSeed(seed).key,
    network: "bench",
    instance: randomUUID(),
    database: randomUUID(),
    incarnation: 1n,
    versions: { min: version, max: version },
    agent: "bench",
    protocols: [],
    listen: undefined
  }))
  const ground = Layer.mergeAll(
    IdentityMemory.layerFromSeed(seed),
    PeerBookMemory.layer.pipe(Layer.provide(MemoryDatabase.layer)),
    SecureRandom.layerWebCrypto,
    TransportTcp.layer,
    Layer.succeed(SessionHandler, { run }),
    Layer.succeed(References.MinimumLogLevel, "Warn"),
    Layer.succeed(LinkConfig.LinkConfig, config),
    self
  )
  return Supervisor.layer.pipe(
    Layer.provideMerge(Links.layer),
    Layer.provideMerge(Registry.layer),
    Layer.provide(HoldfastWire.layer),
    Layer.provideMerge(ground)
  )
}

const answering =
  (count: Count): SessionHandler["Service"]["run"] =>
  (session) => {
    const answer = (frames: ReadonlyArray<Frame>): Effect.Effect<void> => {
      const back: Array<Uint8Array> = []
      for (const { body } of frames) {
        if (body[0] === sentBack) back.push(body)
        else {
          count.messages++
          count.bytes += body.length
        }
      }
      return back.length === 0 ? Effect.void : session.sendAll(kind, back)
    }
    return Effect.forever(Effect.flatMap(session.frames.takeAll, answer), { disableYield: true })
  }

const timed = Effect.fnUntraced(function* (count: number, once: Effect.Effect<unknown>) {
  const micros = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    const from = performance.now()
    yield* once
    micros[i] = (performance.now() - from) * 1_000
  }
  return micros
})

const request = (session: Session, body: Uint8Array) => Effect.andThen(session.send(kind, body), session.frames.take)

/** As many as are sent together: a write's worth, as the byte streams have it. */
const together = 64 * 1024

const flood = Effect.fnUntraced(function* (session: Session, body: Uint8Array, millis: number) {
  const bodies = Array.from({ length: Math.max(1, Math.floor(together / body.length)) }, () => body)
  const from = performance.now()
  let sent = 0
  while (performance.now() - from < millis) {
    yield* session.sendAll(kind, bodies)
    sent += bodies.length
  }
  yield* request(session, message(sentBack, 64))
  return { messages: sent, millis: performance.now() - from } satisfies Flood
})

/** The ping of the heartbeat, asked for now. */
const ping = (connection: Connection): Effect.Effect<void> =>
  Effect.callback((resume) => connection.probe(10_000, () => resume(Effect.void)))

/** An identity that dials, and whose key is above `than`. */
const seedAbove = (than: string): Uint8Array => {
  while (true) {
    const seed = randomBytes(NodeSecret.seedSize)
    if (NodeSecret.fromSeed(seed).key > than) return seed
  }
}

export const contender: Contender = {
  listen: async (count) => {
    const runtime = ManagedRuntime.make(links(randomBytes(NodeSecret.seedSize), answering(count)))
    return runtime.runPromise(
      Effect.gen(function* () {
        const transport = yield* Transport
        const { key } = yield* Self
        // The listener lives as long as the process.
        const listener = yield* Scope.provide(transport.listen({ host: "127.0.0.1", port: 0 }), yield* Scope.make())
        runtime.runFork(Acceptor.run(listener))
        return { host: "127.0.0.1", port: listener.endpoint.port, key }
      })
    )
  },
  dialler: async (first) => {
    const live = await Effect.runPromise(Queue.unbounded<Session>())
    const runtime = ManagedRuntime.make(
      links(seedAbove(first.key), (session) => Effect.andThen(Queue.offer(live, session), Effect.never))
    )
    const context = await runtime.context()
    const connections = Context.get(context, Links)
    const registry = Context.get(context, Registry)
    const transport = Context.get(context, Transport)
    const run = Effect.runPromiseWith(context)

    const dial: Dial = async ({ host, key, port }) => {
      const expected = NodeKey.make(key)
      const serving = Effect.flatMap(transport.dial(new Endpoint({ host, port })), (socket) =>
        connections.serve(socket, { direction: "outbound", remote: `${host}:${port}`, host, expected })
      ).pipe(Effect.scoped)
      const { fiber, session } = await run(
        Effect.gen(function* () {
          const fiber = yield* Effect.forkDetach(serving, { startImmediately: true })
          const ended = Effect.flatMap(Fiber.await(fiber), (exit) =>
            Effect.die(new Error(`no session: ${Exit.isSuccess(exit) ? exit.value.ended.detail : String(exit.cause)}`))
          )
          return { fiber, session: yield* Effect.raceFirst(Queue.take(live), ended) }
        })
      )
      const connection = registry.session(expected)?.connection
      if (connection === undefined) throw new Error("the session is gone")
      return {
        requests: (body, count) => run(timed(count, request(session, body))),
        pings: (count) => run(timed(count, ping(connection))),
        flood: (body, millis) => run(flood(session, body, millis)),
        close: () => run(Effect.andThen(session.close("unwanted", "done"), Effect.asVoid(Fiber.await(fiber))))
      }
    }
    return dial
  }
}
