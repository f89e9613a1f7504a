import { assert, describe, it } from "@effect/vitest"
import * as Asking from "../../../src/protocol/chain/HeaderAsking.ts"

const policy = Asking.defaults
const { againMillis, hurryMillis, passedOverMillis, silentMillis } = policy

/** Plays events; what each has led to, as "ask 1" or "pass over 1". */
const player = (recent: boolean) => {
  let state = Asking.initial
  let isRecent = recent
  const play = (event: Asking.Event, now = 0): ReadonlyArray<string> => {
    const step = Asking.step(policy, state, event, { now, isRecent })
    state = step.state
    return step.actions.map(({ _tag, peer }) => `${_tag === "Ask" ? "ask" : "pass over"} ${peer}`)
  }
  return {
    joins: (peer: number, isChosen = false) => play({ _tag: "Joined", peer, isChosen }),
    leaves: (peer: number, now?: number) => play({ _tag: "Left", peer }, now),
    /** Everything; as much as it could, with news; or the same without. */
    answers: (peer: number, what: "all" | "a page" | "an old page" = "all", now?: number) =>
      play({ _tag: "Answered", peer, goesOn: what === "a page", hasMore: what !== "all" }, now),
    announces: (peer: number, now?: number) => play({ _tag: "Announced", peer }, now),
    look: (now: number) => play({ _tag: "Looked" }, now),
    becomesRecent: () => {
      isRecent = true
    },
    next: () => Asking.nextLook(state),
    isAsking: (now = 0) => Asking.isAsking(policy, state, now)
  }
}

describe("asking for headers", () => {
  it("goes on with one peer, page by page, while this node is far behind, and asks the others one by one", () => {
    const it = player(false)
    assert.deepStrictEqual(it.joins(1), ["ask 1"])
    assert.deepStrictEqual(it.joins(2), [])
    assert.deepStrictEqual(it.answers(1, "a page"), ["ask 1"])
    assert.deepStrictEqual(it.answers(1, "a page"), ["ask 1"])
    assert.deepStrictEqual(it.answers(1), ["ask 2"])
    assert.deepStrictEqual(it.answers(2), [])
    assert.isFalse(it.isAsking())
  })

  it("asks everybody once it is not", () => {
    const it = player(false)
    it.joins(1)
    it.joins(2)
    it.joins(3)
    it.becomesRecent()
    assert.deepStrictEqual(it.answers(1), ["ask 2", "ask 3"])
    assert.deepStrictEqual(it.joins(4), ["ask 4"])
  })

  it("asks the next beside one that takes long, and one more after twice as long", () => {
    const it = player(false)
    for (const peer of [1, 2, 3]) it.joins(peer)
    assert.strictEqual(it.next(), hurryMillis)
    assert.deepStrictEqual(it.look(hurryMillis - 1), [])
    assert.deepStrictEqual(it.look(hurryMillis), ["ask 2"])
    assert.deepStrictEqual(it.answers(2, "a page", hurryMillis + 10), ["ask 2"], "it is asked on, page by page")
    assert.strictEqual(it.next(), hurryMillis + 10 + 2 * hurryMillis)
    assert.deepStrictEqual(it.look(hurryMillis + 10 + 2 * hurryMillis), ["ask 3"])
    assert.strictEqual(it.next(), silentMillis, "nobody is left")
  })

  it("waits for nobody who is late once another has given all", () => {
    const it = player(false)
    it.joins(1)
    it.joins(2)
    it.look(hurryMillis)
    assert.isTrue(it.isAsking(hurryMillis))
    it.answers(2, "all", hurryMillis + 5)
    assert.isFalse(it.isAsking(hurryMillis + 5))
    assert.deepStrictEqual(it.answers(1, "a page", hurryMillis + 10), ["ask 1"], "its answer counts all the same")
    assert.isTrue(it.isAsking(hurryMillis + 10))
  })

  it("passes over who stays silent, and comes back later", () => {
    const it = player(false)
    it.joins(1)
    it.joins(2)
    it.look(hurryMillis)
    it.answers(2, "all", hurryMillis)
    assert.strictEqual(it.next(), silentMillis)
    assert.deepStrictEqual(it.look(silentMillis - 1), [])
    assert.deepStrictEqual(it.look(silentMillis), ["pass over 1"])
    assert.deepStrictEqual(it.look(silentMillis + passedOverMillis - 1), [])
    assert.deepStrictEqual(it.look(silentMillis + passedOverMillis), ["ask 1"])
  })

  it("asks a silent one at once that tells of something new", () => {
    const it = player(false)
    it.joins(1)
    it.look(silentMillis)
    assert.deepStrictEqual(it.announces(1, silentMillis + 1), ["ask 1"])
  })

  it("asks again who told of something new while its answer was on its way", () => {
    const it = player(true)
    it.joins(1)
    assert.deepStrictEqual(it.announces(1), [])
    assert.deepStrictEqual(it.answers(1), ["ask 1"])
    assert.deepStrictEqual(it.answers(1), [])
    assert.deepStrictEqual(it.announces(1), ["ask 1"])
  })

  it("gives the turn to others where a peer has no news, however often it says that it has some", () => {
    const it = player(false)
    it.joins(1)
    it.joins(2)
    assert.deepStrictEqual(it.answers(1, "an old page"), ["ask 2"])
    it.announces(2)
    assert.deepStrictEqual(it.answers(2), ["ask 1"])
    it.announces(1)
    assert.deepStrictEqual(it.answers(1), ["ask 2"])
  })

  it("asks those first that this node has chosen, while it is far behind", () => {
    const it = player(false)
    it.joins(1)
    it.joins(2)
    it.joins(3, true)
    assert.deepStrictEqual(it.answers(1), ["ask 3"])
    assert.deepStrictEqual(it.answers(3), ["ask 2"])
  })

  it("asks again after a while, lest an announcement was lost", () => {
    const it = player(true)
    it.joins(1)
    it.answers(1, "all", 7)
    assert.strictEqual(it.next(), againMillis + 7)
    assert.deepStrictEqual(it.look(againMillis + 7), ["ask 1"])
  })

  it("goes on with the next when the one that is asked has left, and minds nobody who is gone", () => {
    const it = player(false)
    it.joins(1)
    it.joins(2)
    assert.deepStrictEqual(it.leaves(1), ["ask 2"])
    assert.deepStrictEqual(it.answers(1), [])
    assert.deepStrictEqual(it.announces(1), [])
    it.leaves(2)
    assert.strictEqual(it.next(), Number.POSITIVE_INFINITY)
  })
})
