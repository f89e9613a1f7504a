/**
 * The audit finds each kind of damage, made on purpose, and nothing in a database that is at work.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Layer, Random } from "effect"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { TestClock } from "effect/testing"
import * as AuditSql from "../../src/layers/AuditSql.ts"
import type { NodeKey } from "../../src/protocol/NodeKey.ts"
import { Audit, type FindingKind, maxFindings } from "../../src/services/delivery/Audit.ts"
import { FeedStore } from "../../src/services/delivery/FeedStore.ts"
import { type LinkFenced, RetryStore } from "../../src/services/delivery/RetryStore.ts"
import {
  answer,
  batch,
  later,
  message,
  messages,
  refused,
  settling,
  stranger,
  uuid,
  wide,
  number
} from "../support/Messages.ts"
import * as Stores from "../support/Stores.ts"

const findings = Effect.gen(function* () {
  const audit = yield* Audit
  return yield* audit.run(() => Effect.void)
})

const found = Effect.map(findings, (report) => report.findings.map(({ kind }) => kind))

/** Only this is found, with a sentence and a fix. */
const finds = Effect.fnUntraced(function* (...kinds: ReadonlyArray<FindingKind>) {
  const report = yield* findings
  assert.deepStrictEqual(
    report.findings.map(({ kind }) => kind),
    [...kinds]
  )
  for (const { detail, fix } of report.findings) {
    assert.notMatch(`${detail} ${fix}`, /undefined|null|NaN|GET \//)
    assert.match(fix, /\.$|holdfast/)
  }
})

/** Everything that tests leave behind. */
const tables = [
  "outbox",
  "links",
  "arrivals",
  "outcomes",
  "applied",
  "held",
  "parked",
  "untold",
  "events",
  "timers",
  "lease"
]
const empty = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const table of tables) yield* sql`DELETE FROM ${sql(`holdfast_${table}`)}`
  yield* sql`UPDATE holdfast_feed SET newest = 0`
})

/** Ten messages, of which numbers 1 to 8 were given and 1 to 3 are receipted. */
const sending = Effect.gen(function* () {
  const store = yield* RetryStore
  const peer = stranger()
  yield* store.enqueue(messages(peer, 10), 1_000)
  const link = yield* store.claim(peer)
  yield* number(store, link, { messages: 8, bytes: 10_000 }, 1_000)
  yield* store.settle(link, { upTo: 3n, answers: [] }, settling(1_000))
  return peer
})

/** Five messages have arrived; 4 was refused and 5 has to wait. */
const receiving = Effect.gen(function* () {
  const store = yield* RetryStore
  const peer = stranger()
  const link = yield* store.claim(peer)
  const [no, wait] = [uuid(), uuid()]
  const answers = [
    { ...answer(4n, refused), id: no },
    { ...answer(5n, later(1_000)), id: wait }
  ]
  const held = [{ protocol: "chat", subject: "room", id: wait, seq: 5n }]
  yield* store.received(link, batch({ stream: uuid(), adopts: true, position: 5n, answers, held, seen: 3n }), 1_000)
  return peer
})

const linkOf = (sql: SqlClient.SqlClient, peer: NodeKey) => sql`(SELECT id FROM holdfast_links WHERE peer = ${peer})`

const services = Layer.provideMerge(AuditSql.layer(), Stores.pglite)

