/** What a command carries: how it is read from the payload of a message, and written. */
import { Result } from "effect"
import type { PayloadInvalid } from "./PayloadInvalid.ts"
import { PayloadReader } from "./PayloadReader.ts"
import { PayloadWriter } from "./PayloadWriter.ts"

export interface Payload<A> {
  readonly command: string
  readonly decode: (payload: Uint8Array) => Result.Result<A, PayloadInvalid>
  readonly encode: (value: A) => Uint8Array
}

/**
 * Nodes take what follows the last field for something newer, and so does this. `read` may go on after a failure: the
 * reader remembers the first one.
 */
export const make = <A>(
  command: string,
  read: (reader: PayloadReader) => A,
  write: (writer: PayloadWriter, value: A) => void
): Payload<A> => ({
  command,
  decode: (payload) => {
    const reader = new PayloadReader(payload)
    const value = read(reader)
    return reader.failed === undefined ? Result.succeed(value) : Result.fail(reader.failed)
  },
  encode: (value) => {
    const writer = new PayloadWriter()
    write(writer, value)
    return writer.written
  }
})
