/**
 * All who take part: holdfast on both databases, the outboxes that anybody writes, and other people's software.
 */
import { natsServer } from "../servers/NatsServer.ts"
import { rabbitServer } from "../servers/RabbitServer.ts"
import type { Server } from "../servers/Server.ts"
import type { Figure } from "../Measurement.ts"
import { type Contender, type Costs, inFolder, type Mortal, type Pair, port, withEnds } from "./Contender.ts"
import type { Functions as NaiveFunctions } from "./NaiveEnd.ts"
import type { Functions as NodeFunctions } from "./NodeEnd.ts"
import type { Functions as PeerFunctions } from "./PeerEnd.ts"
import * as ServerCounts from "./ServerCounts.ts"
import { commits } from "./Works.ts"

type Ours = Mortal<NodeFunctions>

/** What all ends can be asked. */
type Common = Pick<PeerFunctions, "send" | "pace" | "expect" | "finished" | "tally" | "delays">

export const names = {
  postgres: "holdfast, PostgreSQL",
  pglite: "holdfast, PGlite",
  naive: "outbox, 500 rows",
  rows: "outbox, row by row",
  graphile: "graphile-worker",
  pgBoss: "pg-boss",
  natsAlways: "NATS, sync always",
  nats: "NATS, default",
  rabbit: "RabbitMQ quorum"
} as const

/** What the driver calls, whoever the ends are. */
const talking = (producer: Mortal<Common>, consumer: Mortal<Common>): Pick<Pair, "producer" | "consumer" | "cpu"> => ({
  producer: { send: (job) => producer.call("send", job), pace: (pace) => producer.call("pace", pace) },
  consumer: {
    expect: (count) => consumer.call("expect", count),
    finished: () => consumer.call("finished", undefined),
    tally: () => consumer.call("tally", undefined),
    delays: () => consumer.call("delays", undefined)
  },
  cpu: async () => (await producer.cpu()) + (await consumer.cpu())
})

/** What both nodes, and the server of their databases, have done so far. */
const costsOf = async (producer: Ours, consumer: Ours, databases: ReadonlyArray<string>): Promise<Costs> => {
  if (databases.length > 0) await Promise.all([producer.call("report", undefined), consumer.call("report", undefined)])
  const [sent, received] = [await producer.call("counts", undefined), await consumer.call("counts", undefined)]
  const statements = sent.statements + received.statements
  if (databases.length === 0) return { fsyncs: sent.fsyncs + received.fsyncs, statements }
  const server = await ServerCounts.read(databases)
  return {
    fsyncs: server.walSyncs,
    commits: server.commits - sent.reports - received.reports,
    statements,
    "round trips": sent.roundTrips + received.roundTrips
  }
}

const ours = (name: string, postgres: boolean): Contender => ({
  name,
  ours: true,
  groups: true,
  peer: false,
  between: (setting, use) =>
    withEnds<NodeFunctions>("NodeEnd", name, async (producer, consumer) => {
      const { server } = setting
      const database = async () => (postgres ? server.createDatabase() : undefined)
      const sender = { data: inFolder(setting, "sender"), database: await database(), port: await port() }
      const receiver = { data: inFolder(setting, "receiver"), database: await database(), port: await port() }
      await producer.call("open", sender)
      const address = await consumer.call("open", receiver)
      await producer.call("connect", address)
      const rate = async (inFlight: number, millis: number): Promise<Figure> => ({
        work: commits,
        metric: `${inFlight} in flight`,
        unit: "commits/s",
        better: "more",
        value: await producer.call("commits", { inFlight, millis })
      })
      const databases = [sender.database, receiver.database].filter((url) => url !== undefined)
      await use({
        ...talking(producer, consumer),
        rest: () => producer.call("settled", undefined),
        costs: () => costsOf(producer, consumer, databases),
        alone: async ({ commitMillis }) => [await rate(1, commitMillis), await rate(16, commitMillis)],
        kill: async (which) => {
          const [end, opening] = which === "producer" ? ([producer, sender] as const) : ([consumer, receiver] as const)
          await end.kill()
          return async () => {
            await end.call("open", opening)
          }
        },
        hold: (signal) => consumer.signal(signal)
      })
    })
})

const naive = (name: string, consume: { readonly most: number; readonly workers: number }): Contender => ({
  name,
  ours: false,
  groups: false,
  peer: false,
  share: consume.most === 1 ? 0.3 : 1,
  between: ({ server }, use) =>
    withEnds<NaiveFunctions>("NaiveEnd", name, async (producer, consumer) => {
      const place = { database: await server.createDatabase() }
      await producer.call("open", place)
      await consumer.call("open", place)
      await consumer.call("prepare", undefined)
      await consumer.call("consume", consume)
      await use({
        ...talking(producer, consumer),
        kill: async (which) => {
          const end = which === "producer" ? producer : consumer
          await end.kill()
          return async () => {
            await end.call("open", place)
            if (which === "consumer") await end.call("consume", consume)
          }
        },
        hold: (signal) => consumer.signal(signal)
      })
    })
})

const peer = (name: string, file: string, more: { readonly share?: number; readonly server?: Server }): Contender => ({
  name,
  ours: false,
  groups: false,
  peer: true,
  ...more,
  between: async ({ folder, installed, server }, use) => {
    const running = await installed?.start(folder)
    try {
      await withEnds<PeerFunctions>(file, name, async (producer, consumer) => {
        const place = { database: await server.createDatabase(), address: running?.address }
        await consumer.call("open", place)
        await consumer.call("prepare", undefined)
        await producer.call("open", place)
        await consumer.call("consume", undefined)
        await use({
          ...talking(producer, consumer),
          kill: async (which) => {
            const end = which === "producer" ? producer : consumer
            await end.kill()
            return async () => {
              await end.call("open", place)
              if (which === "consumer") await end.call("consume", undefined)
            }
          },
          hold: (signal) => consumer.signal(signal)
        })
      })
    } finally {
      await running?.stop()
    }
  }
})

export const contenders: ReadonlyArray<Contender> = [
  ours(names.postgres, true),
  ours(names.pglite, false),
  naive(names.naive, { most: 500, workers: 1 }),
  naive(names.rows, { most: 1, workers: 4 }),
  peer(names.graphile, "GraphileEnd", { share: 0.5 }),
  peer(names.pgBoss, "PgBossEnd", { share: 0.5 }),
  peer(names.natsAlways, "NatsEnd", { share: 0.5, server: natsServer("always") }),
  peer(names.nats, "NatsEnd", { server: natsServer("2m") }),
  peer(names.rabbit, "RabbitEnd", { server: rabbitServer })
]
