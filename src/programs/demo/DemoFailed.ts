/**
 * The demo could not be carried out: it says nothing about delivery, only that something it needs is missing.
 */
import { Runtime, Schema } from "effect"

export class DemoFailed extends Schema.TaggedError<DemoFailed>()("DemoFailed", {
  problem: Schema.String,
  /** What the nodes have left, for whoever looks for the reason. */
  folder: Schema.optional(Schema.String),
  cause: Schema.optional(Schema.Defect())
}) {
  /** The program prints the message itself. */
  override readonly [Runtime.errorReported] = false
  override get message(): string {
    const reason = this.cause instanceof Error ? `: ${this.cause.message}` : ""
    const kept = this.folder === undefined ? "" : `\nLogs and databases are kept in ${this.folder}`
    return `The demo could not be carried out: ${this.problem}${reason}${kept}`
  }
}
