/**
 * Why the input of a secure channel came to an end before its time, each reason as a value.
 *
 * All are retryable: a new connection has new keys, and what damaged this one may be gone.
 */
import { Schema } from "effect"

/** Bytes that sealing adds to a record. */
export const tagSize = 16

/** A record is shorter than its own authentication tag. */
export class RecordMalformed extends Schema.TaggedError<RecordMalformed>()("RecordMalformed", {
  length: Schema.Natural
}) {
  readonly isRetryable = true
  override get message(): string {
    return `a record of ${this.length} bytes was announced, ${tagSize} are the least`
  }
}

/** A record does not open: damaged, forged, repeated, out of order, or sealed under another key. */
export class RecordForged extends Schema.TaggedError<RecordForged>()("RecordForged", { length: Schema.Natural }) {
  readonly isRetryable = true
  override get message(): string {
    return `a record of ${this.length} bytes does not open under the key and number that are its turn`
  }
}

/** The input ended inside a record. */
export class RecordTruncated extends Schema.TaggedError<RecordTruncated>()("RecordTruncated", {
  /** Bytes of the record that did arrive, its length included. */
  received: Schema.Natural
}) {
  readonly isRetryable = true
  override get message(): string {
    return `the input ended inside a record, ${this.received} bytes into it`
  }
}

export const RecordFailed = Schema.Union([RecordMalformed, RecordForged, RecordTruncated])
export type RecordFailed = typeof RecordFailed.Type
