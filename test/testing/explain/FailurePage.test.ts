import { assert, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import type { FailureFile } from "../../../src/testing/campaign/FailureFile.ts"
import type { Verdict } from "../../../src/testing/cluster/Verdict.ts"
import { explain } from "../../../src/testing/explain/FailurePage.ts"
import type { PageFacts } from "../../../src/testing/explain/PageTimeline.ts"
import * as Synthetic from "../../support/SyntheticFailure.ts"

const unescaped = (words: string): string =>
  words
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&")

/** What a browser would show of some markup. */
const shown = (markup: string): string =>
  unescaped(markup.replace(/<[^>]*>/g, " "))
    .replace(/\s+/g, " ")
    .trim()

interface Drawn {
  readonly classes: string
  readonly look: string
  /** Names of the shapes in the lanes, with their class and path. */
  readonly shapes: ReadonlyArray<string>
  readonly time: string
  readonly words: string
}

const rowsOf = (page: string): ReadonlyArray<Drawn> =>
  [...page.matchAll(/<tr id="e\d+" class="([^"]*)"(.*?)<\/tr>/gs)].map(([, classes = "", row = ""]) => ({
    classes,
    look: /href="#(look\d+)"/.exec(row)?.[1] ?? "",
    shapes: [...row.matchAll(/<(path|circle|rect|text) class="([^"]*)"(?:[^>]* d="([^"]*)")?/g)].map(
      ([, name, kind, path]) => [name, kind, path].filter((part) => part !== undefined).join(" ")
    ),
    time: /<time>(.*?)<\/time>/.exec(row)?.[1] ?? "",
    words: shown(/<td class="what-cell">(.*?)<\/td>/s.exec(row)?.[1] ?? "")
  }))

const factsOf = (page: string): PageFacts =>
  JSON.parse(/<script type="application\/json" id="facts">(.*?)<\/script>/s.exec(page)?.[1] ?? "") as PageFacts

const pageOf = (events: Parameters<typeof Synthetic.inOrder>[0], verdict?: Verdict): string =>
  explain(Synthetic.ofTrace(Synthetic.inOrder(events), verdict))

