import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { Board, concerns, type Name, names, othersOf } from "../../../src/programs/demo/Board.ts"
import { line, page } from "../../../src/programs/demo/View.ts"

const keyOf = (name: Name) => Schema.decodeUnknownSync(NodeKey)(name.toLowerCase().repeat(64))

/** Three running nodes, all connected by sessions of this number, with these figures towards each other. */
const running = (figures: { readonly sent: number; readonly owed: number; readonly session?: string }) => {
  const board = new Board(10, 0)
  for (const name of names) Object.assign(board.entry(name), { key: keyOf(name), state: "running" })
  for (const name of names) hear(board, name, figures)
  return board
}

const hear = (
  board: Board,
  name: Name,
  figures: { readonly sent: number; readonly owed: number; readonly session?: string }
) => {
  const peers = othersOf(name).map((other) => ({ key: keyOf(other), ...figures }))
  board.heard(name, { _tag: "Status", peers, delivered: 4_321 })
}

describe("the board of the demo", () => {
  it("is done only when every node runs, has sent everything and owes nothing", () => {
    assert.isTrue(running({ sent: 10, owed: 0 }).done)
    assert.isFalse(running({ sent: 9, owed: 0 }).done)
    assert.isFalse(running({ sent: 10, owed: 1 }).done)
    const frozen = running({ sent: 10, owed: 0 })
    frozen.silenced("B", "frozen")
    assert.isFalse(frozen.done)
  })

  it("is connected only when both ends of every line have the same session", () => {
    const board = running({ sent: 1, owed: 0, session: "1" })
    assert.isTrue(board.connected)
    hear(board, "B", { sent: 1, owed: 0, session: "2" })
    assert.isFalse(board.connected)
    hear(board, "A", { sent: 1, owed: 0, session: "2" })
    hear(board, "C", { sent: 1, owed: 0, session: "2" })
    assert.isTrue(board.connected)
    board.silenced("C", "killed")
    hear(board, "C", { sent: 1, owed: 0, session: "2" })
    assert.isFalse(board.connected)
  })

  it("counts a session once, whichever end reports it and however often", () => {
    const board = running({ sent: 1, owed: 0, session: "1" })
    assert.strictEqual(board.reconnects, 0)
    hear(board, "A", { sent: 1, owed: 0, session: "2" })
    hear(board, "B", { sent: 1, owed: 0, session: "2" })
    assert.strictEqual(board.reconnects, 3)
  })

  it("knows in whose way a fault stands", () => {
    const ways = (fault: Parameters<typeof concerns>[0]) =>
      names.flatMap((from) => othersOf(from).flatMap((to) => (concerns(fault, from, to) ? [from + to] : [])))
    assert.deepStrictEqual(ways({ kind: "cut", nodes: ["B", "C"] }), ["BC", "CB"])
    assert.deepStrictEqual(ways({ kind: "kill", nodes: ["A"] }), ["AB", "AC", "BA", "CA"])
  })
})

describe("the live view", () => {
  it("shows state, figures, sessions and faults of every node", () => {
    const board = running({ sent: 1_234, owed: 5, session: "1" })
    board.doing = "sending"
    board.silenced("C", "frozen")
    board.faults.push({ kind: "kill", nodes: ["A"], at: 4_000, owed: 12, until: 6_000, recovered: 6_500 })
    board.faults.push({ kind: "cut", nodes: ["B", "C"], at: 9_000, owed: 3, until: undefined, recovered: undefined })
    assert.deepStrictEqual(page(board, 65_000), [
      "Holdfast demo  01:05  sending",
      "",
      " node  state           sent       owed  delivered   sessions",
      " A     running        2,468         10      4,321        B C",
      " B     running        2,468         10      4,321        A C",
      " C     frozen         2,468         10      4,321        - -",
      "",
      " 00:04 A killed with 12 owed, undone after 2.0 s, sessions back 0.5 s later",
      " 00:09 line B–C cut with 3 owed",
      " reconnects so far: 0"
    ])
    assert.strictEqual(
      line(board, 65_000),
      "01:05 sending | A running: 2,468 sent, 10 owed, 4,321 delivered, sessions B C" +
        " | B running: 2,468 sent, 10 owed, 4,321 delivered, sessions A C" +
        " | C frozen: 2,468 sent, 10 owed, 4,321 delivered, sessions - -"
    )
  })
})
