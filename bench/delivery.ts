/**
 * The delivery benchmark: from the commit at the sender to the effect committed in the receiver's database, every end
 * in a process of its own. A figure is taken only if the receiver's database holds exactly what was sent.
 */
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import * as PostgresServer from "../test/support/PostgresServer.ts"
import { type Area, type Options, orGap } from "./Area.ts"
import type { Functions as GraphileFunctions } from "./delivery/GraphileEnd.ts"
import type { Functions as NaiveFunctions } from "./delivery/NaiveEnd.ts"
import type { Functions as NodeFunctions } from "./delivery/NodeEnd.ts"
import type { Consumer, How, Producer, Tally } from "./delivery/Work.ts"
import { End } from "./End.ts"
import { type Figure, Ledger, quantile } from "./Measurement.ts"

interface Work {
  readonly name: string
  readonly how: How
  /** Messages of a full run. */
  readonly count: number
}

const works: ReadonlyArray<Work> = [
  { name: "one commit each, 16 in flight", how: { _tag: "Single", inFlight: 16 }, count: 10_000 },
  { name: "grouped, 16 senders", how: { _tag: "Grouped", senders: 16 }, count: 20_000 },
  { name: "grouped, 256 senders", how: { _tag: "Grouped", senders: 256 }, count: 20_000 },
  { name: "transactions of 100", how: { _tag: "Batch", size: 100, inFlight: 4 }, count: 20_000 },
  { name: "transactions of 1,000", how: { _tag: "Batch", size: 1_000, inFlight: 4 }, count: 20_000 }
]
const latency = "latency at 200/s"
const commits = "database alone, single-row commits"

/** How much of everything. */
const amounts = (quick: boolean) =>
  quick
    ? { share: 0.1, warmUp: 500, paced: 100, commitMillis: 300 }
    : { share: 1, warmUp: 3_000, paced: 1_000, commitMillis: 1_500 }
type Amounts = ReturnType<typeof amounts>

/** Producer and consumer as the driver calls them. */
interface Pair {
  readonly producer: Producer
  readonly consumer: Omit<Consumer, "delays"> & { readonly delays: () => Promise<Float64Array> }
  /** Microseconds that both processes have computed so far; what the database server did is not in it. */
  readonly cpu: () => Promise<number>
  /** How often both processes have forced something to the disk so far, where that can be counted. */
  readonly fsyncs?: () => Promise<number>
  /** Waits until everything is over between two works. */
  readonly rest?: () => Promise<void>
  readonly alone?: (amount: Amounts) => Promise<ReadonlyArray<Figure>>
}

interface Setting {
  readonly server: PostgresServer.Server
  readonly folder: string
}

interface Contender {
  readonly name: string
  /** Senders that share a commit are a service of ours; what others have to send one by one is done one by one. */
  readonly groups: boolean
  /** Slow ones do less, so that a run does not wait for them. */
  readonly share?: number
  readonly between: (setting: Setting, use: (pair: Pair) => Promise<void>) => Promise<void>
}

type AnyEnd = { readonly cpu: () => Promise<number> }
const cpuOf = (producer: AnyEnd, consumer: AnyEnd) => async (): Promise<number> =>
  (await producer.cpu()) + (await consumer.cpu())

const file = (name: string): URL => new URL(`delivery/${name}.ts`, import.meta.url)

const withEnds = async <F extends Readonly<Record<string, (argument: never) => unknown>>>(
  name: string,
  label: string,
  use: (producer: End<F>, consumer: End<F>) => Promise<void>
): Promise<void> => {
  const producer = new End<F>(file(name), { arguments: [label, "sends"] })
  const consumer = new End<F>(file(name), { arguments: [label, "receives"] })
  try {
    await use(producer, consumer)
  } finally {
    await Promise.all([producer.stop(), consumer.stop()])
  }
}

