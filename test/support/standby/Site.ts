/**
 * A site on PostgreSQL with several processes that could run its node, of which one does, and an application beside
 * them that sends notes all the time, whoever runs the node.
 */
import { NodeServices } from "@effect/platform-node"
import { Effect, Fiber, Layer, ManagedRuntime, Redacted, Schedule } from "effect"
import { SecureRandom } from "effect/crypto"
import { SqlClient } from "effect/sql"
import { copyFile, mkdir } from "node:fs/promises"
import { join } from "node:path"
import * as IdentityFile from "../../../src/layers/IdentityFile.ts"
import * as Postgres from "../../../src/layers/Postgres.ts"
import * as SenderSql from "../../../src/layers/SenderSql.ts"
import { files } from "../../../src/programs/FolderFiles.ts"
import { Note } from "../../../src/programs/NoteProtocol.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import { HoldfastProcess, type ReadyNode, readyNode } from "../../programs/HoldfastProcess.ts"

/** Notes that are on their way to their commit at the same time. */
const lanes = 2

const application = (identity: string, database: string) =>
  SenderSql.layer.pipe(
    Layer.provideMerge(Postgres.layer({ url: Redacted.make(database), applicationName: "application" })),
    Layer.provide(IdentityFile.layer(identity)),
    Layer.provide(Layer.merge(NodeServices.layer, SecureRandom.layerWebCrypto))
  )

export class Site {
  readonly name: string
  readonly #folder: string
  readonly #database: string
  readonly #args: ReadonlyArray<string>
  readonly #processes: Array<HoldfastProcess> = []
  #app: ManagedRuntime.ManagedRuntime<Delivery | SqlClient.SqlClient, unknown> | undefined
  #sending: Fiber.Fiber<unknown, unknown> | undefined
  /** Notes whose transaction has committed. */
  readonly sent: Array<string> = []
  #next = 0

  constructor(name: string, folder: string, database: string, args: ReadonlyArray<string>) {
    this.name = name
    this.#folder = folder
    this.#database = database
    this.#args = args
  }

  /** Starts a process of this node, in a data folder of its own with the node's identity. */
  async launch(more: ReadonlyArray<string> = []): Promise<HoldfastProcess> {
    const data = join(this.#folder, `${this.name}-${this.#processes.length}`)
    await mkdir(data, { mode: 0o700 })
    if (this.#processes.length > 0) await copyFile(this.#identity, join(data, files.identity))
    const args = ["start", "--data", data, "--json", "--heartbeat", "fast", "--database-url", this.#database]
    const process = new HoldfastProcess([...args, ...this.#args, ...more])
    this.#processes.push(process)
    return process
  }

  /** A process that is told to begin, and owns the node. */
  async own(more: ReadonlyArray<string> = []): Promise<ReadyNode> {
    return readyNode(await this.launch(more))
  }

  /** A process that stands by. */
  async standBy(more: ReadonlyArray<string> = []): Promise<HoldfastProcess> {
    const process = await this.launch(more)
    await process.said("Standing by")
    return process
  }

  get #identity(): string {
    return join(this.#folder, `${this.name}-0`, files.identity)
  }

  /** Sends notes to a node until `quiet`. */
  async send(peer: NodeKey): Promise<void> {
    this.#app = ManagedRuntime.make(application(this.#identity, this.#database))
    await this.#app.runPromise(Effect.void)
    const lane = Effect.gen({ self: this }, function* () {
      const delivery = yield* Delivery
      while (true) {
        const text = `${this.name} ${this.#next++}`
        yield* delivery.sendNow(peer, Note, { text })
        this.sent.push(text)
        yield* Effect.sleep("20 millis")
      }
    })
    const all = Effect.all(
      Array.from({ length: lanes }, () => lane),
      { concurrency: "unbounded" }
    )
    this.#sending = this.#app.runFork(all)
  }

  /** What the next note will say. */
  get next(): string {
    return `${this.name} ${this.#next + lanes}`
  }

  #run<A, E>(effect: Effect.Effect<A, E, SqlClient.SqlClient>): Promise<A> {
    if (this.#app === undefined) return Promise.reject(new Error("the application has not begun"))
    return this.#app.runPromise(effect)
  }

  /** Runs a query of the test's own. */
  query<Row extends object>(statement: string): Promise<ReadonlyArray<Row>> {
    return this.#run(Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe<Row>(statement)))
  }

  /** Waits until a query finds something. */
  until<Row extends object>(statement: string): Promise<ReadonlyArray<Row>> {
    const look = Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe<Row>(statement))
    const found = (rows: ReadonlyArray<Row>) => rows.length > 0
    return this.#run(Effect.repeat(look, { schedule: Schedule.spaced("20 millis"), until: found }))
  }

  /** Waits until a note is in the inbox; returns when it was received, in milliseconds since 1970. */
  async received(text: string): Promise<number> {
    const [row] = await this.until<{ readonly at: bigint }>(
      `SELECT received_at AS at FROM inbox WHERE text = '${text}'`
    )
    return Number(row?.at)
  }

  /** Which term the node is in. */
  async term(): Promise<bigint> {
    const [row] = await this.query<{ readonly term: bigint }>("SELECT term FROM holdfast_lease")
    return row?.term ?? 0n
  }

  /**
   * Waits for the term after the given one, and in it for the first message of this site that is receipted and the
   * first one of the peer that takes effect: both are written by the new owner alone. Returns when, in milliseconds
   * since 1970.
   */
  async takenOver(since: bigint) {
    const seen = `FROM holdfast_links l JOIN holdfast_arrivals a ON a.link = l.id`
    await this.until(`SELECT 1 AS later FROM holdfast_lease WHERE term > ${since}`)
    const owned = Date.now()
    const [at] = await this.query<{ readonly receipted: bigint; readonly position: bigint }>(
      `SELECT l.receipted, a.position ${seen}`
    )
    const first = async (column: string, than: bigint | undefined): Promise<number> => {
      await this.until(`SELECT 1 AS moved ${seen} WHERE ${column} > ${than ?? 0n}`)
      return Date.now()
    }
    const moved = [first("l.receipted", at?.receipted), first("a.position", at?.position)] as const
    const [sent, received] = await Promise.all(moved)
    return { owned, sent, received }
  }

  /** Sends no more, and waits until nothing is owed. */
  async quiet(): Promise<void> {
    const [sending, app] = [this.#sending, this.#app]
    if (sending !== undefined && app !== undefined) await app.runPromise(Fiber.interrupt(sending))
    this.#sending = undefined
    await this.until("SELECT 1 AS drained WHERE NOT EXISTS (SELECT FROM holdfast_outbox)")
  }

  /** For the end, whatever became of it. */
  async discard(): Promise<void> {
    await this.#app?.dispose()
    for (const process of this.#processes) process.signal("SIGKILL")
    await Promise.all(this.#processes.map(({ ended }) => ended))
  }
}

/** What of the notes that one site has sent the other has not received exactly once. */
export const faults = async (from: Site, to: Site): Promise<ReadonlyArray<string>> => {
  const rows = await to.query<{ readonly text: string; readonly times: bigint }>(
    "SELECT text, count(*) AS times FROM inbox GROUP BY text"
  )
  const times = new Map(rows.map(({ text, times }) => [text, Number(times)]))
  const lost = from.sent.filter((text) => !times.has(text)).map((text) => `lost: ${text}`)
  const doubled = [...times].filter(([, count]) => count > 1).map(([text, count]) => `${count} times: ${text}`)
  return [...lost, ...doubled]
}
