/**
 * Looking at a node again and again, also over its restarts; it must be there at the start.
 */
import { Console, Effect, Schedule } from "effect"
import { untilSignal } from "../Main.ts"
import { Root } from "./Root.ts"
import { clear, dim } from "./Style.ts"

/** How often `--watch` looks. */
export const every = "2 seconds"

type Absent =
  | { readonly _tag: "NoNode" }
  | { readonly _tag: "NodeSilent" }
  | { readonly _tag: "Unavailable"; readonly message: string }

/** Whether a node that was there may be back soon. */
export const isAbsent = (error: unknown): error is Absent =>
  typeof error === "object" &&
  error !== null &&
  "_tag" in error &&
  (error._tag === "NoNode" || error._tag === "NodeSilent" || error._tag === "Unavailable")

/**
 * Looks until it is told to stop. `anew`: each look takes the place of the one before on a terminal; otherwise they
 * follow each other, and that the node is gone is said once.
 */
export const watching = Effect.fnUntraced(function* <E, R>(
  look: Effect.Effect<void, E, R>,
  { anew }: { readonly anew: boolean }
) {
  const { json } = yield* Root
  const before = json || !anew ? Effect.void : clear
  let missed = false
  const absent = (error: Absent) =>
    Effect.suspend(() => {
      const isKnown = missed && !anew
      missed = true
      if (isKnown) return Effect.void
      return Console.error(
        error._tag === "Unavailable" ? error.message : dim("The node is gone, waiting for it to come back")
      )
    })
  const again = look.pipe(
    Effect.tap(() => Effect.sync(() => void (missed = false))),
    Effect.catch((error): Effect.Effect<void, E> => (isAbsent(error) ? absent(error) : Effect.fail(error)))
  )
  yield* Effect.andThen(before, look)
  yield* Effect.repeat(Effect.andThen(before, again), Schedule.spaced(every)).pipe(Effect.delay(every))
}, untilSignal)
