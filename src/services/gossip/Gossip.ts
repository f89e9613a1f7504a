/**
 * Gossip with the peers of live sessions (docs/PROTOCOL.md, 10): topics of users, which go one step and no further, and
 * the addresses of nodes, which every node passes on.
 *
 * Nothing here is kept, repeated or receipted: what a peer is too slow for, or is told while it is away, is lost. What
 * must arrive is `Delivery`'s.
 */
import { Clock, Context, Effect, Latch, Layer, Result, Schema, type Scope, type Stream } from "effect"
import { type Announcement, endpointOf } from "../../protocol/gossip/Announcement.ts"
import { Announcements, type Outcome } from "../../protocol/gossip/Announcements.ts"
import * as GossipFrame from "../../protocol/gossip/GossipFrame.ts"
import { placeOf, reachOf } from "../../protocol/gossip/Reach.ts"
import { Kind } from "../../protocol/link/Frame.ts"
import { TokenBucket } from "../../protocol/link/TokenBucket.ts"
import { Identity } from "../link/Identity.ts"
import { Self } from "../link/Self.ts"
import type { Session } from "../link/Session.ts"
import { monotonic } from "../Monotonic.ts"
import { Discovery } from "./Discovery.ts"
import { GossipConfig } from "./GossipConfig.ts"
import { type Received, TopicReaders } from "./TopicReaders.ts"

/** What gossip needs of a live session. */
export interface Neighbour extends Pick<Session, "peer" | "remote"> {
  /** Sends a frame that may be lost: the oldest that waits goes first when there is no room. Never waits. */
  readonly gossip: (kind: number, body: Uint8Array) => void
}

/** Something that cannot be said: the message says why. */
export class GossipRefused extends Schema.TaggedError<GossipRefused>()("GossipRefused", {
  topic: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `nothing can be said about ${JSON.stringify(this.topic.slice(0, 80))}: ${this.problem}`
  }
}

/** With whom this node gossips now, and what has come in since the start. */
export interface Counts {
  readonly sessions: number
  /** What became of each announcement. */
  readonly announcements: Readonly<Record<Outcome, number>>
  /** Frames of addresses, and of other topics, that came faster than their peer may send them. */
  readonly addressesDropped: number
  readonly topicsDropped: number
  /** Frames of topics that somebody here reads, and that nobody does. */
  readonly topicsRead: number
  readonly topicsUnknown: number
}

export class Gossip extends Context.Service<
  Gossip,
  {
    /**
     * Says something, of at most 16 KiB, to every peer with a live session, and tells to how many. They may or may not hear
     * of it. Nobody passes it on.
     */
    readonly publish: (topic: string, body: Uint8Array) => Effect.Effect<number, GossipRefused>
    /** What peers say about a topic from now on. A reader that falls behind misses the oldest. */
    readonly subscribe: (topic: string) => Effect.Effect<Stream.Stream<Received>, GossipRefused, Scope.Scope>
    /** The nodes that have said where they are, this one among them if it has. */
    readonly known: Effect.Effect<ReadonlyArray<Announcement>>
    readonly counts: Effect.Effect<Counts>
    /** Gossips with this peer until the scope closes, which is when the session ends. */
    readonly join: (session: Neighbour) => Effect.Effect<void, never, Scope.Scope>
    /** Takes the body of a GOSSIP frame of a session that has joined. A sentence says how it breaks the protocol. */
    readonly receive: (session: Neighbour, body: Uint8Array) => string | undefined
  }
>()("holdfast/services/gossip/Gossip") {
  static readonly layer: Layer.Layer<Gossip, never, Discovery | Identity | Self> = Layer.effect(
    Gossip,
    Effect.suspend(() => make)
  )
}

interface Joined {
  /** Its name in the machine of addresses. */
  readonly id: number
  readonly topics: TokenBucket
}

const isTopic = Schema.is(GossipFrame.Topic)

/** The longest time after which it is looked whether something is to be said, in milliseconds. */
const lookAgain = 3_600_000

