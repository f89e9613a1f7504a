/** What a guard is told to run, and what it tells. */
import { Schema } from "effect"

export const Assignment = Schema.Struct({
  program: Schema.String,
  args: Schema.Array(Schema.String),
  cwd: Schema.String,
  env: Schema.Record(Schema.String, Schema.String),
  /** It is killed after so long. */
  limitMillis: Schema.Int
})
export type Assignment = typeof Assignment.Type

export const Report = Schema.TaggedUnion({
  Started: { pid: Schema.Int },
  /** It could not be started, or has ended. */
  Ended: { how: Schema.String }
})
export type Report = typeof Report.Type
