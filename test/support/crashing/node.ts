/**
 * A node as the crash tests run it: the composition that every node runs, with the load on top and points that hold a
 * fiber or freeze the process. The points can only be armed here; no production program has them.
 *
 * Its argument is an `Assignment`. It ends with its parent, or gracefully on SIGTERM.
 */
import { Effect, Latch, Layer, Logger, Queue, Random, Redacted, Schedule, Semaphore, Stream } from "effect"
import { SqlClient } from "effect/sql"
import * as Composition from "../../../src/programs/Composition.ts"
import * as Main from "../../../src/programs/Main.ts"
import * as Address from "../../../src/protocol/Address.ts"
import * as Heartbeat from "../../../src/protocol/link/Heartbeat.ts"
import { Buggify, type Site } from "../../../src/services/Buggify.ts"
import { whileOwning } from "../../../src/services/delivery/Ownership.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import * as DeliveryConfig from "../../../src/services/delivery/DeliveryConfig.ts"
import * as LinkConfig from "../../../src/services/link/LinkConfig.ts"
import { Registry } from "../../../src/services/link/Registry.ts"
import { Node } from "../../../src/services/Node.ts"
import * as Load from "./Load.ts"
import * as Pile from "./Pile.ts"
import { decodeAssignment, decodeOrder, type Order, type Report } from "./Talk.ts"

const assignment = decodeAssignment(process.argv[2])

const report = (what: Report): void => {
  process.send?.(what)
}

/** What is armed, and what the batch at hand was answered with. */
let armed: { readonly order: Omit<Extract<Order, { _tag: "Arm" }>, "_tag">; left: number } | undefined
if (assignment.armed !== undefined) {
  armed = { order: { ...assignment.armed, signal: "hold" }, left: assignment.armed.passes }
}
const answers = new Set<string>()

const released = Latch.makeUnsafe(false)

const strike = (site: Site): Effect.Effect<void> => {
  const fits = armed?.order.site === site && (armed.order.having === undefined || answers.has(armed.order.having))
  if (site === "delivery.committed-before-receipt") answers.clear()
  if (armed === undefined || !fits || --armed.left > 0) return Effect.void
  const { signal } = armed.order
  armed = undefined
  if (signal === "hold") {
    released.closeUnsafe()
    report({ _tag: "Held" })
    return released.await
  }
  process.kill(process.pid, signal)
  return Effect.void
}

/** One batch in sixteen is sent twice. */
const repeats = (() => {
  let state = assignment.seed | 1
  return () => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223
    return state >>> 28 === 0
  }
})()

const points = Layer.succeed(Buggify, {
  fires: (site) => site === "delivery.batch-sent-again" && repeats(),
  pass: (site) => Effect.suspend(() => strike(site))
})

let arrived = 0
let newest = 0
let sent = 0
let toldArrived = true
const tellArrived = (): void => {
  toldArrived = true
  report({ _tag: "Arrived", count: arrived, newest })
}
const watcher: Load.Watcher = {
  arrived: ({ at, since }) => {
    arrived++
    newest = Math.max(newest, at)
    if (toldArrived) setImmediate(tellArrived)
    toldArrived = false
    if (since === undefined) return
    report({ _tag: "Probed", micros: Number((process.hrtime.bigint() - since) / 1_000n) })
  },
  sent: () => report({ _tag: "Sent", count: ++sent }),
  answered: (outcome) => answers.add(outcome)
}
const protocols = Load.protocols(watcher)

const peers = assignment.peers.map((text) => {
  const address = Address.parse(text)
  if (address._tag === "Failure") throw address.failure
  return address.success
})

const { database, maxConnections, receiptTimeout } = assignment
const options = {
  protocols: [protocols.plain.handled, protocols.answered.handled],
  data: assignment.data,
  ...(database === undefined ? {} : { database: Redacted.make(database) }),
  ...(maxConnections === undefined ? {} : { maxConnections }),
  listen: { host: "127.0.0.1", port: assignment.port },
  peers,
  link: {
    ...LinkConfig.defaults,
    heartbeat: Heartbeat.profiles.fast,
    firstDialDelay: 50,
    // A node that dies twenty times in a minute is what this is about; it must not be left alone for it.
    redial: { ...LinkConfig.defaults.redial, baseMillis: 100, capMillis: 1_000, starts: 1_000 }
  },
  delivery: { ...DeliveryConfig.defaults, ...(receiptTimeout === undefined ? {} : { receiptTimeout }) }
}

