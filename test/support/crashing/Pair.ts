/**
 * Two nodes that send to each other all the time, their places, and what becomes of it all: what every crash test has.
 */
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { files } from "../../../src/programs/FolderFiles.ts"
import { type Balance, balance, type Books } from "./Accounting.ts"
import { NodeProcess } from "./NodeProcess.ts"
import { books, owned, type Place } from "./Places.ts"
import { other, type Side } from "./Strikes.ts"
import type { Assignment } from "./Talk.ts"

/** What there is after the end. */
export interface Result {
  /** How the graceful ends went. */
  readonly stops: ReadonlyArray<{ readonly code: number | null; readonly millis: number }>
  readonly books: Readonly<Record<Side, Books>>
  readonly balances: { readonly "a to b": Balance; readonly "b to a": Balance }
  /** Lines of level ERROR or above, of all lives, and those that say that a database went back in time. */
  readonly errors: ReadonlyArray<string>
}

/** What was answered `Later` a few times waits for many seconds, and waits longer on a busy machine. */
const patience = 300_000

/** What may differ from node to node, and from life to life. */
export type Settings = Partial<Omit<Assignment, "data" | "port" | "peers" | "seed">>

/** The other process of a side's node, and the folder that the one that runs the node leaves it. */
interface Second {
  readonly folder: string
  readonly node: NodeProcess
}

export class Pair {
  readonly places: Readonly<Record<Side, Place>>
  /** The process of each side that runs its node. */
  readonly nodes: Record<Side, NodeProcess> = { a: new NodeProcess("a"), b: new NodeProcess("b") }
  readonly #addresses: Record<Side, string> = { a: "", b: "" }
  readonly #settings: Readonly<Record<Side, Settings>>
  readonly #errors: Array<string> = []
  readonly #folders: Record<Side, string>
  readonly #seconds: Partial<Record<Side, Second>> = {}
  #seed: number

  constructor(places: Readonly<Record<Side, Place>>, seed: number, settings: Partial<Record<Side, Settings>> = {}) {
    this.places = places
    this.#folders = { a: places.a.data, b: places.b.data }
    this.#seed = seed
    this.#settings = { a: {}, b: {}, ...settings }
  }

  /** What the next life of a side is started with. */
  assignment(side: Side, settings: Settings = {}): Assignment {
    const { database, port } = this.places[side]
    const peer = this.#addresses[other(side)]
    return {
      data: this.#folders[side],
      port,
      peers: peer === "" ? [] : [peer],
      seed: ++this.#seed,
      load: true,
      lanes: 2,
      paceMillis: 50,
      ...(database === undefined ? {} : { database }),
      ...this.#settings[side],
      ...settings
    }
  }

  async begin(side: Side, settings?: Settings): Promise<void> {
    const node = this.nodes[side]
    await node.start(this.assignment(side, settings))
    this.#addresses[side] = node.life.address ?? ""
  }

