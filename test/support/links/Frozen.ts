/**
 * Peers in processes of their own that stand still, for longer and for shorter than a heartbeat bears, and a process that
 * stands still itself among peers that do not.
 */
import { Effect } from "effect"
import * as assert from "node:assert/strict"
import { monitorEventLoopDelay } from "node:perf_hooks"
import * as Address from "../../../src/protocol/Address.ts"
import * as Heartbeat from "../../../src/protocol/link/Heartbeat.ts"
import type { Noted } from "../../../src/services/link/LinkObserver.ts"
import * as Crowd from "./Crowd.ts"
import * as TcpNode from "./TcpNode.ts"

export type Profile = keyof typeof Heartbeat.profiles

const host = "127.0.0.1"

/** Why and when the sessions of a node of this process have ended. */
const witness = () => {
  const ends: Array<{ readonly at: number; readonly reason: string; readonly detail: string }> = []
  const noted = ({ detail = "", from, reason = "internal", to }: Noted) => {
    if (from === "active" && to === "closed") ends.push({ at: performance.now(), reason, detail })
  }
  return { ends, noted }
}

/** A node here, connected to one in another process, both with the same heartbeat. */
const pair = Effect.fnUntraced(function* (profile: Profile) {
  const link = { heartbeat: Heartbeat.profiles[profile] }
  const { ends, noted } = witness()
  const peer = yield* Crowd.start({ first: 2, count: 1, listen: { host, port: 0 }, link })
  const node = yield* TcpNode.start({ number: 1, link, observer: { noted } })
  const connected = node.until(() => node.peers().size === 1)
  yield* Effect.orDie(node.node.connect(addressOf(peer)))
  yield* connected
  return { peer, node, connected, ends }
})

const addressOf = ({ addresses }: Crowd.Crowd): Address.Address => {
  const parsed = Address.parse(addresses[0] ?? "")
  if (parsed._tag === "Failure") throw parsed.failure
  return parsed.success
}

/** A sign of life of the only session, asked for now. */
const signOfLife = ({ registry }: TcpNode.TcpNode) =>
  Effect.callback<boolean>((resume) => {
    const [live] = registry.sessions()
    if (live === undefined) return resume(Effect.succeed(false))
    live.connection.probe(60_000, (answered) => resume(Effect.succeed(answered)))
  })

const numberOf = ({ registry }: TcpNode.TcpNode): bigint | undefined => registry.sessions()[0]?.session.number

export interface Noticed {
  readonly profile: Profile
  /** From the last frame of the peer to the end, as the node itself says, in milliseconds. */
  readonly silent: number
  /** From SIGSTOP to the end. */
  readonly noticed: number
  /** The latest that a timer of this process was meanwhile: it may make the node later, never earlier. */
  readonly late: number
}

/** SIGSTOP, until it is noticed; then SIGCONT, until the two are connected again. */
export const noticed = Effect.fnUntraced(function* (profile: Profile) {
  const { connected, ends, node, peer } = yield* pair(profile)
  assert.ok(yield* signOfLife(node))
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  const at = performance.now()
  yield* peer.freeze
  yield* node.until(() => ends.length > 0)
  delay.disable()
  const [end] = ends
  assert.equal(end?.reason, "silent")
  const silent = Number(/nothing came for (\d+) ms/.exec(end.detail)?.[1])
  yield* peer.thaw
  yield* connected
  assert.ok(yield* signOfLife(node))
  const figures: Noticed = {
    profile,
    silent,
    noticed: Math.round(end.at - at),
    late: Math.max(0, Math.round(delay.max / 1e6) - 10)
  }
  return figures
}, Effect.scoped)

/** The latest that a silent peer is noticed, from its last frame on, in milliseconds, if no timer is late. */
export const bounds = { fast: 6_000, default: 37_500, relaxed: 390_000 } as const satisfies Record<Profile, number>

/** SIGSTOP and, after `millis`, SIGCONT: neither side lets go of the session. */
export const thawed = Effect.fnUntraced(function* (profile: Profile, millis: number) {
  const { ends, node, peer } = yield* pair(profile)
  const number = numberOf(node)
  assert.ok(yield* signOfLife(node))
  yield* peer.freeze
  yield* Effect.sleep(millis)
  yield* peer.thaw
  assert.ok(yield* signOfLife(node))
  // What either side might make of it, it makes of it within its time-out.
  yield* Effect.sleep(Heartbeat.profiles[profile].timeout / 2)
  assert.ok(yield* signOfLife(node))
  const story = yield* peer.story
  assert.deepEqual([ends, story.ended], [[], []])
  assert.equal(numberOf(node), number)
}, Effect.scoped)

/** A process whose event loop does not turn for `millis` holds on to all of its peers, who are patient. */
export const blocked = Effect.fnUntraced(function* (millis: number, peers: number) {
  const impatient = yield* Crowd.start({
    first: 100,
    count: 1,
    listen: { host, port: 0 },
    link: { heartbeat: Heartbeat.profiles.fast }
  })
  const ends = witness()
  const patient = yield* Effect.forEach(Array.from({ length: peers }), (_, index) =>
    TcpNode.start({ number: index + 1, observer: { noted: ends.noted } })
  )
  for (const { node } of patient) yield* Effect.orDie(node.connect(addressOf(impatient)))
  yield* impatient.call("connected", peers)
  yield* impatient.call("probe", undefined)
  yield* impatient.call("block", millis)
  // As long as silence is borne, and once more.
  yield* Effect.sleep(2 * Heartbeat.profiles.fast.timeout)
  const answered = yield* impatient.call("probe", undefined)
  const story = yield* impatient.story
  assert.equal(answered, peers)
  assert.deepEqual([ends.ends, story.ended, story.live.length], [[], [], peers])
  return { blocked: millis, peers, kept: story.sessions, pings: story.pings }
}, Effect.scoped)
