/**
 * What one node holds of credit, as the scenario `credit` has seen it last, and what a commit has changed of it. Rows of a database in
 * memory are values: one that is the same object is the same row.
 */
import type { MemoryDatabase } from "../../layers/MemoryDatabase.ts"
import { rowsIn, versionOf } from "../../layers/RecordsMemory.ts"
import type { ChitState } from "../../protocol/credit/ChitState.ts"
import type { LiftState } from "../../protocol/credit/LiftState.ts"
import { chitName, halfName, nameOf, type Site } from "../../protocol/credit/Snapshot.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import * as Tables from "../../services/credit/CreditTables.ts"
import type { Parts, Table } from "../../services/RecordTable.ts"

const none: ReadonlySet<string> = new Set()

/** The rows of a table by their names. */
class Shelf<Row, Key extends Parts, Index extends string> {
  rows: ReadonlyMap<string, Row> = new Map()
  readonly #table: Table<Row, Key, Index>
  readonly #name: (row: Row) => string
  #version: number | undefined
  constructor(table: Table<Row, Key, Index>, name: (row: Row) => string) {
    this.#table = table
    this.#name = name
  }

  /** Takes the rows as they are now; the names of those that came, changed or went. */
  read(memory: MemoryDatabase["Service"]): ReadonlySet<string> {
    const version = versionOf(memory, this.#table)
    if (this.#version === version) return none
    this.#version = version
    const before = this.rows
    const now = new Map<string, Row>()
    const changed = new Set<string>()
    for (const row of rowsIn(memory, this.#table)) {
      const name = this.#name(row)
      now.set(name, row)
      if (before.get(name) !== row) changed.add(name)
    }
    for (const name of before.keys()) if (!now.has(name)) changed.add(name)
    this.rows = now
    return changed
  }
}

const some = <Row>(rows: ReadonlyMap<string, Row>, names: Iterable<string>): ReadonlyArray<Row> =>
  [...names].flatMap((name) => {
    const row = rows.get(name)
    return row === undefined ? [] : [row]
  })

/** What a commit has touched. */
export interface Change {
  /** The rows that were other ones before, as they were and as they are, with the halves that they are on. */
  readonly before: Site
  readonly after: Site
  /** Halves that have changed, or chits on them. */
  readonly halves: ReadonlyArray<TallyHalf>
  /** The lifts that have changed, or their chits, with all chits of them at this node. */
  readonly lifts: Site
}

export class CreditBook {
  readonly agent: NodeKey
  readonly #halves = new Shelf(Tables.halves, nameOf)
  readonly #chits = new Shelf(Tables.chits, chitName)
  readonly #lifts = new Shelf(Tables.lifts, ({ plan }) => plan.lift)
  /** Chits by their half, and those of lifts by their lift. */
  #byHalf = new Map<string, Map<string, ChitState>>()
  #byLift = new Map<string, Map<string, ChitState>>()

  constructor(agent: NodeKey) {
    this.agent = agent
  }

  half(name: string): TallyHalf | undefined {
    return this.#halves.rows.get(name)
  }

  halves(): Iterable<TallyHalf> {
    return this.#halves.rows.values()
  }

  lifts(): Iterable<LiftState> {
    return this.#lifts.rows.values()
  }

  chitsOn(half: TallyHalf): ReadonlyArray<ChitState> {
    return [...(this.#byHalf.get(nameOf(half))?.values() ?? [])]
  }

  /** Looks into the database, whose transaction has just committed. */
  read(memory: MemoryDatabase["Service"]): Change {
    const was = { halves: this.#halves.rows, chits: this.#chits.rows, lifts: this.#lifts.rows }
    const halves = this.#halves.read(memory)
    const chits = this.#chits.read(memory)
    const lifts = this.#lifts.read(memory)
    const [touched, lifted] = [new Set(halves), new Set(lifts)]
    for (const name of chits) this.#place(name, was.chits.get(name), this.#chits.rows.get(name), touched, lifted)
    const partOf = ({ chits: allChits, halves: allHalves, lifts: allLifts }: typeof was): Site => ({
      agent: this.agent,
      halves: some(allHalves, touched),
      chits: some(allChits, chits),
      lifts: some(allLifts, lifts)
    })
    const now = { halves: this.#halves.rows, chits: this.#chits.rows, lifts: this.#lifts.rows }
    const own = [...lifted].flatMap((lift) => [...(this.#byLift.get(lift)?.values() ?? [])])
    return {
      before: partOf(was),
      after: partOf(now),
      halves: some(now.halves, touched),
      lifts: {
        agent: this.agent,
        halves: some(now.halves, new Set(own.map(({ core, holder }) => halfName(holder, core.tally)))),
        chits: own,
        lifts: some(now.lifts, lifted)
      }
    }
  }

  #place(
    name: string,
    before: ChitState | undefined,
    after: ChitState | undefined,
    touched: Set<string>,
    lifted: Set<string>
  ): void {
    const { core, holder } = (after ?? before)!
    const half = halfName(holder, core.tally)
    touched.add(half)
    put(this.#byHalf, half, name, after)
    if (core.type !== "lift") return
    lifted.add(core.lift)
    put(this.#byLift, core.lift, name, after)
  }
}

const put = <Row>(shelves: Map<string, Map<string, Row>>, shelf: string, name: string, row: Row | undefined): void => {
  let rows = shelves.get(shelf)
  if (rows === undefined) shelves.set(shelf, (rows = new Map()))
  if (row === undefined) rows.delete(name)
  else rows.set(name, row)
}
