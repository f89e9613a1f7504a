import { assert, describe, it } from "@effect/vitest"
import { Counterparts } from "../../../src/testing/explain/Counterparts.ts"
import { inOrder } from "../../support/SyntheticFailure.ts"

type Detail = Readonly<Record<string, string | number>>

const others = (...events: ReadonlyArray<readonly [node: string, kind: string, detail: Detail]>) => {
  const counterparts = new Counterparts(["a", "b", "c"])
  return inOrder(events.map(([node, kind, detail]) => ({ node, kind, detail }))).map((event) => counterparts.of(event))
}

describe("the other node of an event", () => {
  it("is the one that it names, by name or by endpoint", () => {
    assert.deepStrictEqual(
      others(
        ["a", "dial", { to: "b" }],
        ["a", "dial", { to: "c.sim:7000" }],
        ["a", "dial", { to: "c:7000" }],
        ["a", "session", { peer: "b", number: "1" }],
        ["b", "effect", { from: "a", n: 1 }],
        ["b", "closed", { id: 1, with: "c" }]
      ),
      ["b", "c", "c", "b", "a", "c"]
    )
  })

  it("is the one that was dialled under a number, at this node", () => {
    assert.deepStrictEqual(
      others(
        ["a", "dial", { dial: 1, to: "b.sim:7000" }],
        ["c", "dial", { dial: 1, to: "a.sim:7000" }],
        ["c", "dial-failed", { dial: 1, reason: "refused" }],
        ["a", "connected", { dial: 1, connection: 7 }],
        ["a", "connected", { dial: 2, connection: 8 }]
      ),
      ["b", "a", "a", "b", undefined]
    )
  })

  it("is at the other end of a connection, seen from either", () => {
    assert.deepStrictEqual(
      others(
        ["a", "connected", { to: "b", id: 7 }],
        ["b", "reset", { connection: 7, remote: "10.0.0.1" }],
        ["a", "closed", { connection: 7, remote: "10.0.0.2" }],
        ["c", "closed", { connection: 9, remote: "10.0.0.2" }]
      ),
      ["b", "a", "b", undefined]
    )
  })

  it("is nobody where none is known by that name", () => {
    assert.deepStrictEqual(
      others(["a", "dial", { to: "10.0.0.9:7000" }], ["a", "frame", { to: "" }], ["a", "x", { to: "b" }]),
      [undefined, undefined, undefined]
    )
  })
})
