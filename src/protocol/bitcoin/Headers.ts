/** `headers`, and the questions for what comes after the blocks that the asker has: `getheaders`, `getblocks`, BSV's `gethdrsen`. */
import * as BlockHeader from "./BlockHeader.ts"
import * as Hash from "./Hash.ts"
import * as Payload from "./Payload.ts"

/** Most in one message. So many mean that the peer has more. */
export const mostHeaders = 2_000

/** Each is followed by a count of transactions, which is sent as 0 and means nothing. */
export const headers = Payload.make<ReadonlyArray<BlockHeader.BlockHeader>>(
  "headers",
  (reader) => {
    const starts: Array<number> = []
    for (let left = reader.count("headers", BlockHeader.size + 1, mostHeaders); left > 0; left--) {
      starts.push(reader.at)
      reader.skip(BlockHeader.size)
      reader.compactSize()
    }
    return reader.failed === undefined ? BlockHeader.readAll(reader.payload, starts) : []
  },
  (writer, all) => {
    writer.compactSize(all.length)
    for (const header of all) writer.bytes(BlockHeader.encode(header)).u8(0)
  }
)

export interface Question {
  /** The protocol version of who asks. */
  readonly version: number
  /** Ids of blocks, the newest first (`chain/Locator.ts`). */
  readonly locator: ReadonlyArray<string>
  /** The last block that is wanted; zeros for as many as the answer may have. */
  readonly stop: string
}

const question = (command: string): Payload.Payload<Question> =>
  Payload.make<Question>(
    command,
    (reader) => ({
      version: reader.i32(),
      locator: reader.hashes(),
      stop: reader.hash()
    }),
    (writer, { locator, stop, version }) => {
      writer.i32(version).compactSize(locator.length)
      for (const id of locator) writer.bytes(Hash.wire(id))
      writer.bytes(Hash.wire(stop))
    }
  )

export const getheaders = question("getheaders")
export const getblocks = question("getblocks")
export const gethdrsen = question("gethdrsen")
