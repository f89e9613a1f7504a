import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Arbiter from "../../../src/protocol/link/Arbiter.ts"
import { NodeKey } from "../../../src/protocol/NodeKey.ts"

const claim = (change: Partial<Arbiter.Claim> = {}): Arbiter.Claim => ({
  instance: "i1",
  database: "d1",
  incarnation: 5n,
  knows: 0n,
  holds: false,
  ...change
})

const hello = (connection: number, change: Partial<Arbiter.Claim> = {}): Arbiter.Event => ({
  _tag: "Hello",
  connection,
  claim: claim(change)
})
const commit = (connection: number, number: bigint, change: Partial<Arbiter.Claim> = {}): Arbiter.Event => ({
  _tag: "Commit",
  connection,
  number,
  claim: claim(change)
})

/** The state after `events`, and what the last of them asks for, in few words. */
const run = (role: Arbiter.Role, ...events: ReadonlyArray<Arbiter.Event>) => {
  let last: Arbiter.Step = { state: Arbiter.initial, actions: [] }
  for (const event of events) last = Arbiter.step(role, last.state, event)
  const words = last.actions.map((action) => {
    switch (action._tag) {
      case "Close":
        return `close ${action.connection}`
      case "Activate":
        return `${action.send ? "commit" : "obey"} ${action.connection} as ${action.number}`
      case "Refuse":
        return `refuse ${action.connection}: ${action.reason} ${action.number}`
      case "Probe":
        return `probe ${action.connection}`
    }
  })
  return { state: last.state, does: words.join(", ") }
}
const arbiter = (...events: ReadonlyArray<Arbiter.Event>) => run("arbiter", ...events)
const follower = (...events: ReadonlyArray<Arbiter.Event>) => run("follower", ...events)

describe("the role", () => {
  it.prop("is the arbiter's on exactly one side of a pair", [NodeKey, NodeKey], ([a, b]) => {
    if (a === b) return
    assert.notStrictEqual(Arbiter.roleOf(a, b), Arbiter.roleOf(b, a))
    const [low] = [a, b].sort()
    assert.strictEqual(Arbiter.roleOf(low!, low === a ? b : a), "arbiter")
  })

  it.prop("follows the order of the keys as numbers", [Schema.Uint8Array, Schema.Uint8Array], ([x, y]) => {
    const key = (bytes: Uint8Array) =>
      NodeKey.make(Array.from({ length: 32 }, (_, i) => (bytes[i] ?? 0).toString(16).padStart(2, "0")).join(""))
    const [a, b] = [key(x), key(y)]
    assert.strictEqual(Arbiter.roleOf(a, b) === "arbiter", BigInt(`0x${a}`) < BigInt(`0x${b}`))
  })
})

