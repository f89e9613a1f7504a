import { assert, describe, it } from "@effect/vitest"
import { text } from "../../../src/testing/explain/FailureText.ts"
import * as Synthetic from "../../support/SyntheticFailure.ts"

const linesOf = (words: string): ReadonlyArray<string> => words.split("\n").slice(0, -1)

describe("a failure as text", () => {
  const file = Synthetic.make()
  const lines = linesOf(text(file))

  it("begins with what was found and ends with what the nodes were then", () => {
    assert.deepStrictEqual(lines.slice(0, 3), [
      "UNSAFE  Something happened that must never happen",
      "  one effect for each message",
      "  message a5 of a took effect 2 times at b"
    ])
    assert.include(lines, "see it again holdfast sim replay ledger-42.json")
    assert.include(lines, "   2  at 1.4 s: kill b for 900 ms with rst")
    assert.deepStrictEqual(lines.slice(-4), [
      "at the end",
      "  a  alive, life 1; sessions b #2, c #2; owes nothing; commits 9",
      "  b  alive, life 2; sessions a #2, c #2; owes nothing; commits 10",
      "  c  alive, life 1; sessions a #2, b #2; owes 1 to a; commits 13"
    ])
  })

  it("has a column for every node, and the world across all of them", () => {
    const column = (node: string) => lines.find((line) => line.startsWith("    seconds"))!.indexOf(node, 12)
    const at = (time: string, node: string, words: string) =>
      assert.include(lines, `${time.padStart(11)}${"".padStart(column(node) - 11)}${words}`)
    at("0.002000", "a", "starts, life 1")
    at("3.090000", "b", "message a5 of a takes effect AGAIN")
    at("2.650000", "c", "goes on, life 1")
    assert.include(lines, "   1.000000  ── fault 1: isolate a for 2 s")
    assert.include(
      lines,
      "   3.091000  ── ✖ violated: one effect for each message: message a5 of a took effect 2 times at b"
    )
  })

  it("is short however long the run was, keeps the end, and says what it left out", () => {
    for (const nodes of [3, 4, 10]) {
      const long = linesOf(text(Synthetic.make({ nodes, messages: 30 })))
      assert.isBelow(long.length, 200)
      assert.isAbove(long.length, 150)
      assert.isTrue(long.some((line) => /^ +\(\d+ earlier events are left out\)$/.test(line)))
      assert.isTrue(long.some((line) => line.includes("✖ violated")))
      for (const line of long) assert.isAtMost(line.length, 120)
    }
  })

  it("tells of one node what concerns it", () => {
    const of = linesOf(text(file, { node: "b" }))
    assert.isTrue(of.some((line) => line.includes("DATA to b, 613 bytes")))
    assert.isTrue(of.some((line) => line.includes("fault 1: isolate a")))
    assert.isFalse(of.some((line) => line.includes("sends message a2 to c")))
    assert.include(text(file, { node: "x" }), 'there is no node "x" in it, only a, b, c\n')
  })

  it("goes no further than asked, and gives no verdict before the end", () => {
    const until = file.trace.find(({ kind }) => kind === "kill")!.n
    const of = linesOf(text(file, { until }))
    assert.include(of.at(-6) ?? "", "is killed, life 1")
    assert.deepStrictEqual(of.slice(-4, -2), [
      `after event ${until}`,
      "  a  alive, life 1; sessions b #1, c #1; owes nothing; commits 9"
    ])
    assert.notInclude(of.join(), "✖")
  })

  it("tells every kind of event", () => {
    const all = text(Synthetic.ofTrace(Synthetic.inOrder(Synthetic.everyKind.map(([event]) => event))))
    for (const [, words] of Synthetic.everyKind) assert.include(all, words)
  })

  it("writes once what happens again and again", () => {
    const event = { node: "a", kind: "dial", detail: { to: "b" } }
    const words = text(Synthetic.ofTrace(Synthetic.inOrder([event, event, event])))
    assert.include(words, "dials b (3 times)\n")
  })

  it("says where a run stood that failed without an event", () => {
    const stuck = { _tag: "Stuck", property: "everyone is connected", detail: "a has no session with b" } as const
    const words = text(Synthetic.ofTrace(Synthetic.inOrder([{ node: "a", kind: "start", detail: { life: 1 } }]), stuck))
    assert.match(words, /STUCK {2}Something that must happen did not happen in time\n {2}everyone is connected\n/)
    assert.include(words, "── ✖ not in time: everyone is connected: a has no session with b\n")
  })

  it("gives a terminal nothing to obey", () => {
    const evil = "\u001b[2J\u009b31m\rx\u202e\u0007"
    const event = { node: evil, kind: evil, detail: { [evil]: evil } }
    const verdict = { _tag: "Unsafe", property: evil, detail: evil } as const
    const words = text({ ...Synthetic.ofTrace(Synthetic.inOrder([event]), verdict), scenario: evil, commit: evil })
    assert.notMatch(words.replaceAll("\n", ""), /[\p{Cc}\u202e]/u)
    assert.include(words, "\\u{1b}[2J")
  })
})
