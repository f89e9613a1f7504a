/**
 * Where bans outlast the process: one row for each subject. Who decides about them is `Bans`.
 */
import { Context, type Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Ban, Subject } from "../../protocol/link/Ban.ts"

export class BanStore extends Context.Service<
  BanStore,
  {
    /** At most `limit` bans, those of operators first, then those that end last. */
    readonly all: (limit: number) => Effect.Effect<ReadonlyArray<Ban>, SqlError>
    /** Writes these, one for each subject, in the place of what is there of them; all or none. */
    readonly put: (bans: ReadonlyArray<Ban>) => Effect.Effect<void, SqlError>
    /** Forgets these subjects. */
    readonly remove: (subjects: ReadonlyArray<Subject>) => Effect.Effect<void, SqlError>
  }
>()("holdfast/services/link/BanStore") {}
