import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import { SqlClient } from "effect/sql"
import { migrations } from "../../migrations/index.ts"
import * as KeyringFile from "../../src/layers/KeyringFile.ts"
import * as Migrations from "../../src/layers/Migrations.ts"
import { Cuid } from "../../src/protocol/credit/Chad.ts"
import { NodeKey } from "../../src/protocol/NodeKey.ts"
import * as Tables from "../../src/services/credit/CreditTables.ts"
import { Keyring } from "../../src/services/credit/Keyring.ts"
import { Records } from "../../src/services/Records.ts"
import * as EmbeddedDatabase from "../support/EmbeddedDatabase.ts"
import * as Stores from "../support/Stores.ts"

const alice = Cuid.make("alice")
const onDisk = Layer.merge(NodeFileSystem.layer, SecureRandom.layerWebCrypto)

/** A path in a folder of its own that goes away with the test. */
const somePath = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  return `${yield* fs.makeTempDirectoryScoped()}/keyring.json`
})

const keyIn = (path: string) =>
  Keyring.useSync(({ keyOf }) => keyOf(alice)).pipe(Effect.provide(Layer.fresh(KeyringFile.layer(path))))

const user = (key: NodeKey, isKept: boolean): Tables.User => ({
  certificate: {
    date: 1,
    chad: { cuid: alice, agent: NodeKey.make("ab".repeat(32)), host: "127.0.0.1", port: 4000 },
    type: "person",
    name: "Alice",
    public: key
  },
  former: [],
  isKept
})

describe("the file of the users' keys", () => {
  it.effect("is made once, for its owner alone, and gives the same keys ever after", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const [one, other] = [yield* somePath, yield* somePath]
      const key = yield* keyIn(one)
      assert.strictEqual(yield* keyIn(one), key)
      assert.notStrictEqual(yield* keyIn(other), key)
      assert.strictEqual((yield* fs.stat(one)).mode & 0o777, 0o600)
    }).pipe(Effect.provide(onDisk))
  )

  it.effect("is refused with what mends it where others can read it, or where it is none, and never replaced", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* somePath
      yield* keyIn(path)
      yield* fs.chmod(path, 0o644)
      const exposed = yield* Effect.flip(keyIn(path))
      assert.include(exposed.message, `chmod 600 "${path}"`)
      yield* fs.chmod(path, 0o600)
      const secret = (yield* fs.readFileString(path)).replace('"version":1', '"version":2')
      yield* fs.writeFileString(path, secret)
      const malformed = yield* Effect.flip(keyIn(path))
      assert.include(malformed.message, "backup")
      assert.notInclude(malformed.message, secret.slice(-40, -10))
      assert.strictEqual(yield* fs.readFileString(path), secret)
    }).pipe(Effect.provide(onDisk))
  )

  it.effect("is not that of the users in the database: told plainly, unless they sign themselves", () =>
    Effect.gen(function* () {
      const records = yield* Records
      const check = (seed: number) =>
        KeyringFile.check("/data/keyring.json").pipe(
          Effect.provide(Keyring.layer(Redacted.make(new Uint8Array(32).fill(seed))))
        )
      const own = yield* Keyring.useSync(({ keyOf }) => keyOf(alice)).pipe(
        Effect.provide(Keyring.layer(Redacted.make(new Uint8Array(32).fill(1))))
      )
      yield* check(2)
      yield* records.put(Tables.users, user(own, false))
      yield* check(2)
      yield* records.put(Tables.users, user(own, true))
      yield* check(1)
      const lost = yield* Effect.flip(check(2))
      for (const part of ["/data/keyring.json", "alice", "backup", "--no-credit"]) assert.include(lost.message, part)
    }).pipe(Effect.provide(Stores.memory))
  )
})

describe("the tables of credit", () => {
  it.effect("are made by the migration as their definitions say", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const columns = sql`
        SELECT table_name, column_name, data_type, is_nullable, collation_name FROM information_schema.columns
        WHERE table_name LIKE 'credit_%' ORDER BY table_name, column_name`
      const indexes = sql`SELECT tablename, indexdef FROM pg_indexes WHERE tablename LIKE 'credit_%' ORDER BY indexname`
      const options = sql`SELECT relname, reloptions FROM pg_class WHERE relname LIKE 'credit_%' AND relkind = 'r' ORDER BY relname`
      const all = Effect.all([columns, indexes, options])
      yield* Migrations.migrate(migrations)
      const migrated = yield* all
      for (const { name } of Tables.all) yield* sql`DROP TABLE ${sql(name)}`
      assert.lengthOf((yield* all)[0], 0)
      for (const table of Tables.all) yield* Records.migration(table)
      assert.deepStrictEqual(migrated, yield* all)
    }).pipe(Effect.provide(EmbeddedDatabase.layer))
  )
})
