/**
 * A peer: `bsv-p2p`, a client of BSV's nodes. Its reading lies in the handler that it gives its socket: it is connected
 * to a listener that says nothing, and the handler is called as the socket would.
 *
 * It is spared what it would send in answer, and the merkle root of blocks (`validate`), which ours does not compute
 * while it decodes either. It does compute the checksum of every message; hashes of headers and transactions only when
 * somebody asks.
 */
import { once } from "node:events"
import * as net from "node:net"
import * as Peers from "../Peers.ts"
import type { Contender, Decoded, Decoding } from "./Decoding.ts"
import { network } from "./Mixes.ts"

interface Event {
  readonly command: string
  readonly headers: ReadonlyArray<{ readonly getHash: () => Uint8Array }>
  readonly txs: ReadonlyArray<unknown>
  readonly error: Error
  readonly block: { readonly txRead: number }
}

interface Peer {
  readonly on: (event: string, listener: (event: Event) => void) => void
  readonly connect: () => Promise<void>
  readonly disconnect: (autoReconnect: boolean) => void
  readonly socket: net.Socket
  sendMessage: () => void
}

interface Library {
  readonly default: {
    readonly default: new (options: object) => Peer
  }
}

const counting = (peer: Peer, decoded: Decoded, ids: boolean): void => {
  peer.on("message", () => void decoded.messages++)
  peer.on("inv", ({ txs }) => void (decoded.items += txs.length))
  peer.on("getdata", ({ txs }) => void (decoded.items += txs.length))
  peer.on("notfound", ({ txs }) => void (decoded.items += txs.length))
  peer.on("headers", ({ headers }) => {
    decoded.items += headers.length
    if (ids) for (const header of headers) header.getHash()
  })
  peer.on("tx_mempool", () => void decoded.items++)
  peer.on("block", ({ block }) => {
    decoded.messages++
    decoded.items += block.txRead
  })
}

export const load = async (): Promise<Contender> => {
  const { default: library } = await Peers.load<Library>("bsv-p2p")
  const server = net.createServer((socket) => void socket.on("error", () => undefined)).listen(0, "127.0.0.1")
  await once(server, "listening")
  server.unref()
  const at = server.address()
  if (at === null || typeof at === "string") throw new Error("the silent listener has no port")

  const open = async (ids: boolean): Promise<Decoding> => {
    const magic = Buffer.from(network.magic)
    const peer = new library.default({ node: "127.0.0.1", port: at.port, magic, validate: false, autoReconnect: false })
    const decoded: Decoded = { messages: 0, items: 0 }
    let failed: Error | undefined
    peer.on("error_message", ({ error }) => void (failed = error))
    counting(peer, decoded, ids)
    peer.sendMessage = () => undefined
    // It waits for a handshake that not every stream has, and reads all the same.
    peer.connect().catch(() => undefined)
    const { socket } = peer
    await once(socket, "connect")
    return {
      feed: (piece) => {
        socket.emit("data", piece)
        if (failed !== undefined) throw failed
        return undefined
      },
      finished: () => {
        peer.disconnect(false)
        return Promise.resolve(decoded)
      }
    }
  }
  return { open }
}