describe("the arbiter", () => {
  it("commits the first connection", () => assert.strictEqual(arbiter(hello(1)).does, "commit 1 as 1"))

  it("numbers above what the follower knows, so that a restart does not go back", () => {
    assert.strictEqual(arbiter(hello(1, { knows: 41n })).does, "commit 1 as 42")
    const later = arbiter(hello(1, { knows: 41n }), { _tag: "Closed", connection: 1 }, hello(2, { knows: 7n }))
    assert.strictEqual(later.does, "commit 2 as 43")
  })

  it("refuses a crossing connection, whose HELLO was sent before the COMMIT arrived", () => {
    assert.strictEqual(arbiter(hello(1), hello(2)).does, "refuse 2: duplicate 1")
  })

  it("refuses a connection of a follower that still holds the session", () => {
    assert.strictEqual(arbiter(hello(1), hello(2, { knows: 1n, holds: true })).does, "refuse 2: duplicate 1")
  })

  it("replaces a session that the follower has lost, and closes the old one first", () => {
    assert.strictEqual(arbiter(hello(1), hello(2, { knows: 1n })).does, "close 1, commit 2 as 2")
    assert.strictEqual(arbiter(hello(1), hello(2, { knows: 9n })).does, "close 1, commit 2 as 10")
  })

  it("replaces the session of a process that has restarted on the same database", () => {
    const restarted = { instance: "i2", incarnation: 6n }
    assert.strictEqual(arbiter(hello(1), hello(2, restarted)).does, "close 1, commit 2 as 2")
  })

  describe("with a newcomer of a doubtful origin", () => {
    const origins = [
      ["another database", { instance: "i2", database: "d2", incarnation: 9n }, "clone"],
      ["the same incarnation in another process", { instance: "i2" }, "clone"],
      ["an older incarnation in another process", { instance: "i2", incarnation: 4n }, "duplicate"]
    ] as const
    for (const [origin, change, reason] of origins) {
      const probed = (answered: boolean): Arbiter.Event => ({ _tag: "Probed", connection: 1, answered })

      it(`asks the session first: ${origin}`, () => {
        assert.strictEqual(arbiter(hello(1), hello(2, change)).does, "probe 1")
      })
      it(`refuses it if the session answers: ${origin}`, () => {
        const { does, state } = arbiter(hello(1), hello(2, change), probed(true))
        assert.strictEqual(does, `refuse 2: ${reason} 1`)
        assert.isUndefined(state.suspended)
        assert.strictEqual(state.current?.connection, 1)
      })
      it(`takes it if the session does not answer: ${origin}`, () => {
        assert.strictEqual(arbiter(hello(1), hello(2, change), probed(false)).does, "close 1, commit 2 as 2")
      })
      it(`takes it if the session ends by itself: ${origin}`, () => {
        assert.strictEqual(arbiter(hello(1), hello(2, change), { _tag: "Closed", connection: 1 }).does, "commit 2 as 2")
      })
    }

    const clone = { instance: "i2", database: "d2" }

    it("lets no more than one wait", () => {
      assert.strictEqual(arbiter(hello(1), hello(2, clone), hello(3, clone)).does, "refuse 3: busy 1")
    })
    it("forgets one that leaves, and asks again for the next", () => {
      const { does } = arbiter(hello(1), hello(2, clone), { _tag: "Closed", connection: 2 }, hello(3, clone))
      assert.strictEqual(does, "probe 1")
    })
    it("refuses the one that waits when the session is replaced meanwhile", () => {
      const { does, state } = arbiter(hello(1), hello(2, clone), hello(3, { knows: 1n }))
      assert.strictEqual(does, "close 1, refuse 2: duplicate 2, commit 3 as 2")
      assert.isUndefined(state.suspended)
    })
    it("does not listen to a probe of a session that is no more", () => {
      const events = [hello(1), hello(2, clone), hello(3, { knows: 1n }), hello(4, clone)]
      const late = arbiter(...events, { _tag: "Probed", connection: 1, answered: false })
      assert.strictEqual(late.does, "")
      assert.strictEqual(late.state.suspended?.connection, 4)
    })
  })

  it("forgets a session that is closed, and nothing when another connection is", () => {
    assert.isUndefined(arbiter(hello(1), { _tag: "Closed", connection: 1 }).state.current)
    assert.strictEqual(arbiter(hello(1), { _tag: "Closed", connection: 2 }).state.current?.connection, 1)
  })

  it("refuses a COMMIT, which only it may send, and does not care about REJECTs", () => {
    assert.strictEqual(arbiter(commit(1, 5n)).does, "refuse 1: violation 0")
    const { state } = arbiter({ _tag: "Duplicate", number: 9n, alone: true })
    assert.deepStrictEqual(state, Arbiter.initial)
  })
})