layer(services)("the audit finds", (it) => {
  type Body = Effect.Effect<void, SqlError | LinkFenced, Audit | Stores.Stores | SqlClient.SqlClient>
  const test = (name: string, body: (sql: SqlClient.SqlClient) => Body) =>
    it.effect(name, () => Effect.andThen(empty, Effect.flatMap(SqlClient.SqlClient, body)))

  test("nothing in a database where messages are under way, wait and have arrived", () =>
    Effect.gen(function* () {
      yield* sending
      yield* receiving
      yield* finds()
    }))

  test("rows of a link that is not there, in every table", (sql) =>
    Effect.gen(function* () {
      yield* receiving
      yield* sending
      const store = yield* RetryStore
      const peer = stranger()
      yield* store.received(
        yield* store.claim(peer),
        batch({ stream: uuid(), adopts: true, position: 1n, applied: [uuid()] }),
        1_000
      )
      yield* sql`DELETE FROM holdfast_links`
      const { findings: all } = yield* findings
      assert.isTrue(all.every(({ kind }) => kind === "rows-without-link"))
      assert.deepStrictEqual(
        [...new Set(all.map(({ about }) => about))],
        ["holdfast_outbox", "holdfast_arrivals", "holdfast_outcomes", "holdfast_applied", "holdfast_held"]
      )
    }))

  test("more receipted than numbered", (sql) =>
    Effect.gen(function* () {
      const store = yield* RetryStore
      const peer = stranger()
      yield* store.claim(peer)
      yield* sql`UPDATE holdfast_links SET receipted = 7`
      yield* finds("receipted-beyond-last")
    }))

  test("a number that was never given", (sql) =>
    Effect.gen(function* () {
      yield* sending
      yield* sql`UPDATE holdfast_links SET last = 7`
      yield* finds("number-beyond-last")
    }))

  test("a number that is receipted, and still there", (sql) =>
    Effect.gen(function* () {
      yield* sending
      yield* sql`UPDATE holdfast_links SET receipted = 4`
      yield* finds("number-receipted")
    }))

  test("a number without a message", (sql) =>
    Effect.gen(function* () {
      yield* sending
      yield* sql`DELETE FROM holdfast_outbox WHERE seq IS NOT NULL AND seq IN (5, 6)`
      yield* finds("number-missing")
      const [one] = (yield* findings).findings
      assert.include(one?.detail, "2 of the numbers from 4 to 8")
    }))

  test("a number that two messages have", (sql) =>
    Effect.gen(function* () {
      const peer = yield* sending
      const place = sql`SELECT min(place) FROM holdfast_outbox WHERE link = ${linkOf(sql, peer)} AND seq IS NULL`
      yield* sql`UPDATE holdfast_outbox SET seq = 5 WHERE place = (${place})`
      yield* finds("number-twice")
    }))

  test("an answer that is confirmed, and one to what has not arrived", (sql) =>
    Effect.gen(function* () {
      yield* receiving
      yield* sql`UPDATE holdfast_arrivals SET seen = 4`
      yield* finds("answer-confirmed")
      yield* sql`UPDATE holdfast_arrivals SET seen = 3, position = 4`
      yield* finds("answer-beyond-position", "held-beyond-position")
    }))

  test("messages that wait and are not counted, and a count without them", (sql) =>
    Effect.gen(function* () {
      yield* receiving
      yield* sql`UPDATE holdfast_arrivals SET held = 0`
      yield* finds("held-miscounted")
      yield* sql`UPDATE holdfast_arrivals SET held = 1`
      yield* sql`DELETE FROM holdfast_held`
      yield* finds("held-miscounted")
    }))

  test("a message that is owed after its time, once upkeep has had a minute", () =>
    Effect.gen(function* () {
      const store = yield* RetryStore
      yield* TestClock.setTime(1_000_000)
      yield* store.enqueue([message(stranger(), { deadline: 1_000_000 - 60_000 })], 1_000)
      yield* finds()
      yield* TestClock.adjust("1 second")
      yield* finds("deadline-passed")
    }))

  test("an event of the node that is about nothing, also before it is published", () =>
    Effect.gen(function* () {
      const feed = yield* FeedStore
      const event = { audience: "", protocol: "chat", subject: "", kind: "said", body: null }
      yield* TestClock.setTime(1_000_000)
      yield* feed.append([event], 1_000_000)
      yield* feed.append([{ ...event, protocol: "", subject: "x" }], 1_000_000)
      yield* finds()
      yield* feed.append([{ ...event, protocol: "" }], 1_000_000)
      yield* finds("event-without-subject")
      yield* feed.publish(10)
      yield* finds("event-without-subject")
    }))

  test("an event that nobody publishes", () =>
    Effect.gen(function* () {
      const feed = yield* FeedStore
      yield* TestClock.setTime(1_000_000)
      yield* feed.append([{ audience: "", protocol: "chat", subject: "", kind: "said", body: null }], 1_000_000)
      yield* finds()
      yield* TestClock.adjust("61 seconds")
      yield* finds("event-unpublished")
    }))

  test("positions of events that are missing, or were never given; not those that are pruned", (sql) =>
    Effect.gen(function* () {
      const feed = yield* FeedStore
      const event = { audience: "", protocol: "chat", subject: "", kind: "said", body: null }
      yield* feed.append([event, event, event, event, event], 1_000)
      yield* feed.publish(10)
      yield* feed.prune(2_000, 2)
      yield* finds()
      yield* sql`UPDATE holdfast_feed SET newest = newest - 1`
      yield* finds("feed-position")
      yield* sql`UPDATE holdfast_feed SET newest = newest + 1`
      yield* sql`DELETE FROM holdfast_events WHERE position = (SELECT newest - 1 FROM holdfast_feed)`
      yield* finds("feed-position")
      yield* feed.prune(2_000, 10)
      yield* finds()
    }))

  test("timers that are past due by the clock that they go by, and those that fail again and again", (sql) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_000_000)
      const timer = (id: string, at: number, steady: boolean, attempts = 0) => sql`
        INSERT INTO holdfast_timers (id, protocol, subject, due_at, next_at, steady, attempts, payload)
        VALUES (${id}, 'chat', '', 0, ${BigInt(at)}, ${steady}, ${attempts}, '')`
      yield* sql`DELETE FROM holdfast_steady_time`
      yield* sql`INSERT INTO holdfast_steady_time (ahead) VALUES (50000)`
      yield* timer("on time", 1_000_000 - 60_000, false)
      yield* timer("ahead", 1_000_000 - 10_000, true)
      yield* finds()
      yield* timer("late", 1_000_000 - 60_001, false)
      yield* timer("late ahead", 1_000_000 - 10_001, true)
      yield* timer("fails", 2_000_000, false, 3)
      const report = yield* findings
      assert.sameMembers(
        report.findings.map(({ about, kind }) => `${kind} ${about}`),
        ["timer-overdue timer late", "timer-overdue timer late ahead", "timer-failing timer fails"]
      )
    }))

  test("a lease that nobody renews, unless it was given up", (sql) =>
    Effect.gen(function* () {
      const lease = (until: string, givenUp: boolean) => sql`
        INSERT INTO holdfast_lease (agent, term, lease_until, given_up)
        VALUES (${uuid()}::uuid, 1, now() + ${until}::interval, ${givenUp})
        ON CONFLICT (only_row) DO UPDATE SET lease_until = excluded.lease_until, given_up = excluded.given_up`
      yield* lease("10 seconds", false)
      yield* finds()
      yield* lease("-1 seconds", true)
      yield* finds()
      yield* lease("-1 seconds", false)
      yield* finds("lease-expired")
    }))

  test("messages that are parked, and those whose end was not told", (sql) =>
    Effect.gen(function* () {
      const store = yield* RetryStore
      const peer = stranger()
      yield* store.park(peer, { id: uuid(), protocol: "chat", subject: "", body: new Uint8Array() }, "why", 1_000)
      yield* finds("message-parked")
      yield* sql`
        INSERT INTO holdfast_untold (id, peer, protocol, subject, "end", at, body)
        VALUES (${uuid()}::uuid, ${peer}, 'chat', '', '{}', 0, '')`
      yield* finds("message-parked", "message-untold")
    }))

  test("no more than it can tell, and that there is more", (sql) =>
    Effect.gen(function* () {
      yield* sql`
        INSERT INTO holdfast_parked (peer, id, protocol, subject, body, why, at)
        SELECT 'x', gen_random_uuid(), 'chat', '', '', '', 0 FROM generate_series(1, ${maxFindings + 50})`
      const report = yield* findings
      assert.lengthOf(report.findings, maxFindings)
      assert.isTrue(report.more)
      yield* empty
      assert.isFalse((yield* findings).more)
    }))

  test("in one snapshot, says where it is, and writes nothing", (sql) =>
    Effect.gen(function* () {
      const audit = yield* Audit
      const seen: Array<string> = []
      const settings = sql`
        SELECT current_setting('transaction_isolation') AS isolation, current_setting('transaction_read_only') AS only,
          pg_current_snapshot()::text AS snapshot`
      const numbers: Array<string> = []
      const { checks } = yield* audit.run(({ number, of, what }) =>
        Effect.gen(function* () {
          seen.push(JSON.stringify(yield* Effect.orDie(settings)))
          numbers.push(`${number} of ${of}`)
          assert.match(what, /\S/)
        })
      )
      assert.strictEqual(new Set(seen).size, 1)
      assert.include(seen[0], `"isolation":"repeatable read","only":"on"`)
      assert.deepStrictEqual(
        numbers,
        Array.from({ length: checks }, (_, index) => `${index + 1} of ${checks}`)
      )
    }))
})

