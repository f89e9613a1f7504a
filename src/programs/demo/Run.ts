/**
 * One run of the demo from its first process to its verdict.
 */
import { Clock, Duration, Effect, type Redacted } from "effect"
import { audit } from "./Audit.ts"
import { Board, names } from "./Board.ts"
import * as Cluster from "./Cluster.ts"
import { DemoFailed } from "./DemoFailed.ts"
import * as Homes from "./Homes.ts"
import * as Script from "./Script.ts"
import { type Summary, summary } from "./Summary.ts"
import * as View from "./View.ts"

export interface Options {
  /** From each node to each other one. */
  readonly messages: number
  /** How long everything may take to be delivered. */
  readonly deadline: Duration.Duration
  /** A PostgreSQL server to make the databases on; embedded ones otherwise. */
  readonly database: Redacted.Redacted | undefined
  readonly screen: View.Screen
}

/** Messages to each peer at a time, and how long it takes to send them all if nothing gets in the way. */
const burst = 5
const sendingMillis = 32_000

export const run = Effect.fn("Demo.run")(function* (options: Options) {
  const clock = yield* Clock.Clock
  const startedAt = clock.currentTimeMillisUnsafe()
  const board = new Board(options.messages, startedAt)
  let keep = false
  const homes = yield* Homes.make({ database: options.database, keep: () => keep })
  const pause = (sendingMillis * burst) / options.messages

  const carriedOut = Effect.gen(function* () {
    yield* Effect.forkScoped(View.run(board, options.screen))
    const cluster = yield* Cluster.make(board, homes, { messages: options.messages, burst, pause })
    yield* cluster.begin
    const work = Effect.all([Script.run(board, cluster), cluster.until(() => board.done)], {
      concurrency: "unbounded",
      discard: true
    })
    const done = yield* Effect.raceFirst(Effect.timeoutOption(work, options.deadline), cluster.failed)
    // What the nodes last reported is a little old; the view shall end with figures that are not.
    const shown = cluster.until(() => names.every((name) => board.entry(name).delivered === options.messages * 2))
    yield* Effect.timeoutOption(shown, "2 seconds")
    board.doing = "stopping the nodes"
    const stops = yield* cluster.stop
    board.doing = "reading the databases"
    return { stops, ranOutAfter: done._tag === "Some" ? undefined : Duration.toSeconds(options.deadline) }
  }).pipe(Effect.scoped)

  const [{ ranOutAfter, stops }, evidence] = yield* Effect.all([
    carriedOut,
    Homes.evidence(homes, (key) => names.find((name) => board.entry(name).key === key))
  ]).pipe(
    Effect.mapError(({ cause, problem }) => {
      keep = true
      return new DemoFailed({ problem, cause, folder: homes.folder })
    })
  )
  const seconds = (clock.currentTimeMillisUnsafe() - startedAt) / 1_000
  const audited = audit(evidence, board.faults)
  const outcome = { audited, faults: board.faults, stops, messages: options.messages, ranOutAfter }
  const database = options.database === undefined ? "pglite" : "postgresql"
  const result: Summary = summary(outcome, { database, seconds, folder: homes.folder })
  keep = !result.ok
  return result
}, Effect.scoped)
