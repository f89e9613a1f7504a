/** A payload that is none of its command. */
import { Schema } from "effect"

export class PayloadInvalid extends Schema.TaggedError<PayloadInvalid>()("PayloadInvalid", {
  /**
   * `short`: it ends in a field. `non-canonical`: a number in more bytes than it needs. `too-large`: longer than anybody
   * allows. `too-many`: more items than the command has. `protocol`: a value that its field cannot have.
   */
  reason: Schema.Literals(["short", "non-canonical", "too-large", "too-many", "protocol"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.reason}: ${this.detail}`
  }
}
