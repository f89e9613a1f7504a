/**
 * What somebody tells a running node with credit to do, and looks at until it is so: effects over the node's own services.
 */
import { Effect } from "effect"
import type { Cuid } from "../../../src/protocol/credit/Chad.ts"
import type { TallyId } from "../../../src/protocol/credit/TallyDocument.ts"
import type { Command } from "../../../src/services/credit/Command.ts"
import { Credit } from "../../../src/services/credit/Credit.ts"

/** A tally as one of its two users has it. */
export interface OfTally {
  readonly user: Cuid
  readonly tally: TallyId
}

/** What somebody tells their node to do, and under which key. */
export interface Told {
  readonly user: Cuid
  readonly command: Command
  readonly key?: string
}

/** The service, whose layer is there because the node was given `credit`. */
export const credit = Effect.flatMap(Effect.serviceOption(Credit), Effect.fromOption)

/** What comes of a command. */
export const does = Effect.fnUntraced(function* ({ command, key, user }: Told) {
  return yield* (yield* credit).run(user, command, key)
})

/** Looks again and again until it is so; for how long is up to the caller. */
export const until = <A, E, R>(
  look: Effect.Effect<A | undefined, E, R>,
  isSo: (now: A) => boolean
): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    for (;;) {
      const now = yield* look
      if (now !== undefined && isSo(now)) return now
      yield* Effect.sleep("10 millis")
    }
  })

/** What a user's node has of a tally. */
export const halfOf = ({ tally, user }: OfTally) => Effect.flatMap(credit, (credit) => credit.tally(user, tally))
