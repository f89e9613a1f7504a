import { assert, describe, it } from "@effect/vitest"
import { NodeStates } from "../../../src/testing/explain/NodeStates.ts"
import type { TraceEvent } from "../../../src/testing/world/Trace.ts"
import { inOrder } from "../../support/SyntheticFailure.ts"

type Brief = readonly [node: string, kind: string, detail: TraceEvent["detail"]]

/** The states of a, b and c after these events, and before them. */
const follow = (...events: ReadonlyArray<Brief>) => {
  const trace = inOrder(events.map(([node, kind, detail]) => ({ node, kind, detail })))
  const states = new NodeStates(["a", "b", "c"], trace)
  const before = states.state("a")
  const changed = trace.map((event) => states.step(event).join())
  return { before, changed, of: (node: string) => states.state(node) }
}

describe("the state of a node", () => {
  it("follows the lives of its process", () => {
    const lives: ReadonlyArray<readonly [kind: string, process: string]> = [
      ["start", "alive"],
      ["pause", "paused"],
      ["resume", "alive"],
      ["stop", "stopping"],
      ["ended", "dead"],
      ["start", "alive"],
      ["kill", "dead"]
    ]
    for (const [index, [, process]] of lives.entries()) {
      const events = lives.slice(0, index + 1).map(([kind]): Brief => ["a", kind, { life: index + 1 }])
      const { process: is, life } = follow(...events).of("a")
      assert.deepStrictEqual([is, life], [process, String(index + 1)])
    }
  })

  it("before the first event is what that event needs", () => {
    const before = (kind: string) => follow(["a", kind, { life: 3 }]).before
    assert.strictEqual(before("start").process, "dead")
    assert.strictEqual(before("resume").process, "paused")
    assert.strictEqual(before("kill").process, "alive")
    assert.strictEqual(before("kill").life, "3")
    assert.strictEqual(before("commit").process, "alive")
    assert.strictEqual(follow(["b", "start", { life: 1 }]).before.process, "unseen")
  })

  it("has the sessions that were made and not ended, and none after a death", () => {
    const made: ReadonlyArray<Brief> = [
      ["a", "session", { peer: "c", number: "4" }],
      ["a", "session", { peer: "b", number: "2" }]
    ]
    assert.strictEqual(follow(...made).of("a").sessions, "b #2, c #4")
    assert.strictEqual(follow(...made, ["a", "session-ended", { peer: "c", reason: "" }]).of("a").sessions, "b #2")
    assert.strictEqual(follow(...made, ["a", "kill", { life: 1 }]).of("a").sessions, "")
  })

  it("owes what it sent until that has taken effect, also after a death", () => {
    const sent: ReadonlyArray<Brief> = [
      ["a", "sent", { to: "b", id: "1" }],
      ["a", "sent", { to: "b", id: "2" }],
      ["a", "sent", { to: "c", id: "1" }],
      ["a", "kill", { life: 1 }]
    ]
    assert.strictEqual(follow(...sent).of("a").owed, "1 to c, 2 to b")
    const { changed, of } = follow(
      ...sent,
      ["b", "effect", { from: "a", id: "2" }],
      ["c", "effect", { from: "b", id: "1" }]
    )
    assert.strictEqual(of("a").owed, "1 to b, 1 to c")
    assert.deepStrictEqual(changed, ["a", "a", "a", "a", "a", ""])
  })

  it("owes nothing more of what is concluded, which may never take effect", () => {
    const sent: Brief = ["a", "sent", { to: "b", n: 1 }]
    assert.strictEqual(follow(sent).of("a").owed, "1 to b")
    assert.strictEqual(follow(sent, ["a", "concluded", { to: "b", n: 1, outcome: "Refused" }]).of("a").owed, "")
  })

  it("counts commits as the node does", () => {
    assert.strictEqual(follow(["b", "commit", { n: 7 }], ["b", "commit", { n: 8 }]).of("b").commits, "8")
  })

  it("is not changed by nodes that nobody knows", () => {
    assert.deepStrictEqual(follow(["x", "start", { life: 1 }], ["", "fault", {}]).changed, ["", ""])
  })
})