describe("the page of a failure", () => {
  const file = Synthetic.make()
  const page = explain(file)
  const rows = rowsOf(page)

  it("begins with the verdict, the run, the command and the plan", () => {
    const header = shown(/<header>(.*?)<\/header>/s.exec(page)?.[1] ?? "")
    for (const words of [
      "unsafe Something happened that must never happen one effect for each message message a5 of a took effect 2 times",
      "scenario ledger seed 42 events 544 in 3.091 s hash 9f0b5a2c77d1e480",
      "See it again: holdfast sim replay ledger-42.json",
      "1 at 1 s: partition for 2 s: isolate a 2 at 1.4 s: kill b for 900 ms with rst",
      "5 at 3.3 s: close between a and c with rst-as-end (not within the events that were kept)",
      "work 3 nodes, 12 operations at each, 4 s database memory order of tasks fifo"
    ])
      assert.include(header, words)
    assert.include(page, "<title>unsafe: ledger, seed 42</title>")
  })

  it("says why a fault is nowhere: it came to nothing, or it was before what was kept", () => {
    const plan = { ...file.plan, faults: file.plan.faults.slice(0, 1) }
    const of = (n: number) =>
      explain({ ...Synthetic.ofTrace([{ n, at: 0, node: "a", kind: "start", detail: { life: 1 } }]), plan })
    assert.include(shown(of(1)), "isolate a (it never came to that)")
    assert.include(shown(of(900)), "isolate a (not within the events that were kept)")
  })

  it("has a row for every event, in order, with its time and words", () => {
    assert.strictEqual(rows.length, file.trace.length)
    assert.deepStrictEqual(
      rows.map(({ time }) => time),
      file.trace.map(({ at }) => (at / 1e6).toFixed(6))
    )
    assert.strictEqual(factsOf(page).rows.length, rows.length)
  })

  it("marks the moment at which the property failed, and only that", () => {
    assert.deepStrictEqual(
      rows.filter(({ classes }) => classes.split(" ").includes("failed")),
      [rows.at(-1)]
    )
    assert.strictEqual(factsOf(page).end, rows.length - 1)
    assert.include(rows.at(-1)!.words, "✖ violated: one effect for each message")
  })

  it("marks it also where the run went on after it", () => {
    const violated = { node: "", kind: "property", detail: { name: "p", verdict: "violated", words: "d" } }
    const after = { node: "a", kind: "stop", detail: { life: 1 } }
    const page = pageOf([after, violated, after], { _tag: "Unsafe", property: "p", detail: "d" })
    assert.strictEqual(factsOf(page).end, 1)
    assert.deepStrictEqual(
      rowsOf(page).map(({ classes }) => classes.split(" ").includes("failed")),
      [false, true, false]
    )
  })

  it("draws what was sent to the lane of the receiver, and a message from where it was sent", () => {
    const drawn = rowsOf(
      pageOf([
        { node: "a", kind: "frame", detail: { kind: "DATA", to: "c", bytes: 1 } },
        { node: "c", kind: "frame", detail: { kind: "DATA", to: "a", bytes: 1 } },
        { node: "a", kind: "sent", detail: { to: "b", id: "m" } },
        { node: "a", kind: "commit", detail: { n: 1 } },
        { node: "b", kind: "effect", detail: { from: "a", id: "m" } },
        { node: "b", kind: "effect", detail: { from: "a", id: "m" } },
        { node: "b", kind: "effect", detail: { from: "a", id: "before the trace" } }
      ])
    )
    assert.deepStrictEqual(
      drawn.map(({ shapes }) => shapes),
      [
        ["path line M55 0H268", "path solid M273 0l-8 -4v8z", "circle dot"],
        ["path line M275 0H62", "path solid M57 0l8 -4v8z", "circle dot"],
        ["circle dot"],
        ["rect solid"],
        ["path flight M55 -44L161 0", "circle dot"],
        ["path flight again M55 -66L161 0", "circle dot"],
        ["path flight far M55 0L161 0", "circle dot"],
        ["path verdict M0 0H330"]
      ]
    )
    assert.strictEqual(drawn[5]?.words, "b message m of a takes effect again , 3 ms after it was sent")
  })

  it("draws every kind of event, also one that nobody knows", () => {
    const drawn = rowsOf(pageOf(Synthetic.everyKind.map(([event]) => event)))
    for (const [index, [{ kind, node }, words]] of Synthetic.everyKind.entries()) {
      assert.include(drawn[index]?.words ?? "", `${node} ${words}`.trim())
      assert.include(drawn[index]?.classes ?? "", `k-${kind}`)
      if (node !== "") assert.isNotEmpty(drawn[index]?.shapes, kind)
    }
  })

  it("leads dials and connections to the node that only their numbers tell", () => {
    const drawn = rowsOf(
      pageOf([
        { node: "a", kind: "dial", detail: { dial: 3, to: "c.sim:7000" } },
        { node: "a", kind: "connected", detail: { dial: 3, connection: 5 } },
        { node: "c", kind: "reset", detail: { connection: 5, remote: "10.0.0.1" } }
      ])
    )
    assert.deepStrictEqual(
      drawn.slice(0, 3).map(({ shapes, words }) => [words, shapes[0]]),
      [
        ["a dials c", "path line M55 0H268"],
        ["a is connected to c, connection 5", "path line M55 0H275"],
        ["c resets connection 5 with a", "path line M275 0H69"]
      ]
    )
  })

  it("makes long waits a little higher and writes them", () => {
    const at = [0, 9_999, 19_999, 119_999, 5_000_000]
    const trace = at.map((at, n) => ({ n, at, node: "a", kind: "x", detail: {} }))
    const page = explain(Synthetic.ofTrace(trace))
    assert.deepStrictEqual(
      rowsOf(page).map(({ classes }) => classes.slice(0, 2)),
      ["w0", "w0", "w1", "w2", "w3", "w0"]
    )
    assert.deepStrictEqual(
      [...page.matchAll(/<span class="wait">(.*?)<\/span>/g)].map(([, words]) => words),
      ["", "", "", "⋯ 0.1 s", "⋯ 4.88 s", ""]
    )
  })

  it("shows in the lanes which processes live and which faults are at work", () => {
    const { plan } = file
    const events = [
      { node: "a", kind: "start", detail: { life: 1 } },
      { node: "", kind: "fault", detail: { entry: 2 } },
      { node: "c", kind: "pause", detail: { life: 1 } },
      { node: "c", kind: "resume", detail: { life: 1 } },
      { node: "", kind: "fault-over", detail: { entry: 2 } },
      { node: "a", kind: "kill", detail: { life: 1 } }
    ]
    const page = explain({ ...Synthetic.ofTrace(Synthetic.inOrder(events)), plan })
    const looks = new Map(
      [...page.matchAll(/<g id="(look\d+)">(.*?)<\/g>/gs)].map(([, id, body = ""]) => [
        id,
        [...body.matchAll(/class="(?:lane|band) ([a-z0-9]+)"/g)].map(([, kind]) => kind).join()
      ])
    )
    assert.deepStrictEqual(
      rowsOf(page).map(({ look }) => looks.get(look)),
      [
        "alive,unseen,alive",
        "c2,alive,unseen,alive",
        "c2,alive,unseen,paused",
        "c2,alive,unseen,alive",
        "c2,alive,unseen,alive",
        "dead,unseen,alive",
        "dead,unseen,alive"
      ]
    )
    assert.match(page, /<rect class="band c2" x="2\d\d/)
  })

  it("tells what the nodes are at the moment of failure, and the script at every other one", () => {
    const states = shown(/<tbody id="states">(.*?)<\/tbody>/s.exec(page)?.[1] ?? "")
    assert.strictEqual(
      states,
      "a alive, life 1 b #2, c #2 nothing 9 b alive, life 2 a #2, c #2 nothing 10 c alive, life 1 a #2, b #2 1 to a 13"
    )
    const { states: changes } = factsOf(page)
    assert.strictEqual(changes.length, 3)
    assert.deepStrictEqual(changes[1]?.[0], [-1, "dead", "dead", "none", "nothing", "–"])
  })

  it("lists the last 200 events in words", () => {
    const long = explain(Synthetic.make({ messages: 10 }))
    const lines = (/<pre id="last".*?>(.*?)<\/pre>/s.exec(long)?.[1] ?? "").split("\n")
    assert.strictEqual(lines.length, 200)
    assert.match(lines.at(-1) ?? "", /3\.091000 {2}· {2}✖ violated: one effect/)
  })

  it("draws the last rows of a long run, with all that was before them in the states", () => {
    const long = Synthetic.make({ nodes: 5, messages: 60 })
    const page = explain(long)
    assert.strictEqual(rowsOf(page).length, 4_000)
    assert.include(page, `The file has ${long.trace.length - 4_000} earlier events.`)
    assert.include(shown(page), "b alive, life 2")
  })

  it("has a lane for each of a few nodes, and a common one for what is too many", () => {
    const lanes = (page: string) => factsOf(page).states.length
    assert.strictEqual(lanes(pageOf([])), 3)
    const many = Array.from({ length: 200 }, (_, index) => ({ node: `x${index}`, kind: "x", detail: {} }))
    assert.strictEqual(lanes(pageOf(many)), 64)
  })

  it("says of every verdict what it means", () => {
    const verdicts: ReadonlyArray<readonly [Verdict, string]> = [
      [{ _tag: "Held" }, "held Everything held"],
      [{ _tag: "Stuck", property: "p", detail: "d" }, "stuck Something that must happen did not happen in time p d"],
      [{ _tag: "Leaked", what: "Date.now", stack: "at x\nat y" }, "reached out of its world and cannot be replayed"],
      [{ _tag: "Broken", detail: "oops" }, "broken The simulator, the scenario or a check is broken oops"],
      [{ _tag: "Hopeless", detail: "no time" }, "hopeless The plan leaves no way to succeed"]
    ]
    for (const [verdict, words] of verdicts) {
      const page = pageOf([], verdict)
      assert.include(shown(page), words)
      assert.strictEqual(rowsOf(page).length, 1, "the verdict is the last event")
    }
  })
})

describe("the page lets nothing in", () => {
  const evil = `</script></style></pre>"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;<!--\u202e\u0000]]>`
  const events = [
    ...Synthetic.everyKind.map(([{ kind, detail }]) => ({
      node: evil,
      kind,
      detail: Object.fromEntries(Object.keys(detail).map((key) => [key, evil]))
    })),
    { node: evil, kind: evil, detail: { [evil]: evil } }
  ]
  const hostile: FailureFile = {
    ...Synthetic.ofTrace(Synthetic.inOrder(events), { _tag: "Unsafe", property: evil, detail: `${evil}\n${evil}` }),
    scenario: evil,
    commit: evil,
    versions: { node: evil, effect: evil, holdfast: evil },
    mutant: evil
  }
  const page = explain(hostile, { path: evil })

  it("from the file", () => {
    assert.strictEqual(page.match(/<script/g)?.length, 2)
    assert.strictEqual(page.match(/<\/script>/g)?.length, 2)
    assert.strictEqual(page.match(/<style/g)?.length, 1)
    assert.strictEqual(page.match(/<pre/g)?.length, 2)
    for (const raw of ["<img", "<!--", "\u202e", "\u0000"]) assert.notInclude(page, raw)
    assert.strictEqual(rowsOf(page).length, events.length)
  })

  it("into attributes, and from the network", () => {
    const tags = [...page.replace(/<(script|style).*?<\/\1>/gs, "").matchAll(/<[a-z0-9]+((?:[^"'<>]|"[^"<>]*")*)>/g)]
    assert.isAbove(tags.length, 300)
    for (const [tag, attributes = ""] of tags) {
      assert.match(attributes, /^(?:\s+[a-zA-Z0-9-]+(?:="[^"]*")?)*\s*\/?$/, tag)
      for (const [, name = "", value = ""] of attributes.matchAll(/\s([a-zA-Z0-9-]+)(?:="([^"]*)")?/g)) {
        assert.notMatch(name, /^(?:on.*|style|src|srcset|action|formaction)$/, tag)
        if (name === "href") assert.match(value, /^#(?:e|look)\d+$/, tag)
      }
    }
    const style = /<style>(.*?)<\/style>/s.exec(page)?.[1] ?? ""
    assert.deepStrictEqual(
      new Set(style.match(/url\([^)]*\)|@import|https?:/g)),
      new Set(["url(#head)", "url(#badhead)"])
    )
  })

  it("and its policy allows its own script and style alone", () => {
    const policy = unescaped(/http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? "")
    const hash = (element: RegExp) =>
      `'sha256-${createHash("sha256")
        .update(element.exec(page)?.[1] ?? "")
        .digest("base64")}'`
    assert.strictEqual(
      policy,
      `default-src 'none'; style-src ${hash(/<style>(.*?)<\/style>/s)}; script-src ${hash(/<script>(.*?)<\/script>/s)}; base-uri 'none'; form-action 'none'`
    )
  })

  it("and equal files give equal pages", () => {
    assert.strictEqual(explain(hostile, { path: evil }), page)
  })
})
