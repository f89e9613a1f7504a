/** Bytes that are no header, no headers or no body of a native chain. */
import { Schema } from "effect"

export class ChainInvalid extends Schema.TaggedError<ChainInvalid>()("ChainInvalid", {
  what: Schema.Literals(["header", "body"]),
  /**
   * `truncated`: it ends within a field. `version`: of another format. `signature-length`: neither none nor 64 bytes. `time`: not
   * before 2^53 ms. `unlinked`: a header that does not follow the one before. `too-many`, `too-large`: more than is allowed.
   * `trailing`: bytes after its end.
   */
  reason: Schema.Literals([
    "truncated",
    "version",
    "signature-length",
    "time",
    "unlinked",
    "too-many",
    "too-large",
    "trailing"
  ]),
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.reason} ${this.what}: ${this.detail}`
  }
}
