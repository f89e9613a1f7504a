/**
 * Two nodes under load whose databases fail while they run, whose processes freeze, and of which one is replaced: the
 * processes live, go on by themselves, and nothing is lost or repeated.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { SqlClient } from "effect/sql"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { files } from "../../src/programs/FolderFiles.ts"
import * as Address from "../../src/protocol/Address.ts"
import { type DatabaseProxy, open } from "../support/crashing/DatabaseProxy.ts"
import { NodeProcess } from "../support/crashing/NodeProcess.ts"
import { faults, figures, Pair, type Settings } from "../support/crashing/Pair.ts"
import { type Place, prepare, using } from "../support/crashing/Places.ts"
import type { Side } from "../support/crashing/Strikes.ts"
import { server as sharedServer } from "../support/FreshDatabase.ts"
import { start as startServer } from "../support/PostgresServer.ts"

const outage = "The database does not answer, trying again"

const statement = (place: Place, sql: string): Promise<unknown> =>
  using(
    place,
    Effect.flatMap(SqlClient.SqlClient, (client) => client.unsafe(sql))
  )

/** Ends the connections that a node has to its database, and returns when the server is done with them. */
const disconnect = (place: Place): Promise<unknown> =>
  statement(
    place,
    `SELECT pg_terminate_backend(pid, 120000) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()`
  )

/** Two places on one server, the run's own unless it is given. */
const places = async (url?: string): Promise<Record<Side, Place>> => {
  const server = url ?? (await sharedServer()).url
  return { a: await prepare("postgres", server), b: await prepare("postgres", server) }
}

/** Runs a test on a pair that has been started, and cleans up after it. */
const withPair = async (
  at: Record<Side, Place>,
  settings: Partial<Record<Side, Settings>>,
  test: (pair: Pair) => Promise<void>
): Promise<void> => {
  const pair = new Pair(at, 1, settings)
  try {
    await pair.start()
    await test(pair)
  } finally {
    await pair.discard()
  }
}

/** Ends the pair and holds it to the promise. */
const settle = async (name: string, pair: Pair, more: ReadonlyArray<NodeProcess> = []) => {
  const result = await pair.finish(more)
  console.log(`${name}:`, JSON.stringify(figures(result)))
  assert.deepStrictEqual(faults(result), [])
  return result
}

/** How often each of a node's fibers has said that the database is away. */
const complaints = (node: NodeProcess): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { annotations, message } of node.logged()) {
    if (message === outage) counts[String(annotations["what"])] = (counts[String(annotations["what"])] ?? 0) + 1
  }
  return counts
}

