/**
 * What a node does when time has gone on without it: the process was stopped, the machine slept or was overloaded, or
 * somebody says that the network is another one. Nothing that was known of the peers holds then: all are asked at once.
 */
import { Clock, Effect } from "effect"
import { monotonic } from "../Monotonic.ts"
import { type Ended, ended } from "./Ended.ts"

/** How often to look whether time has gone on, in milliseconds. */
const every = 5_000
/** How often to ask again whom nobody can judge, because this node was late itself. */
const rounds = 5

/**
 * Runs `woken` whenever a timer is late by more than `limit` milliseconds. The wall clock is looked at as well, since
 * the other one stands still with the machine; setting it forward costs no more than a needless question.
 */
export const watch = (limit: number, woken: (lateMillis: number) => Effect.Effect<void>): Effect.Effect<never> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const read = () => ({ ticks: monotonic(clock), wall: clock.currentTimeMillisUnsafe() })
    while (true) {
      const before = read()
      yield* Effect.sleep(every)
      const after = read()
      const late = Math.max(after.ticks - before.ticks, after.wall - before.wall) - every
      if (late > limit) yield* woken(late)
    }
  })

/** What of a connection is needed here. */
export interface Asked {
  readonly probe: (millis: number, report: (answered: boolean) => void) => void
  readonly end: (reason: Ended) => void
}

/** How the session of a peer ends that gives no sign of life within `millis`. */
export const silent = (millis: number): Ended =>
  ended("silent", `no answer within ${millis} ms after this node stood still or changed its network`)

/**
 * Asks every one of `connections` for a sign of life, and ends those that give none within `millis`. Nobody is judged
 * while this node itself is late: what it has not read yet may be the answer.
 */
export const ask = Effect.fnUntraced(function* (connections: ReadonlyArray<Asked>, millis: number) {
  const clock = yield* Clock.Clock
  let asked = connections
  for (let round = 0; round < rounds && asked.length > 0; round++) {
    const answers = new Map<Asked, boolean>()
    const due = monotonic(clock) + millis
    for (const connection of asked) connection.probe(millis, (answered) => answers.set(connection, answered))
    // A little longer, so that every report is in.
    yield* Effect.sleep(millis + 1)
    asked = asked.filter((connection) => answers.get(connection) === false)
    if (monotonic(clock) - due > millis / 4) continue
    for (const connection of asked) connection.end(silent(millis))
    return
  }
})
