/**
 * The audit of credit names each row that is broken on purpose, and nothing in sound ones.
 */
import { assert, it, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { TestClock } from "effect/testing"
import * as AuditMemory from "../../../src/layers/AuditMemory.ts"
import * as AuditSql from "../../../src/layers/AuditSql.ts"
import * as SortKey from "../../../src/protocol/SortKey.ts"
import * as Tables from "../../../src/services/credit/CreditTables.ts"
import { Audit } from "../../../src/services/delivery/Audit.ts"
import { fromSecret, Identity } from "../../../src/services/link/Identity.ts"
import { Records } from "../../../src/services/Records.ts"
import { secretOf, tallyId, uuid } from "../../support/credit/Halves.ts"
import { HonestWorld } from "../../support/credit/HonestWorld.ts"
import { b, honestWorld } from "../../support/credit/PlantedWorld.ts"
import { audited, found, liftOf, migration, refereed, store } from "../../support/credit/StoredSite.ts"
import * as Stores from "../../support/Stores.ts"

const world = honestWorld()
const site = world.sites().find(({ agent }) => agent === b)!
const chits = (n: number, holder: string) =>
  site.chits.filter((chit) => chit.core.tally === tallyId(n) && chit.holder === holder)

/** A chit of tally 1 by its place. */
const placed = (index: number, n = 1, holder = "bob") => {
  const { core } = chits(n, holder).find((chit) => chit.index === index)!
  return [holder, core.tally, core.uuid] as const
}
const half = (n: number, holder = "bob") => [holder, tallyId(n)] as const
const lift = (n: number) => [uuid(3, n)] as const

type Key = ReadonlyArray<string>
type Row = readonly [table: string, key: Key]
const chit = (key: Key): Row => ["credit_chits", key]
const tally = (key: Key): Row => ["credit_halves", key]
const lifted = (key: Key): Row => ["credit_lifts", key]
const shown = ([table, key]: Row): string => `${table} [${key.join(", ")}]`
const keyOf = ([, key]: Row): string => SortKey.encode(key)

/** Writes a value into the JSON of a row. */
const set = ([table, key]: Row, path: string, value: unknown) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.unsafe(
      `UPDATE ${table} SET content = jsonb_set(content::jsonb, $1::text::text[], $2::text::jsonb)::json WHERE key = $3`,
      [`{${path}}`, JSON.stringify(value), keyOf([table, key])]
    )
  )
const drop = ([table, key]: Row, path: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.unsafe(`UPDATE ${table} SET content = (content::jsonb #- $1::text::text[])::json WHERE key = $2`, [
      `{${path}}`,
      keyOf([table, key])
    ])
  )
const remove = ([table, key]: Row) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe(`DELETE FROM ${table} WHERE key = $1`, [keyOf([table, key])]))

const empty = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const { name } of Tables.all) yield* sql.unsafe(`DELETE FROM ${name}`)
})

const first = placed(1)
const second = placed(2)
const third = placed(3)
const lifting = chits(1, "bob").find(({ core, status }) => core.type === "lift" && status === "good")!
const leg = ["bob", lifting.core.tally, lifting.core.uuid]
const asked = (n: number) => {
  const { core } = chits(n, "bob").find(({ status }) => status === "asked")!
  return ["bob", core.tally, core.uuid]
}
const foreign = chits(2, "bob").find(({ sign }) => sign !== undefined)!.sign!

type Planted = readonly [
  name: string,
  plant: Effect.Effect<unknown, SqlError, SqlClient.SqlClient>,
  ...found: ReadonlyArray<readonly [kind: string, row: Row]>
]

