import { assert, describe, it } from "@effect/vitest"
import { balance, type Books, owedAt, type Sent, settledAfter } from "./Accounting.ts"

const message = (id: string, kind: Sent["kind"], n: number, at = n): Sent => ({ id, kind, subject: "s", n, at })
const told = (id: string, ...outcomes: ReadonlyArray<string>) => outcomes.map((outcome) => ({ id, outcome, at: 0 }))
const books = (part: Partial<Books>): Books => ({ sent: [], arrived: [], told: [], owed: 0, duplicates: 0, ...part })

describe("the accounting of the crash tests", () => {
  it("finds nothing where every message has its one effect and its outcome", () => {
    const sent = [
      message("a", "plain", 1),
      message("b", "ok", 2),
      message("c", "later", 3),
      message("d", "stale", 4),
      message("e", "refused", 5)
    ]
    const outcomes = [
      ...told("b", "Ok"),
      ...told("c", "Later", "Later", "Ok"),
      ...told("d", "Stale"),
      ...told("e", "Later", "Refused")
    ]
    const found = balance(books({ sent, told: outcomes }), { arrived: sent.slice(0, 3) })
    const { disordered, doubled, due, foreign, lost, misinformed, once } = found
    assert.deepStrictEqual({ disordered, doubled, foreign, lost, misinformed }, empty)
    assert.deepStrictEqual([due, once], [3, 3])
  })

  it("finds what is lost, doubled, foreign and out of order", () => {
    const sent = ["a", "b", "c", "d"].map((id, index) => message(id, "plain", index + 1))
    const [a, b, c] = sent
    const stranger = message("x", "plain", 9)
    const refused = message("r", "refused", 10)
    const found = balance(books({ sent: [...sent, refused] }), { arrived: [a!, c!, b!, c!, stranger, refused] })
    assert.deepStrictEqual(found.lost, ["d"])
    assert.deepStrictEqual(found.doubled, ["c"])
    assert.deepStrictEqual(found.foreign, ["x", "r"])
    assert.deepStrictEqual(found.disordered, ["b"])
    assert.strictEqual(found.once, 2)
  })

  it("finds outcomes that are missing, wrong, repeated, or of unknown messages", () => {
    const sent = ["missing", "wrong", "twice", "after"].map((id, index) => message(id, "ok", index + 1))
    const outcomes = [
      ...told("wrong", "Refused"),
      ...told("twice", "Ok", "Ok"),
      ...told("after", "Ok", "Later"),
      ...told("x", "Ok")
    ]
    const found = balance(books({ sent, told: outcomes }), { arrived: sent })
    assert.deepStrictEqual(found.misinformed, ["missing", "wrong", "twice", "after", "x"])
  })

  it("counts what was owed at a moment, both ways: without effect, or without the outcome asked for", () => {
    const dead = books({
      sent: [
        message("done", "plain", 1, 10),
        message("under way", "plain", 2, 20),
        message("untold", "ok", 3, 30),
        message("sent afterwards", "plain", 4, 60)
      ],
      arrived: [message("for the dead", "plain", 1, 55)],
      told: [{ id: "untold", outcome: "Ok", at: 70 }]
    })
    const alive = books({
      sent: [message("for the dead", "plain", 1, 40)],
      arrived: [message("done", "plain", 1, 15), message("untold", "ok", 3, 35), message("under way", "plain", 2, 65)]
    })
    assert.strictEqual(owedAt(dead, alive, 50), 3)
  })

  it("takes the time until the last message was done that was owed at a moment, but for those that were put off", () => {
    const on = (subject: string, message: Sent): Sent => ({ ...message, subject })
    const from = books({
      sent: [
        message("done before", "plain", 1, 10),
        message("done after", "plain", 2, 20),
        message("told after", "stale", 3, 30),
        on("put off", message("later", "later", 4, 31)),
        on("put off", message("behind it", "ok", 5, 32)),
        message("sent after", "plain", 6, 60)
      ],
      told: [...told("told after", "Stale"), ...told("later", "Ok"), ...told("behind it", "Ok")].map((it) => ({
        ...it,
        at: it.id === "told after" ? 90 : 900
      }))
    })
    const to = books({
      arrived: [
        message("done before", "plain", 1, 15),
        message("done after", "plain", 2, 70),
        message("sent after", "plain", 6, 800)
      ]
    })
    assert.strictEqual(settledAfter(from, to, 50), 40)
    assert.strictEqual(settledAfter(to, from, 50), 40)
    assert.strictEqual(settledAfter(from, to, 59), 31)
  })
})

const empty = { disordered: [], doubled: [], foreign: [], lost: [], misinformed: [] }
