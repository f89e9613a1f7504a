/**
 * Peers that say HELLO, COMMIT, REJECT, GOODBYE and everything else in any order, well-formed or not, cut anywhere, on
 * connections in both directions, several at a time; with the node's real registry, arbiter and sessions on the other end.
 *
 * Whatever comes: every connection ends once, for a reason that has a type; a session begins only where both have said
 * what it takes; the node says nothing out of turn and keeps nothing.
 */
import { Effect, Fiber, Random } from "effect"
import { TestClock } from "effect/testing"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import * as Heartbeat from "../../../src/protocol/link/Heartbeat.ts"
import * as LinkMessage from "../../../src/protocol/link/LinkMessage.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import type { EndReason } from "../../../src/services/link/Ended.ts"
import * as LinkConfig from "../../../src/services/link/LinkConfig.ts"
import type { Transition } from "../../../src/services/link/Transition.ts"
import { Chance, chanceOf, found, type Range } from "./Fuzz.ts"
import * as PlainLinks from "./PlainLinks.ts"
import { self, talksOf } from "./Talk.ts"

const { Kind } = Frame

export interface Report {
  /** Connections. */
  inputs: number
  sessions: number
  lanes: number
  readonly ends: Partial<Record<EndReason, number>>
}

/** Connections that share a node, and may meet there. */
const together = 5

const config: LinkConfig.Config = { ...LinkConfig.defaults, heartbeat: Heartbeat.profiles.fast, lanes: 3 }

const is = (holds: boolean, words: () => string): void => {
  if (!holds) throw new Error(words())
}

/** Whether the first HELLO in the stream is one that this node takes. */
const isGreeted = (bytes: Uint8Array): boolean => {
  const frames: Array<Frame.Frame> = []
  new Frame.Decoder(Frame.maxOnSession).feed(Uint8Array.from(bytes), frames)
  const first = frames.find(({ kind }) => kind === Kind.Hello)
  const decoded = first === undefined ? undefined : LinkMessage.decode(first.kind, first.body)
  if (decoded?._tag !== "Success" || decoded.success._tag !== "Hello") return false
  const { network, versions } = decoded.success.hello
  return network === self.network && versions.min <= Frame.version && versions.max >= Frame.version
}

const reasons: ReadonlySet<string> = new Set<EndReason>([
  "closed",
  "truncated",
  "network",
  "violation",
  "silent",
  "handshake-timeout",
  "rejected",
  "refused",
  "replaced",
  "goodbye"
])

/** What the node wrote, in the order of docs/PROTOCOL.md, 4. */
const judgeWritten = (script: PlainLinks.Script, isSession: boolean, isLane: boolean): void => {
  const kinds = script.written.map(({ kind }) => kind)
  const said = () => kinds.map(Frame.nameOf).join(", ")
  const allowed: ReadonlySet<number> = new Set([
    Kind.Hello,
    Kind.Commit,
    Kind.Reject,
    Kind.Goodbye,
    Kind.Joined,
    Kind.Ping,
    Kind.Pong
  ])
  is(
    kinds.every((kind) => allowed.has(kind)),
    said
  )
  is(kinds.length === 0 || kinds[0] === Kind.Hello, said)
  is(kinds.lastIndexOf(Kind.Hello) <= 0, said)
  const last = kinds.findIndex((kind) => kind === Kind.Reject || kind === Kind.Goodbye)
  is(last < 0 || last === kinds.length - 1, said)
  is(kinds.filter((kind) => kind === Kind.Commit).length <= (isSession ? 1 : 0), said)
  is(kinds.filter((kind) => kind === Kind.Joined).length <= (isLane ? 1 : 0), said)
  if (last >= 0) is(kinds[last] === (isSession || isLane ? Kind.Goodbye : Kind.Reject), said)
}

const lives: ReadonlySet<string> = new Set([
  "opening,candidate,closed",
  "opening,candidate,active,closed",
  "opening,candidate,lane,closed"
])

/** The life of one connection, as it was announced. */
const judgeLife = (life: ReadonlyArray<Transition>): void => {
  const words = () =>
    life.map(({ from, reason, to }) => `${from ?? ""}>${to}${reason === undefined ? "" : ` ${reason}`}`).join(", ")
  const states = life.map(({ to }) => to)
  is(lives.has(states.join()), words)
  is(reasons.has(life.at(-1)?.reason ?? ""), words)
}

/** At no moment two sessions of one peer. */
const judgeSessions = (all: ReadonlyArray<Transition>): number => {
  const live = new Map<NodeKey | undefined, number>()
  let sessions = 0
  for (const { connection, from, peer, to } of all) {
    if (to === "active") {
      is(!live.has(peer), () => `${connection} is a session beside ${live.get(peer)}`)
      live.set(peer, connection)
      sessions++
    } else if (to === "closed" && from === "active") live.delete(peer)
  }
  return sessions
}

/** Some connections of one node, all at once, and then as long as it takes. */
const batch = Effect.fnUntraced(function* (chances: ReadonlyArray<Chance>, report: Report) {
  const plain = yield* PlainLinks.make({
    self,
    config,
    handler: { run: (session) => Effect.forever(session.frames.takeAll) }
  })
  const talks = talksOf(chances).map((talk) => ({ ...talk, script: new PlainLinks.Script(talk.peer, talk.acts) }))
  const serving = yield* Effect.forEach(talks, ({ direction, script }) =>
    Effect.forkChild(plain.serve(script, direction), { startImmediately: true })
  )
  yield* TestClock.adjust("1 minute")
  const outcomes = yield* Effect.forEach(serving, (fiber) => {
    is(fiber.pollUnsafe() !== undefined, () => "a connection does not end")
    return Fiber.join(fiber)
  })
  const all = plain.registry.recent()
  for (const [index, { bytes, script }] of talks.entries()) {
    const life = all.filter(({ connection }) => connection === index + 1)
    judgeLife(life)
    const isSession = life.some(({ to }) => to === "active")
    is(!isSession || isGreeted(bytes), () => "a session began without a HELLO")
    is(isSession === (outcomes[index]!.session !== undefined), () => "the outcome says something else")
    judgeWritten(
      script,
      isSession,
      life.some(({ to }) => to === "lane")
    )
    const { reason } = outcomes[index]!.ended
    report.ends[reason] = (report.ends[reason] ?? 0) + 1
    report.inputs++
  }
  report.sessions += judgeSessions(all)
  report.lanes += all.filter(({ to }) => to === "lane").length
  // Said aloud where two nodes have the same key.
  const crashes = plain.log.filter((line) => !line.startsWith("Connection closed"))
  is(crashes.length === 0, () => crashes.join("; "))
  is(plain.registry.sessions().length === 0, () => "a session is left")
  is([...plain.links.pending()].length === 0, () => "a connection is left")
})

/** Throws at the first batch in which something else happens than may. Counts batches of five connections as inputs. */
export const fuzz = async ({ from = 0, inputs, seed }: Range): Promise<Report> => {
  const report: Report = { inputs: 0, sessions: 0, lanes: 0, ends: {} }
  for (let index = from; index < from + inputs; index++) {
    const chance = chanceOf(seed, index)
    const chances = Array.from({ length: together }, () => new Chance(() => chance.below(2 ** 32) / 2 ** 32))
    const run = batch(chances, report).pipe(
      Effect.scoped,
      Effect.provide(TestClock.layer()),
      Random.withSeed(chance.below(2 ** 32))
    )
    try {
      await Effect.runPromise(run)
    } catch (cause) {
      throw found("talk", seed, index, cause)
    }
  }
  return report
}
