/**
 * A supervisor without wires and peers: a test decides how each dial and each connection ends, and sees when there was
 * which dial.
 */
import { Clock, Context, Effect, Layer } from "effect"
import * as Socket from "effect/socket/Socket"
import { MemoryDatabase } from "../../src/layers/MemoryDatabase.ts"
import * as PeerBookMemory from "../../src/layers/PeerBookMemory.ts"
import { Endpoint } from "../../src/protocol/Address.ts"
import type { NodeKey } from "../../src/protocol/NodeKey.ts"
import { ended } from "../../src/services/link/Ended.ts"
import * as LinkConfig from "../../src/services/link/LinkConfig.ts"
import { Links } from "../../src/services/link/Links.ts"
import { nothing, type Outcome, type Rejection } from "../../src/services/link/Outcome.ts"
import { PeerBook } from "../../src/services/link/PeerBook.ts"
import { type Live, Registry } from "../../src/services/link/Registry.ts"
import { Self } from "../../src/services/link/Self.ts"
import { Supervisor } from "../../src/services/link/Supervisor.ts"
import { DialFailed, type Reached, Transport } from "../../src/services/link/Transport.ts"
import { keyOf } from "./LinkNode.ts"

/** What comes of a dial: it fails, hangs until it times out, or brings a connection that ends like this. */
export type Fate = "refuse" | "hang" | Effect.Effect<Outcome>

export interface Dial {
  readonly at: number
  readonly to: string
}

/** How long a dial may hang, in milliseconds. */
export const dialTimeout = 10_000

/** Where the node of this seed listens. */
export const endpointOf = (seed: number): Endpoint =>
  new Endpoint({ host: `10.0.${seed >> 8}.${seed & 255}`, port: 4000 })

export const rejected = (reject: Omit<Rejection, "by">): Effect.Effect<Outcome> =>
  Effect.succeed({ ...nothing(ended("rejected", reject.reason)), reject: { by: "peer", ...reject } })

/** A session of so many milliseconds, which is stable from the time on that the profile asks for. */
export const lasting = (millis: number, more: Partial<Outcome> = {}): Effect.Effect<Outcome> =>
  Effect.gen(function* () {
    const { currentTimeMillisUnsafe: now } = yield* Clock.Clock
    const startedAt = now()
    yield* Effect.sleep(millis)
    const session = { lifetimeMillis: millis, pongs: 1, startedAt }
    return { ...nothing(ended("network", "lost")), session, ...more }
  })

const socket = Socket.make({ reader: Effect.never, writer: Effect.never })

const self = (listen: Endpoint | undefined) =>
  Layer.succeed(Self, {
    key: keyOf(1),
    network: "test",
    instance: "00000000-0000-4000-8000-000000000001",
    database: "00000000-0000-4000-8000-000000000002",
    incarnation: 1n,
    versions: { min: 1, max: 1 },
    agent: "test",
    protocols: [],
    listen
  })

export interface Options {
  readonly config?: Partial<LinkConfig.Config>
  readonly listen?: Endpoint
  readonly sessions?: () => ReadonlyArray<Live>
}

export const start = Effect.fnUntraced(function* ({ config, listen, sessions = () => [] }: Options = {}) {
  const clock = yield* Clock.Clock
  const dials: Array<Dial> = []
  const engaged = new Set<NodeKey>()
  let underWay = 0
  let most = 0
  let fate: (to: string) => Fate = () => "refuse"
  /** How the connections that have just been made will end. */
  const connected = new Map<string, Effect.Effect<Outcome>>()

  const connect = (endpoint: Endpoint): Effect.Effect<Reached, DialFailed> => {
    const failed = (reason: DialFailed["reason"]) => new DialFailed({ endpoint: endpoint.toString(), reason })
    const decided = fate(endpoint.toString())
    if (decided === "refuse") return Effect.fail(failed("refused"))
    if (decided === "hang") return Effect.andThen(Effect.sleep(dialTimeout), Effect.fail(failed("timed-out")))
    connected.set(endpoint.toString(), decided)
    return Effect.succeed({ ...socket, remoteHost: endpoint.host })
  }
  const transport = Layer.mock(Transport, {
    dial: (endpoint) =>
      Effect.suspend(() => {
        dials.push({ at: clock.currentTimeMillisUnsafe(), to: endpoint.toString() })
        most = Math.max(most, ++underWay)
        return Effect.ensuring(
          connect(endpoint),
          Effect.sync(() => underWay--)
        )
      })
  })
  const links = Layer.mock(Links, {
    serve: (_, { remote }) => connected.get(remote) ?? Effect.die(new Error(`nobody has dialled ${remote}`)),
    pending: () => []
  })
  const unused = () => undefined
  const registry = Layer.mock(Registry, {
    desired: () => false,
    desire: () => undefined,
    engaged: (peer) => engaged.has(peer),
    sessions,
    nextId: () => 0,
    enter: unused,
    asLane: unused,
    connections: () => [],
    event: unused,
    leave: unused,
    standing: () => ({ knows: 0n, holds: false }),
    alone: () => true,
    publish: unused,
    session: unused,
    note: unused,
    recent: () => []
  })
  const layer = Supervisor.layer.pipe(
    Layer.provide([transport, links, registry, self(listen)]),
    Layer.provideMerge(PeerBookMemory.layer.pipe(Layer.provide(MemoryDatabase.layer))),
    Layer.provide(Layer.succeed(LinkConfig.LinkConfig, { ...LinkConfig.defaults, firstDialDelay: 0, ...config }))
  )
  const context = yield* Layer.build(Layer.fresh(layer))
  const supervisor = Context.get(context, Supervisor)
  const book = Context.get(context, PeerBook)
  return {
    supervisor,
    book,
    /** Every dial so far, oldest first. */
    dials,
    /** The most dials that were under way at once. */
    most: () => most,
    /** Peers with whom a connection is open. */
    engaged,
    decide: (next: (to: string) => Fate) => void (fate = next),
    /** Notes where the node of this seed listens, and wants it. */
    want: (seed: number, desire: "asked" | "learned" = "asked") =>
      Effect.orDie(
        Effect.andThen(
          book.learn(keyOf(seed), endpointOf(seed), desire === "asked" ? "configured" : "advertised"),
          supervisor.want(keyOf(seed), desire)
        )
      ),
    watch: (seed: number) =>
      Effect.map(supervisor.watches, (watches) => watches.find(({ peer }) => peer === keyOf(seed)))
  }
})
