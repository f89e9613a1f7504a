/**
 * Ten million messages through one pair of databases, in steps: whether the rate holds and the tables stay small when
 * the outbox has churned for long. The sender is never more than a stated number of messages ahead of the receipts.
 */
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import * as PostgresServer from "../../test/support/PostgresServer.ts"
import type { Area, Findings, Options } from "../Area.ts"
import { port, withEnds } from "./Contender.ts"
import type { Functions } from "./NodeEnd.ts"
import * as ServerCounts from "./ServerCounts.ts"
import { type TableSize, tableSizes } from "./TableSizes.ts"

/** Messages of a step, of a transaction, transactions in flight, and messages ahead of the receipts at the most. */
const amounts = { step: 250_000, quickStep: 10_000, transaction: 1_000, inFlight: 4, ahead: 20_000 }
const tables = {
  sender: ["holdfast_outbox", "holdfast_links"],
  receiver: ["holdfast_links", "holdfast_arrivals", "holdfast_applied"]
} as const

const megabytes = (bytes: number): number => bytes / 2 ** 20

const sizeColumns = (who: string, names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.flatMap((name) => {
    const table = `${who} ${name.replace("holdfast_", "")}`
    return [`${table} MiB`, `${table} indexes MiB`, `${table} dead`, `${table} vacuums`]
  })
const sizeCells = (sizes: ReadonlyArray<TableSize>): ReadonlyArray<number> =>
  sizes.flatMap(({ dead, indexes, total, vacuums }) => [megabytes(total), megabytes(indexes), dead, vacuums])

const columns = [
  "messages",
  "messages/s",
  ...sizeColumns("sender", tables.sender),
  ...sizeColumns("receiver", tables.receiver)
]

/** Steps of `size`, the last one with what is left. */
export const steps = (
  messages: number,
  size: number
): ReadonlyArray<{ readonly from: number; readonly count: number }> =>
  Array.from({ length: Math.ceil(messages / size) }, (_, i) => ({
    from: i * size,
    count: Math.min(size, messages - i * size)
  }))

const run = async (
  { messages: asked, progress, quick }: Options,
  server: PostgresServer.Server,
  folder: string
): Promise<ReadonlyArray<ReadonlyArray<number>>> => {
  const rows: Array<ReadonlyArray<number>> = []
  const messages = asked ?? (quick ? 100_000 : 10_000_000)
  const size = messages < amounts.step ? amounts.quickStep : amounts.step
  await withEnds<Functions>("NodeEnd", "ten-million", async (producer, consumer) => {
    const [sender, receiver] = [await server.createDatabase(), await server.createDatabase()]
    await producer.call("open", { data: path.join(folder, "sender"), database: sender, port: await port() })
    const data = path.join(folder, "receiver")
    await producer.call("connect", await consumer.call("open", { data, database: receiver, port: await port() }))
    for (const { count, from } of steps(messages, size)) {
      await consumer.call("expect", count)
      const started = await producer.call("stream", { ...amounts, from, count })
      const seconds = ((await consumer.call("finished", undefined)) - started) / 1e9
      await producer.call("settled", undefined)
      const { distinct, rows: effects } = await consumer.call("tally", undefined)
      if (effects !== count || distinct !== count) {
        throw new Error(`${count} were sent, the database has ${effects} rows of ${distinct} messages`)
      }
      await Promise.all([producer.call("report", undefined), consumer.call("report", undefined)])
      const sizes = [...(await tableSizes(sender, tables.sender)), ...(await tableSizes(receiver, tables.receiver))]
      rows.push([from + count, count / seconds, ...sizeCells(sizes)])
      progress(`${from + count} messages, ${Math.round(count / seconds)} a second`)
    }
  })
  return rows
}

const measure = async (options: Options): Promise<Findings> => {
  const server = await PostgresServer.start()
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "holdfast-bench-"))
  try {
    const notes = [`PostgreSQL: ${await ServerCounts.describe(server.url)}.`]
    return { measurements: [], curve: { columns, rows: await run(options, server, folder) }, notes }
  } finally {
    await server.stop()
    await fs.rm(folder, { recursive: true, force: true })
  }
}

export const tenMillion: Area = {
  title: "Ten million messages through one pair of databases",
  ours: [],
  onlyByName: true,
  notes: [
    "Two nodes, two PostgreSQL databases of one server, one run. Transactions of 1,000 with one `Delivery.send` per message, four in flight, at most 20,000 messages ahead of the receipts.",
    "After each step everything is settled, the effects are counted, the sizes are read, and the handler's own table is emptied. Autovacuum runs as PostgreSQL comes; vacuums are counted since the start."
  ],
  measure
}