/** One thing that a node may do to the links of some peers, drawn. */
const step = Effect.fnUntraced(function* (peers: ReadonlyArray<NodeKey>, now: number) {
  const store = yield* RetryStore
  const draw = (below: number) => Effect.map(Random.next, (n) => Math.floor(n * below))
  const peer = peers[yield* draw(peers.length)]!
  const link = yield* store.claim(peer)
  const { receiving: arrived, sending: sent } = yield* store.positions(link)
  const subject = String(yield* draw(3))
  switch (yield* draw(8)) {
    case 0:
      return yield* store.enqueue(messages(peer, 1 + (yield* draw(5)), { subject }), now)
    case 1:
    case 2:
      return yield* number(store, link, { ...wide, messages: 1 + (yield* draw(6)) }, now)
    case 3:
    case 4: {
      const upTo = sent.receipted + BigInt(yield* draw(Number(sent.last - sent.receipted) + 1))
      const numbered = (yield* store.numbered(link, sent.receipted, wide)).filter(({ seq }) => seq <= upTo)
      const answers = []
      for (const { seq } of numbered) {
        const kind = yield* draw(4)
        if (kind === 1) answers.push(answer(seq, refused))
        if (kind === 2) answers.push(answer(seq, later(yield* draw(10))))
      }
      return yield* store.settle(link, { upTo, answers }, settling(now))
    }
    case 5: {
      const owed = yield* store.owed({ peer, limit: 100 })
      const one = owed[yield* draw(owed.length + 1)]
      return one === undefined ? undefined : yield* store.cancel(one.id)
    }
    case 6: {
      if ((yield* draw(4)) === 0) return yield* store.restart(link, uuid(), sent.receipted)
      return yield* store.hastenAll(now)
    }
    default: {
      const { held } = yield* store.receiving(link)
      const adopts = arrived.stream === null || (yield* draw(6)) === 0
      const from = adopts ? 0n : arrived.position
      const position = from + 2n
      const [id, wait] = [uuid(), uuid()]
      const answers = [{ ...answer(position, later(5)), id: wait }]
      const released = adopts || held.length === 0 ? [] : [held[0]!.id]
      const changes = { held: [{ protocol: "chat", subject, id: wait, seq: position }], released }
      const stream = adopts ? uuid() : (arrived.stream ?? uuid())
      const seen = (yield* draw(2)) === 0 ? from : 0n
      return yield* store.received(
        link,
        batch({ stream, adopts, position, applied: [id], answers, seen, ...changes }),
        now
      )
    }
  }
})

const walk = Effect.fnUntraced(function* (each: (now: number) => Effect.Effect<void, SqlError, Audit>) {
  const peers = [stranger(), stranger()]
  for (let now = 1_000; now < 1_150; now++) {
    yield* step(peers, now)
    yield* each(now)
  }
})

for (const [name, stores] of [
  ["PGlite", Stores.pglite],
  ["PostgreSQL", Stores.postgres]
] as const) {
  layer(Layer.provideMerge(AuditSql.layer(), stores))(`the audit in ${name} finds nothing wrong`, (it) => {
    it.effect("after any of what a node does", () =>
      walk((now) =>
        now % 5 === 0 ? Effect.map(found, (kinds) => assert.deepStrictEqual(kinds, [], `at ${now}`)) : Effect.void
      ).pipe(Random.withSeed(name))
    )

    // On one connection the two would only take turns.
    if (name === "PostgreSQL") {
      it.effect("while a node is at work", () =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(walk(() => Effect.void))
          while (fiber.pollUnsafe() === undefined) assert.deepStrictEqual(yield* found, [])
          yield* Fiber.join(fiber)
        }).pipe(Random.withSeed(name))
      )
    }
  })
}
