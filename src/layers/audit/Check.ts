/**
 * What one check of the audit is: a statement that returns a bounded number of rows, each of which is read and told.
 */
import { Effect, type Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { type Finding, maxFindings } from "../../services/delivery/Audit.ts"
import { reader } from "../SqlRow.ts"

export interface AuditCheck {
  /** What it looks at. */
  readonly what: string
  readonly run: Effect.Effect<ReadonlyArray<Finding>, SqlError>
}

/** Rows that a statement may return: one more than is told shows that there are more. */
export const rowLimit = maxFindings + 1

/** A check whose every row is one finding or several. */
export const check = <A, I>(
  what: string,
  statement: Effect.Effect<ReadonlyArray<unknown>, SqlError>,
  row: Schema.Codec<A, I>,
  tell: (row: A) => Finding | ReadonlyArray<Finding>
): AuditCheck => {
  const read = reader(row)
  return { what, run: Effect.map(statement, (rows) => read(rows).flatMap(tell)) }
}

/** What undoes damage that no command mends: an older state, which peers know how to reconcile with. */
export const restore =
  "Stop the node and restore the newest backup of its database: it and its peers settle the rest at their next session."