const ours = (name: string, postgres: boolean): Contender => ({
  name,
  groups: true,
  between: ({ folder, server }, use) =>
    withEnds<NodeFunctions>("NodeEnd", name, async (producer, consumer) => {
      const database = async () => (postgres ? server.createDatabase() : undefined)
      await producer.call("open", { data: path.join(folder, "sender"), database: await database() })
      const address = await consumer.call("open", { data: path.join(folder, "receiver"), database: await database() })
      await producer.call("connect", address)
      const rate = async (inFlight: number, millis: number): Promise<Figure> => ({
        work: commits,
        metric: `${inFlight} in flight`,
        unit: "commits/s",
        better: "more",
        value: await producer.call("commits", { inFlight, millis })
      })
      const fsyncs = async () => (await producer.call("fsyncs", undefined)) + (await consumer.call("fsyncs", undefined))
      await use({
        producer: { send: (job) => producer.call("send", job), pace: (pace) => producer.call("pace", pace) },
        consumer: {
          expect: (count) => consumer.call("expect", count),
          finished: () => consumer.call("finished", undefined),
          tally: () => consumer.call("tally", undefined),
          delays: () => consumer.call("delays", undefined)
        },
        rest: () => producer.call("settled", undefined),
        cpu: cpuOf(producer, consumer),
        ...(postgres ? {} : { fsyncs }),
        alone: async ({ commitMillis }) => [await rate(1, commitMillis), await rate(16, commitMillis)]
      })
    })
})

const naive = (name: string, consume: { readonly most: number; readonly workers: number }): Contender => ({
  name,
  groups: false,
  share: consume.most === 1 ? 0.3 : 1,
  between: ({ server }, use) =>
    withEnds<NaiveFunctions>("NaiveEnd", name, async (producer, consumer) => {
      const database = await server.createDatabase()
      await producer.call("open", database)
      await consumer.call("open", database)
      await consumer.call("prepare", undefined)
      await consumer.call("consume", consume)
      await use({
        producer: { send: (job) => producer.call("send", job), pace: (pace) => producer.call("pace", pace) },
        consumer: {
          expect: (count) => consumer.call("expect", count),
          finished: () => consumer.call("finished", undefined),
          tally: () => consumer.call("tally", undefined),
          delays: () => consumer.call("delays", undefined)
        },
        cpu: cpuOf(producer, consumer)
      })
    })
})

const graphile: Contender = {
  name: "graphile-worker",
  groups: false,
  share: 0.5,
  between: ({ server }, use) =>
    withEnds<GraphileFunctions>("GraphileEnd", "graphile-worker", async (producer, consumer) => {
      const database = await server.createDatabase()
      await producer.call("open", database)
      await consumer.call("open", database)
      await consumer.call("prepare", undefined)
      await consumer.call("consume", undefined)
      await use({
        producer: { send: (job) => producer.call("send", job), pace: (pace) => producer.call("pace", pace) },
        consumer: {
          expect: (count) => consumer.call("expect", count),
          finished: () => consumer.call("finished", undefined),
          tally: () => consumer.call("tally", undefined),
          delays: () => consumer.call("delays", undefined)
        },
        cpu: cpuOf(producer, consumer)
      })
    })
}

const ourNames = ["holdfast, PostgreSQL", "holdfast, PGlite"] as const
const contenders: ReadonlyArray<Contender> = [
  ours(ourNames[0], true),
  ours(ourNames[1], false),
  naive("naive outbox, 500 rows", { most: 500, workers: 1 }),
  naive("naive outbox, row by row", { most: 1, workers: 4 })
]

/** Fails unless the database holds every message once. */
const check = (who: string, what: string, count: number, { distinct, highest, lowest, rows }: Tally): void => {
  if (rows === count && distinct === count && highest - lowest === count - 1) return
  throw new Error(`${who}, ${what}: ${count} were sent, the database has ${rows} rows of ${distinct} messages`)
}

/** About `count`, in whole transactions. */
const whole = (how: How, count: number): number => {
  const size = how._tag === "Batch" ? how.size : 1
  return Math.max(1, Math.round(count / size)) * size
}

/** A work that takes longer has lost something. */
const patience = 180_000

