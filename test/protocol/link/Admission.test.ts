import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Admission from "../../../src/protocol/link/Admission.ts"
import { NodeKey } from "../../../src/protocol/NodeKey.ts"

const key = (digit: string): NodeKey => NodeKey.make(digit.repeat(64))
const [a, b, c] = [key("a"), key("b"), key("c")]
const remote = "192.0.2.7"

interface From {
  readonly remote?: string
  readonly listens?: number
}

/** One host under one policy, told what happens in few words. */
class Door {
  readonly options: Admission.Options
  state: Admission.State

  constructor(policy: Admission.Policy, change: Partial<Admission.Options> = {}, at = remote) {
    this.options = { ...Admission.defaults, policy, ...change }
    this.state = Admission.initial(at)
  }

  hello(connection: number, peer: NodeKey | undefined, { listens, remote: ip = remote }: From = {}): string {
    const of = { connection, peer, remote: ip, listens }
    return this.#step({ _tag: "Hello", applicant: Admission.applicant(this.options.policy, of) })
  }
  probed(connection: number, answered: boolean): string {
    return this.#step({ _tag: "Probed", connection, answered })
  }
  closed(connection: number): string {
    return this.#step({ _tag: "Closed", connection })
  }

  #step(event: Admission.Event): string {
    const { actions, state } = Admission.step(this.options, this.state, event)
    this.state = state
    return actions
      .map((action) => {
        const reason = action._tag === "Refuse" ? `: ${action.reason}` : ""
        return `${action._tag.toLowerCase()} ${action.connection}${reason}`
      })
      .join(", ")
  }
}

describe("one node per machine", () => {
  it("is one peer, whatever ports its connections come from", () => {
    const door = new Door("machine")
    for (const connection of [1, 2, 3]) assert.strictEqual(door.hello(connection, a), `admit ${connection}`)
    assert.strictEqual(new Set(door.state.admitted.map(({ identity }) => identity)).size, 1)
  })

  it("is one peer where nothing is proven, by its address", () => {
    const door = new Door("machine")
    assert.strictEqual(door.hello(1, undefined), "admit 1")
    assert.strictEqual(door.hello(2, undefined, { remote: "::ffff:192.0.2.7" }), "admit 2")
    assert.strictEqual(new Set(door.state.admitted.map(({ identity }) => identity)).size, 1)
  })

  it("asks the node that is there before it takes another key, and refuses that if there is an answer", () => {
    const door = new Door("machine")
    door.hello(1, a)
    assert.strictEqual(door.hello(2, b), "probe 1")
    assert.strictEqual(door.probed(1, true), "refuse 2: occupied")
    assert.deepStrictEqual(
      door.state.admitted.map(({ connection }) => connection),
      [1]
    )
    assert.strictEqual(door.hello(3, b), "probe 1", "the next one asks again")
  })

  it("takes another key if the node that was there is silent, and ends what is left of that", () => {
    const door = new Door("machine")
    door.hello(1, a)
    door.hello(2, b)
    assert.strictEqual(door.probed(1, false), "evict 1, admit 2")
    assert.strictEqual(door.closed(1), "", "the end of the evicted connection changes nothing")
    assert.strictEqual(door.hello(3, a), "probe 2")
  })

  it("takes another key when the node that was there leaves meanwhile", () => {
    const door = new Door("machine")
    door.hello(1, a)
    door.hello(2, b)
    assert.strictEqual(door.closed(1), "admit 2")
    assert.strictEqual(door.probed(1, false), "")
  })

  it("does not take another key if the node that was silent has come back meanwhile", () => {
    for (const event of ["silent", "closed"]) {
      const door = new Door("machine")
      door.hello(1, a)
      door.hello(2, b)
      assert.strictEqual(door.hello(3, a), "admit 3")
      assert.strictEqual(
        event === "silent" ? door.probed(1, false) : door.closed(1),
        event === "silent" ? "evict 1, refuse 2: occupied" : "refuse 2: occupied"
      )
    }
  })

  it("lets one newcomer wait, whoever it is, and forgets it when it is gone", () => {
    const door = new Door("machine")
    door.hello(1, a)
    door.hello(2, b)
    assert.strictEqual(door.hello(3, c), "refuse 3: busy")
    assert.strictEqual(door.hello(4, b), "refuse 4: busy")
    assert.strictEqual(door.closed(2), "")
    assert.strictEqual(door.probed(1, false), "", "nobody wants the place any more")
    assert.strictEqual(door.hello(5, c), "probe 1")
  })

  it("tells a node with a key from one without, so that a claim never displaces a proof", () => {
    const door = new Door("machine")
    door.hello(1, a)
    assert.strictEqual(door.hello(2, undefined), "probe 1")
    assert.strictEqual(door.probed(1, true), "refuse 2: occupied")
  })

  it("counts IPv6 addresses one by one, up to the limit of their network", () => {
    const door = new Door("machine", { perIpMax: 2 }, "2001:db8::1")
    assert.strictEqual(door.hello(1, a, { remote: "2001:db8::1" }), "admit 1")
    assert.strictEqual(door.hello(2, b, { remote: "2001:DB8:0::2%eth0" }), "admit 2")
    assert.strictEqual(door.hello(3, c, { remote: "2001:db8::3" }), "refuse 3: occupied")
    assert.strictEqual(door.hello(4, c, { remote: "2001:db8:0:0::0:1" }), "probe 1")
  })

  it("has no exception for loopback: each of its addresses is a machine", () => {
    const door = new Door("machine", {}, "127.0.0.2")
    door.hello(1, a, { remote: "127.0.0.2" })
    assert.strictEqual(door.hello(2, b, { remote: "127.0.0.2" }), "probe 1")
  })
})

