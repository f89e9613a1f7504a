/**
 * A peer: a quorum queue of RabbitMQ, with the settings of `PeerSettings.rabbit`. The consumer commits in one transaction
 * what has come meanwhile, and acknowledges all of it at once after the commit.
 */
import * as Peers from "../Peers.ts"
import { Gathered } from "./Gathered.ts"
import { effect, serve } from "./PeerEnd.ts"
import { rabbit } from "./PeerSettings.ts"
import type { Parcel } from "./Work.ts"

interface Message {
  readonly content: Buffer
}
interface Channel {
  readonly assertQueue: (name: string, options: object) => Promise<unknown>
  readonly prefetch: (count: number) => Promise<unknown>
  readonly consume: (name: string, handler: (message: Message | null) => void) => Promise<unknown>
  readonly ack: (message: Message, allUpTo: boolean) => void
  readonly publish: (
    exchange: string,
    key: string,
    content: Buffer,
    options: object,
    confirmed: (error: unknown) => void
  ) => boolean
}
interface Connection {
  readonly createConfirmChannel: () => Promise<Channel>
  readonly close: () => Promise<void>
}
interface Library {
  readonly connect: (address: string) => Promise<Connection>
}

const { connect } = await Peers.load<Library>("amqplib")
const queue = "bench"
let connection: Connection | undefined
let opened: Channel | undefined
const channel = (): Channel => {
  if (opened === undefined) throw new Error("there is no connection")
  return opened
}

const read = ({ content }: Message): Parcel => JSON.parse(content.toString())

const publish = (parcel: Parcel): Promise<void> =>
  new Promise((resolve, reject) => {
    channel().publish("", queue, Buffer.from(JSON.stringify(parcel)), rabbit.publish, (error) =>
      error === null || error === undefined ? resolve() : reject(new Error("not confirmed", { cause: error }))
    )
  })

serve({
  open: async ({ address = "" }) => {
    connection = await connect(address)
    opened = await connection.createConfirmChannel()
  },
  prepare: async () => {
    await channel().assertQueue(queue, rabbit.queue)
  },
  consume: async () => {
    const gathered = new Gathered<Message>(rabbit.batch, async (messages) => {
      await effect(messages.map(read))
      const last = messages.at(-1)
      if (last !== undefined) channel().ack(last, true)
    })
    await channel().prefetch(rabbit.prefetch)
    await channel().consume(queue, (message) => {
      if (message !== null) gathered.add(message)
    })
  },
  sendOne: publish,
  sendMany: (parcels) => Promise.all(parcels.map(publish)),
  close: async () => connection?.close()
})
