/**
 * What a link must do whatever its peer sends and however little it takes, each as a run of one seed that gives a sentence
 * if it does not hold: for the planted bugs that prove the tests of hostile input.
 */
import { Effect, Latch } from "effect"
import { TestClock } from "effect/testing"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import * as LinkMessage from "../../../src/protocol/link/LinkMessage.ts"
import * as LinkConfig from "../../../src/services/link/LinkConfig.ts"
import type { Session, SessionHandler } from "../../../src/services/link/Session.ts"
import { greeting } from "../HostilePeer.ts"
import * as FrameFuzz from "./FrameFuzz.ts"
import { type Chance, chanceOf, joined } from "./Fuzz.ts"
import * as Lanes from "./Lanes.ts"
import * as NoiseFuzz from "./NoiseFuzz.ts"
import * as PlainLinks from "./PlainLinks.ts"
import * as RecordFuzz from "./RecordFuzz.ts"
import * as Talk from "./Talk.ts"
import * as TalkFuzz from "./TalkFuzz.ts"
import * as Turns from "./Turns.ts"

const { Kind } = Frame

export const properties = [
  "frames are what was sent, in little memory",
  "records open as they were sealed",
  "handshakes end with a type",
  "sessions begin where both said so",
  "queues within caps",
  "who does not read is cut off",
  "what is urgent goes first",
  "everybody has a turn",
  "who does not take is not read for"
] as const
export type Property = (typeof properties)[number]

/** The first line of what it throws. */
const thrown = async (run: () => unknown): Promise<string | undefined> => {
  try {
    await run()
    return undefined
  } catch (error) {
    return String(error instanceof Error ? error.message : error).split("\n")[0]
  }
}

const frame = (kind: number, name: number, size: number): Uint8Array =>
  Frame.encode(kind, new Uint8Array(Math.max(1, size - Frame.headerSize)).fill(name))

/** Producers of one kind or of all, as fast as they like, while the peer takes nothing or something now and then. */
const queuesWithinCaps = (chance: Chance) =>
  Lanes.run(({ channel, connection, ended, settle }) =>
    Effect.gen(function* () {
      const lanes = chance.pick([["control"], ["gossip"], ["bulk"], ["control", "gossip", "bulk"]] as const)
      const caps = {
        control: Lanes.limits.controlBytes,
        gossip: Lanes.limits.gossipBytes,
        bulk: Lanes.limits.bulkBytes
      }
      const cap = lanes.reduce((sum, lane) => sum + caps[lane], 0)
      channel.gate.closeUnsafe()
      for (let step = 0; step < 200 && ended() === undefined; step++) {
        const lane = chance.pick(lanes)
        const queued = frame(
          lane === "gossip" ? Kind.Gossip : Kind.Data,
          step,
          20 + chance.below(lane === "bulk" ? 900 : 100)
        )
        if (lane === "control") connection.control(queued)
        else if (lane === "gossip") connection.gossip(queued)
        else yield* Effect.forkScoped(connection.bulk(queued), { startImmediately: true })
        const { queuedBytes } = connection
        if (queuedBytes > cap) return `${queuedBytes} bytes wait where ${cap} may, in ${lanes.join(", ")}`
        if (!chance.oneIn(20)) continue
        channel.gate.openUnsafe()
        yield* settle
        channel.gate.closeUnsafe()
      }
      return undefined
    })
  )

/** A peer that takes nothing for a while, or for good. */
const whoDoesNotRead = (chance: Chance) =>
  Lanes.run(({ channel, connection, ended, settle }) =>
    Effect.gen(function* () {
      const patience = Lanes.writeTimeout
      channel.gate.closeUnsafe()
      yield* connection.bulk(frame(Kind.Data, 1, 100))
      yield* settle
      const early = 1 + chance.below(patience - 1)
      yield* TestClock.adjust(early)
      if (ended() !== undefined) return `it is cut off after ${early} ms`
      if (chance.oneIn(2)) {
        channel.gate.openUnsafe()
        yield* settle
        yield* TestClock.adjust(patience)
        return ended() === undefined ? undefined : "it is cut off although it has taken everything"
      }
      yield* TestClock.adjust(patience - early + 1)
      const reason = ended()?.reason
      return reason === "slow" ? undefined : `after ${patience} ms of nothing it is ${reason ?? "still there"}`
    })
  )