const planted: ReadonlyArray<Planted> = [
  ["a sum", set(tally(half(1)), "sums,net", "431"), ["sum-wrong", tally(half(1))]],
  ["room that is held", set(tally(half(1)), "sums,up", "12"), ["sum-wrong", tally(half(1))]],
  [
    "an amount",
    set(chit(first), "core,units", "501"),
    ["chit-unproved", chit(first)],
    ["order-broken", chit(first)],
    ["sum-wrong", tally(half(1))]
  ],
  ["a signature", set(chit(second), "sign", foreign), ["chit-unproved", chit(second)], ["order-broken", chit(second)]],
  ["a hash in the chain", set(chit(second), "hash", "A".repeat(43)), ["order-broken", chit(second)]],
  ["the last hash", set(tally(half(1)), "chain,at,hash", "A".repeat(43)), ["order-broken", tally(half(1))]],
  ["a place", set(chit(second), "index", 77), ["row-misplaced", chit(second)], ["order-broken", chit(second)]],
  [
    "a chit that is gone",
    remove(chit(second)),
    ["order-broken", chit(third)],
    ["sum-wrong", tally(half(1))],
    ["order-broken", tally(half(1))]
  ],
  [
    "a chit that is not what it was",
    set(chit(second), "status", "void"),
    ["order-broken", chit(second)],
    ["sum-wrong", tally(half(1))]
  ],
  [
    "a row that cannot be read",
    set(chit(second), "core,units", "-1"),
    ["row-unreadable", chit(second)],
    ["order-broken", chit(third)],
    ["sum-wrong", tally(half(1))],
    ["order-broken", tally(half(1))]
  ],
  ["what the partner has", set(tally(half(1)), "chain,agreed", 99), ["order-broken", tally(half(1))]],
  ["a count of what has no place", set(tally(half(3)), "chain,unplaced", 1), ["chit-lost", tally(half(3))]],
  ["a signature on the tally", set(tally(half(1)), "signs,stock", foreign), ["party-wrong", tally(half(1))]],
  ["a signature on a place", set(chit(placed(1, 3)), "head", foreign), ["party-wrong", chit(placed(1, 3))]],
  ["whose a chit is", set(chit(first), "holder", "bea"), ["row-misplaced", chit(first)]],
  ["a lift's chit without its record", drop(chit(leg), "record"), ["chit-unproved", chit(leg)]],
  ["a vote in a chit's record", set(chit(leg), "record,votes,0,sign", foreign), ["chit-unproved", chit(leg)]],
  [
    "room that is held for no lift",
    remove(lifted(lift(4))),
    ["lift-torn", chit(asked(1))],
    ["lift-torn", chit(asked(2))]
  ],
  ["a vote", set(lifted(lift(1)), "record,votes,0,sign", foreign), ["verdict-wrong", lifted(lift(1))]],
  ["a promise", set(lifted(lift(1)), "promises,0,sign", foreign), ["party-wrong", lifted(lift(1))]],
  ["the payor's signature", set(lifted(lift(1)), "authority", foreign), ["party-wrong", lifted(lift(1))]],
  ["a plan's digest", set(lifted(lift(1)), "digest", "A".repeat(43)), ["verdict-wrong", lifted(lift(1))]],
  ["a lift that was promised by nobody", set(lifted(lift(4)), "promises", []), ["verdict-wrong", lifted(lift(4))]],
  [
    "a void lift with good chits",
    set(lifted(lift(1)), "status", "void"),
    ["verdict-wrong", lifted(lift(1))],
    ["lift-torn", lifted(lift(1))],
    ["lift-torn", lifted(lift(1))]
  ],
  [
    "a promised lift without its chit",
    remove(chit(asked(1))),
    ["sum-wrong", tally(half(1))],
    ["lift-torn", lifted(lift(4))]
  ],
  [
    "one end of a tally between users of the node",
    set(tally(half(3, "bea")), "sums,net", "0"),
    ["sum-wrong", tally(half(3, "bea"))],
    ["ends-differ", tally(half(3))]
  ],
  [
    "an end that is gone",
    remove(tally(half(3, "bea"))),
    ["chit-alone", chit(placed(1, 3, "bea"))],
    ["ends-differ", tally(half(3))],
    ["lift-torn", lifted(lift(2))]
  ]
]

const identity = (name: string) => Layer.succeed(Identity, fromSecret(secretOf(name)))
const tables = Layer.effectDiscard(migration)
const services = AuditSql.layer([audited]).pipe(
  Layer.provideMerge(tables),
  Layer.provideMerge(Stores.pglite),
  Layer.provideMerge(identity("b"))
)

