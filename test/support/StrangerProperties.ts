/**
 * What strangers cannot do to a node, as runs of one seed: fill its log, push out what it remembers of peers, or send it
 * to its own machine or network.
 */
import { Effect, Logger } from "effect"
import { redirected } from "../../src/protocol/link/Redirect.ts"
import { Complaints } from "../../src/services/link/Complaints.ts"
import { History } from "../../src/services/link/History.ts"
import type { Transition } from "../../src/services/link/Transition.ts"

type Random = () => number

const below = (random: Random, n: number): number => Math.floor(random() * n)
const pick = <A>(random: Random, list: ReadonlyArray<A>): A => list[below(random, list.length)]!

const limit = 16

/** Peers and many strangers in turn: the last of either are there, in order. */
const remembers = (random: Random): string | undefined => {
  const history = new History(limit)
  const ofPeers: Array<number> = []
  const all: Array<number> = []
  for (let connection = 0; connection < 400; connection++) {
    const isPeer = random() < 0.1
    const direction = isPeer && random() < 0.5 ? "outbound" : "inbound"
    const transition: Transition = { at: 0, connection, direction, remote: "", to: "closed" }
    history.note(isPeer && direction === "inbound" ? { ...transition, session: 1n } : transition)
    if (isPeer) ofPeers.push(connection)
    all.push(connection)
    const kept = history.recent().map((it) => it.connection)
    if (kept.length > 2 * limit) return `${kept.length} transitions are kept`
    if (ofPeers.slice(-limit).some((it) => !kept.includes(it))) return "a stranger pushes out what happened with a peer"
    if (all.slice(-limit).some((it) => !kept.includes(it) && !ofPeers.includes(it))) return "the last is not kept"
    if (kept.some((it, at) => at > 0 && it < kept[at - 1]!)) return "what happened is out of order"
  }
  return undefined
}

/** However many strangers come in how little time: few lines, and every stranger is in one or counted by the next. */
const says = (random: Random): string | undefined => {
  const complaints = new Complaints("")
  let lines = 0
  const logger = Logger.layer([Logger.make(() => void lines++)])
  let now = 0
  for (let strangers = 1; strangers <= 300; strangers++) {
    now += pick(random, [0, 0, 1, 30])
    Effect.runSync(Effect.provide(complaints.say({}, now), logger))
    if (lines > 10 + now / 1_000) return `${lines} lines in ${now} ms`
    if (lines < Math.min(strangers, 10)) return "the first are not told"
  }
  return undefined
}

/** Places by how near they are to a node in 10.0.0.0/8, the nearest first. */
const places = [
  ["127.0.0.1", "::1", "localhost", "a.localhost"],
  ["10.0.0.9", "192.168.1.1", "fd00::1"],
  ["9.9.9.9", "2606:4700::1111", "peer.example"]
] as const
const nowhere = ["0.0.0.0", "::", "169.254.169.254", "fe80::1", "224.0.0.1", "2002:7f00:1::"] as const

export const strangersFillNothing = (random: Random): string | undefined => remembers(random) ?? says(random)

/** Whoever was dialled somewhere sends no node nearer to itself than that. */
export const nobodyIsSentNearer = (random: Random): string | undefined => {
  const [far, to] = [below(random, 3), below(random, 3)]
  const from = pick(random, places[far]!)
  const host = pick(random, places[to]!)
  const isSent = redirected({ host, port: 4000 }, from) !== undefined
  if (isSent !== to >= far) return `${from} ${isSent ? "sends" : "does not send"} to ${host}`
  const lost = redirected({ host: pick(random, nowhere), port: 4000 }, from)
  return lost === undefined ? undefined : `${from} sends to ${lost}`
}
