/**
 * One node that says the same to five peers over real TCP, of which the fifth reads at first and then no more: what the
 * node holds for it, what becomes of it, and what the other four notice.
 */
import { Deferred, Effect, Fiber } from "effect"
import { setImmediate } from "node:timers/promises"
import { load } from "../../../bench/Machine.ts"
import { quantile } from "../../../bench/Measurement.ts"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import * as NodeSecret from "../../../src/protocol/NodeSecret.ts"
import type { Ended } from "../../../src/services/link/Ended.ts"
import { defaults } from "../../../src/services/link/LinkConfig.ts"
import type { Live } from "../../../src/services/link/Registry.ts"
import type { Session } from "../../../src/services/link/Session.ts"
import * as HostilePeer from "../HostilePeer.ts"
import { ownTime } from "../Stopwatch.ts"
import * as Memory from "./Memory.ts"
import * as SessionNode from "./SessionNode.ts"

const { Kind } = Frame
const bodySize = 20 * 1024
/** Gossip that is said at once, and how long after it the next, in milliseconds: what a peer may say unasked is limited. */
const [burst, pause] = [3, 4]
/** One frame in so many is answered. */
const answered = 8

export interface Options {
  readonly how: "gossip" | "send"
  /** To each peer, while the fifth reads and while it does not, in MiB. */
  readonly mebibytes: number
  /** Of the node, in milliseconds. */
  readonly writeTimeout: number
}

interface Phase {
  /** Milliseconds of this process from saying it to the answer of the other four. */
  readonly p50: number
  readonly p99: number
  readonly answers: number
  readonly seconds: number
  /** The most that was held besides what was before, in MiB. */
  readonly memory: number
}

export interface Figures {
  readonly reading: Phase
  readonly notReading: Phase
  /** The most that waited for the fifth, in bytes, and what may. */
  readonly queued: number
  readonly budget: number
  /** Gossip that was thrown away: for the fifth, and for the other four while it did not read. */
  readonly dropped: number
  readonly droppedOthers: number
  readonly ended: Ended | undefined
  /** From the moment at which the fifth stopped reading, in milliseconds. */
  readonly endedAfter: number
  /** How the sessions with the others ended. */
  readonly endings: ReadonlyArray<string>
  readonly load: ReadonlyArray<number>
}

const body = (number: number): Uint8Array => {
  const out = new Uint8Array(bodySize)
  new DataView(out.buffer).setUint32(0, number)
  return out
}

const numberOf = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0)

/** A peer that answers one frame in a few with its number. */
const answering = (session: Session): Effect.Effect<void> =>
  Effect.forever(
    Effect.flatMap(session.frames.takeAll, (frames) => {
      const numbers = frames.filter((frame) => numberOf(frame.body) % answered === 0)
      return session.sendAll(
        Kind.Data,
        numbers.map((frame) => frame.body.slice(0, 4))
      )
    })
  )

/** When each number was said to each peer, and how long its answers took. */
class Clock {
  millis: Array<number> = []
  readonly #now: () => number
  readonly #said = new Map<NodeKey, Map<number, number>>()

  constructor(now: () => number) {
    this.#now = now
  }

  say(peer: NodeKey, number: number): void {
    const said = this.#said.get(peer) ?? new Map<number, number>()
    this.#said.set(peer, said.set(number, this.#now()))
  }

  readonly hears = (session: Session): Effect.Effect<void> =>
    Effect.forever(
      Effect.map(session.frames.takeAll, (frames) => {
        const said = this.#said.get(session.peer)
        for (const frame of frames) {
          const at = said?.get(numberOf(frame.body))
          if (at !== undefined) this.millis.push(this.#now() - at)
        }
      })
    )
}

/** A secret whose key is above the other. */
const seedAbove = (key: NodeKey): Uint8Array => {
  for (let number = 100; ; number++) {
    const seed = SessionNode.seedOf(number)
    if (NodeSecret.fromSeed(seed).key > key) return seed
  }
}

/** The node with its peers: four that answer, and a fifth that reads what comes, until it is told not to. */
const gather = Effect.fnUntraced(function* (clock: Clock, writeTimeout: number) {
  const hub = yield* SessionNode.start({ number: 1, handle: clock.hears, config: { writeTimeout } })
  const sessions: Array<Session> = []
  for (const number of [2, 3, 4, 5]) {
    const peer = yield* SessionNode.start({ number, handle: answering })
    yield* peer.want(hub)
    sessions.push(yield* hub.session(peer.key))
  }
  const seed = seedAbove(hub.key)
  const raw = yield* HostilePeer.dial(hub.transport, hub.address.endpoint, { seed, expected: hub.key })
  yield* raw.hello()
  yield* raw.take(Kind.Commit)
  const { peer } = yield* hub.session(NodeSecret.fromSeed(seed).key)
  const fifth = hub.registry.session(peer)!
  const others = hub.registry.sessions().filter((live) => live !== fifth)
  const reader = yield* Effect.forkScoped(Effect.ignore(raw.farewell))
  return { fifth, hub, others, stopReading: Fiber.interrupt(reader) }
})

/** Says the same to all, phase by phase. */
class Speaker {
  /** The most that has waited for the fifth. */
  queued = 0
  readonly #options: Options
  readonly #clock: Clock
  readonly #frames: number
  #next = 0

