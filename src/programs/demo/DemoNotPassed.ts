/**
 * The demo was carried out and has not shown what it should; the summary has said why.
 */
import { Runtime, Schema } from "effect"

export class DemoNotPassed extends Schema.TaggedError<DemoNotPassed>()("DemoNotPassed", {
  failures: Schema.Array(Schema.String)
}) {
  override readonly [Runtime.errorReported] = false
  override get message(): string {
    return this.failures.join("; ")
  }
}
