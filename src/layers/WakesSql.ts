/**
 * Wake-ups for a process that sends and runs no node: a NOTIFY tells the process that does.
 *
 * Never in a transaction of the sender: the commits of transactions with a NOTIFY wait for each other. One process has
 * one NOTIFY under way at the most, and whatever is committed meanwhile shares the next one.
 */
import { Effect, Latch, Layer, Schedule, Stream } from "effect"
import { SqlClient } from "effect/sql"
import type { NodeKey } from "../protocol/NodeKey.ts"
import { wakeChannel } from "../services/delivery/Notices.ts"
import { Look } from "../services/delivery/Look.ts"
import { Wakes } from "../services/delivery/Wakes.ts"

/** Keys of 64 characters and as many commas, of which a payload of fewer than 8,000 bytes has room for 123. */
const maxNamed = 120

const backOff = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")]).pipe(Schedule.jittered)

export const layer: Layer.Layer<Wakes, never, SqlClient.SqlClient> = Layer.effect(
  Wakes,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const look = yield* Latch.make()
    /** Who is to be woken; `undefined` when they are more than are named. */
    let waiting: Set<NodeKey> | undefined = new Set()

    const add = (peer: NodeKey | undefined): void => {
      if (peer === undefined || waiting === undefined || waiting.size >= maxNamed) waiting = undefined
      else waiting.add(peer)
      look.openUnsafe()
    }

    const say = Effect.gen(function* () {
      yield* look.await
      const payload = waiting === undefined ? "" : [...waiting].join()
      waiting = new Set()
      look.closeUnsafe()
      yield* Effect.retry(sql`SELECT pg_notify(${wakeChannel}, ${payload})`, backOff)
    })
    yield* Effect.forever(say).pipe(
      Effect.tapCause((cause) => Effect.logError("The teller of what was sent failed", cause)),
      Effect.forkScoped
    )

    return Wakes.of({
      wake: (peer) => Effect.sync(() => add(peer)),
      wakeAll: Effect.sync(() => add(undefined)),
      attach: () => Effect.succeed(new Look()),
      unattended: Stream.never,
      everybody: Stream.never
    })
  })
)
