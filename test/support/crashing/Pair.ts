/**
 * Two nodes that send to each other all the time, their places, and what becomes of it all: what every crash test has.
 */
import { type Balance, balance, type Books } from "./Accounting.ts"
import { NodeProcess } from "./NodeProcess.ts"
import { books, type Place } from "./Places.ts"
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

export class Pair {
  readonly places: Readonly<Record<Side, Place>>
  readonly nodes: Readonly<Record<Side, NodeProcess>> = { a: new NodeProcess("a"), b: new NodeProcess("b") }
  readonly #addresses: Record<Side, string> = { a: "", b: "" }
  readonly #settings: Readonly<Record<Side, Settings>>
  readonly #errors: Array<string> = []
  #seed: number

  constructor(places: Readonly<Record<Side, Place>>, seed: number, settings: Partial<Record<Side, Settings>> = {}) {
    this.places = places
    this.#seed = seed
    this.#settings = { a: {}, b: {}, ...settings }
  }

  /** What the next life of a side is started with. */
  assignment(side: Side, settings: Settings = {}): Assignment {
    const { data, database, port } = this.places[side]
    const peer = this.#addresses[other(side)]
    return {
      data,
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
    await Promise.all([this.nodes.a.discard(), this.nodes.b.discard()])
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
