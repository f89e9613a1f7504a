/**
 * What the lanes of a session must do, whatever is cut and whoever asks for one, each as a run of one seed between whole
 * links that gives a sentence if it does not hold: for the planted bugs that prove the tests of lanes.
 */
import { Effect, Random, References, type Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import * as LinkMessage from "../../../src/protocol/link/LinkMessage.ts"
import type { HandshakeFailed } from "../../../src/services/link/ChannelFailure.ts"
import type { Session, SessionLane } from "../../../src/services/link/Session.ts"
import type { DialFailed } from "../../../src/services/link/Transport.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import { type Chance, chanceOf } from "../hostile/Fuzz.ts"
import * as HostilePeer from "../HostilePeer.ts"
import { arbiter, config, follower, type LinkNode, start } from "../LinkNode.ts"
import { pass, settle } from "../VirtualTime.ts"

export const properties = [
  "lost lanes come back, at the pace of dials",
  "only the session's own peer has its lanes",
  "a lane keeps its own, in order",
  "lanes end with their session"
] as const
export type Property = (typeof properties)[number]

type Failure = DialFailed | HandshakeFailed | HostilePeer.FrameMissing
type Run = (chance: Chance) => Effect.Effect<string | undefined, Failure, Scope.Scope>

const sessionOf = (node: LinkNode, peer: LinkNode): Session | undefined => node.registry.session(peer.key)?.session

interface Pair {
  readonly network: MemoryNetwork
  readonly lanes: number
  /** Has dialled. */
  readonly near: LinkNode
  readonly far: LinkNode
}

/** Two nodes whose session has all the lanes that both want, dialled by either of them. */
const joined = Effect.fnUntraced(function* (
  chance: Chance,
  handlers?: Readonly<Record<"near" | "far", (session: Session) => Effect.Effect<void>>>
) {
  const network = new MemoryNetwork()
  const lanes = 2 + chance.below(3)
  const [one, other] = chance.pick([
    [arbiter, follower],
    [follower, arbiter]
  ] as const)
  const [more, exact] = [{ lanes: lanes + chance.below(3) }, { lanes }]
  const [ours, theirs] = chance.pick([
    [more, exact],
    [exact, more]
  ] as const)
  const near = yield* start({ network, seed: one, config: ours, ...handling(handlers?.near) })
  const far = yield* start({ network, seed: other, config: theirs, ...handling(handlers?.far) })
  yield* near.want(far)
  yield* pass("2 seconds")
  const pair: Pair = { network, lanes, near, far }
  return pair
})

const handling = (handle: ((session: Session) => Effect.Effect<void>) | undefined) =>
  handle === undefined ? {} : { handle }

/** What is not as it should be of a session that nobody disturbs any more. */
const incomplete = ({ far, lanes, near, network }: Pair): string | undefined => {
  for (const [node, peer] of [
    [near, far],
    [far, near]
  ] as const) {
    const session = sessionOf(node, peer)
    if (session === undefined) return "there is no session"
    if (session.lanes !== lanes) return `there may be ${session.lanes} lanes where one side wants ${lanes}`
    if (session.openLanes.length !== lanes) return `of ${lanes} lanes there are ${session.openLanes.join(", ")}`
  }
  return network.links.length === lanes ? undefined : `${lanes} lanes have ${network.links.length} connections`
}

/** Lanes are cut, with and without a word, once or all the time; the session is left alone. */
const comeBack: Run = Effect.fnUntraced(function* (chance) {
  const pair = yield* joined(chance)
  const { far, lanes, near, network } = pair
  const first = incomplete(pair)
  if (first !== undefined) return first
  const [session] = near.sessions
  for (let cut = 0; cut < 5; cut++) {
    const link = chance.pick(network.links.slice(1))
    const lane = 1 + chance.below(lanes - 1)
    const waiting = yield* Effect.forkScoped(session!.lane(lane))
    if (chance.oneIn(2)) link.reset()
    else link.cut()
    yield* pass(chance.below(10_000))
    yield* pass("2 minutes")
    const missing = incomplete(pair)
    if (missing !== undefined) return missing
    if (waiting.pollUnsafe() === undefined) return `lane ${lane} is open, and who has asked for it still waits`
  }
  const before = network.dials
  for (let second = 0; second < 60; second++) {
    for (const link of network.links.slice(1)) link.reset()
    yield* pass("1 second")
  }
  const dials = (network.dials - before) / (lanes - 1)
  if (dials > 30) return `a lane that is always lost is dialled ${dials} times a minute`
  yield* pass("3 minutes")
  return near.sessions.length + far.sessions.length === 2 ? incomplete(pair) : "a lane has taken the session with it"
})

const stranger = 77

/** Whoever asks for a lane: the peer itself, or somebody else, with right and wrong numbers. */
const onlyItsOwn: Run = Effect.fnUntraced(function* (chance) {
  const network = new MemoryNetwork()
  // These peers answer no ping.
  const heartbeat = { ...config.heartbeat, interval: 3_600_000, timeout: 7_200_000 }
  const node = yield* start({ network, seed: arbiter, config: { lanes: 3, heartbeat } })
  const dial = (seed: number) =>
    HostilePeer.dial(network.transport("10.1.0.1"), node.address.endpoint, { seed: new Uint8Array(32).fill(seed) })
  const begin = Effect.fnUntraced(function* (knows: bigint) {
    const peer = yield* dial(follower)
    yield* peer.hello({ lanes: 3, knows })
    yield* peer.take(Frame.Kind.Commit)
    yield* settle
    return peer
  })
  const former = yield* begin(0n)
  yield* former.end
  yield* pass(config.lingerTimeout)
  yield* begin(node.sessions[0]!.number)
  const session = node.sessions[1]
  const number = session!.number

  /** Asks; `isIn` says whether it has been let in. */
  const asks = Effect.fnUntraced(function* (seed: number, of: bigint, lane: number) {
    const visitor = yield* dial(seed)
    yield* visitor.send(Frame.Kind.Join, LinkMessage.join.encode({ session: of, lane }))
    const visit = { visitor, isIn: false }
    const answered = Effect.map(visitor.take(Frame.Kind.Joined), () => {
      visit.isIn = true
    })
    yield* Effect.forkScoped(Effect.ignore(answered))
    yield* settle
    return visit
  })

  for (let turn = 0; turn < 6; turn++) {
    const [who, seed, of] = chance.pick([
      ["another key", stranger, number],
      ["a session that there is not", follower, number + 1n + BigInt(chance.below(9))],
      ["a session that is over", follower, node.sessions[0]!.number]
    ] as const)
    const visit = yield* asks(seed, of, 1 + chance.below(2))
    yield* pass(config.probeTimeout)
    if (visit.isIn) return `a lane is open to ${who}`
  }
  const lane = 1 + chance.below(2)
  const first = yield* asks(follower, number, lane)
  if (!first.isIn) return "the peer is not let in"
  const rival = yield* asks(follower, number, lane)
  yield* first.visitor.send(Frame.Kind.Stream, chance.bytes(8))
  yield* pass(2 * config.probeTimeout)
  if (rival.isIn) return "a lane is given away although its connection lives"
  const next = yield* asks(follower, number, lane)
  yield* pass(2 * config.probeTimeout)
  if (!next.isIn) return "a dead connection keeps a lane for itself"
  return session!.openLanes.join() === `0,${lane}` ? undefined : `the open lanes are ${session!.openLanes.join(", ")}`
})

/** What one lane has brought, from its opening to its loss. */
type Heard = Array<readonly [lane: number, opening: number, item: number]>

/** Frames in bursts on all lanes, singly and together, while lanes are cut. */
const keepsItsOwn: Run = Effect.fnUntraced(function* (chance) {
  const heard: Array<{ readonly number: number; readonly items: Heard }> = []
  const counts = new Map<number, number>()
  let openings = 0

  const onLanes = (work: (lane: SessionLane) => Effect.Effect<void>) => (session: Session) =>
    Effect.forEach(
      Array.from({ length: session.lanes - 1 }, (_, index) => index + 1),
      (number) =>
        Effect.forever(Effect.flatMap(session.lane(number), (lane) => Effect.raceFirst(work(lane), lane.lost))),
      { concurrency: "unbounded", discard: true }
    )
  const pair = yield* joined(chance, {
    near: onLanes((lane) =>
      Effect.gen(function* () {
        const opening = openings++
        for (let item = 0; ;) {
          const size = 1 + chance.below(4)
          const burst = Array.from({ length: size }, () => Uint8Array.of(lane.number, opening, item++ % 256))
          if (chance.oneIn(2)) yield* lane.sendAll(burst)
          else for (const body of burst) yield* lane.send(body)
          counts.set(opening, item)
          yield* Effect.sleep(100)
        }
      })
    ),
    far: onLanes((lane) =>
      Effect.gen(function* () {
        const items: Heard = []
        heard.push({ number: lane.number, items })
        while (true) {
          for (const { body } of yield* lane.frames.takeAll) items.push([body[0]!, body[1]!, body[2]!])
        }
      })
    )
  })
  const { lanes, network } = pair
  for (let cut = 0; cut < 5; cut++) {
    yield* pass(chance.below(2_000))
    const link = chance.pick(network.links)
    if (link !== network.links[0]) link.reset()
  }
  yield* pass("1 minute")
  const lasting = new Set<number>()
  for (const { items, number } of heard) {
    const [opening] = items[0]?.slice(1, 2) ?? []
    for (const [at, [lane, of, item]] of items.entries()) {
      if (lane !== number || of !== opening) return `lane ${number} brings what is of opening ${of} of lane ${lane}`
      if (item !== at % 256) return `lane ${number} brings ${item} where ${at} comes next`
    }
    if (opening !== undefined && items.length + 4 >= counts.get(opening)!) lasting.add(number)
  }
  return lasting.size === lanes - 1 ? undefined : `only ${lasting.size} of ${lanes - 1} lanes have brought everything`
})

/** The ways in which a session ends for whoever has it. */
const endings = ["reset", "cut", "closed by its handler", "unwanted"] as const

/** Much waits on the lanes of `by`, and is counted when it comes. */
const tells = Effect.fnUntraced(function* (by: Session, from: Session) {
  const told = { said: 0, heard: 0 }
  for (const number of by.openLanes.slice(1)) {
    const { frames } = yield* from.lane(number)
    yield* Effect.forkScoped(Effect.forever(Effect.map(frames.takeAll, (all) => void (told.heard += all.length))))
    const lane = yield* by.lane(number)
    for (let frame = 0; frame < 150; frame++, told.said++) yield* lane.send(new Uint8Array(5_000))
  }
  return told
})

const endTogether: Run = Effect.fnUntraced(function* (chance) {
  const pair = yield* joined(chance)
  const { far, lanes, near, network } = pair
  const number = sessionOf(near, far)?.number
  const links = network.links.slice()
  const how = chance.pick(endings)
  // Nobody hears of the end of a lane from the other side.
  const unheard = chance.oneIn(2)
  if (unheard) for (const link of links.slice(1)) link.cut()
  if (how === "reset") links[0]!.reset()
  else if (how === "cut") links[0]!.cut()
  else if (how === "unwanted") yield* near.supervisor.unwant(far.key, "asked")
  if (how === "closed by its handler" || how === "unwanted") {
    const [[by], [from]] = chance.pick([
      [near.sessions, far.sessions],
      [far.sessions, near.sessions]
    ] as const)
    const told = unheard ? { said: 0, heard: 0 } : yield* tells(by!, from!)
    yield* by!.close("unwanted", "the test is over")
    yield* settle
    if (told.heard < told.said) return `of ${told.said} frames before the end ${told.heard} have come`
  }
  yield* settle
  // Lanes that nobody hears end first.
  yield* pass(how === "cut" ? "12 seconds" : 2 * config.lingerTimeout)
  for (const [who, node] of [
    ["the side that has dialled", near],
    ["the side that was dialled", far]
  ] as const) {
    const all = node.registry.recent()
    const over = all.some(({ from, session, to }) => to === "closed" && from === "active" && session === number)
    const ofIt = (from: string | undefined, to: string) =>
      all.filter((it) => it.from === from && it.to === to && it.session === number).length
    if (!over) return `the session of ${who} lives on`
    const left = ofIt("candidate", "lane") - ofIt("lane", "closed")
    if (left > 0) return `${left} of ${lanes - 1} lanes of ${who} live on when their session is over: ${how}`
  }
  yield* pass("2 minutes")
  if (how !== "unwanted") return incomplete(pair)
  return network.links.length === 0 ? undefined : `${network.links.length} connections are left`
})

const runs: Readonly<Record<Property, Run>> = {
  "lost lanes come back, at the pace of dials": comeBack,
  "only the session's own peer has its lanes": onlyItsOwn,
  "a lane keeps its own, in order": keepsItsOwn,
  "lanes end with their session": endTogether
}

/** What is wrong in the run of this seed, if anything is. */
export const broken = (property: Property, seed: number): Promise<string | undefined> =>
  Effect.runPromise(
    runs[property](chanceOf(seed, 0)).pipe(
      Effect.catch((error) => Effect.succeed(error.message)),
      Effect.scoped,
      Effect.provide(TestClock.layer()),
      Effect.provideService(References.MinimumLogLevel, "None"),
      Random.withSeed(seed)
    )
  )
