/**
 * Nodes that say one thing after the other, slowly enough that nothing of it meets anything else: so that what their
 * databases hold in the end depends on nothing but what was said, and on what went wrong. Every table of delivery has
 * rows then.
 */
import { Clock, Effect, Schema } from "effect"
import { SqlError, UniqueViolation } from "effect/sql/SqlError"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import { Timers } from "../../../src/services/delivery/Timers.ts"
import { Transactions } from "../../../src/services/Transactions.ts"
import * as Scenario from "../../../src/testing/cluster/Scenario.ts"
import { epoch } from "../../../src/testing/world/Process.ts"
import * as DeliveryTables from "./DeliveryTables.ts"

const Wish = Schema.Literals(["plain", "refuse", "stale", "late", "crash"])
const Line = Schema.Struct({ n: Schema.Int, subject: Schema.String, wish: Wish })

/** Nothing in a database: what delivery keeps is what is looked at. */
const handle = ({ n, wish }: typeof Line.Type) => {
  if (wish === "refuse") return Effect.fail(Protocol.Rejected.refused("asked"))
  if (wish === "stale") return Effect.fail(Protocol.Rejected.stale(String(n), new Uint8Array([n])))
  if (wish === "late") return Effect.fail(Protocol.Rejected.later("1 day"))
  if (wish === "plain") return Effect.void
  const cause = new Error("a handler that fails every time")
  return Effect.fail(
    new SqlError({ reason: new UniqueViolation({ cause, message: cause.message, constraint: "lines" }) })
  )
}

const Talk = Protocol.make("talk", {
  messages: Line,
  subject: ({ subject }) => subject,
  handle,
  pending: () => Effect.succeed([]),
  timers: Schema.Struct({ n: Schema.Int }),
  onTimer: () => Effect.void
})

/** Milliseconds: when the first one speaks, and how long everybody listens to the end. */
export const [begin, pause] = [3_000, 600]

/** What a node does in its kth turn: the same list for everybody, begun at another place. */
const turns = ["plain", "late", "plain", "refuse", "back", "stale", "timer", "crash", "brief", "plain"] as const

const speak = Effect.fnUntraced(function* ({ name, peers }: Scenario.Self, turn: number) {
  const delivery = yield* Delivery
  const store = yield* RetryStore
  const timers = yield* Timers
  const act = turns[turn % turns.length]!
  const peer = peers[turn % peers.length]!
  const say = (wish: typeof Wish.Type, options?: { readonly within: "10 days" }) =>
    delivery.send(peer.key, Talk, { n: turn, subject: `subject ${turn % 2}`, wish }, options)
  if (act === "back") {
    const [oldest] = yield* store.owed({ limit: 1 })
    if (oldest !== undefined) yield* store.cancel(oldest.id)
  } else if (act === "brief") yield* say("late", { within: "10 days" })
  else if (act === "timer") {
    yield* timers.set({ id: `${name}/${turn}`, protocol: Talk, subject: name, payload: { n: turn }, in: "10 days" })
  } else yield* say(act)
})

/** The turns whose time has not passed when a life begins. */
const users = Effect.fnUntraced(function* (self: Scenario.Self) {
  const transactions = yield* Transactions
  const place = self.name.charCodeAt(0) - "a".charCodeAt(0)
  for (let turn = 0; turn < self.operations; turn++) {
    const at = epoch + begin + pause * (turn * (self.peers.length + 1) + place)
    const wait = at - (yield* Clock.currentTimeMillis)
    if (wait < 0) continue
    yield* Effect.sleep(wait)
    yield* Effect.ignore(transactions.within(speak(self, turn)))
  }
})

/** `end` hears of the tables of all nodes, once the run is quiet. */
export const scenario = (end: (tables: ReadonlyMap<string, DeliveryTables.Tables>) => void) =>
  Scenario.make({
    name: "talk",
    protocols: [Talk.handled],
    users,
    properties: [
      Scenario.together(
        "the tables are read",
        () => DeliveryTables.read,
        (answers) => void end(answers)
      )
    ]
  })