/** What is written when a peer takes again for which everything waits. */
const urgentFirst = (chance: Chance) =>
  Lanes.run(({ channel, connection, settle, written }) =>
    Effect.gen(function* () {
      channel.gate.closeUnsafe()
      yield* connection.bulk(frame(Kind.Data, 0, 400))
      yield* settle
      for (let name = 1; name <= 4; name++) yield* connection.bulk(frame(Kind.Data, name, 400))
      for (let name = 1; name <= 30; name++) connection.gossip(frame(Kind.Gossip, name, 50))
      channel.feed(Frame.encode(Kind.Ping, chance.bytes(8)))
      yield* settle
      channel.gate.openUnsafe()
      yield* settle
      const [, next = []] = written()
      if (next[0]?.[0] !== Kind.Pong) return `behind the write that was under way comes ${JSON.stringify(next[0])}`
      const all = written().flat()
      const heard = all.flatMap(([kind, name]) => (kind === Kind.Gossip ? [name] : []))
      if (heard.at(-1) !== 30) return `of the gossip the last is ${heard.at(-1)}`
      const bulk = all.flatMap(([kind, name]) => (kind === Kind.Data ? [name] : []))
      return bulk.join() === "0,1,2,3,4" ? undefined : `bulk comes as ${bulk.join()}`
    })
  )

/** A session with a peer that sends all this, which is served only once `begin` opens: how much was read before. */
const unserved = (
  limit: number,
  handler: SessionHandler["Service"],
  chunks: ReadonlyArray<Uint8Array>,
  begin: Latch.Latch
): Promise<number> => {
  const hello = Frame.encode(Kind.Hello, LinkMessage.hello.encode(greeting))
  const commit = Frame.encode(Kind.Commit, LinkMessage.commit.encode({ number: 1n }))
  const acts = [joined(hello, commit), ...chunks].map((bytes): PlainLinks.Act => ({ _tag: "Bytes", bytes }))
  const run = Effect.gen(function* () {
    const config = { ...LinkConfig.defaults, sessionQueue: limit }
    const plain = yield* PlainLinks.make({ self: Talk.self, config, handler })
    const script = new PlainLinks.Script(Talk.arbiterOfSelf, acts)
    yield* Effect.forkScoped(plain.serve(script, "inbound"), { startImmediately: true })
    yield* TestClock.adjust(100)
    const [live] = plain.registry.sessions()
    if (live === undefined) return yield* Effect.die(new Error("there is no session"))
    const read = live.connection.bytesIn - hello.length - commit.length
    begin.openUnsafe()
    yield* TestClock.adjust(0)
    return read
  })
  return Effect.runPromise(Effect.scoped(run).pipe(Effect.provide(TestClock.layer())))
}

/** How much is read of a peer whose session nobody serves. */
const notReadFor = async (chance: Chance): Promise<string | undefined> => {
  const limit = 4_096 + chance.below(60_000)
  const more = Array.from({ length: 2_000 }, () => frame(Kind.Data, 1, 100 + chance.below(1_000)))
  const read = await unserved(limit, { run: () => Effect.never }, more, Latch.makeUnsafe(false))
  return read <= limit + 1_100 ? undefined : `${read} bytes are read where ${limit} may wait`
}

/** How much is kept alive by little that waits for such a session, and much beside it that nobody wants. */
const keptAlive = async (chance: Chance): Promise<string | undefined> => {
  const limit = 16_384 + chance.below(60_000)
  const ignored = Frame.encode(200, new Uint8Array(30_000 + chance.below(30_000)))
  const chunk = joined(frame(Kind.Data, 1, 1 + chance.below(100)), ignored)
  let kept = 0
  const begin = Latch.makeUnsafe(false)
  const weigh = (frames: ReadonlyArray<Frame.Frame>): void => {
    const buffers = new Set(frames.map(({ body }) => body.buffer))
    for (const { byteLength } of buffers) kept += byteLength
  }
  const handler = {
    run: (session: Session) => begin.whenOpen(Effect.map(session.frames.takeAll, weigh))
  }
  await unserved(
    limit,
    handler,
    Array.from({ length: 1_000 }, () => chunk),
    begin
  )
  return kept > 0 && kept <= 2 * limit + chunk.length
    ? undefined
    : `${kept} bytes are kept alive where ${limit} may wait`
}

const runs: Readonly<Record<Property, (seed: number) => Promise<string | undefined>>> = {
  "frames are what was sent, in little memory": (seed) => thrown(() => FrameFuzz.fuzz({ seed, inputs: 2_000 })),
  "records open as they were sealed": (seed) => thrown(() => RecordFuzz.fuzz({ seed, inputs: 500 })),
  "handshakes end with a type": (seed) => thrown(() => NoiseFuzz.fuzz({ seed, inputs: 200 })),
  "sessions begin where both said so": (seed) => thrown(() => TalkFuzz.fuzz({ seed, inputs: 30 })),
  "queues within caps": (seed) => queuesWithinCaps(chanceOf(seed, 0)),
  "who does not read is cut off": (seed) => whoDoesNotRead(chanceOf(seed, 0)),
  "what is urgent goes first": (seed) => urgentFirst(chanceOf(seed, 0)),
  "everybody has a turn": (seed) => Turns.broken(chanceOf(seed, 0)),
  "who does not take is not read for": async (seed) =>
    (await notReadFor(chanceOf(seed, 0))) ?? (await keptAlive(chanceOf(seed, 0)))
}

/** What is wrong in the run of this seed, if anything is. */
export const broken = (property: Property, seed: number): Promise<string | undefined> => runs[property](seed)
