/**
 * Nodes with chains as processes, for a test, a benchmark or a long run: each with a data folder and a database of its own, over as
 * many lives as it is given. All of them, and what they have kept, are gone when their scope closes.
 */
import { Effect, Result, Schedule } from "effect"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import { End } from "../../../bench/End.ts"
import * as Address from "../../../src/protocol/Address.ts"
import type { ChainSettings } from "../../../src/protocol/chain/Genesis.ts"
import { files } from "../../../src/programs/FolderFiles.ts"
import { copyTo } from "../EmbeddedDatabase.ts"
import type { Functions, Opening } from "./ChainEnd.ts"
import type { Place } from "./Place.ts"

export type Driver = "pglite" | "postgres"

/** A chain that anybody extends. */
export const open: ChainSettings = { id: "open", time: 1_700_000_000_000 }

const program = new URL("ChainEnd.ts", import.meta.url)

/** Most of a short life goes into loading modules. */
const env = { NODE_COMPILE_CACHE: path.join(os.tmpdir(), "holdfast-test-compile-cache") }

/** One node over all its lives. */
export class ChainNode {
  readonly name: string
  readonly place: Place
  readonly #driver: Driver
  #end: End<Functions> | undefined
  #address: string | undefined

  constructor(name: string, place: Place, driver: Driver) {
    this.name = name
    this.place = place
    this.#driver = driver
  }

  /** The process of the present life. */
  get end(): End<Functions> {
    // Lives are short: most of one would go into optimising the embedded database.
    const execArgv = this.#driver === "pglite" && !this.isLasting ? ["--liftoff-only"] : []
    return (this.#end ??= new End<Functions>(program, { arguments: [this.name], execArgv, env }))
  }

  /** For benchmarks: its code is compiled as that of a node that goes on for long. */
  isLasting = false

  /** Where others dial it. */
  get address(): Address.Address {
    return Result.getOrThrow(Address.parse(this.#address ?? ""))
  }

  /** The same by way of another port of this machine. */
  through(port: number): string {
    return String(new Address.Address({ key: this.address.key, host: "127.0.0.1", port }))
  }

  async open(settings: ChainSettings, more: Pick<Opening, "advertise" | "port" | "produce"> = {}): Promise<void> {
    this.#address = await this.end.call("open", { place: this.place, settings, ...more })
  }

  connect(to: ChainNode): Promise<number> {
    return this.end.call("connect", String(to.address))
  }

  /** SIGKILL, at once; returns when it has ended. */
  async kill(): Promise<void> {
    await this.#end?.signal("SIGKILL")
    this.#end = undefined
  }

  async stop(): Promise<void> {
    await this.#end?.stop()
    this.#end = undefined
  }
}

/** `createDatabase` gives the URL of an empty database; asked for nodes on PostgreSQL alone. */
export const make = Effect.fnUntraced(function* (createDatabase: () => Promise<string>) {
  const root = yield* Effect.acquireRelease(
    Effect.promise(() => fs.mkdtemp(path.join(os.tmpdir(), "holdfast-chain-"))),
    (folder) =>
      Effect.promise(() => fs.rm(folder, { recursive: true, force: true })).pipe(
        Effect.retry(Schedule.recurs(3)),
        Effect.ignore
      )
  )
  const all: Array<ChainNode> = []
  let count = 0
  yield* Effect.addFinalizer(() => Effect.promise(() => Promise.all(all.map((node) => node.stop()))))
  return {
    node: async (driver: Driver): Promise<ChainNode> => {
      const name = `node${++count}`
      const database = driver === "postgres" ? await createDatabase() : undefined
      const data = path.join(root, name)
      if (driver === "pglite") {
        await fs.mkdir(data, { mode: 0o700 })
        await Effect.runPromise(copyTo(path.join(data, files.database)))
      }
      const node = new ChainNode(name, { data, database }, driver)
      all.push(node)
      return node
    }
  }
})

export type ChainNodes = Effect.Success<ReturnType<typeof make>>
