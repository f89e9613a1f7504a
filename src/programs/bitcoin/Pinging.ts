/**
 * Pings over one connection, one after another, each measured from its bytes to those of its own pong.
 */
import { Clock, Effect } from "effect"
import type { BitcoinPeer } from "../../services/bitcoin/Peer.ts"
import { micros } from "./PeerView.ts"
import { type Line, summary } from "./PingReport.ts"

export interface Options {
  readonly count: number
  /** From the end of one ping to the next, in milliseconds. */
  readonly interval: number
  /** How long an answer may take, in milliseconds. */
  readonly timeout: number
  readonly tell: (line: Line) => Effect.Effect<void>
}

/** How often it looks whether the pong has come, in milliseconds: what it measures does not depend on it. */
const look = 2

/** The round trip of a ping that was sent after `matched` pongs had come, once its own has; nothing if it does not in time. */
const roundTrip = Effect.fnUntraced(function* (
  { connection }: BitcoinPeer,
  matched: number,
  sum: number,
  timeout: number
) {
  const until = (yield* Clock.currentTimeMillis) + timeout
  while (!connection.finishing && (yield* Clock.currentTimeMillis) < until) {
    const { heartbeat } = connection
    const more = heartbeat.matched - matched
    if (more > 0) return (heartbeat.roundTrips.sum - sum) / more
    yield* Effect.sleep(look)
  }
  return undefined
})

/** The first ping went out with the end of the handshake. */
const first = (peer: BitcoinPeer, timeout: number) => roundTrip(peer, 0, 0, timeout)

const next = Effect.fnUntraced(function* (peer: BitcoinPeer, timeout: number) {
  const { matched, roundTrips } = peer.connection.heartbeat
  // Whatever comes first would be the sign of life that it reports; what is measured is the pong.
  peer.connection.probe(timeout, () => undefined)
  return yield* roundTrip(peer, matched, roundTrips.sum, timeout)
})

/** Tells each round trip and, even if it is interrupted, what they come to; how many there were. */
export const run = (peer: BitcoinPeer, options: Options): Effect.Effect<number> => {
  const { remote } = peer.connection
  const roundTrips: Array<number> = []
  let sent = 0
  const one = Effect.gen(function* () {
    if (sent > 0) yield* Effect.sleep(options.interval)
    // Not before it goes out: what is summed up meanwhile is what was sent.
    const number = ++sent
    const millis = yield* number === 1 ? first(peer, options.timeout) : next(peer, options.timeout)
    if (millis !== undefined) roundTrips.push(millis)
    yield* options.tell(
      millis === undefined
        ? { _tag: "Missed", remote, number }
        : { _tag: "Pong", remote, number, millis: micros(millis) }
    )
  })
  return Effect.whileLoop({
    while: () => sent < options.count && !peer.connection.finishing,
    body: () => one,
    step: () => undefined
  }).pipe(
    Effect.ensuring(Effect.suspend(() => options.tell(summary(remote, sent, roundTrips)))),
    Effect.map(() => roundTrips.length)
  )
}
