/**
 * A peer: js-libp2p with TCP, Noise and yamux, one stream per connection and its ping service.
 */
import * as Peers from "../Peers.ts"
import * as ByteLine from "./ByteLine.ts"
import { type Contender, timed } from "./Line.ts"

interface Stream {
  readonly send: (bytes: Uint8Array) => boolean
  readonly onDrain: () => Promise<void>
  readonly addEventListener: (
    name: "message",
    listener: (event: { readonly data: { subarray: () => Uint8Array } }) => void
  ) => void
  readonly close: () => Promise<void>
}
interface Connection {
  readonly remotePeer: unknown
  readonly newStream: (protocol: string) => Promise<Stream>
  readonly close: () => Promise<void>
}
interface Node {
  readonly getMultiaddrs: () => ReadonlyArray<{ readonly toString: () => string }>
  readonly handle: (protocol: string, handler: (stream: Stream) => void, options: object) => Promise<void>
  readonly dial: (address: unknown) => Promise<Connection>
  readonly services: { readonly ping: { readonly ping: (peer: unknown) => Promise<number> } }
}
type Part = () => unknown

const protocol = "/bench/1"

const byteStream = (stream: Stream, close: () => Promise<void>): ByteLine.ByteStream => ({
  write: stream.send.bind(stream),
  drained: () => stream.onDrain(),
  onBytes: (handle) =>
    stream.addEventListener("message", ({ data }) => {
      const bytes = data.subarray()
      handle(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    }),
  onError: () => undefined,
  close
})

export const load = async (): Promise<Contender> => {
  const { createLibp2p } = await Peers.load<{ createLibp2p: (options: object) => Promise<Node> }>("libp2p")
  const { tcp } = await Peers.load<{ tcp: Part }>("@libp2p/tcp")
  const { noise } = await Peers.load<{ noise: Part }>("@chainsafe/libp2p-noise")
  const { yamux } = await Peers.load<{ yamux: Part }>("@chainsafe/libp2p-yamux")
  const { ping } = await Peers.load<{ ping: Part }>("@libp2p/ping")
  const { multiaddr } = await Peers.load<{ multiaddr: (text: string) => unknown }>("@multiformats/multiaddr")
  const plenty = 100_000

  const start = (listen: ReadonlyArray<string>): Promise<Node> =>
    createLibp2p({
      addresses: { listen },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionManager: {
        maxConnections: plenty,
        inboundConnectionThreshold: plenty,
        maxIncomingPendingConnections: plenty
      },
      services: { ping: ping() }
    })
  return {
    listen: async (count) => {
      const node = await start(["/ip4/127.0.0.1/tcp/0"])
      const answer = (stream: Stream) =>
        ByteLine.answer(
          byteStream(stream, () => stream.close()),
          count
        )
      await node.handle(protocol, answer, { maxInboundStreams: plenty })
      return { host: "", port: 0, key: String(node.getMultiaddrs()[0]) }
    },
    dialler: async () => {
      const node = await start([])
      return async ({ key }) => {
        const connection = await node.dial(multiaddr(key))
        const round = async (): Promise<void> => void (await node.services.ping.ping(connection.remotePeer))
        // The stream is opened when it is first used: a connection that only pings has none.
        const open = async () => {
          const stream = await connection.newStream(protocol)
          return ByteLine.ask(byteStream(stream, () => stream.close()))
        }
        let opened: ReturnType<typeof open> | undefined
        const stream = () => (opened ??= open())
        return {
          requests: async (body, count) => (await stream()).requests(body, count),
          pings: (count) => timed(count, round),
          flood: async (body, millis) => (await stream()).flood(body, millis),
          close: () => connection.close()
        }
      }
    }
  }
}
