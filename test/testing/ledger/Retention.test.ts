/** What ledgers forget in long runs, and when: two nodes whose databases are written by hand. */
import { assert, describe, it } from "@effect/vitest"
import type { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import { rowsIn } from "../../../src/layers/retry/MemoryRows.ts"
import { MessageId } from "../../../src/protocol/delivery/Message.ts"
import { NodeKey } from "../../../src/protocol/NodeKey.ts"
import * as MemoryDatabases from "../../../src/testing/database/MemoryDatabases.ts"
import type { Fault } from "../../../src/testing/faults/FaultPlan.ts"
import { type LedgerTables, tablesIn } from "../../../src/testing/ledger/Ledger.ts"
import type { Wish } from "../../../src/testing/ledger/LedgerMessage.ts"
import { afterCommit, inOrder, LedgerWatch } from "../../../src/testing/ledger/LedgerWatch.ts"
import { planWith, watched } from "../cluster/Watched.ts"
import { newWorld } from "../database/Program.ts"

const hour = 3_600_000
const keys = { a: NodeKey.make("a".repeat(64)), b: NodeKey.make("b".repeat(64)) }
type Name = keyof typeof keys

/** A name that a message may have. */
const idOf = (n: number): MessageId => MessageId.make(`00000000-0000-4000-8000-${String(n).padStart(12, "0")}`)

class Ledgers {
  readonly #watched = watched()
  readonly #view = {
    nodes: Object.entries(keys).map(([name, key]) => {
      return { name, key, life: 1, state: "running", registry: undefined } as const
    }),
    now: 0
  }
  readonly #databases = { a: MemoryDatabases.make(newWorld(), "a"), b: MemoryDatabases.make(newWorld(), "b") }
  readonly #watch: LedgerWatch

  constructor(duration: number, ...faults: ReadonlyArray<Fault>) {
    const watching = { ...this.#watched.watching, view: this.#view }
    this.#watch = new LedgerWatch(watching, { ...planWith(...faults, { _tag: "Silence" }), duration })
  }

  /** "a" sends a message to "b" and owes it. */
  sends(n: number, wish: Wish = "plain"): this {
    this.#memory("a", (tables, memory) => {
      tables.write(tables.sent, { id: idOf(n), n, subject: "s", wish, again: false, padding: "", to: keys.b })
      rowsIn.of(memory).ids.set(idOf(n), { peer: keys.b, place: BigInt(n) })
    })
    return this.commits("a")
  }

  takesEffect(n: number): this {
    this.#memory("b", (tables) => {
      tables.write(tables.effects, { id: idOf(n), n, from: keys.a, subject: "s", again: false })
    })
    return this.commits("b")
  }

  isConcluded(n: number, outcome = "Ok", owed = false): this {
    this.#memory("a", (tables, memory) => {
      tables.write(tables.conclusions, { id: idOf(n), to: keys.b, outcome })
      if (!owed) rowsIn.of(memory).ids.delete(idOf(n))
    })
    return this.commits("a")
  }

  /** It all goes well. */
  exchanges(n: number): this {
    return this.sends(n).takesEffect(n).isConcluded(n)
  }

  commits(node: Name): this {
    this.#memory(node, (_, memory) => memory.log.clear())
    this.#watch.committed(node, this.#databases[node])
    return this
  }

  /** Time goes on, and these are looked at. */
  waits(minutes: number, ...nodes: ReadonlyArray<Name>): this {
    this.#view.now += minutes * 60_000_000
    for (const node of nodes.length === 0 ? (["a", "b"] as const) : nodes) this.commits(node)
    return this
  }

  backup(node: Name): () => this {
    const snapshot = this.#databases[node].snapshot()
    return () => {
      this.#databases[node].restore(snapshot)
      this.#watch.restored(node)
      return this
    }
  }

  /** The messages that the ledgers still show. */
  get shown() {
    const ids = (rows: Iterable<{ readonly id: string }>) => [...rows].map(({ id }) => Number(id.slice(-12)))
    const [a, b] = [this.#tables("a"), this.#tables("b")]
    return { sent: ids(a.sent), conclusions: ids(a.conclusions), effects: ids(b.effects) }
  }

  get found() {
    return this.#watched.violations.map(([property]) => property)
  }

  written(node: Name): number {
    return this.#tables(node).sent.written
  }

  #tables(node: Name): LedgerTables {
    return this.#memory(node, (tables) => tables)
  }

  #memory<A>(node: Name, use: (tables: LedgerTables, memory: MemoryDatabase["Service"]) => A) {
    const memory = this.#databases[node].memory
    if (memory === undefined) throw new Error("the database is none of memory")
    return use(tablesIn.of(memory), memory)
  }
}

