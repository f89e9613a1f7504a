import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Admission from "../../../src/protocol/link/Admission.ts"
import { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { Admissions } from "../../../src/services/link/Admissions.ts"

const key = (digit: string): NodeKey => NodeKey.make(digit.repeat(64))
const [a, b] = [key("a"), key("b")]
const machine = { ...Admission.defaults, policy: "machine" } as const

/** Admissions and what they have done, in few words; connections that it ends leave it at once, as they do in a node. */
class Watched {
  readonly door: Admissions
  readonly log: Array<string> = []
  readonly reports = new Map<number, (answered: boolean) => void>()
  /** Whether a connection is already closing when it is asked for a sign of life. */
  closing = false

  constructor(options: Admission.Options) {
    this.door = new Admissions(options)
  }

  enter(connection: number, peer: NodeKey | undefined, remote = "192.0.2.1", listens?: number): void {
    const end = (word: string) => () => {
      this.log.push(`${word} ${connection}`)
      this.door.leave(connection)
    }
    this.door.enter({
      connection,
      peer,
      remote,
      listens,
      admit: () => void this.log.push(`admit ${connection}`),
      refuse: (reason) => end(reason)(),
      probe: (report) => {
        this.log.push(`probe ${connection}`)
        if (this.closing) report(false)
        else this.reports.set(connection, report)
      },
      evict: end("evict")
    })
  }
}

describe("admissions", () => {
  it("holds a newcomer back until the node at its address has answered", () => {
    const watched = new Watched(machine)
    watched.enter(1, a)
    watched.enter(2, b)
    assert.deepStrictEqual(watched.log, ["admit 1", "probe 1"])
    watched.reports.get(1)!(true)
    assert.deepStrictEqual(watched.log.slice(2), ["occupied 2"])
    assert.deepStrictEqual([watched.door.size, watched.door.hosts], [1, 1])
  })

  it("ends a silent node before it lets the newcomer in, though the end is heard in the same turn", () => {
    const watched = new Watched(machine)
    watched.enter(1, a)
    watched.enter(2, b)
    watched.reports.get(1)!(false)
    assert.deepStrictEqual(watched.log.slice(2), ["evict 1", "admit 2"])
    assert.strictEqual(watched.door.size, 1)
  })

  it("takes an answer that comes at once, while it still asks", () => {
    const watched = new Watched(machine)
    watched.enter(1, a)
    watched.closing = true
    watched.enter(2, b)
    assert.deepStrictEqual(watched.log, ["admit 1", "probe 1", "evict 1", "admit 2"])
  })

  it("does not listen to an answer that comes when nobody waits any more", () => {
    const watched = new Watched(machine)
    watched.enter(1, a)
    watched.enter(2, b)
    watched.door.leave(2)
    watched.reports.get(1)!(false)
    watched.door.leave(1)
    watched.reports.get(1)!(false)
    assert.deepStrictEqual(watched.log, ["admit 1", "probe 1"])
    assert.deepStrictEqual([watched.door.size, watched.door.hosts], [0, 0])
  })

  it("does not take the answer to an earlier question for the answer to a later one", () => {
    const watched = new Watched(machine)
    watched.enter(1, a)
    watched.enter(2, b)
    const first = watched.reports.get(1)!
    watched.door.leave(2)
    watched.enter(3, b)
    first(false)
    assert.deepStrictEqual(watched.log, ["admit 1", "probe 1", "probe 1"])
    watched.reports.get(1)!(true)
    assert.strictEqual(watched.log.at(-1), "occupied 3")
  })

  it("takes no more connections than are allowed, wherever they come from, and forgets whom it has refused", () => {
    const watched = new Watched({ ...machine, connections: 2 })
    const nothing = () => undefined
    const mute = { peer: b, remote: "192.0.2.1", listens: undefined, admit: nothing, probe: nothing, evict: nothing }
    watched.enter(1, a, "192.0.2.1")
    watched.door.enter({ ...mute, connection: 2, refuse: nothing })
    watched.enter(3, a, "192.0.2.3")
    watched.reports.get(1)!(true)
    assert.strictEqual(watched.door.size, 1)
    watched.enter(4, a, "192.0.2.3")
    watched.enter(5, a, "192.0.2.4")
    assert.deepStrictEqual(watched.log, ["admit 1", "probe 1", "busy 3", "admit 4", "busy 5"])
  })

  it("knows a node that moves for the same, and frees its old address when the old connection ends", () => {
    const watched = new Watched(machine)
    watched.enter(1, a, "192.0.2.1")
    watched.enter(2, a, "198.51.100.1")
    watched.door.leave(1)
    watched.enter(3, b, "192.0.2.1")
    assert.deepStrictEqual(watched.log, ["admit 1", "admit 2", "admit 3"])
    watched.enter(4, b, "::ffff:198.51.100.1")
    assert.deepStrictEqual(watched.log.at(-1), "probe 2")
  })

  it("knows IPv6 loopback, whose network has other addresses too, as the machine itself", () => {
    const watched = new Watched({ ...Admission.defaults, perIpMax: 1 })
    watched.enter(1, a, "::1")
    watched.enter(2, b, "::1")
    assert.deepStrictEqual(watched.log, ["admit 1", "admit 2"])
  })

  const Steps = Schema.Array(
    Schema.Struct({
      what: Schema.Literals(["enter", "leave", "report"]),
      peer: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 })),
      host: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 12 })),
      which: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 60 })),
      answered: Schema.Boolean
    })
  ).check(Schema.isMaxLength(60))

  it.prop(
    "answers every visitor once and keeps no more than it may, whatever comes in whatever order",
    [Steps],
    ([steps]) => {
      for (const policy of ["machine", "authenticated", "endpoint"] as const) {
        const watched = new Watched({ policy, perIpMax: 2, connections: 6 })
        let last = 0
        for (const { answered, host, peer, what, which } of steps) {
          if (what === "enter") watched.enter(++last, key(peer.toString()), `192.0.2.${host}`, host % 3)
          else if (what === "report") watched.reports.get(which)?.(answered)
          else if (which <= last) watched.door.leave(which)
          assert.isAtMost(watched.door.size, 6)
          assert.isAtMost(watched.door.hosts, watched.door.size)
        }
        const words = watched.log.map((line) => line.split(" ") as [string, string])
        for (let connection = 1; connection <= last; connection++) {
          const own = words.filter(([, id]) => Number(id) === connection).map(([word]) => word)
          const answers = own.filter((word) => ["admit", "occupied", "busy"].includes(word))
          assert.isAtMost(answers.length, 1)
          if (!own.includes("admit")) assert.isFalse(own.includes("evict") || own.includes("probe"))
          watched.door.leave(connection)
        }
        assert.deepStrictEqual([watched.door.size, watched.door.hosts], [0, 0])
      }
    }
  )
})
