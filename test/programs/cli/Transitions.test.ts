import { assert, describe, it } from "@effect/vitest"
import { newsOf } from "../../../src/programs/cli/Transitions.ts"
import type { Transition } from "../../../src/services/link/Transition.ts"

const moment = (at: number, connection: number, to: Transition["to"], from?: Transition["from"]): Transition => ({
  at,
  connection,
  direction: "inbound",
  remote: "10.0.0.1:1",
  to,
  ...(from === undefined ? {} : { from })
})
const opened = moment(1, 1, "candidate", "opening")
const live = moment(1, 1, "active", "candidate")
const closed = moment(2, 1, "closed", "active")
const next = moment(2, 2, "candidate", "opening")

describe("what is new of the transitions", () => {
  it("is everything at first", () => {
    assert.deepStrictEqual(newsOf([opened, live], undefined), [opened, live])
    assert.deepStrictEqual(newsOf([], undefined), [])
  })
  it("is what comes after the last one that was shown, also within a millisecond", () => {
    assert.deepStrictEqual(newsOf([opened, live, closed, next], opened), [live, closed, next])
    assert.deepStrictEqual(newsOf([opened, live, closed, next], closed), [next])
    assert.deepStrictEqual(newsOf([opened, live], live), [])
  })
  it("is everything when the last one is no longer there: the node has started anew, or has forgotten it", () => {
    assert.deepStrictEqual(newsOf([closed, next], live), [closed, next])
    assert.deepStrictEqual(newsOf([], live), [])
  })
})
