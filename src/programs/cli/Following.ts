/**
 * Reading the events of a node as they come, over restarts of the node and of the connection to it: it goes on after
 * the last event that it has seen.
 */
import { Effect, Ref, Schedule, Stream } from "effect"
import type { Cursor } from "../../services/delivery/Feed.ts"
import type { EventView } from "../http/Models.ts"
import { ask } from "./Client.ts"

export type From = Cursor | "now" | undefined

/** Waits between attempts to reach the node again. */
export const again = Schedule.min([Schedule.exponential("250 millis"), Schedule.spaced("5 seconds")]).pipe(
  Schedule.jittered
)

const open = (after: From, follow: boolean, audience: string | undefined) =>
  ask((client) =>
    client.events({
      query: {
        ...(after === undefined ? {} : { after }),
        ...(audience === undefined ? {} : { audience }),
        follow: follow ? "true" : "false"
      },
      headers: {}
    })
  )

/** What has happened after a cursor, and no more; for a user only what is for them. */
export const existing = (after: From, audience?: string) => Stream.unwrap(open(after, false, audience))

/**
 * Everything after the cursor, and everything that comes, for ever. The node must be there at the start; when it goes
 * away later, `lost` is run and it is looked for until it is back.
 */
export const following = (from: From, lost: Effect.Effect<void>, audience?: string) =>
  Effect.gen(function* () {
    const place = yield* Ref.make(from)
    const reopen = Effect.flatMap(Ref.get(place), (after) => open(after, true, audience))
    const remember = (stream: Stream.Stream<EventView, unknown>) =>
      stream.pipe(
        Stream.tap(({ cursor }) => Ref.set(place, cursor)),
        // Whatever ends it, the answer is the same: come back.
        Stream.catchCause(() => Stream.empty)
      )
    const first = yield* reopen
    const later = Stream.unwrap(Effect.andThen(lost, Effect.retry(reopen, again)).pipe(Effect.map(remember))).pipe(
      Stream.forever
    )
    return Stream.concat(remember(first), later)
  }).pipe(Stream.unwrap)
