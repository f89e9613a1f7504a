/**
 * A peer: graphile-worker on one PostgreSQL database, with the settings that its documentation names for throughput: a
 * local queue, and completions that are gathered.
 */
import * as End from "../End.ts"
import * as Peers from "../Peers.ts"
import { Arrivals } from "./Arrivals.ts"
import * as Work from "./Work.ts"

interface Queryable {
  readonly query: <Row>(sql: string, values?: ReadonlyArray<unknown>) => Promise<{ readonly rows: ReadonlyArray<Row> }>
}
interface Payload {
  readonly n: number
  readonly sentAt: number
  readonly body: string
}
type Task = (payload: Payload, helpers: { readonly query: Queryable["query"] }) => Promise<void>
interface Utils {
  readonly migrate: () => Promise<void>
  readonly addJob: (name: string, payload: Payload) => Promise<unknown>
  readonly addJobs: (
    jobs: ReadonlyArray<{ readonly identifier: string; readonly payload: Payload }>
  ) => Promise<unknown>
  readonly withPgClient: <A>(use: (client: Queryable) => Promise<A>) => Promise<A>
  readonly release: () => Promise<void>
}
interface Runner {
  readonly stop: () => Promise<void>
}
interface Graphile {
  readonly makeWorkerUtils: (options: object) => Promise<Utils>
  readonly run: (options: object) => Promise<Runner>
  readonly Logger: new (factory: () => () => void) => object
}

const { Logger, makeWorkerUtils, run } = await Peers.load<Graphile>("graphile-worker")
const logger = new Logger(() => () => undefined)
const arrivals = new Arrivals()
const body = Work.padding(Work.bodyBytes)
let database = ""
let opened: Utils | undefined
let runner: Runner | undefined
const utils = (): Utils => {
  if (opened === undefined) throw new Error("there is no database")
  return opened
}

const payload = (n: number, sentAt: number): Payload => ({ n, sentAt, body })

const task: Task = async ({ body: text, n, sentAt }, helpers) => {
  await helpers.query("INSERT INTO bench_effects (n, body) VALUES ($1, $2)", [n, text])
  arrivals.committed(sentAt)
}

/** Runs `one` for 0 to `count` - 1, so many at a time. */
const concurrently = async (count: number, inFlight: number, one: (i: number) => Promise<unknown>): Promise<void> => {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) await one(next++)
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
}

const functions = {
  open: async (url: string): Promise<void> => {
    database = url
    opened = await makeWorkerUtils({ connectionString: url, maxPoolSize: 24, logger })
  },
  prepare: async (): Promise<void> => {
    await utils().migrate()
    await utils().withPgClient((client) => client.query(Work.createEffects))
  },
  consume: async (): Promise<void> => {
    runner = await run({
      connectionString: database,
      logger,
      concurrency: 24,
      maxPoolSize: 30,
      noHandleSignals: true,
      taskList: { bench: task },
      preset: { worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } }
    })
  },
  send: async ({ count, from, how }: Work.Job): Promise<number> => {
    const at = End.now()
    if (how._tag === "Batch") {
      await concurrently(count / how.size, how.inFlight, (batch) =>
        utils().addJobs(
          Array.from({ length: how.size }, (_, i) => ({
            identifier: "bench",
            payload: payload(from + batch * how.size + i, -1)
          }))
        )
      )
    } else {
      const inFlight = how._tag === "Grouped" ? how.senders : how.inFlight
      await concurrently(count, inFlight, (i) => utils().addJob("bench", payload(from + i, -1)))
    }
    return at
  },
  pace: async ({ count, from, perSecond }: Work.Pace): Promise<void> => {
    const later = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))
    await Promise.all(
      Array.from({ length: count }, async (_, i) => {
        await later((i * 1_000) / perSecond)
        await utils().addJob("bench", payload(from + i, End.now()))
      })
    )
  },
  expect: async (count: number): Promise<void> => {
    await utils().withPgClient((client) => client.query(Work.emptyEffects))
    arrivals.expect(count)
  },
  finished: () => arrivals.finished,
  tally: async (): Promise<Work.Tally> => {
    const { rows } = await utils().withPgClient((client) => client.query<Work.Tally>(Work.tallyEffects))
    return rows[0]!
  },
  delays: () => arrivals.delays
}
export type Functions = typeof functions

End.serve(functions, async () => {
  await runner?.stop()
  await opened?.release()
})
