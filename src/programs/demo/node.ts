/**
 * One node of the demo, as a process of its own: the same composition as `holdfast start`, with the demo's protocol and
 * heartbeat profile `fast`. The demo starts it, tells it to begin, and may do anything to it.
 *
 * One thing is not as in production. After a break both sides say where they stand before anything is sent again, so
 * that messages hardly ever arrive twice by themselves. Here every 15th batch is sent twice, which is what a late
 * copy looks like to the receiver; the receiver has no part in it.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Cause, Effect, Exit, Layer, Logger, Queue, Redacted, Schedule, type Schema } from "effect"
import { SqlClient } from "effect/sql"
import { profiles } from "../../protocol/link/Heartbeat.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Buggify } from "../../services/Buggify.ts"
import { RetryStore } from "../../services/delivery/RetryStore.ts"
import * as LinkConfig from "../../services/link/LinkConfig.ts"
import { Registry } from "../../services/link/Registry.ts"
import { Node } from "../../services/Node.ts"
import * as Composition from "../Composition.ts"
import * as Contract from "./Contract.ts"
import { counts, createTables, Demo, send, unsent } from "./Ledger.ts"

const duplicating = Layer.sync(Buggify, () => {
  let batches = 0
  return {
    fires: (site) => site === "delivery.batch-sent-again" && ++batches % Contract.twice === 0,
    pass: () => Effect.void
  }
})

const report = (report: Contract.Report) =>
  Effect.sync(() => {
    if (process.connected) process.send?.(Contract.encodeReport(report))
  })

const status = Effect.gen(function* () {
  const registry = yield* Registry
  const store = yield* RetryStore
  const owed = new Map((yield* store.totals(16)).map((link) => [link.peer, link.owed]))
  const { delivered, sent } = yield* counts
  return (peers: ReadonlyArray<NodeKey>): Contract.Status => ({
    _tag: "Status",
    peers: peers.map((key) => {
      const live = registry.session(key)
      return {
        key,
        sent: sent.get(key) ?? 0,
        owed: owed.get(key) ?? 0,
        ...(live === undefined ? {} : { session: String(live.session.number) })
      }
    }),
    delivered
  })
})

/** What the demo says, in order. */
const commands = Effect.gen(function* () {
  const said = yield* Queue.sliding<unknown>(16)
  const listen = (message: unknown) => void Queue.offerUnsafe(said, message)
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("message", listen)),
    () => Effect.sync(() => process.off("message", listen))
  )
  return { next: Effect.flatMap(Queue.take(said), Contract.decodeCommand) }
})

/** Sends at an even pace, and faster when the demo asks for it, until everything is in the ledger; reports for ever. */
const work = Effect.fnUntraced(function* (
  { burst, messages, pause, peers }: Contract.Begin,
  next: Effect.Effect<Contract.Command, Schema.SchemaError>
) {
  const node = yield* Node
  const sql = yield* SqlClient.SqlClient
  const keys = peers.map(({ key }) => key)
  const owing = yield* Effect.forEach(keys, (key) => Effect.map(unsent(key, messages), (numbers) => ({ key, numbers })))
  for (const address of peers) yield* node.connect(address)

  /** The report is a transaction that queues right behind the others, so that it finds the outbox as full as it gets. */
  const round = Effect.fnUntraced(function* (count: number) {
    const due = owing.flatMap(({ key, numbers }) => numbers.splice(0, count).map((number) => ({ key, number })))
    const sending = due.map(({ key, number }) => send(node.key, key, number))
    const reporting = Effect.flatMap(sql.withTransaction(status), (status) => report(status(keys)))
    yield* Effect.all([...sending, reporting], { concurrency: "unbounded", discard: true })
  })
  const even = Effect.repeat(round(burst), Schedule.fixed(pause))
  const rushes = Effect.forever(
    Effect.flatMap(next, (command) => (command._tag === "Rush" ? round(command.messages) : Effect.void))
  )
  yield* Effect.all([even, rushes], { concurrency: "unbounded", discard: true })
})

const main = Effect.gen(function* () {
  yield* createTables
  const node = yield* Node
  const { next } = yield* commands
  yield* report({ _tag: "Ready", key: node.key, port: node.address?.port ?? 0 })
  const begin = yield* next
  if (begin._tag === "Begin") yield* work(begin, next)
}).pipe(Effect.scoped)

/** The end of the demo's own process, however it ends, is the end of this one. */
const orphaned = Effect.callback<never>((resume) => {
  process.once("disconnect", () => resume(Effect.interrupt))
})

const program = Effect.gen(function* () {
  const { data, database } = yield* Contract.decodeStart(process.env[Contract.variable])
  const composition = Composition.layer({
    protocols: [Demo.handled],
    listen: { host: "127.0.0.1", port: 0 },
    network: "demo",
    agent: "holdfast demo",
    data,
    ...(database === undefined ? {} : { database: Redacted.make(database) }),
    link: { ...LinkConfig.defaults, heartbeat: profiles.fast }
  })
  return yield* main.pipe(Effect.provide(composition.pipe(Layer.provide(duplicating))))
})

NodeRuntime.runMain(
  Effect.raceFirst(program, orphaned).pipe(Effect.provide(Logger.layer([Logger.consoleLogFmt]))),
  // To be told to stop is not a failure.
  {
    teardown: (exit, done) => done(Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? 0 : 1)
  }
)