  constructor(options: Options, clock: Clock) {
    this.#options = options
    this.#clock = clock
    this.#frames = Math.round((options.mebibytes * 2 ** 20) / bodySize)
  }

  /** Everything to the others, and to the fifth as much as it takes: what that one leaves holds up nobody else. */
  readonly phase = Effect.fnUntraced(
    { self: this },
    function* (fifth: Live, others: ReadonlyArray<Live>) {
      const memory = yield* Memory.watch
      const began = performance.now()
      const first = this.#next
      this.#next += this.#frames
      this.#clock.millis = []
      const slow = yield* Effect.forkScoped(this.#sayAll(fifth, first, fifth))
      yield* Effect.forEach(others, (live) => this.#sayAll(live, first, fifth), { concurrency: "unbounded" })
      const seconds = Math.round((performance.now() - began) / 100) / 10
      yield* Effect.race(Fiber.await(slow), Effect.sleep(2 * this.#options.writeTimeout))
      const { millis } = this.#clock
      const [p50, p99] = [quantile(millis, 0.5), quantile(millis, 0.99)]
      return { p50, p99, answers: millis.length, seconds, memory: memory() } satisfies Phase
    },
    Effect.scoped
  )

  #sayAll({ session }: Live, first: number, fifth: Live): Effect.Effect<void> {
    const isGossip = this.#options.how === "gossip"
    const say = (number: number): Effect.Effect<void> => {
      if (number % answered === 0) this.#clock.say(session.peer, number)
      if (!isGossip) return session.send(Kind.Data, body(number))
      session.gossip(Kind.Gossip, body(number))
      return number % burst === 0 ? Effect.sleep(pause) : Effect.void
    }
    const once = (number: number) =>
      Effect.map(
        Effect.suspend(() => say(number)),
        () => {
          this.queued = Math.max(this.queued, fifth.connection.queuedBytes)
        }
      )
    const numbers = Array.from({ length: this.#frames }, (_, index) => first + index)
    return Effect.forEach(numbers, once, { discard: true })
  }
}

/** The end of a connection, once it has come, and how many milliseconds it took from a moment on. */
const endOf = ({ connection }: Live, from: number) => {
  const end: { ended: Ended | undefined; endedAfter: number } = { ended: undefined, endedAfter: 0 }
  const watching = Effect.map(Deferred.await(connection.ended), (reason) => {
    end.ended = reason
    end.endedAfter = Math.round(performance.now() - from)
  })
  return Effect.as(Effect.forkScoped(watching), end)
}

/** Until nothing waits for a peer that reads, and the event loop has turned often enough for it to take the last write. */
const taken = ({ connection }: Live): Effect.Effect<void> =>
  Effect.promise(async () => {
    for (let turn = 0; turn < 100; turn = connection.queuedBytes > 0 ? 0 : turn + 1) await setImmediate()
  })

const dropsOf = (all: ReadonlyArray<Live>): number => all.reduce((sum, { connection }) => sum + connection.dropped, 0)

export const run = Effect.fnUntraced(function* (options: Options) {
  const clock = new Clock(yield* ownTime)
  const { fifth, hub, others, stopReading } = yield* gather(clock, options.writeTimeout)
  const speaker = new Speaker(options, clock)
  const reading = yield* speaker.phase(fifth, others)
  yield* taken(fifth)
  // Until now it takes what is written.
  const from = performance.now()
  yield* stopReading
  const end = yield* endOf(fifth, from)
  const before = [dropsOf([fifth]), dropsOf(others)] as const
  const notReading = yield* speaker.phase(fifth, others)
  const { bulkBytes, controlBytes, gossipBytes } = defaults.queue
  const closed = hub.registry.recent().filter(({ peer, to }) => to === "closed" && peer !== fifth.session.peer)
  const figures: Figures = {
    reading,
    notReading,
    queued: speaker.queued,
    budget: controlBytes + gossipBytes + bulkBytes,
    dropped: dropsOf([fifth]) - before[0],
    droppedOthers: dropsOf(others) - before[1],
    ...end,
    endings: closed.map(({ reason }) => String(reason)),
    load: load()
  }
  return figures
})
