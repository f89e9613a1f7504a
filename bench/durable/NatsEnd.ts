/**
 * A peer: NATS JetStream, with the settings of `PeerSettings.nats`. The consumer commits in one transaction what has
 * come meanwhile, and acknowledges each message of it after the commit.
 */
import * as Peers from "../Peers.ts"
import { Gathered } from "./Gathered.ts"
import { effect, serve } from "./PeerEnd.ts"
import { nats } from "./PeerSettings.ts"
import type { Parcel } from "./Work.ts"

interface Connection {
  readonly close: () => Promise<void>
}
interface Message {
  readonly data: Uint8Array
  readonly ack: () => void
}
interface Transport {
  readonly connect: (options: object) => Promise<Connection>
}
interface JetStream {
  readonly publish: (subject: string, data: Uint8Array) => Promise<unknown>
  readonly consumers: {
    readonly get: (
      stream: string,
      consumer: string
    ) => Promise<{ readonly consume: (options: object) => Promise<unknown> }>
  }
}
interface Manager {
  readonly streams: { readonly add: (options: object) => Promise<unknown> }
  readonly consumers: { readonly add: (stream: string, options: object) => Promise<unknown> }
}
interface Library {
  readonly jetstream: (connection: Connection) => JetStream
  readonly jetstreamManager: (connection: Connection) => Promise<Manager>
}

const { connect } = await Peers.load<Transport>("@nats-io/transport-node")
const { jetstream, jetstreamManager } = await Peers.load<Library>("@nats-io/jetstream")
const stream = "bench"
const subject = "bench.jobs"
const durable = "worker"
const encoder = new TextEncoder()
const decoder = new TextDecoder()

let connection: Connection | undefined
let js: JetStream | undefined
const opened = (): { readonly connection: Connection; readonly js: JetStream } => {
  if (connection === undefined || js === undefined) throw new Error("there is no connection")
  return { connection, js }
}

const read = (data: Uint8Array): Parcel => JSON.parse(decoder.decode(data))

const publish = (parcel: Parcel): Promise<unknown> =>
  opened().js.publish(subject, encoder.encode(JSON.stringify(parcel)))

serve({
  open: async ({ address }) => {
    connection = await connect({ servers: address })
    js = jetstream(connection)
  },
  prepare: async () => {
    const manager = await jetstreamManager(opened().connection)
    await manager.streams.add({ name: stream, subjects: [subject], ...nats.stream })
    await manager.consumers.add(stream, { durable_name: durable, ...nats.consumer })
  },
  consume: async () => {
    const gathered = new Gathered<Message>(nats.batch, async (messages) => {
      await effect(messages.map(({ data }) => read(data)))
      for (const message of messages) message.ack()
    })
    const consumer = await opened().js.consumers.get(stream, durable)
    await consumer.consume({ ...nats.pull, callback: (message: Message) => gathered.add(message) })
  },
  sendOne: publish,
  sendMany: (parcels) => Promise.all(parcels.map(publish)),
  close: async () => connection?.close()
})