describe("two nodes under load", { timeout: 900_000 }, () => {
  it("go on by themselves when their server was restarted, and when it was killed", async () => {
    const server = await startServer({ own: true })
    try {
      await withPair(await places(server.url), {}, async (pair) => {
        const pids = [pair.nodes.a.pid, pair.nodes.b.pid]
        const outages = [
          () => server.restart("immediate"),
          async () => {
            await server.kill()
            await server.resume()
          }
        ]
        for (const end of outages) {
          await end()
          await pair.flows()
        }
        assert.deepStrictEqual([pair.nodes.a.pid, pair.nodes.b.pid], pids)
        for (const node of Object.values(pair.nodes)) {
          const said = complaints(node)
          assert.isNotEmpty(said)
          // The fibers of a session that begins during an outage do not know what those of the last one have said.
          const most = outages.length + node.life.ended.length
          for (const [what, count] of Object.entries(said))
            assert.isAtMost(count, most, `${what}: once for each outage`)
        }
        await settle("server restarted and killed", pair)
      })
    } finally {
      await server.stop()
    }
  })

  it("neither lose nor repeat what was committed when the connection was lost before the answer", async () => {
    const at = await places()
    const proxies: Record<Side, DatabaseProxy> = { a: await open(at.a.database!), b: await open(at.b.database!) }
    try {
      await withPair(at, { a: { database: proxies.a.url }, b: { database: proxies.b.url } }, async (pair) => {
        for (const target of ["COMMIT", "any"] as const) {
          for (const side of ["a", "b"] as const) {
            const before = proxies[side].cuts()
            proxies[side].cut(target, 7)
            await pair.nodes[side].until("connections were cut", () => proxies[side].cuts() >= before + 15)
            proxies[side].cut(target, 0)
            await pair.flows()
          }
        }
        console.log("connections cut:", proxies.a.cuts(), proxies.b.cuts())
        await settle("commits unheard", pair)
      })
    } finally {
      await proxies.a.close()
      await proxies.b.close()
    }
  })

  it("slow down and lose nothing when statements time out and connections are few", async () => {
    const at = await places()
    const few = { lanes: 8, paceMillis: 5, maxConnections: 4 }
    await withPair(at, { a: few, b: few }, async (pair) => {
      // Not before they run: a start that a busy server delays ends with the first statement that times out.
      for (const place of Object.values(at)) {
        const name = new URL(place.database!).pathname.slice(1)
        await statement(place, `ALTER DATABASE ${name} SET statement_timeout = '400ms'`)
        await disconnect(place)
      }
      await pair.flows()
      for (const side of ["a", "b"] as const) {
        const node = pair.nodes[side]
        await using(
          at[side],
          Effect.gen(function* () {
            const sql = yield* SqlClient.SqlClient
            yield* sql`LOCK TABLE holdfast_links, holdfast_arrivals, holdfast_outbox`
            const before = complaints(node)
            const since = () => Object.entries(complaints(node)).filter(([what, n]) => n > (before[what] ?? 0))
            // The receiving side, and of the sending one either who takes messages or, where its window is full, who settles.
            yield* Effect.promise(() => node.until("statements time out", () => since().length >= 2))
          }).pipe((held) => Effect.flatMap(SqlClient.SqlClient, (sql) => sql.withTransaction(held)))
        )
        await pair.flows()
      }
      await settle("statements timed out", pair)
    })
  })

  it("go on when one of them was frozen for eight seconds", async () => {
    await withPair(await places(), {}, async (pair) => {
      const { a, b } = pair.nodes
      b.signal("SIGSTOP")
      const [ended] = await Promise.all([
        a.until("it has given the frozen peer up", (life) => !life.live),
        new Promise((resolve) => setTimeout(resolve, 8_000))
      ])
      assert.strictEqual(ended.ended.at(-1), "silent")
      b.signal("SIGCONT")
      await a.until("a session is live again", (life) => life.live)
      await pair.flows()
      await settle("frozen", pair)
    })
  })

  it("write nothing more for a link that another process has taken over", async () => {
    const at = await places()
    const fenced = (node: NodeProcess): number =>
      node.logged().filter(({ annotations }) => /belongs to another process now/.test(String(annotations["detail"])))
        .length
    await withPair(at, {}, async (pair) => {
      const { a, b } = pair.nodes
      const peer = Result.getOrThrow(Address.parse(b.life.address ?? "")).key
      const sites = [
        "delivery.numbered-before-sent",
        "delivery.committed-before-receipt",
        "delivery.receipted-before-settled"
      ] as const
      for (const [index, site] of sites.entries()) {
        a.order({ _tag: "Arm", site, passes: 2, signal: "hold" })
        await a.until(`it stands at ${site}`, (life) => life.held === index + 1)
        // What a take-over does to the link.
        await statement(
          at.a,
          `WITH raised AS (UPDATE holdfast_links SET epoch = epoch + 1 WHERE peer = '${peer}' RETURNING id, epoch)
           UPDATE holdfast_arrivals a SET epoch = raised.epoch FROM raised WHERE a.link = raised.id`
        )
        a.order({ _tag: "Release" })
        await a.until("what it wanted to write was refused", () => fenced(a) > index)
        // It takes the link back with its next session.
        await pair.flows()
      }
      await settle("fenced", pair)
    })
  })

  it("repeat nothing when a process that was taken for dead goes on beside its successor", async () => {
    const at = await places()
    const second = new NodeProcess("a, second process")
    const data = `${at.a.data}-second`
    try {
      await withPair(at, {}, async (pair) => {
        const { a: first, b } = pair.nodes
        // It stands still between a receipt and what the receipt does.
        first.order({ _tag: "Arm", site: "delivery.receipted-before-settled", passes: 3, signal: "SIGSTOP" })
        await b.until("it has given the frozen peer up", (life) => !life.live)
        // Its connections end, and with them the lock that keeps a second process away.
        await disconnect(at.a)
        await fs.mkdir(data)
        await fs.copyFile(path.join(at.a.data, files.identity), path.join(data, files.identity))
        await second.start({ ...pair.assignment("a"), data, port: 0, lanePrefix: "second" })
        await second.until("it has the session", (life) => life.live)
        await second.until("messages arrive", (life) => life.arrived > 10)
        first.signal("SIGCONT")
        await first.until("its session has ended", (life) => !life.live)
        // It must not come back while the other one lives; what its users send goes out through the other one.
        const [sent, arrived] = [first.life.sent, second.life.arrived]
        await first.until("it takes messages from its users", (life) => life.sent > sent + 10)
        await second.until("messages arrive", (life) => life.arrived > arrived + 10)
        await settle("replaced", pair, [second])
      })
    } finally {
      await second.discard()
      await fs.rm(data, { recursive: true, force: true })
    }
  })
})
