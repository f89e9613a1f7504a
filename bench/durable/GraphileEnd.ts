/**
 * A peer: graphile-worker on one PostgreSQL database, with the settings of `PeerSettings.graphile`.
 */
import * as Peers from "../Peers.ts"
import { committed, serve } from "./PeerEnd.ts"
import { graphile } from "./PeerSettings.ts"
import type { Parcel } from "./Work.ts"

interface Helpers {
  readonly query: (sql: string, values: ReadonlyArray<unknown>) => Promise<unknown>
}
interface Utils {
  readonly migrate: () => Promise<void>
  readonly addJob: (name: string, payload: Parcel) => Promise<unknown>
  readonly addJobs: (jobs: ReadonlyArray<{ readonly identifier: string; readonly payload: Parcel }>) => Promise<unknown>
  readonly release: () => Promise<void>
}
interface Graphile {
  readonly makeWorkerUtils: (options: object) => Promise<Utils>
  readonly run: (options: object) => Promise<{ readonly stop: () => Promise<void> }>
  readonly Logger: new (factory: () => () => void) => object
}

const { Logger, makeWorkerUtils, run } = await Peers.load<Graphile>("graphile-worker")
const logger = new Logger(() => () => undefined)
let opened: Utils | undefined
let stop = (): Promise<void> => Promise.resolve()
const utils = (): Utils => {
  if (opened === undefined) throw new Error("there is no database")
  return opened
}

const task = async ({ body, n, sentAt }: Parcel, { query }: Helpers): Promise<void> => {
  await query("INSERT INTO bench_effects (n, body) VALUES ($1, $2)", [n, body])
  committed(sentAt)
}

serve({
  open: async ({ database }) => {
    opened = await makeWorkerUtils({ connectionString: database, maxPoolSize: 24, logger })
  },
  prepare: () => utils().migrate(),
  consume: async ({ database }) => {
    const { concurrentJobs, maxPoolSize, ...batching } = graphile.worker
    const runner = await run({
      connectionString: database,
      logger,
      concurrency: concurrentJobs,
      maxPoolSize,
      noHandleSignals: true,
      taskList: { bench: task },
      preset: { worker: batching }
    })
    stop = () => runner.stop()
  },
  sendOne: (parcel) => utils().addJob("bench", parcel),
  sendMany: (parcels) => utils().addJobs(parcels.map((payload) => ({ identifier: "bench", payload }))),
  close: async () => {
    await stop()
    await opened?.release()
  }
})
