import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Metric } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import { TestClock } from "effect/testing"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { CreditMetrics, freshMillis } from "../../src/layers/CreditMetrics.ts"
import * as CreditMeter from "../../src/services/credit/CreditMeter.ts"
import { Records } from "../../src/services/Records.ts"
import { MemoryNetwork } from "../../src/testing/TransportMemory.ts"
import * as People from "../support/credit/CreditPeople.ts"
import { hostOf, keyOf } from "../support/LinkNode.ts"
import { pass } from "../support/VirtualTime.ts"

const includes = (text: string, lines: ReadonlyArray<string>): void => {
  for (const line of lines) assert.include(text.split("\n"), line)
}

const lost = new SqlError({ reason: new ConnectionError({ cause: new Error("down"), message: "down" }) })

interface Exposed {
  readonly refresh: Effect.Effect<void>
  readonly scrape: Effect.Effect<string>
  readonly meter: CreditMeter.Meter
}

/** What is exposed of these records and this meter while `use` runs; no series is left afterwards. */
const exposed = <E, R>(
  records: Records["Service"],
  meter: CreditMeter.Meter,
  use: (exposed: Exposed) => Effect.Effect<void, E, R>
) =>
  Effect.gen(function* () {
    const registry: Metric.MetricRegistry = new Map()
    yield* Effect.flatMap(CreditMetrics, ({ refresh }) =>
      use({ refresh, scrape: PrometheusMetrics.format(), meter })
    ).pipe(
      Effect.provide(CreditMetrics.layer.pipe(Layer.provide(Layer.succeed(Records, records)))),
      Effect.provideService(CreditMeter.CreditMeter, meter),
      Effect.provideService(Metric.MetricRegistry, registry)
    )
    assert.strictEqual(registry.size, 0, "series are left when the node is gone")
  })

/** Records of no rows; each page is counted. */
const noRows = (answer: () => Effect.Effect<void, SqlError> = () => Effect.void) => {
  const seen = { pages: 0 }
  const page = () =>
    Effect.suspend(() => {
      seen.pages++
      return Effect.as(answer(), [])
    })
  const records = Layer.mock(Records, { page, get: () => Effect.as(Effect.suspend(answer), undefined) })
  return {
    seen,
    records: Effect.provide(
      Effect.map(Records, (found) => found),
      records
    )
  }
}

