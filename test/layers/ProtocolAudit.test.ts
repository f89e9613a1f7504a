/**
 * What protocols look for in their own state is part of the audit, on a database and in memory.
 */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer, Option, Schema, Stream } from "effect"
import { SqlError, UnknownError } from "effect/sql/SqlError"
import * as AuditMemory from "../../src/layers/AuditMemory.ts"
import * as AuditSql from "../../src/layers/AuditSql.ts"
import { Audit, Finding, maxFindings } from "../../src/services/delivery/Audit.ts"
import * as Protocol from "../../src/services/delivery/Protocol.ts"
import { Records } from "../../src/services/Records.ts"
import * as Stores from "../support/Stores.ts"

/** Who may have how much honey. */
class Keeper extends Context.Service<Keeper, { readonly most: number }>()("test/layers/ProtocolAudit/Keeper") {}

const hives = Records.table("hives", {
  row: Schema.Struct({ name: Schema.String, honey: Schema.Int }),
  key: ({ name }) => [name]
})

const pageOf = 10
let asked = 0

/** Hives with too much honey, page by page. */
const tooFull = Stream.paginate("", (after) =>
  Effect.gen(function* () {
    asked++
    const { most } = yield* Keeper
    const page = yield* (yield* Records).page(hives, "key", { limit: pageOf, ...(after !== "" && { after: [after] }) })
    const flaws = page
      .filter(({ honey }) => honey > most)
      .map(({ honey, name }) => ({
        name: "too-full",
        about: `hives ${name}`,
        detail: `there are ${honey} of honey, of ${most} at the most`,
        fix: `Take ${honey - most} out.`
      }))
    const last = page.at(-1)
    const next = page.length < pageOf ? undefined : last?.name
    return [flaws, Option.fromUndefinedOr(next)] as const
  })
)

const bees = Protocol.make("bees", {
  messages: Schema.String,
  handle: () => Effect.void,
  audit: [{ what: "hives", flaws: tooFull }]
})

/** A protocol whose second check cannot be made, in one way or another. */
const wasps = (failure: Stream.Stream<never, SqlError>) =>
  Protocol.make("wasps", {
    messages: Schema.String,
    handle: () => Effect.void,
    audit: [
      {
        what: "nests",
        flaws: Stream.succeed({ name: "lost", about: "a nest", detail: "it is gone", fix: "Find it." })
      },
      {
        what: "stings",
        flaws: Stream.concat(Stream.succeed({ name: "half", about: "", detail: "", fix: "" }), failure)
      }
    ]
  })

const put = Effect.fnUntraced(function* (count: number, honey: number) {
  const records = yield* Records
  for (let n = 0; n < count; n++) {
    yield* records.put(hives, { name: `hive ${String(n).padStart(4, "0")}`, honey })
  }
})

const run = Effect.gen(function* () {
  const seen: Array<string> = []
  const { findings, ...rest } = yield* (yield* Audit).run(({ what }) => Effect.sync(() => void seen.push(what)))
  // As HTTP writes it and the command line reads it.
  const codec = Schema.toCodecJson(Schema.Array(Finding))
  const read = Schema.decodeUnknownSync(codec)(Schema.encodeSync(codec)(findings))
  assert.deepStrictEqual(read, findings)
  return { ...rest, seen, theirs: findings.filter(({ kind }) => kind.includes("/") || kind === "check-failed") }
})

const error = new SqlError({ reason: new UnknownError({ cause: "no", message: "no", operation: "test" }) })
const keeper = Layer.succeed(Keeper, { most: 10 })
const tables = Layer.effectDiscard(Records.migration(hives)).pipe(Layer.orDie)

const audits: Readonly<Record<string, Layer.Layer<Audit | Records>>> = {
  PGlite: Layer.mergeAll(
    AuditSql.layer([bees.handled, wasps(Stream.fail(error)).handled, wasps(Stream.die("no")).handled])
  ).pipe(Layer.provideMerge(tables), Layer.provideMerge(Stores.pglite), Layer.provideMerge(keeper)),
  memory: AuditMemory.layer([bees.handled, wasps(Stream.fail(error)).handled, wasps(Stream.die("no")).handled]).pipe(
    Layer.provideMerge(Stores.memory),
    Layer.provideMerge(keeper)
  )
}

for (const [name, services] of Object.entries(audits)) {
  layer(services)(`the audit of protocols in ${name}`, (it) => {
    it.effect("tells what they find, under their name, and goes on behind a check that cannot be made", () =>
      Effect.gen(function* () {
        yield* put(3, 5)
        yield* (yield* Records).put(hives, { name: "hive 0001", honey: 12 })
        const { more, seen, theirs } = yield* run
        assert.isFalse(more)
        assert.deepStrictEqual(seen.slice(-5), [
          "hives (bees)",
          "nests (wasps)",
          "stings (wasps)",
          "nests (wasps)",
          "stings (wasps)"
        ])
        assert.deepStrictEqual(theirs[0], {
          kind: "bees/too-full",
          about: "hives hive 0001",
          detail: "there are 12 of honey, of 10 at the most",
          fix: "Take 2 out."
        })
        assert.deepStrictEqual(
          theirs.slice(1).map(({ kind }) => kind),
          ["wasps/lost", "check-failed", "wasps/lost", "check-failed"]
        )
        assert.include(theirs[2]?.detail, "stings")
      })
    )

    it.effect("tells no more than it can, asks for no more than that, and says that there is more", () =>
      Effect.gen(function* () {
        yield* put(maxFindings * 3, 11)
        asked = 0
        const { more, theirs } = yield* run
        assert.isTrue(more)
        assert.lengthOf(
          theirs.filter(({ kind }) => kind === "bees/too-full"),
          maxFindings
        )
        assert.isAtMost(asked, maxFindings / pageOf + 2)
        yield* put(maxFindings * 3, 10)
        assert.isFalse((yield* run).more)
      })
    )
  })
}