describe("a message in a long run", () => {
  it("is forgotten by its sender, then by its receiver, and its number is not given again", () => {
    const ledgers = new Ledgers(hour).exchanges(1).waits(1)
    ledgers.exchanges(2)
    assert.deepStrictEqual(ledgers.shown, { sent: [2], conclusions: [2], effects: [1, 2] })
    assert.strictEqual(ledgers.written("a"), 2)
    ledgers.waits(1).waits(1).exchanges(3)
    assert.deepStrictEqual(ledgers.shown, { sent: [3], conclusions: [3], effects: [2, 3] })
    assert.deepStrictEqual(ledgers.found, [])
  })

  it("is out of order if it takes effect again, and was never committed once all have forgotten it", () => {
    const ledgers = new Ledgers(hour).exchanges(1).waits(1).exchanges(2).waits(1).waits(1).exchanges(3)
    assert.deepStrictEqual(ledgers.takesEffect(1).found, [inOrder])
    const later = new Ledgers(hour).exchanges(1).waits(1).exchanges(2).waits(1).waits(1).exchanges(3).waits(1)
    assert.deepStrictEqual(later.takesEffect(1).found, [afterCommit])
  })

  it("is kept until it is concluded and, if it asked for an effect, has had it", () => {
    const ledgers = new Ledgers(hour).sends(1).sends(2, "refuse").sends(3, "stale").sends(4)
    ledgers.takesEffect(4).isConcluded(2, "Refused").waits(5).sends(5)
    assert.deepStrictEqual(ledgers.shown, { sent: [1, 3, 4, 5], conclusions: [], effects: [4] })
  })

  it("is kept in runs of less than an hour", () => {
    const ledgers = new Ledgers(hour - 1).exchanges(1).waits(30).exchanges(2).waits(30).exchanges(3)
    assert.deepStrictEqual(ledgers.shown, { sent: [1, 2, 3], conclusions: [1, 2, 3], effects: [1, 2, 3] })
  })

  it("is kept for longer than any backup, and for ever if nobody knows how old one may be", () => {
    // Restored at 0 ms, and in `planWith` the nth at n ms.
    const young: Fault = { _tag: "RestoreBackup", node: "a", takenAt: 0, down: 1 }
    const old = (faults: ReadonlyArray<Fault>) => new Ledgers(hour, ...faults).exchanges(1).waits(1).exchanges(2).shown
    assert.deepStrictEqual(old([young]).sent, [2])
    assert.deepStrictEqual(old([{ _tag: "Silence" }, young]).sent, [1, 2])
  })

  it("is kept by its receiver while a copy of it may be under way", () => {
    const ledgers = new Ledgers(hour)
    // Only then are there copies.
    ledgers.backup("b")()
    ledgers.commits("b").sends(1).takesEffect(1).isConcluded(1, "Ok", true).waits(1).sends(2)
    assert.deepStrictEqual(ledgers.shown.sent, [2])
    ledgers.takesEffect(2).isConcluded(2).waits(1).waits(1).waits(1).exchanges(3)
    assert.deepStrictEqual(ledgers.shown.effects, [1, 2, 3])
    ledgers.isConcluded(1).waits(1).exchanges(4)
    assert.deepStrictEqual(ledgers.shown.effects, [1, 2, 3, 4])
    ledgers.waits(1).exchanges(5)
    assert.notInclude(ledgers.shown.effects, 1)
    assert.deepStrictEqual(ledgers.found, [])
  })

  it("that a backup brings back is known, and is forgotten again", () => {
    const ledgers = new Ledgers(hour).exchanges(1).waits(1).exchanges(2).waits(1).waits(1)
    const [sender, receiver] = [ledgers.backup("a"), ledgers.backup("b")]
    ledgers.exchanges(3)
    assert.deepStrictEqual(ledgers.shown.effects, [2, 3])
    receiver().commits("b")
    sender().commits("a")
    assert.deepStrictEqual(ledgers.shown, { sent: [2], conclusions: [2], effects: [1, 2] })
    ledgers.waits(1).exchanges(4).waits(1).waits(1).exchanges(5).waits(1).exchanges(6)
    assert.deepStrictEqual(ledgers.shown, { sent: [6], conclusions: [6], effects: [4, 5, 6] })
    assert.deepStrictEqual(ledgers.found, [])
  })

  it("is kept by its sender while its receiver has lost the effect, or itself the end", () => {
    const receiver = new Ledgers(hour)
    const empty = receiver.backup("b")
    receiver.exchanges(1)
    empty().commits("b").waits(1).waits(1).sends(2)
    assert.deepStrictEqual(receiver.shown.sent, [1, 2])
    receiver.takesEffect(1).waits(1).sends(3)
    assert.deepStrictEqual(receiver.shown.sent, [2, 3])

    const sender = new Ledgers(hour).sends(1).takesEffect(1)
    const open = sender.backup("a")
    sender.isConcluded(1)
    open().commits("a").waits(1).waits(1).sends(2)
    assert.deepStrictEqual(sender.shown.sent, [1, 2])
  })

  it("is kept by its receiver once its sender has it again", () => {
    const ledgers = new Ledgers(hour)
    ledgers.backup("b")()
    ledgers.commits("b").sends(9).isConcluded(9).exchanges(1)
    const again = ledgers.backup("a")
    ledgers.waits(1).exchanges(2)
    assert.notInclude(ledgers.shown.sent, 1)
    again().commits("a").waits(1).waits(1).waits(1).takesEffect(9)
    assert.include(ledgers.shown.sent, 1)
    assert.include(ledgers.shown.effects, 1)
  })

  it("is known for as long as a database may have it that has not been read again", () => {
    const ledgers = new Ledgers(hour).exchanges(1).waits(1).exchanges(2).waits(1).waits(1)
    const back = ledgers.backup("b")
    ledgers.exchanges(3)
    back().waits(5, "a").waits(5, "a").commits("b")
    assert.deepStrictEqual([ledgers.shown.effects, ledgers.found], [[1, 2], []])
    ledgers.waits(1).waits(1).waits(1).exchanges(4)
    assert.notInclude(ledgers.shown.effects, 1)
  })

  it("is known for as long as anybody shows it", () => {
    const ledgers = new Ledgers(hour).exchanges(1)
    ledgers.backup("a")().waits(1).waits(1)
    ledgers.backup("b")().commits("b")
    assert.deepStrictEqual([ledgers.shown.effects, ledgers.found], [[1], []])
  })

  it("is forgotten by its receiver when its sender has lost it", () => {
    const ledgers = new Ledgers(hour)
    const empty = ledgers.backup("a")
    ledgers.exchanges(1)
    empty().commits("a").waits(1).waits(1).waits(1).exchanges(2)
    assert.deepStrictEqual(ledgers.shown.effects, [2])
  })

  it("waits anew when a database has gone back, and until that has been read", () => {
    const kept = new Ledgers(hour).exchanges(1).waits(0.9)
    kept.backup("b")().waits(0.9).exchanges(2)
    assert.deepStrictEqual(kept.shown.sent, [1, 2])
    assert.deepStrictEqual(kept.waits(0.2).exchanges(3).shown.sent, [2, 3])
  })
})