  /** Starts another process of a side's node, on its database, with a folder of its own; it stands by. */
  async standBy(side: Side, settings?: Settings): Promise<NodeProcess> {
    await owned(this.places[side])
    const { data } = this.places[side]
    const second = (this.#seconds[side] ??= { folder: `${data}-second`, node: new NodeProcess(`${side}, standing by`) })
    await fs.mkdir(second.folder, { recursive: true })
    if (second.folder !== data)
      await fs.copyFile(path.join(data, files.identity), path.join(second.folder, files.identity))
    const assignment = this.assignment(side, settings)
    // It may begin to send before the last transaction of the other one is over.
    const lanePrefix = `second-${assignment.seed}`
    await second.node.standBy({ ...assignment, lanePrefix, data: second.folder })
    return second.node
  }

  /** The process that stood by is the one that runs the node; the other one is gone. */
  succeed(side: Side): void {
    const second = this.#seconds[side]
    if (second === undefined) throw new Error(`nobody stands by for ${side}`)
    this.#seconds[side] = { folder: this.#folders[side], node: this.nodes[side] }
    this.#folders[side] = second.folder
    this.nodes[side] = second.node
  }

  /** Starts both, each with the other's address: the first one once more, when the second one has one. */
  async start(): Promise<void> {
    await this.begin("a")
    await this.begin("b")
    await this.nodes.a.stop()
    await this.begin("a")
    await this.flows()
  }

  /** Until so many more messages have arrived at a side. */
  arrives(side: Side, more: number): Promise<unknown> {
    const node = this.nodes[side]
    const from = node.life.arrived
    return node.until(`${more} more messages arrive`, (life) => life.arrived >= from + more)
  }

  /** Until so many more transactions of a side have been committed. */
  sends(side: Side, more: number): Promise<unknown> {
    const node = this.nodes[side]
    const from = node.life.sent
    return node.until(`${more} more transactions are committed`, (life) => life.sent >= from + more)
  }

  /** SIGKILL; returns when the process was seen to be gone. */
  async kill(node: NodeProcess): Promise<number> {
    node.signal("SIGKILL")
    const { exit } = await node.until("it is killed", (life) => life.exit !== undefined)
    if (exit === undefined || exit.signal !== "SIGKILL") {
      throw new Error(`node ${node.name} ended by itself (code ${exit?.code})\n${node.tail()}`)
    }
    this.note(node)
    return exit.at
  }

  /** Until messages arrive on both sides. */
  async flows(more = 10): Promise<void> {
    await Promise.all([this.arrives("a", more), this.arrives("b", more)])
  }

  /** Remembers the errors of a life that is over. */
  note(node: NodeProcess): void {
    for (const { annotations, level, message } of node.logged()) {
      const restored = message.startsWith("A database was restored")
      if (level === "ERROR" || level === "FATAL" || restored)
        this.#errors.push(`${message} ${JSON.stringify(annotations)}`)
    }
  }

  /** Stops to send, waits until nothing is owed, ends the processes, and reads the databases. */
  async finish(more: ReadonlyArray<NodeProcess> = []): Promise<Result> {
    const all = [this.nodes.a, this.nodes.b, ...more]
    for (const node of all) node.order({ _tag: "Load", on: false })
    await Promise.all(all.map((node) => node.until("it has stopped to send", (life) => !life.sending)))
    for (const node of all) node.order({ _tag: "Drain" })
    await Promise.all(all.map((node) => node.until("nothing is owed", (life) => life.drained, patience)))
    const stops = await Promise.all(all.map((node) => node.stop()))
    for (const node of all) this.note(node)
    const [a, b] = [await books(this.places.a), await books(this.places.b)]
    return {
      stops,
      books: { a, b },
      balances: { "a to b": balance(a, b), "b to a": balance(b, a) },
      errors: this.#errors
    }
  }

  /** For the end of a test, whatever became of it. */
  async discard(): Promise<void> {
    const seconds = Object.values(this.#seconds)
    const all = [...Object.values(this.nodes), ...seconds.map(({ node }) => node)]
    await Promise.all(all.map((node) => node.discard()))
    const folders = [...Object.values(this.#folders), ...seconds.map(({ folder }) => folder)]
    await Promise.all(folders.map((folder) => fs.rm(folder, { recursive: true, force: true })))
    await Promise.all([this.places.a.dispose(), this.places.b.dispose()])
  }
}

/** What is printed of a run. */
export const figures = ({ balances, books: { a, b }, stops }: Result) => ({
  ...Object.fromEntries(
    Object.entries(balances).map(([direction, it]) => [
      direction,
      {
        sent: it.sent,
        due: it.due,
        once: it.once,
        lost: it.lost.length,
        doubled: it.doubled.length,
        foreign: it.foreign.length,
        disordered: it.disordered.length,
        misinformed: it.misinformed.length,
        answered: { later: it.later, stale: it.stale, refused: it.refused }
      }
    ])
  ),
  duplicatesSuppressed: a.duplicates + b.duplicates,
  stillOwed: a.owed + b.owed,
  stopMillis: stops.map(({ millis }) => millis)
})

/** What is wrong with a run, in words; nothing if the promise was kept. */
export const faults = ({ balances, books: { a, b }, errors, stops }: Result): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (const [direction, it] of Object.entries(balances)) {
    const { disordered, doubled, foreign, lost, misinformed } = it
    for (const [what, ids] of Object.entries({ lost, doubled, foreign, disordered, misinformed })) {
      if (ids.length > 0) found.push(`${ids.length} messages ${what} from ${direction}: ${ids.slice(0, 5).join(", ")}`)
    }
    if (it.once !== it.due) found.push(`${it.due - it.once} messages from ${direction} without exactly one effect`)
  }
  if (a.owed + b.owed > 0) found.push(`${a.owed + b.owed} messages still owed`)
  for (const { code, millis } of stops) {
    if (code !== 0) found.push(`a node ended with code ${code}`)
    if (millis >= 5_000) found.push(`a node took ${millis} ms to end`)
  }
  return [...found, ...errors]
}
