/**
 * One whole node as a process: as `holdfast start` composes it, with a protocol whose handler inserts a row.
 */
import { Effect, Layer, ManagedRuntime, Redacted, References } from "effect"
import { SqlClient } from "effect/sql"
import fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import * as Composition from "../../src/programs/Composition.ts"
import * as Address from "../../src/protocol/Address.ts"
import { Delivery } from "../../src/services/delivery/Delivery.ts"
import { RetryStore } from "../../src/services/delivery/RetryStore.ts"
import { Registry } from "../../src/services/link/Registry.ts"
import { Node } from "../../src/services/Node.ts"
import * as End from "../End.ts"
import { arrivals, Bench, message, text } from "./BenchProtocol.ts"
import { range, sending, type Stream, streaming } from "./NodeSending.ts"
import * as RoundTrips from "./RoundTrips.ts"
import * as Work from "./Work.ts"

/** The embedded database forces its files to the disk in this process, where it can be counted. */
let fsyncs = 0
const { fsyncSync } = fs
fs.fsyncSync = (file) => {
  fsyncs++
  fsyncSync(file)
}
syncBuiltinESMExports()

/** Statements that were asked for the sake of counting. */
let reports = 0

/** Connections to the database at the most. */
const connections = 24

export interface Opening {
  /** The data folder. */
  readonly data: string
  /** The database embedded there unless one is named. */
  readonly database: string | undefined
  readonly port: number
}

const makeRuntime = ({ data, database, port }: Opening) =>
  ManagedRuntime.make(
    Composition.layer({
      data,
      database: database === undefined ? undefined : Redacted.make(database),
      maxConnections: connections,
      listen: { host: "127.0.0.1", port },
      protocols: [Bench.handled]
    }).pipe(
      Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "Warn")),
      // As `holdfast start` does where no collector is given.
      Layer.provideMerge(Layer.succeed(References.TracerEnabled, false))
    )
  )

let opened: ReturnType<typeof makeRuntime> | undefined
let peer: Address.Address | undefined
const runtime = () => {
  if (opened === undefined) throw new Error("the node is not open")
  return opened
}
const peerKey = () => {
  if (peer === undefined) throw new Error("the node is not connected")
  return peer.key
}

const functions = {
  /** Returns once the node is ready; its address. */
  open: async (opening: Opening): Promise<string> => {
    RoundTrips.count(opening.database)
    opened = makeRuntime(opening)
    const { address } = await opened.runPromise(Node)
    await opened.runPromise(SqlClient.SqlClient.use((sql) => sql.unsafe(Work.createEffects)))
    return String(address)
  },
  /** Returns once the session is live. */
  connect: (address: string): Promise<void> =>
    runtime().runPromise(
      Effect.gen(function* () {
        const to = yield* Effect.fromResult(Address.parse(address))
        peer = to
        const node = yield* Node
        const registry = yield* Registry
        yield* node.connect(to)
        while (registry.session(to.key) === undefined) yield* Effect.sleep("10 millis")
      })
    ),
  send: async (job: Work.Job): Promise<number> => {
    const at = End.now()
    await runtime().runPromise(sending(peerKey(), job))
    return at
  },
  stream: async (stream: Stream): Promise<number> => {
    const at = End.now()
    await runtime().runPromise(streaming(peerKey(), stream))
    return at
  },
  pace: ({ count, from, perSecond }: Work.Pace): Promise<void> =>
    runtime().runPromise(
      Effect.gen(function* () {
        const delivery = yield* Delivery
        const send = (n: number) => Effect.suspend(() => delivery.sendNow(peerKey(), Bench, message(n, End.now())))
        yield* Effect.forEach(range(count, from), (n) => Effect.delay(send(n), ((n - from) * 1_000) / perSecond), {
          concurrency: "unbounded",
          discard: true
        })
      })
    ),
  /** Returns once nothing is owed any more. */
  settled: (): Promise<void> =>
    runtime().runPromise(
      Effect.gen(function* () {
        const store = yield* RetryStore
        while ((yield* store.debtors(1)).length > 0) yield* Effect.sleep("20 millis")
      })
    ),
  expect: async (count: number): Promise<void> => {
    await runtime().runPromise(SqlClient.SqlClient.use((sql) => sql.unsafe(Work.emptyEffects)))
    arrivals.expect(count)
  },
  finished: () => arrivals.finished,
  tally: async (): Promise<Work.Tally> => {
    const rows = await runtime().runPromise(SqlClient.SqlClient.use((sql) => sql.unsafe<Work.Tally>(Work.tallyEffects)))
    return rows[0]!
  },
  delays: () => arrivals.delays,
  /** What this process has done so far: fsyncs are those of the embedded database, reports are left out. */
  counts: () => {
    const { roundTrips, statements } = RoundTrips.asked()
    return { fsyncs, statements: statements - reports, roundTrips: roundTrips - reports, reports }
  },
  /** The server learns what the connections of this node did. */
  report: async (): Promise<void> => {
    await runtime().runPromise(
      SqlClient.SqlClient.use((sql) =>
        Effect.all(
          // Each holds its connection long enough that the next one needs another, and reads a table: a process that has
          // read nothing reports nothing.
          range(connections, 0).map(
            () => sql`SELECT pg_stat_force_next_flush(), pg_sleep(0.4), count(*) FROM holdfast_node`
          ),
          { concurrency: "unbounded", discard: true }
        )
      )
    )
    reports += connections
  },
  /** Single-row commits with so many in flight, for so long; how many a second. */
  commits: ({ inFlight, millis }: { readonly inFlight: number; readonly millis: number }): Promise<number> =>
    runtime().runPromise(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE IF NOT EXISTS bench_commits (n integer NOT NULL, body text NOT NULL)`
        const from = performance.now()
        let done = 0
        const client = Effect.gen(function* () {
          while (performance.now() - from < millis) {
            yield* sql`INSERT INTO bench_commits (n, body) VALUES (${done}, ${text})`
            done++
          }
        })
        yield* Effect.all(
          range(inFlight, 0).map(() => client),
          { concurrency: "unbounded", discard: true }
        )
        return (done / (performance.now() - from)) * 1_000
      })
    )
}
export type Functions = typeof functions

End.serve(functions, () => opened?.dispose())