describe("the follower", () => {
  it("decides nothing on a HELLO", () => {
    assert.deepStrictEqual(follower(hello(1)), { state: Arbiter.initial, does: "" })
  })

  it("obeys a number that it has not seen, and closes the session before it", () => {
    assert.strictEqual(follower(commit(1, 1n)).does, "obey 1 as 1")
    assert.strictEqual(follower(commit(1, 1n), commit(2, 2n)).does, "close 1, obey 2 as 2")
  })

  it("refuses a number that is not higher, with the one that it knows", () => {
    assert.strictEqual(follower(commit(1, 5n), commit(2, 5n)).does, "refuse 2: duplicate 5")
    assert.strictEqual(follower(commit(1, 5n), commit(2, 4n)).does, "refuse 2: duplicate 5")
    assert.strictEqual(
      follower(commit(1, 5n), { _tag: "Closed", connection: 1 }, commit(2, 5n)).does,
      "refuse 2: duplicate 5"
    )
  })

  it("obeys a restarted arbiter", () => {
    assert.strictEqual(
      follower(commit(1, 1n), commit(2, 2n, { instance: "i2", incarnation: 6n })).does,
      "close 1, obey 2 as 2"
    )
  })

  it("does not leave a session for another node with the arbiter's key, and asks whether it lives", () => {
    const other = { instance: "i2", database: "d2", incarnation: 9n }
    assert.strictEqual(follower(commit(1, 1n), commit(2, 2n, other)).does, "refuse 2: clone 1, probe 1")
    assert.strictEqual(follower(commit(1, 1n), commit(2, 2n, { instance: "i2" })).does, "refuse 2: clone 1, probe 1")
    const older = { instance: "i2", incarnation: 4n }
    assert.strictEqual(follower(commit(1, 1n), commit(2, 2n, older)).does, "refuse 2: duplicate 1, probe 1")
    assert.strictEqual(
      follower(commit(1, 1n), { _tag: "Closed", connection: 1 }, commit(2, 2n, other)).does,
      "obey 2 as 2"
    )
  })

  it("closes a session that does not answer, and keeps one that does", () => {
    const silent = follower(commit(1, 1n), { _tag: "Probed", connection: 1, answered: false })
    assert.strictEqual(silent.does, "close 1")
    assert.deepStrictEqual(Arbiter.standing(silent.state), { knows: 1n, holds: false })
    const alive = follower(commit(1, 1n), { _tag: "Probed", connection: 1, answered: true })
    assert.strictEqual(alive.does, "")
    assert.isTrue(Arbiter.standing(alive.state).holds)
    assert.strictEqual(follower(commit(1, 1n), { _tag: "Probed", connection: 7, answered: false }).does, "")
  })

  it("learns a number from a REJECT only with no other connection open", () => {
    const duplicate = (alone: boolean): Arbiter.Event => ({ _tag: "Duplicate", number: 3n, alone })
    assert.deepStrictEqual(Arbiter.standing(follower(duplicate(true)).state), { knows: 3n, holds: false })
    assert.deepStrictEqual(Arbiter.standing(follower(duplicate(false)).state), { knows: 0n, holds: false })
    assert.deepStrictEqual(Arbiter.standing(follower(commit(1, 2n), duplicate(true)).state), { knows: 2n, holds: true })
    const older = follower(commit(1, 5n), { _tag: "Closed", connection: 1 }, duplicate(true))
    assert.deepStrictEqual(Arbiter.standing(older.state), { knows: 5n, holds: false })
  })

  it("says what it knows and holds", () => {
    assert.deepStrictEqual(Arbiter.standing(Arbiter.initial), { knows: 0n, holds: false })
    assert.deepStrictEqual(Arbiter.standing(follower(commit(1, 4n)).state), { knows: 4n, holds: true })
    const lost = follower(commit(1, 4n), { _tag: "Closed", connection: 1 })
    assert.deepStrictEqual(Arbiter.standing(lost.state), { knows: 4n, holds: false })
  })
})

const small = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
const Events = Schema.Array(
  Schema.Struct({ kind: small(4), connection: small(5), other: small(3), number: small(6), flag: Schema.Boolean })
).check(Schema.isMaxLength(40))

describe("both roles", () => {
  it.prop(
    "never give a number twice, and hold the session that they activated last",
    [Events, Schema.Boolean],
    ([events, isArbiter]) => {
      const role = isArbiter ? "arbiter" : "follower"
      let state = Arbiter.initial
      let live: number | undefined
      let named = 0
      for (const { connection: recent, flag, kind, number, other } of events) {
        const from = claim({
          instance: `i${other}`,
          database: `d${other % 2}`,
          incarnation: BigInt(number),
          knows: BigInt(number),
          holds: flag
        })
        // HELLO and COMMIT come once per connection, everything else about one that there has been.
        const connection = kind < 2 ? ++named : Math.max(1, named - recent)
        const event: Arbiter.Event =
          kind === 0
            ? { _tag: "Hello", connection, claim: from }
            : kind === 1
              ? { _tag: "Commit", connection, claim: from, number: BigInt(number) }
              : kind === 2
                ? { _tag: "Duplicate", number: BigInt(number), alone: flag }
                : kind === 3
                  ? { _tag: "Closed", connection }
                  : { _tag: "Probed", connection, answered: flag }
        const next = Arbiter.step(role, state, event)
        if (event._tag === "Closed" && live === connection) live = undefined
        for (const action of next.actions) {
          if (action._tag === "Close") {
            assert.strictEqual(action.connection, live)
            live = undefined
          }
          if (action._tag === "Activate") {
            assert.isUndefined(live, "the session before it is closed first")
            assert.isTrue(action.number > state.highest)
            assert.strictEqual(action.send, isArbiter)
            live = action.connection
          }
        }
        assert.isTrue(next.state.highest >= state.highest)
        assert.strictEqual(next.state.current?.connection, live)
        state = next.state
      }
    }
  )
})