const withinPatience = async <A>(what: string, work: Promise<A>): Promise<A> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not over after ${patience / 1_000} s`)), patience)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** One run of one contender. */
const play = async (contender: Contender, pair: Pair, amount: Amounts): Promise<ReadonlyArray<Figure>> => {
  const { consumer, producer } = pair
  let from = 0
  const run = async (name: string, how: How, count: number): Promise<ReadonlyArray<Figure>> => {
    await consumer.expect(count)
    const before = { cpu: await pair.cpu(), fsyncs: await pair.fsyncs?.() }
    const started = await producer.send({ how, count, from })
    const finished = await withinPatience(`${contender.name}, ${name}`, consumer.finished())
    const seconds = (finished - started) / 1e9
    from += count
    await pair.rest?.()
    const after = { cpu: await pair.cpu(), fsyncs: await pair.fsyncs?.() }
    check(contender.name, name, count, await consumer.tally())
    const figure = (metric: string, unit: string, better: "more" | "less", value: number): Figure => ({
      work: name,
      metric,
      unit,
      better,
      value
    })
    const figures = [
      figure("rate", "messages/s", "more", count / seconds),
      figure("CPU of both ends", "us a message", "less", (after.cpu - before.cpu) / count)
    ]
    if (before.fsyncs === undefined || after.fsyncs === undefined) return figures
    const fsyncs = ((after.fsyncs - before.fsyncs) / count) * 1_000
    return [...figures, figure("fsyncs of both ends", "for 1,000", "less", fsyncs)]
  }

  await run("warm-up", { _tag: "Grouped", senders: 64 }, amount.warmUp)
  const figures = [...((await pair.alone?.(amount)) ?? [])]
  for (const { count, how, name } of works) {
    if (how._tag === "Grouped" && !contender.groups) continue
    figures.push(...(await run(name, how, whole(how, count * amount.share * (contender.share ?? 1)))))
  }
  await consumer.expect(amount.paced)
  await producer.pace({ perSecond: 200, count: amount.paced, from })
  await withinPatience(`${contender.name}, ${latency}`, consumer.finished())
  check(contender.name, latency, amount.paced, await consumer.tally())
  const delays = await consumer.delays()
  const delay = (metric: string, q: number): Figure => ({
    work: latency,
    metric,
    unit: "ms",
    better: "less",
    value: quantile(delays, q)
  })
  return [...figures, delay("p50", 0.5), delay("p99", 0.99)]
}

const measure = async (options: Options) => {
  const { peers, progress, quick, runs } = options
  const ledger = new Ledger()
  const amount = amounts(quick)
  const all = peers ? [...contenders, graphile] : contenders
  const server = await PostgresServer.start()
  try {
    for (let run = 0; run < runs; run++) {
      // Each run begins with another contender, so that nobody always comes after the same one.
      for (const contender of all.map((_, i) => all[(i + run) % all.length]!)) {
        progress(`delivery, run ${run + 1} of ${runs}: ${contender.name}`)
        const folder = await fs.mkdtemp(path.join(os.tmpdir(), "holdfast-bench-"))
        try {
          await orGap(contender !== graphile, options, () =>
            contender.between({ server, folder }, async (pair) =>
              ledger.add(run, contender.name, await play(contender, pair, amount))
            )
          )
        } finally {
          await fs.rm(folder, { recursive: true, force: true })
        }
      }
    }
  } finally {
    await server.stop()
  }
  const inOrder = [commits, ...works.map(({ name }) => name), latency]
  const order = ({ contender }: { readonly contender: string }) => all.findIndex(({ name }) => name === contender)
  return [...ledger.measurements].sort(
    (a, b) =>
      inOrder.indexOf(a.work) - inOrder.indexOf(b.work) || b.metric.localeCompare(a.metric) || order(a) - order(b)
  )
}

export const delivery: Area = {
  title: "Delivery",
  ours: ourNames,
  notes: [
    "200-byte bodies, loopback, every end in a process of its own, fsync on, log level Warn. The time runs from the first send to the commit that brings the last effect; the handler makes one plain insert per message.",
    "holdfast: two nodes as `holdfast start` composes them, a database each (PostgreSQL: two databases of one server; PGlite: embedded, durable).",
    "The others stay in one PostgreSQL database and need no network: an outbox table and a loop over it, one worker that takes 500 rows at a time or four that take one.",
    "graphile-worker (only with --peers): local queue of 500, 24 at a time, completions gathered. Its effect and its completion are two commits.",
    "Grouped is `Delivery.sendNow`. Transactions of 100 and 1,000 are made with one `Delivery.send` per message, four transactions in flight; the others insert them in one statement.",
    "CPU is what the two processes computed until everything was settled, the database server not included: with PGlite the database is in it, with PostgreSQL it is not. It hardly depends on what else the machine does.",
    "fsyncs are counted in the processes themselves, so only where the database is embedded."
  ],
  measure
}
