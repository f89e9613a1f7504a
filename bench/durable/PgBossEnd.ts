/**
 * A peer: pg-boss on one PostgreSQL database, with the settings of `PeerSettings.pgBoss`.
 */
import * as Peers from "../Peers.ts"
import { effect, serve } from "./PeerEnd.ts"
import { pgBoss } from "./PeerSettings.ts"
import type { Parcel } from "./Work.ts"

interface Boss {
  readonly on: (event: "error" | "warning", listener: () => void) => unknown
  readonly start: () => Promise<unknown>
  readonly stop: (options: object) => Promise<void>
  readonly createQueue: (name: string, options: object) => Promise<void>
  readonly send: (name: string, data: Parcel) => Promise<unknown>
  readonly insert: (name: string, jobs: ReadonlyArray<{ readonly data: Parcel }>) => Promise<unknown>
  readonly work: (
    name: string,
    options: object,
    handler: (jobs: ReadonlyArray<{ readonly data: Parcel }>) => Promise<void>
  ) => Promise<string>
}

const { PgBoss } = await Peers.load<{ readonly PgBoss: new (options: object) => Boss }>("pg-boss")
const queue = "bench"
let opened: Boss | undefined
const boss = (): Boss => {
  if (opened === undefined) throw new Error("there is no database")
  return opened
}

serve({
  open: async ({ database }) => {
    opened = new PgBoss({ connectionString: database, ...pgBoss.instance })
    opened.on("error", () => undefined)
    opened.on("warning", () => undefined)
    await opened.start()
  },
  prepare: () => boss().createQueue(queue, pgBoss.queue),
  consume: async () => {
    await boss().work(queue, pgBoss.work, (jobs) => effect(jobs.map(({ data }) => data)))
  },
  sendOne: (parcel) => boss().send(queue, parcel),
  sendMany: (parcels) =>
    boss().insert(
      queue,
      parcels.map((data) => ({ data }))
    ),
  close: async () => opened?.stop({ graceful: false })
})
