import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Lanes from "../../../src/protocol/link/Lanes.ts"

const Count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: Lanes.most }))

/** What happens to a session with so many lanes, in words. */
const told = (lanes: number) => {
  let state = Lanes.initial(lanes)
  const step = (event: Lanes.Event): string => {
    const stepped = Lanes.step(state, event)
    state = stepped.state
    return stepped.actions.map(({ _tag, connection }) => `${_tag.toLowerCase()} ${connection}`).join(", ")
  }
  return {
    open: () => Lanes.open(state),
    holder: (lane: number) => Lanes.holder(state, lane),
    join: (connection: number, lane: number) => step({ _tag: "Join", connection, lane }),
    probed: (connection: number, answered: boolean) => step({ _tag: "Probed", connection, answered }),
    closed: (connection: number) => step({ _tag: "Closed", connection })
  }
}

describe("the number of lanes", () => {
  it("is the smaller of what the two sides offer, one without an offer, and 8 at the most", () => {
    assert.deepStrictEqual(
      [Lanes.agreed(4, 2), Lanes.agreed(2, 4), Lanes.agreed(4, undefined), Lanes.agreed(200, 255), Lanes.agreed(0, 5)],
      [2, 2, 1, 8, 1]
    )
  })

  it.prop("spreads streams evenly over the lanes besides the first, each always on the same", [Count], ([lanes]) => {
    const of = Array.from({ length: 8 * 7 * 6 * 5 }, (_, stream) => Lanes.laneOf(stream, lanes))
    const counts = new Map<number, number>()
    for (const lane of of) counts.set(lane, (counts.get(lane) ?? 0) + 1)
    assert.deepStrictEqual(
      [...counts.keys()].toSorted((a, b) => a - b),
      lanes === 1 ? [0] : Array.from({ length: lanes - 1 }, (_, index) => index + 1)
    )
    assert.isAtMost(Math.max(...counts.values()) - Math.min(...counts.values()), 1)
  })
})

describe("a lane", () => {
  it("is given to who asks for a free one, and to nobody that a session has not", () => {
    const lanes = told(3)
    assert.strictEqual(lanes.join(1, 1), "open 1")
    assert.strictEqual(lanes.join(2, 2), "open 2")
    for (const lane of [0, 3, 255]) assert.strictEqual(lanes.join(3, lane), "refuse 3")
    assert.deepStrictEqual(lanes.open(), [1, 2])
    assert.strictEqual(told(1).join(1, 1), "refuse 1")
  })

  it("that is taken goes to another one only if who has it is silent", () => {
    const lanes = told(2)
    lanes.join(1, 1)
    assert.strictEqual(lanes.join(2, 1), "probe 1")
    assert.strictEqual(lanes.join(3, 1), "refuse 3", "one waits already")
    assert.strictEqual(lanes.probed(1, true), "refuse 2")
    assert.strictEqual(lanes.join(4, 1), "probe 1")
    assert.strictEqual(lanes.probed(1, false), "close 1, open 4")
    assert.strictEqual(lanes.holder(1), 4)
    assert.strictEqual(lanes.closed(1), "")
    assert.deepStrictEqual(lanes.open(), [1])
  })

  it("goes to who waits when who has it ends, and is free when nobody waits", () => {
    const lanes = told(2)
    lanes.join(1, 1)
    lanes.join(2, 1)
    assert.strictEqual(lanes.closed(1), "open 2")
    assert.strictEqual(lanes.closed(2), "")
    assert.deepStrictEqual(lanes.open(), [])
    lanes.join(3, 1)
    lanes.join(4, 1)
    assert.strictEqual(lanes.closed(4), "", "who waited is gone")
    assert.strictEqual(lanes.probed(3, false), "")
    assert.strictEqual(lanes.join(5, 1), "probe 3")
  })

  const Steps = Schema.Array(
    Schema.Struct({
      what: Schema.Literals(["join", "join", "probed", "closed"]),
      lane: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })),
      which: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 11 })),
      answered: Schema.Boolean
    })
  ).check(Schema.isMaxLength(120))

  it.prop(
    "has one connection at the most, whatever happens, and answers everybody once",
    [Steps, Count],
    ([steps, lanes]) => {
      let state = Lanes.initial(lanes)
      /** Everybody who has asked, and has been given a lane or waits for the answer. */
      const there = new Map<number, { readonly lane: number; is: "waiting" | "open" }>()
      let last = 0
      const perform = (action: Lanes.Action): void => {
        const who = there.get(action.connection)
        assert.isDefined(who, `${action._tag} of somebody who is gone`)
        switch (action._tag) {
          case "Open":
            assert.strictEqual(who!.is, "waiting")
            who!.is = "open"
            break
          case "Refuse":
            assert.strictEqual(who!.is, "waiting")
            there.delete(action.connection)
            break
          case "Probe":
            assert.strictEqual(who!.is, "open")
            break
          case "Close":
            assert.strictEqual(who!.is, "open")
            there.delete(action.connection)
        }
      }
      for (const { answered, lane, what, which } of steps) {
        const known = [...there.keys()]
        const connection = what === "join" ? ++last : known[which % Math.max(1, known.length)]
        if (connection === undefined) continue
        if (what === "join") there.set(connection, { lane, is: "waiting" })
        if (what === "closed") there.delete(connection)
        const event: Lanes.Event =
          what === "join"
            ? { _tag: "Join", connection, lane }
            : what === "closed"
              ? { _tag: "Closed", connection }
              : { _tag: "Probed", connection, answered }
        const { actions, state: next } = Lanes.step(state, event)
        state = next
        for (const action of actions) perform(action)
        const open = [...there].filter(([, it]) => it.is === "open")
        assert.strictEqual(new Set(open.map(([, it]) => it.lane)).size, open.length, "two connections are one lane")
        for (const [id, it] of open) assert.strictEqual(Lanes.holder(state, it.lane), id)
        assert.deepStrictEqual(
          Lanes.open(state),
          open.map(([, it]) => it.lane).toSorted((a, b) => a - b)
        )
        const waiting = [...there.values()].filter((it) => it.is === "waiting")
        assert.isAtMost(waiting.length, open.length, "nobody waits for a lane that is free")
        assert.isTrue(open.every(([, it]) => it.lane >= 1 && it.lane < lanes))
      }
    }
  )
})