describe("proven keys", () => {
  it("are peers of their own, eight of an address", () => {
    const door = new Door("authenticated")
    for (let n = 0; n < 8; n++) assert.strictEqual(door.hello(n, key(n.toString())), `admit ${n}`)
    assert.strictEqual(door.hello(8, key("8")), "refuse 8: occupied")
    assert.strictEqual(door.hello(9, key("3")), "admit 9", "a further connection of one that is there")
    assert.strictEqual(door.closed(5), "")
    assert.strictEqual(door.hello(10, key("8")), "admit 10")
  })

  it("count together with who has proven nothing", () => {
    const door = new Door("authenticated", { perIpMax: 2 })
    assert.strictEqual(door.hello(1, undefined), "admit 1")
    assert.strictEqual(door.hello(2, a), "admit 2", "its place is its key, not the address")
    assert.strictEqual(door.hello(3, b), "refuse 3: occupied")
    assert.strictEqual(door.hello(4, undefined), "admit 4")
    assert.deepStrictEqual(
      door.state.admitted.map(({ identity }) => identity),
      ["@192.0.2.7", a, "@192.0.2.7"]
    )
  })

  it("are without limit on loopback", () => {
    for (const ip of ["127.0.0.1", "::1", "::ffff:127.0.0.9"]) {
      const door = new Door("authenticated", { perIpMax: 1 }, ip)
      for (let n = 0; n < 16; n++) assert.strictEqual(door.hello(n, key(n.toString(16)), { remote: ip }), `admit ${n}`)
    }
  })

  it("are never more connections than are allowed, not even on loopback", () => {
    const door = new Door("authenticated", { connections: 3 }, "127.0.0.1")
    for (let n = 0; n < 3; n++) door.hello(n, a)
    assert.strictEqual(door.hello(3, a), "refuse 3: busy")
    door.closed(0)
    assert.strictEqual(door.hello(4, a), "admit 4")
  })
})

describe("a key that moves", () => {
  it("is the same peer at both addresses, and the old one is free when the old connection has ended", () => {
    const [old, next] = [new Door("machine"), new Door("machine", {}, "198.51.100.9")]
    old.hello(1, a)
    assert.strictEqual(next.hello(2, a, { remote: "198.51.100.9" }), "admit 2")
    assert.strictEqual(next.state.admitted[0]!.identity, old.state.admitted[0]!.identity)
    assert.strictEqual(old.closed(1), "")
    assert.isTrue(Admission.isEmpty(old.state))
    assert.strictEqual(old.hello(3, b), "admit 3")
  })
})

