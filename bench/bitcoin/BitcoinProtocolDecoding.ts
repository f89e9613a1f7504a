/**
 * A peer: `bitcoin-protocol`, streams that encode and decode. It computes the checksum of every message and no other
 * hash, and keeps hashes as the bytes that came.
 */
import { hash } from "node:crypto"
import { once } from "node:events"
import type { Transform } from "node:stream"
import * as Peers from "../Peers.ts"
import type { Contender, Decoded, Decoding } from "./Decoding.ts"
import { network } from "./Mixes.ts"

interface Header {
  readonly header: object
}

interface Message {
  readonly command: string
  readonly payload: { readonly length?: number; readonly transactions?: ReadonlyArray<unknown> }
}

interface Headers extends Message {
  readonly command: "headers"
  readonly payload: ReadonlyArray<Header>
}

interface Library {
  readonly default: {
    readonly createDecodeStream: (options: { readonly magic: number }) => Transform
    readonly types: { readonly header: { readonly encode: (header: object) => Uint8Array } }
  }
}

const isHeaders = (message: Message): message is Headers => message.command === "headers"

const itemsOf = ({ command, payload }: Message): number => {
  if (command === "tx") return 1
  if (command === "addr") return 0
  return payload.transactions?.length ?? payload.length ?? 0
}

export const load = async (): Promise<Contender> => {
  const { default: library } = await Peers.load<Library>("bitcoin-protocol")
  const magic = Buffer.from(network.magic).readUInt32LE(0)

  const hashAll = ({ payload }: Headers): void => {
    for (const { header } of payload) hash("sha256", hash("sha256", library.types.header.encode(header), "buffer"))
  }

  const open = (ids: boolean): Decoding => {
    const stream = library.createDecodeStream({ magic })
    const decoded: Decoded = { messages: 0, items: 0 }
    let failed: Error | undefined
    stream.on("error", (error) => void (failed = error))
    stream.on("data", (message: Message) => {
      decoded.messages++
      decoded.items += itemsOf(message)
      if (ids && isHeaders(message)) hashAll(message)
    })
    return {
      feed: (piece) => {
        const room = stream.write(piece)
        if (failed !== undefined) throw failed
        return room ? undefined : once(stream, "drain").then(() => undefined)
      },
      finished: async () => {
        stream.end()
        await once(stream, "end")
        return decoded
      }
    }
  }
  return { open: (ids) => Promise.resolve(open(ids)) }
}
