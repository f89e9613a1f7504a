import { assert, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { Records } from "../../src/services/Records.ts"
import * as RecordsAudit from "../../src/services/RecordsAudit.ts"
import { stamp, stamps } from "../support/RecordsContract.ts"
import * as Stores from "../support/Stores.ts"

const tables = Layer.effectDiscard(Records.migration(stamps)).pipe(Layer.orDie)

const flaws = Effect.map(Stream.runCollect(RecordsAudit.rows(stamps).flaws), (all) =>
  all.map(({ about, name }) => `${name} ${about}`)
)

it.effect("names the rows that cannot be read or are not where they say, and reads all others", () =>
  Effect.gen(function* () {
    const { insert } = yield* Records
    const sql = yield* SqlClient.SqlClient
    const count = 4 * RecordsAudit.pageOf + 3
    for (let n = 0; n < count; n++) yield* insert(stamps, stamp("a", BigInt(n), { owner: "o" }))
    assert.deepStrictEqual(yield* flaws, [])
    const set = (n: number, change: string) =>
      sql.unsafe(
        `UPDATE stamps SET content = (content::jsonb || $1::jsonb)::json WHERE content::jsonb->>'number' = $2`,
        [change, String(n)]
      )
    // The last row of a page, the first of one, and what would send a reader by content back or far ahead.
    yield* set(2 * RecordsAudit.pageOf - 1, `{"number": "0"}`)
    yield* set(2 * RecordsAudit.pageOf, `{"number": "9999"}`)
    yield* set(200, `{"worth": "much"}`)
    yield* set(201, `{"worth": 1}`)
    yield* sql`UPDATE stamps SET by_owner = NULL WHERE content::jsonb->>'number' = '202'`
    assert.deepStrictEqual(yield* flaws, [
      `row-misplaced stamps [a, ${2 * RecordsAudit.pageOf - 1}]`,
      `row-misplaced stamps [a, ${2 * RecordsAudit.pageOf}]`,
      "row-unreadable stamps [a, 200]",
      "row-misplaced stamps [a, 201]",
      "row-misplaced stamps [a, 202]"
    ])
    const read = yield* Stream.runCollect(RecordsAudit.readable(stamps))
    assert.lengthOf(read.flat(), count - 1)
  }).pipe(Effect.provide(Layer.provideMerge(tables, Stores.pglite)))
)
