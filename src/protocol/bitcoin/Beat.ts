/** `ping` and `pong`: a number that comes back. Peers of version 60000 and before send a ping without one, and want no answer. */
import * as Payload from "./Payload.ts"

const beat = (command: string): Payload.Payload<bigint> =>
  Payload.make(
    command,
    (reader) => reader.u64(),
    (writer, nonce) => void writer.u64(nonce)
  )

export const ping = beat("ping")
export const pong = beat("pong")