/** Orders, one after the other. A parent that is gone ends the process. */
const orders = Effect.runSync(Queue.unbounded<Order>())
process.on("message", (message) => Queue.offerUnsafe(orders, decodeOrder(message)))
process.on("disconnect", () => process.exit(1))

/** Whether it sends, also when it owns the node again. */
const gate = Latch.makeUnsafe(assignment.load)

const program = Effect.gen(function* () {
  const { address, key } = yield* Node
  const registry = yield* Registry
  const sql = yield* SqlClient.SqlClient
  const permits = yield* Semaphore.make(assignment.lanes)
  report({ _tag: "Ready", key, address: String(address) })

  yield* registry.transitions.pipe(
    Stream.runForEach(({ from, reason, to }) =>
      Effect.sync(() => {
        if (to === "active") report({ _tag: "Session", live: true })
        if (from === "active" && to === "closed") report({ _tag: "Session", live: false, reason: reason ?? "" })
      })
    ),
    Effect.forkScoped({ startImmediately: true })
  )
  // A session that was live before anybody listened.
  if (registry.sessions().length > 0) report({ _tag: "Session", live: true })

  const drained = sql<{ readonly owed: bigint }>`SELECT count(*) AS owed FROM holdfast_outbox`.pipe(
    Effect.map(([row]) => row?.owed === 0n),
    Effect.orElseSucceed(() => false),
    Effect.repeat({ schedule: Schedule.spaced(20), until: (done) => done })
  )
  // For whoever looks into a test that waited in vain.
  const whyNot = Effect.gen(function* () {
    yield* Effect.sleep("20 seconds")
    const store = yield* RetryStore
    for (const owed of yield* store.owed({ limit: 20 })) yield* Effect.logInfo("Still owed", owed)
  }).pipe(Effect.ignore)
  const perform = Effect.fnUntraced(function* (order: Order) {
    switch (order._tag) {
      case "Load": {
        yield* order.on ? gate.open : gate.close
        // Nobody begins any more; those who are at it hold a permit each.
        if (!order.on) yield* permits.withPermits(assignment.lanes)(Effect.void)
        return report({ _tag: "Sending", on: order.on })
      }
      case "Arm":
        armed = { order, left: order.passes }
        return
      case "Pile":
        yield* Effect.forkScoped(
          Pile.pile(peers[order.peer]!.key, protocols, order, (count) => report({ _tag: "Piled", count }))
        )
        return
      case "Probe":
        if (order.everyMillis === 0) return report({ _tag: "ProbesSent", count: Pile.stopProbing() })
        yield* Effect.forkScoped(Pile.probe(peers[order.peer]!.key, protocols, order))
        return
      case "Weigh":
        return report({ _tag: "Weighed", weight: yield* Pile.weight })
      case "Release":
        return yield* released.open
      case "Drain":
        yield* Effect.raceFirst(drained, Effect.andThen(whyNot, Effect.never))
        return report({ _tag: "Drained" })
    }
  })

  const { lanePrefix: prefix = "lane", lanes, paceMillis } = assignment
  const loads = Effect.forEach(
    peers,
    ({ key }) => Load.run(key, protocols, { lanes, prefix, paceMillis, gate, permits }, watcher),
    {
      concurrency: "unbounded",
      discard: true
    }
  )
  return yield* Effect.raceFirst(
    Effect.andThen(loads, Effect.never),
    Effect.forever(Effect.flatMap(Queue.take(orders), perform))
  )
}).pipe(Effect.scoped)

const ground = Layer.mergeAll(points, Pile.weighing, Logger.layer([Logger.consoleJson]))
const onStandby = Effect.sync(() => report({ _tag: "StandsBy" }))

/** As users run a node: whenever this process owns it. */
const inTurn = Effect.suspend(() =>
  whileOwning(Effect.provide(program, Layer.fresh(Layer.provide(Composition.node(options), ground)))).pipe(
    Effect.provide(Layer.provideMerge(Composition.standing({ ...options, onStandby }), ground))
  )
)
const alone = Effect.suspend(() => Effect.provide(program, Layer.provideMerge(Composition.layer(options), ground)))

Main.run(Main.untilSignal(Random.withSeed(assignment.standby === true ? inTurn : alone, assignment.seed)))