describe("one node per endpoint", () => {
  it("is told from others by where it listens, not by where it dials from", () => {
    const door = new Door("endpoint")
    assert.strictEqual(door.hello(1, a, { listens: 4_001 }), "admit 1")
    assert.strictEqual(door.hello(2, b, { listens: 4_002 }), "admit 2")
    assert.strictEqual(door.hello(3, a, { listens: 4_001 }), "admit 3")
    assert.strictEqual(door.hello(4, c, { listens: 4_002 }), "probe 2")
  })

  it("has one place for all that listen nowhere", () => {
    const door = new Door("endpoint")
    door.hello(1, a)
    assert.strictEqual(door.hello(2, b), "probe 1")
    assert.strictEqual(door.hello(3, c, { listens: 4_001 }), "admit 3")
  })

  it("is who it is by its endpoint where nothing is proven", () => {
    const door = new Door("endpoint")
    door.hello(1, undefined, { listens: 4_001 })
    assert.strictEqual(door.hello(2, undefined, { listens: 4_001 }), "admit 2")
    assert.strictEqual(door.hello(3, undefined, { listens: 4_002 }), "admit 3")
  })
})

const Steps = Schema.Array(
  Schema.Struct({
    what: Schema.Literals(["hello", "hello", "probed", "closed"]),
    peer: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })),
    place: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 })),
    which: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 11 })),
    answered: Schema.Boolean
  })
).check(Schema.isMaxLength(120))

describe("whatever happens", () => {
  for (const policy of ["machine", "authenticated", "endpoint"] as const) {
    it.prop(`keeps its rules: ${policy}`, [Steps], ([steps]) => {
      const options: Admission.Options = { policy, perIpMax: 3, connections: 9 }
      let state = Admission.initial(remote)
      const open = new Map<number, "asks" | "in">()
      const asked = new Set<number>()
      let last = 0

      const check = () => {
        const { admitted, waiting } = state
        assert.deepStrictEqual(
          [...admitted, ...waiting].map(({ connection }) => connection).sort(),
          [...open.keys()].sort(),
          "who is neither in nor waiting has been refused or is gone"
        )
        for (const { connection } of admitted) assert.strictEqual(open.get(connection), "in")
        const owners = new Map(admitted.map(({ identity, place }) => [place, identity]))
        for (const { identity, place } of admitted) assert.strictEqual(owners.get(place), identity)
        assert.isAtMost(new Set(admitted.map(({ identity }) => identity)).size, options.perIpMax)
        assert.isAtMost(admitted.length, options.connections)
        assert.strictEqual(new Set(waiting.map(({ place }) => place)).size, waiting.length)
        for (const { asks, identity, place } of waiting) {
          const there = admitted.find(({ connection }) => connection === asks)
          assert.strictEqual(there?.place, place)
          assert.notStrictEqual(there?.identity, identity)
          assert.isTrue(asked.has(asks))
        }
      }

      const run = (event: Admission.Event) => {
        const before = state
        const step = Admission.step(options, state, event)
        state = step.state
        for (const action of step.actions) {
          const { connection } = action
          if (action._tag === "Admit") open.set(connection, "in")
          else if (action._tag === "Probe") asked.add(connection)
          else {
            assert.isTrue(open.delete(connection), `${connection} is open`)
            if (action._tag === "Evict") {
              assert.isTrue(event._tag === "Probed" && !event.answered && event.connection === connection)
            } else assert.isTrue(action.reason === "busy" || before.admitted.length > 0)
          }
        }
        check()
      }

      for (const { answered, peer, place, what, which } of steps) {
        const some = [...open.keys()][which]
        if (what === "hello") {
          const of = { connection: ++last, peer: peer === 0 ? undefined : key(peer.toString()), listens: 1 + place }
          open.set(last, "asks")
          run({ _tag: "Hello", applicant: Admission.applicant(policy, { ...of, remote: `192.0.2.${place}` }) })
        } else if (some !== undefined && what === "closed") {
          open.delete(some)
          run({ _tag: "Closed", connection: some })
        } else if (some !== undefined && asked.has(some)) run({ _tag: "Probed", connection: some, answered })
      }
      for (const connection of open.keys()) {
        open.delete(connection)
        run({ _tag: "Closed", connection })
      }
      assert.isTrue(Admission.isEmpty(state))
      assert.deepStrictEqual(state.waiting, [])
    })
  }
})
