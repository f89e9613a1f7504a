/**
 * The demo of credit as people run it, on embedded databases, and on PostgreSQL with a balance that somebody has changed.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { execFile } from "node:child_process"
import { rm } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import * as Run from "../../../../src/programs/demo/credit/Run.ts"
import { freshDatabase } from "../../../support/FreshDatabase.ts"
import { using } from "../../../support/crashing/Places.ts"

const program = fileURLToPath(new URL("../../../../src/programs/demo.ts", import.meta.url))

/** Ends what hangs; a busy machine never reaches it. */
const patience = 1_500_000

const demo = (...words: ReadonlyArray<string>) =>
  new Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>((resolve) => {
    const options = { timeout: patience, maxBuffer: 2 ** 26 }
    // Lives are short: most of one would go into optimising the embedded database.
    const child = execFile(process.execPath, ["--liftoff-only", program, ...words], options, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr })
    )
  })

const Printed = Schema.fromJsonString(
  Schema.Struct({
    ok: Schema.Boolean,
    failures: Schema.Array(Schema.String),
    tallies: Schema.Array(Schema.Struct({ debtor: Schema.String, atDebtor: Schema.String, atCreditor: Schema.String })),
    audits: Schema.Array(Schema.Struct({ code: Schema.NullOr(Schema.Int), text: Schema.String }))
  })
)
const decodePrinted = Schema.decodeUnknownSync(Printed)

/** Somebody changes what a node says that its user is owed. */
const spoil = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`UPDATE credit_halves SET content = jsonb_set(content::jsonb, '{sums,net}', '"25001"')::json
    WHERE content->'sums'->>'net' = '25000'`
})

describe("npm run demo -- credit", () => {
  it("settles everything over a kill and a cut, and its audits are clean", { timeout: patience }, async () => {
    const { code, stderr, stdout } = await demo("credit", "--json", "--deadline", "1200")
    assert.strictEqual(code, 0, `${stdout}\n${stderr}`)
    const { audits, failures, ok, tallies } = decodePrinted(stdout)
    assert.deepStrictEqual({ failures, ok }, { failures: [], ok: true })
    assert.deepStrictEqual(
      tallies.map(({ atCreditor, atDebtor }) => [atDebtor, atCreditor]),
      ["25000", "25000", "25000", "0", "0"].map((units) => [units, units])
    )
    assert.deepStrictEqual(
      audits.map(({ code }) => code),
      [0, 0, 0, 0, 0]
    )
    assert.include(stderr, "killed with SIGKILL")
    assert.include((await demo("--help")).stdout, "credit")
  })

  it.live(
    "fails where an audit finds a balance that somebody has changed, on PostgreSQL",
    () =>
      Effect.gen(function* () {
        const said: Array<string> = []
        const { lines, summary } = yield* Run.run({
          deadline: Duration.minutes(20),
          database: yield* freshDatabase,
          screen: { write: (text) => said.push(text) },
          beforeAudit: (places) => {
            const { data, database } = places.of("C")
            return Effect.promise(() => using({ data, database }, spoil))
          }
        })
        if (summary.folder !== undefined) yield* Effect.promise(() => rm(summary.folder ?? "", { recursive: true }))
        assert.deepStrictEqual(summary.failures, ["the audit of site C has found something (code 1)"], lines.join("\n"))
        assert.isFalse(summary.ok)
        assert.strictEqual(summary.database, "postgresql")
        assert.include(lines.join("\n"), "credit/sum-wrong")
        assert.include(said.join(""), "killed with SIGKILL")
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    patience
  )
})
