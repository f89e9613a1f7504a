/**
 * One end of somebody else's software: what differs between them is how a message is sent and how it is consumed. The
 * database of the effects is reached with `pg`, which is what programs on these would use.
 */
import * as End from "../End.ts"
import * as Peers from "../Peers.ts"
import { Arrivals } from "./Arrivals.ts"
import * as Work from "./Work.ts"

/** Where everything is. */
export interface Place {
  readonly database: string
  /** Of the server between the two ends, where there is one. */
  readonly address: string | undefined
}

export interface Peer {
  readonly open: (place: Place) => Promise<void>
  /** Makes its tables or queues, once. */
  readonly prepare: () => Promise<void>
  /** Consumes for as long as the process lives. */
  readonly consume: (place: Place) => Promise<void>
  /** Returns once the message is durable. */
  readonly sendOne: (parcel: Work.Parcel) => Promise<unknown>
  /** Returns once all are durable; as one transaction where there are such. */
  readonly sendMany: (parcels: ReadonlyArray<Work.Parcel>) => Promise<unknown>
  readonly close: () => Promise<unknown>
}

interface Pool {
  readonly query: <Row>(sql: string, values?: ReadonlyArray<unknown>) => Promise<{ readonly rows: ReadonlyArray<Row> }>
  readonly end: () => Promise<void>
}
interface Pg {
  readonly default: { readonly Pool: new (options: object) => Pool }
}

const arrivals = new Arrivals()
let pool: Pool | undefined
let place: Place | undefined
const database = (): Pool => {
  if (pool === undefined) throw new Error("there is no database")
  return pool
}

/** Commits the effects of messages in one statement and counts them. */
export const effect = async (parcels: ReadonlyArray<Work.Parcel>): Promise<void> => {
  await database().query(Work.insertEffects, [parcels.map(({ n }) => n), parcels.map(({ body }) => body)])
  for (const { sentAt } of parcels) arrivals.committed(sentAt)
}

/** For a peer that has a connection at hand. */
export const committed = (sentAt: number): void => arrivals.committed(sentAt)

/** Runs `one` for 0 to `count` - 1, so many at a time. */
const concurrently = async (count: number, inFlight: number, one: (i: number) => Promise<unknown>): Promise<void> => {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) await one(next++)
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
}

const later = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

const functionsOf = (peer: Peer) => ({
  open: async (where: Place): Promise<void> => {
    place = where
    const { default: pg } = await Peers.load<Pg>("pg")
    pool = new pg.Pool({ connectionString: where.database, max: 4 })
    await peer.open(where)
  },
  prepare: async (): Promise<void> => {
    await database().query(Work.createEffects)
    await peer.prepare()
  },
  consume: async (): Promise<void> => {
    if (place !== undefined) await peer.consume(place)
  },
  send: async ({ count, from, how }: Work.Job): Promise<number> => {
    const at = End.now()
    if (how._tag === "Batch") {
      await concurrently(count / how.size, how.inFlight, (batch) =>
        peer.sendMany(Array.from({ length: how.size }, (_, i) => Work.parcel(from + batch * how.size + i)))
      )
    } else {
      const inFlight = how._tag === "Grouped" ? how.senders : how.inFlight
      await concurrently(count, inFlight, (i) => peer.sendOne(Work.parcel(from + i)))
    }
    return at
  },
  pace: async ({ count, from, perSecond }: Work.Pace): Promise<void> => {
    await Promise.all(
      Array.from({ length: count }, async (_, i) => {
        await later((i * 1_000) / perSecond)
        await peer.sendOne(Work.parcel(from + i, End.now()))
      })
    )
  },
  expect: async (count: number): Promise<void> => {
    await database().query(Work.emptyEffects)
    arrivals.expect(count)
  },
  finished: (): Promise<number> => arrivals.finished,
  tally: async (): Promise<Work.Tally> => (await database().query<Work.Tally>(Work.tallyEffects)).rows[0]!,
  delays: (): Float64Array => arrivals.delays
})
export type Functions = ReturnType<typeof functionsOf>

export const serve = (peer: Peer): void =>
  End.serve(functionsOf(peer), async () => {
    await peer.close()
    await pool?.end()
  })