const make = Effect.gen(function* () {
  const config = yield* GossipConfig
  const discovery = yield* Discovery
  const identity = yield* Identity
  const self = yield* Self
  const clock = yield* Clock.Clock
  const readers = new TopicReaders(config.readerQueue)
  const joined = new Map<Neighbour, Joined>()
  const sessions = new Map<number, Neighbour>()
  const changed = Latch.makeUnsafe(false)
  const learned = Latch.makeUnsafe(false)
  const counts = { topicsDropped: 0, topicsRead: 0, topicsUnknown: 0 }
  const announces = config.enabled && config.announce && self.listen !== undefined
  const machine = new Announcements({
    self: self.key,
    network: self.network,
    own: announces ? { host: self.listen.host, port: self.listen.port, signer: identity.sign } : undefined,
    limits: config.addresses
  })

  const at = () => ({ now: monotonic(clock), wall: clock.currentTimeMillisUnsafe() })

  const frameOf = (records: ReadonlyArray<Announcement>): Uint8Array =>
    GossipFrame.gossip.encode({ topic: GossipFrame.addresses, body: GossipFrame.addressBody.encode({ records }) })

  /** Says all that is to be said now, and tells how long there is nothing more. */
  const say = (): number => {
    const { batches, waitMillis } = machine.flush(at())
    for (const { records, to } of batches) {
      const body = frameOf(records)
      for (const id of to) sessions.get(id)?.gossip(Kind.Gossip, body)
    }
    if (machine.hasLearned) learned.openUnsafe()
    return waitMillis
  }

  const saying = Effect.gen(function* () {
    while (true) {
      changed.closeUnsafe()
      const wait = Math.min(say(), lookAgain)
      yield* Effect.timeoutOption(changed.await, Math.max(1, Math.ceil(wait)))
    }
  })

  /** Beside the saying, so that a slow database keeps nobody waiting. */
  const learning = Effect.gen(function* () {
    while (true) {
      yield* learned.await
      learned.closeUnsafe()
      for (const announcement of machine.takeLearned()) {
        yield* discovery.learn(announcement.key, endpointOf(announcement))
      }
    }
  })

  const heardTopic = (session: Neighbour, { topics }: Joined, { body, topic }: GossipFrame.Gossip): void => {
    if (!topics.take(monotonic(clock))) counts.topicsDropped++
    else if (!readers.has(topic)) counts.topicsUnknown++
    else {
      counts.topicsRead++
      // A copy: what comes in is overwritten by what comes next.
      readers.tell({ peer: session.peer, topic, body: Uint8Array.from(body) })
    }
  }

  const receive = (session: Neighbour, body: Uint8Array): string | undefined => {
    const neighbour = joined.get(session)
    if (neighbour === undefined || !config.enabled) return undefined
    if (body.length > GossipFrame.maxFrame) return `GOSSIP has ${body.length} bytes, ${GossipFrame.maxFrame} at most`
    const decoded = GossipFrame.gossip.decode(body)
    if (Result.isFailure(decoded)) return decoded.failure.message
    if (decoded.success.topic !== GossipFrame.addresses) {
      heardTopic(session, neighbour, decoded.success)
      return undefined
    }
    const violation = machine.receive(neighbour.id, decoded.success.body, at())
    changed.openUnsafe()
    return violation
  }

  const leave = (session: Neighbour, id: number): void => {
    joined.delete(session)
    sessions.delete(id)
    machine.leave(id)
  }

  const checkTopic = (topic: string): Effect.Effect<void, GossipRefused> => {
    if (!isTopic(topic)) {
      return Effect.fail(new GossipRefused({ topic, problem: "a topic is 1 to 64 ASCII characters without spaces" }))
    }
    return topic === GossipFrame.addresses
      ? Effect.fail(new GossipRefused({ topic, problem: "this topic is the protocol's own: choose another name" }))
      : Effect.void
  }

  const publish = Effect.fn("Gossip.publish")(function* (topic: string, body: Uint8Array) {
    yield* checkTopic(topic)
    if (body.length > GossipFrame.maxBody) {
      const problem = `the body has ${body.length} bytes, ${GossipFrame.maxBody} are allowed: send it by Delivery`
      return yield* new GossipRefused({ topic, problem })
    }
    if (!config.enabled) return 0
    const frame = GossipFrame.gossip.encode({ topic, body })
    for (const session of joined.keys()) session.gossip(Kind.Gossip, frame)
    return joined.size
  })

  if (announces && placeOf(self.listen.host) === undefined) {
    yield* Effect.logInfo(
      "This node does not announce its address: nobody may be sent there. Set an address to advertise."
    ).pipe(Effect.annotateLogs({ host: self.listen.host }))
  }
  if (config.enabled) {
    for (const loop of [saying, learning]) {
      yield* loop.pipe(
        Effect.tapCause((cause) => Effect.logError("Gossip failed", cause)),
        Effect.forkScoped({ startImmediately: true })
      )
    }
  }

  return Gossip.of({
    publish,
    subscribe: (topic) => Effect.andThen(checkTopic(topic), readers.read(topic)),
    known: Effect.sync(() => machine.known),
    counts: Effect.sync(() => ({
      sessions: machine.sessions,
      announcements: { ...machine.counts },
      addressesDropped: machine.dropped,
      ...counts
    })),
    join: (session) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const now = monotonic(clock)
          const id = machine.join(session.peer, reachOf(session.remote), now)
          joined.set(session, { id, topics: new TokenBucket(config.topics, now) })
          sessions.set(id, session)
          changed.openUnsafe()
          return id
        }),
        (id) => Effect.sync(() => leave(session, id))
      ).pipe(Effect.asVoid),
    receive
  })
})
