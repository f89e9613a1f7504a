/**
 * What processes that share a database say to each other through it. A notice is a hint: nobody keeps it for who does
 * not listen, and equal ones may become one.
 */
import { Context, Effect, Layer, type Queue, type Scope } from "effect"
import type { SqlError } from "effect/sql/SqlError"

export class Notices extends Context.Service<
  Notices,
  {
    /** Everything said on a channel until the scope closes, on a connection of its own; fails when that is lost. */
    readonly listen: (channel: string) => Effect.Effect<Queue.Dequeue<string, SqlError>, SqlError, Scope.Scope>
  }
>()("holdfast/services/delivery/Notices") {
  /** For a database that no other process can use. */
  static readonly silent: Layer.Layer<Notices> = Layer.succeed(Notices, Notices.of({ listen: () => Effect.never }))
}

/** Where senders say to which peers they have committed something: keys with commas, or nothing, for anybody. */
export const wakeChannel = "holdfast_wake"
