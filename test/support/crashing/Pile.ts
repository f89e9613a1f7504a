/**
 * What a node does when it is told to pile messages up for a peer, to probe how long one takes to another peer, and to
 * say what all that costs it in memory.
 */
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import * as DeliveryMeter from "../../../src/services/delivery/DeliveryMeter.ts"
import { LinkTap } from "../../../src/services/link/LinkTap.ts"
import type { Parcel, Protocols } from "./Load.ts"
import type { Order, Weight } from "./Talk.ts"

type PileOrder = Extract<Order, { _tag: "Pile" }>
type ProbeOrder = Extract<Order, { _tag: "Probe" }>

/** The subjects of both, by which the receivers' tables are read. */
export const subjects = { pile: "pile", probe: "probe" }

const meter = DeliveryMeter.make()
let frameBytes = 0

/** Notices how large the DATA frames are that this node sends. */
export const weighing = Layer.merge(
  Layer.succeed(DeliveryMeter.DeliveryMeter, meter),
  Layer.succeed(LinkTap, {
    sent: (_, kind, bytes) => {
      if (kind === Frame.Kind.Data && bytes > frameBytes) frameBytes = bytes
    },
    received: () => undefined
  })
)

/** Twice, for what lies outside of the heap is given back a moment after it was found to be garbage. */
const collect = Effect.promise(async () => {
  for (let turn = 0; turn < 2; turn++) {
    globalThis.gc?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
})

export const weight = Effect.map(collect, (): Weight => {
  const { external, heapUsed } = process.memoryUsage()
  const { max } = meter.reading().sentBatches
  return { heap: heapUsed, outside: external, frameBytes, frameMessages: Number.isFinite(max) ? max : 0 }
})

const now = Effect.clockWith((clock) => clock.currentTimeMillis)

/** Sends messages numbered from 1 on, of one subject, in transactions of `each`; `committed` hears how many there are. */
export const pile = Effect.fnUntraced(function* (
  to: NodeKey,
  { plain }: Protocols,
  { bytes, each, messages }: PileOrder,
  committed: (count: number) => void
) {
  const sql = yield* SqlClient.SqlClient
  const delivery = yield* Delivery
  const padding = "x".repeat(bytes)
  const transaction = Effect.fnUntraced(function* (from: number, upTo: number) {
    for (let n = from; n <= upTo; n++) {
      const parcel: Parcel = { kind: "plain", subject: subjects.pile, n, at: yield* now, padding }
      yield* delivery.send(to, plain, parcel)
    }
  })
  for (let from = 1; from <= messages; from += each) {
    const upTo = Math.min(messages, from + each - 1)
    yield* sql.withTransaction(transaction(from, upTo))
    committed(upTo)
  }
})

let probing = false
let probes = 0

/** Sends one message every so often, whatever became of those before, until it is stopped. */
export const probe = Effect.fnUntraced(function* (to: NodeKey, { plain }: Protocols, { everyMillis }: ProbeOrder) {
  const delivery = yield* Delivery
  probing = true
  while (probing) {
    const n = ++probes
    const parcel: Parcel = { kind: "plain", subject: subjects.probe, n, at: yield* now, since: process.hrtime.bigint() }
    yield* Effect.forkScoped(delivery.sendNow(to, plain, parcel), { startImmediately: true })
    yield* Effect.sleep(everyMillis)
  }
})

/** How many there were. */
export const stopProbing = (): number => {
  probing = false
  return probes
}