describe("the metrics of credit", () => {
  it.effect("count payments on one tally like other commands, those that share a transaction as well", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const meter = CreditMeter.make()
      const cat = yield* People.join({ network, seed: 1, name: "cat" })
      const joining = People.join({ network, seed: 2, name: "dan", to: [cat] })
      const dan = yield* Effect.provideService(joining, CreditMeter.CreditMeter, meter)
      const tally = yield* People.open(cat, dan)
      const pay = (units: bigint, key: string) => dan.tries({ _tag: "Pay", tally, units }, key)
      const all = [pay(5n, "one"), pay(7n, "two"), pay(5_000n, "much"), pay(9n, "one")]
      yield* Effect.all(all, { concurrency: "unbounded" })
      const { commands, refusals } = meter.reading()
      assert.strictEqual(commands.get("Pay done"), 2)
      assert.strictEqual(commands.get("Pay refused"), 2)
      assert.strictEqual(refusals.get("command no-room"), 1)
      assert.strictEqual(refusals.get("command key-taken"), 1)
    }).pipe(Effect.scoped)
  )

  it.effect("follow a payment over others from the command to its end, at each node", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const meters = [CreditMeter.make(), CreditMeter.make(), CreditMeter.make()] as const
      const all: Array<People.Somebody> = []
      for (const [index, name] of ["ann", "bob", "cat"].entries()) {
        const joining = People.join({ network, seed: index + 1, name, to: all })
        all.push(yield* Effect.provideService(joining, CreditMeter.CreditMeter, meters[index]!))
      }
      const [ann, bob, cat] = all
      yield* People.open(bob!, ann!)
      yield* People.open(cat!, bob!)
      yield* ann!.does({ _tag: "PayOver", to: cat!.person, units: 70n })
      yield* People.soon
      yield* People.soon
      yield* People.soon
      const recordsOf = ({ node }: People.Somebody) => node.run(Effect.map(Records, (records) => records))
      yield* exposed(yield* recordsOf(ann!), meters[0], ({ refresh, scrape }) =>
        Effect.gen(function* () {
          yield* refresh
          const text = yield* scrape
          includes(text, [
            'holdfast_credit_commands_total{kind="PayOver",result="done"} 1',
            'holdfast_credit_commands_total{kind="AcceptTally",result="done"} 1',
            'holdfast_credit_messages_total{kind="Offer",outcome="ok"} 1',
            'holdfast_credit_lifts_total{role="origin",status="promised"} 1',
            'holdfast_credit_lifts_total{role="origin",status="good"} 1',
            'holdfast_credit_lifts_total{role="other",status="good"} 0',
            'holdfast_credit_lift_duration_seconds_count{verdict="good"} 1',
            'holdfast_credit_payment_duration_seconds_count{result="good"} 1',
            'holdfast_credit_payment_duration_seconds_count{result="void"} 0',
            'holdfast_credit_referee_votes_total{verdict="good"} 1',
            'holdfast_credit_referee_decisions_total{verdict="good"} 1',
            'holdfast_credit_events_total{audience="user",kind="payment.good"} 1',
            'holdfast_credit_events_total{audience="user",kind="tally.open"} 1',
            'holdfast_credit_waiting{what="payment.lifting"} 0',
            'holdfast_credit_waiting{what="lift.promised"} 0'
          ])
          const sum = /^holdfast_credit_payment_duration_seconds_sum{result="good"} (\S+)$/m.exec(text)?.[1]
          assert.isAtLeast(Number(sum), 0)
          assert.isBelow(Number(sum), 3)
        })
      )
      yield* exposed(yield* recordsOf(bob!), meters[1], ({ scrape }) =>
        Effect.map(scrape, (text) =>
          includes(text, [
            'holdfast_credit_lifts_total{role="other",status="promised"} 1',
            'holdfast_credit_lifts_total{role="other",status="good"} 1',
            'holdfast_credit_lift_duration_seconds_count{verdict="good"} 0',
            'holdfast_credit_referee_votes_total{verdict="good"} 0',
            "holdfast_credit_chits_placed_total 2"
          ])
        )
      )
    }).pipe(Effect.scoped)
  )

  it.effect("tell how long chits wait for their place, what is refused, and what waits for whom since when", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const meter = CreditMeter.make()
      const ann = yield* Effect.provideService(
        People.join({ network, seed: 1, name: "ann" }),
        CreditMeter.CreditMeter,
        meter
      )
      const bob = yield* People.join({ network, seed: 2, name: "bob", to: [ann] })
      const tally = yield* People.open(ann, bob)
      yield* bob.does({ _tag: "Pay", tally, units: 500n })
      yield* People.soon
      yield* ann.does({ _tag: "Pay", tally, units: 100n })
      yield* People.soon
      assert.strictEqual(yield* ann.tries({ _tag: "Pay", tally, units: 5_000n }), "no-room")
      assert.isObject(yield* ann.tries({ _tag: "Pay", tally, units: 7n }, "lunch"))
      assert.strictEqual(yield* ann.tries({ _tag: "Pay", tally, units: 8n }, "lunch"), "CommandKeyTaken")
      yield* bob.does({ _tag: "Ask", tally, units: 20n })
      yield* People.soon
      const records = yield* ann.node.run(Effect.map(Records, (found) => found))
      yield* exposed(records, meter, ({ refresh, scrape }) =>
        Effect.gen(function* () {
          includes(yield* scrape, ['holdfast_credit_waiting{what="chit.asked"} NaN'])
          yield* refresh
          includes(yield* scrape, [
            // Two of hers, which Bob orders, and one of his.
            "holdfast_credit_chits_placed_total 3",
            "holdfast_credit_chit_place_duration_seconds_count 2",
            'holdfast_credit_commands_total{kind="Pay",result="done"} 2',
            'holdfast_credit_commands_total{kind="Pay",result="refused"} 2',
            'holdfast_credit_refusals_total{of="command",reason="no-room"} 1',
            'holdfast_credit_refusals_total{of="command",reason="key-taken"} 1',
            'holdfast_credit_waiting{what="chit.asked"} 1',
            'holdfast_credit_waiting{what="chit.unplaced"} 0',
            'holdfast_credit_waiting_oldest_age_seconds{what="chit.asked"} 1'
          ])
          yield* TestClock.adjust("10 seconds")
          includes(yield* scrape, [
            'holdfast_credit_waiting_oldest_age_seconds{what="chit.asked"} 11',
            "holdfast_credit_waiting_read_age_seconds 10"
          ])
          const [asked] = yield* ann.node.credit.moving(ann.user, tally, 1)
          yield* ann.does({ _tag: "Decline", tally, chit: asked!.core.uuid, revision: 1 })
          // What has just been read is not read again.
          yield* refresh
          includes(yield* scrape, ['holdfast_credit_waiting{what="chit.asked"} 1'])
          yield* TestClock.adjust(freshMillis)
          yield* refresh
          includes(yield* scrape, [
            'holdfast_credit_waiting{what="chit.asked"} 0',
            'holdfast_credit_waiting_oldest_age_seconds{what="chit.asked"} 0',
            "holdfast_credit_waiting_read_age_seconds 0"
          ])
        })
      )
    }).pipe(Effect.scoped)
  )

  it.effect("show a lift that nobody decides, once, and for how long it holds value", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const meter = CreditMeter.make()
      const joining = People.join({ network, seed: 1, name: "ann" })
      const ann = yield* Effect.provideService(joining, CreditMeter.CreditMeter, meter)
      const bob = yield* People.join({ network, seed: 2, name: "bob", to: [ann] })
      yield* People.open(bob, ann)
      // Nobody is there.
      const referees = [{ key: keyOf(9), host: hostOf(9), port: 4000 }]
      yield* ann.does({ _tag: "PayOver", to: bob.person, units: 70n, referees })
      yield* pass("5 minutes")
      const records = yield* ann.node.run(Effect.map(Records, (found) => found))
      yield* exposed(records, meter, ({ refresh, scrape }) =>
        Effect.gen(function* () {
          yield* refresh
          includes(yield* scrape, [
            'holdfast_credit_lifts_total{role="origin",status="promised"} 1',
            'holdfast_credit_lifts_total{role="origin",status="good"} 0',
            'holdfast_credit_payment_duration_seconds_count{result="good"} 0',
            'holdfast_credit_waiting{what="lift.promised"} 1',
            'holdfast_credit_waiting{what="payment.lifting"} 1',
            'holdfast_credit_waiting{what="lift.pending"} 0',
            'holdfast_credit_waiting_oldest_age_seconds{what="lift.promised"} 300',
            'holdfast_credit_waiting_oldest_age_seconds{what="payment.lifting"} 300'
          ])
          yield* pass("15 minutes")
          yield* refresh
          includes(yield* scrape, [
            'holdfast_credit_lifts_total{role="origin",status="promised"} 1',
            'holdfast_credit_waiting{what="lift.pending"} 1',
            'holdfast_credit_events_total{audience="operator",kind="lift.pending"} 1'
          ])
        })
      )
    }).pipe(Effect.scoped)
  )

  it.effect("say busy of a node that has as much waiting here as it may", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const meter = CreditMeter.make()
      const ann = yield* Effect.provideService(
        People.join({ network, seed: 1, name: "ann", config: { mostWaiting: 1 } }),
        CreditMeter.CreditMeter,
        meter
      )
      const bob = yield* People.join({ network, seed: 2, name: "bob", to: [ann] })
      const drafted = yield* ann.does(People.draft)
      const { invitation } = yield* ann.does({ _tag: "IssueTicket", tally: drafted.tally!, reuse: true })
      for (let count = 0; count < 3; count++) {
        yield* bob.does({ _tag: "ShowTicket", invitation: invitation! })
        yield* People.soon
      }
      const { messages, refusals } = meter.reading()
      assert.strictEqual(messages.get("Ticket ok"), 1)
      assert.isAtLeast(messages.get("Ticket busy") ?? 0, 2)
      assert.strictEqual(refusals.get("message busy"), messages.get("Ticket busy"))
    }).pipe(Effect.scoped)
  )

  it.effect("have no labels that users or other nodes could choose, and no more series for what they do", () =>
    Effect.gen(function* () {
      const { records } = noRows()
      yield* exposed(yield* records, CreditMeter.make(), ({ meter, scrape }) =>
        Effect.gen(function* () {
          const before = (yield* scrape).split("\n").length
          meter.heard("Ticket", "refused", 'evil"} 7')
          meter.told({ _tag: "Tell", user: undefined, subject: "x", kind: "evil.kind", body: {} })
          meter.told({ _tag: "Tell", user: undefined, subject: "x", kind: "lift.contradiction", body: {} })
          meter.marked({ _tag: "Repair", isCheck: false, messages: 3 })
          meter.marked({ _tag: "Vote", verdict: "void" })
          const after = yield* scrape
          assert.strictEqual(after.split("\n").length, before)
          includes(after, [
            'holdfast_credit_refusals_total{of="message",reason="other"} 1',
            'holdfast_credit_events_total{audience="operator",kind="other"} 1',
            'holdfast_credit_events_total{audience="operator",kind="lift.contradiction"} 1',
            'holdfast_credit_repair_rounds_total{kind="owed"} 1',
            "holdfast_credit_repair_messages_total 3",
            'holdfast_credit_referee_votes_total{verdict="void"} 1'
          ])
        })
      )
    })
  )

  it.effect("stay as they were while the database does not answer, and ask it once a minute", () =>
    Effect.gen(function* () {
      let answers = true
      const { records, seen } = noRows(() => (answers ? Effect.void : Effect.fail(lost)))
      yield* exposed(yield* records, CreditMeter.make(), ({ refresh, scrape }) =>
        Effect.gen(function* () {
          yield* refresh
          const pages = seen.pages
          assert.isAbove(pages, 0)
          yield* refresh
          assert.strictEqual(seen.pages, pages)
          answers = false
          yield* TestClock.adjust(freshMillis)
          yield* refresh
          yield* refresh
          assert.strictEqual(seen.pages, pages + 1)
          includes(yield* scrape, [
            'holdfast_credit_waiting{what="chit.asked"} 0',
            "holdfast_credit_waiting_read_age_seconds 60"
          ])
        })
      )
    })
  )

  it.effect("are all described in docs/operating.md", () =>
    Effect.gen(function* () {
      const { records } = noRows()
      yield* exposed(yield* records, CreditMeter.make(), ({ scrape }) =>
        Effect.gen(function* () {
          const text = readFileSync(fileURLToPath(new URL("../../docs/operating.md", import.meta.url)), "utf8")
          const names = [...(yield* scrape).matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name)
          assert.isAbove(names.length, 12)
          assert.deepStrictEqual(
            names.filter((name) => !text.includes(`\`${name}\``)),
            []
          )
        })
      )
    })
  )

  it.effect("are not there where no credit is kept", () =>
    Effect.gen(function* () {
      const { records, seen } = noRows()
      const registry: Metric.MetricRegistry = new Map()
      const layer = CreditMetrics.layerIfKept.pipe(Layer.provide(Layer.succeed(Records, yield* records)))
      const text = yield* Effect.gen(function* () {
        yield* (yield* CreditMetrics).refresh
        return yield* PrometheusMetrics.format()
      }).pipe(Effect.provide(layer), Effect.provideService(Metric.MetricRegistry, registry))
      assert.notInclude(text, "holdfast_credit")
      assert.strictEqual(seen.pages, 0)
    })
  )
})
