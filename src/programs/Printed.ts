/**
 * The end of what a program prints. A pipe takes what its reader takes: `process.exit` throws away the rest.
 */
import type { Writable } from "node:stream"

/** Resolves when a stream has given away all that was written to it, or never can. */
const emptied = (stream: Writable): Promise<void> =>
  new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) return resolve()
    stream.once("close", resolve)
    stream.write("", () => resolve())
  })

/** Resolves when readers have taken all that was printed to these streams, or are gone. A reader that stops without going away holds it up. */
export const printed = async (streams: ReadonlyArray<Writable>): Promise<void> => {
  await Promise.all(streams.map(emptied))
}