layer(services)("the audit of credit", (it) => {
  const fresh = Effect.andThen(Effect.orDie(empty), store(world, site, "b"))

  it.effect("finds nothing in what sound tallies, invoices and lifts leave behind", () =>
    Effect.gen(function* () {
      yield* fresh
      assert.deepStrictEqual(yield* found, [])
    })
  )

  for (const [name, plant, ...expected] of planted) {
    it.effect(`names the rows that show it, and no others: ${name}`, () =>
      Effect.gen(function* () {
        yield* fresh
        yield* Effect.orDie(plant)
        const due = expected.map(([kind, row]) => `credit/${kind} ${shown(row)}`)
        assert.sameMembers([...(yield* found)], due)
      })
    )
  }

  it.effect("names a row that is there twice, and what it counts for", () =>
    Effect.gen(function* () {
      yield* fresh
      const sql = yield* SqlClient.SqlClient
      const copy = [...half(1), uuid(4, 99)]
      yield* sql.unsafe(
        `INSERT INTO credit_chits (key, by_place, content) SELECT $1, by_place || 'x', content FROM credit_chits WHERE key = $2`,
        [SortKey.encode(copy), SortKey.encode(first)]
      )
      const all = yield* found
      assert.include(all, `credit/row-misplaced ${shown(chit(copy))}`)
      assert.include(all, `credit/order-broken ${shown(chit(first))}`)
      assert.include(all, `credit/sum-wrong ${shown(tally(half(1)))}`)
    })
  )

  it.effect("tells of a lift that is promised long after its time, with whom to reach", () =>
    Effect.gen(function* () {
      yield* fresh
      yield* TestClock.setTime(3_600_002)
      assert.deepStrictEqual(yield* found, [])
      yield* TestClock.setTime(3_600_003)
      const { findings } = yield* (yield* Audit).run(() => Effect.void)
      assert.deepStrictEqual(
        findings.map(({ kind }) => kind),
        ["credit/lift-overdue"]
      )
      assert.include(findings[0]?.fix, secretOf("referee").key)
    })
  )

  it.effect("tells of pledges beyond what was granted, and of two verdicts", () =>
    Effect.gen(function* () {
      yield* Effect.orDie(empty)
      const generous = new HonestWorld({ ann: "a", bob: "b" })
      generous.open(1, "ann", "bob", 100n)
      generous.pledge(1, "foil", 101n)
      generous.lift(1, [[1, "foil"]], 1n, "good")
      yield* store(generous, generous.sites()[1]!, "b")
      const [good] = generous.sites()[1]!.lifts
      const both = { ...liftOf(generous, good!), contrary: generous.record(good!.plan, "void") }
      yield* (yield* Records).put(Tables.lifts, both)
      assert.deepStrictEqual(yield* found, [
        `credit/limit-exceeded ${shown(tally(half(1)))}`,
        `credit/verdict-wrong ${shown(lifted(lift(1)))}`
      ])
    })
  )
})

layer(
  AuditSql.layer([audited]).pipe(
    Layer.provideMerge(tables),
    Layer.provideMerge(Stores.pglite),
    Layer.provideMerge(identity("referee"))
  )
)("the audit of a referee", (it) => {
  it.effect("finds votes without promises, and records that do not hold", () =>
    Effect.gen(function* () {
      const records = yield* Records
      const { plan } = site.lifts[0]!
      const sound = refereed(world.record(plan, "good"))
      yield* records.put(Tables.referees, sound)
      assert.deepStrictEqual(yield* found, [])
      const wrong = [`credit/verdict-wrong credit_referees [${plan.lift}]`]
      yield* records.put(Tables.referees, { ...sound, promises: [] })
      assert.deepStrictEqual(yield* found, wrong)
      yield* records.put(Tables.referees, { ...sound, voted: { ...sound.voted!, verdict: "void" } })
      assert.deepStrictEqual(yield* found, [`credit/party-wrong credit_referees [${plan.lift}]`])
      yield* records.put(Tables.referees, { ...sound, record: { ...sound.record!, ballot: { round: 1, by: b } } })
      assert.deepStrictEqual(yield* found, wrong)
    })
  )
})

it.effect("in memory, finds what a program has written that does not hold", () =>
  Effect.gen(function* () {
    yield* store(world, site, "b")
    assert.deepStrictEqual(yield* found, [])
    const one = site.halves[0]!
    yield* (yield* Records).put(Tables.halves, { ...one, sums: { ...one.sums, net: one.sums.net + 1n } })
    assert.deepStrictEqual(yield* found, [`credit/sum-wrong credit_halves [${one.holder}, ${one.id}]`])
  }).pipe(
    Effect.provide(
      AuditMemory.layer([audited]).pipe(Layer.provideMerge(Stores.memory), Layer.provideMerge(identity("b")))
    )
  )
)
