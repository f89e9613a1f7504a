import { assert, describe, it } from "@effect/vitest"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import * as Handshake from "../../../src/protocol/link/Handshake.ts"
import type { Hello, LinkMessage } from "../../../src/protocol/link/LinkMessage.ts"
import { NodeKey } from "../../../src/protocol/NodeKey.ts"

const low = NodeKey.make("1".repeat(64))
const high = NodeKey.make("e".repeat(64))
const self = { key: high, network: "net", instance: "me", versions: { min: 2, max: 4 } }
const arbiter = { ...self, key: low }

const hello: Hello = {
  network: "net",
  instance: "them",
  database: "d",
  incarnation: 1n,
  versions: { min: 1, max: 9 },
  knows: 0n,
  holds: false,
  agent: "a",
  protocols: []
}

const greeting: Handshake.State = { phase: "greeting" }
const candidate: Handshake.State = { phase: "candidate", hello }
const active: Handshake.State = { phase: "active", hello }
const closed: Handshake.State = { phase: "closed" }
const states = { greeting, candidate, active, closed }

const message = (inner: LinkMessage): Handshake.Event => ({ _tag: "Message", message: inner })
const frame = (kind: number): Handshake.Event => ({ _tag: "Frame", kind })
const events = {
  HELLO: message({ _tag: "Hello", hello }),
  COMMIT: message({ _tag: "Commit", commit: { number: 7n } }),
  REJECT: message({ _tag: "Reject", reject: { reason: "duplicate", number: 3n, detail: "" } }),
  GOODBYE: message({ _tag: "Goodbye", goodbye: { reason: "shutdown", retryAfterMillis: 1, detail: "" } }),
  JOIN: message({ _tag: "Join", join: { session: 7n, lane: 1 } }),
  JOINED: message({ _tag: "Joined", joined: { session: 7n, lane: 1 } }),
  PING: frame(Frame.Kind.Ping),
  PONG: frame(Frame.Kind.Pong),
  RESUME: frame(Frame.Kind.Resume),
  DATA: frame(Frame.Kind.Data),
  RECEIPT: frame(Frame.Kind.Receipt),
  STREAM: frame(Frame.Kind.Stream),
  ASK: frame(Frame.Kind.Ask),
  HEADERS: frame(Frame.Kind.Headers),
  WANT: frame(Frame.Kind.Want),
  BLOCKS: frame(Frame.Kind.Blocks),
  TIP: frame(Frame.Kind.Tip),
  GOSSIP: frame(Frame.Kind.Gossip),
  "an unknown kind that must be understood": frame(99),
  "an unknown kind that may be ignored": frame(200),
  Activated: { _tag: "Activated" }
} as const satisfies Record<string, Handshake.Event>

type Phase = keyof typeof states
/** What happens and the phase after it, `action>phase`; nothing in either place means none and the same. */
const words = (at: Handshake.Self, peer: NodeKey, state: Handshake.State, event: Handshake.Event): string => {
  const step = Handshake.step(at, peer, state, event)
  const action = step.action?._tag === "Refuse" ? step.action.reason : (step.action?._tag ?? "")
  return `${action}>${step.state.phase}`
}

const v = "violation>closed"
const swallowed = ">closed"
const table: Record<keyof typeof events, Record<Exclude<Phase, "closed">, string>> = {
  HELLO: { greeting: "Propose>candidate", candidate: v, active: v },
  COMMIT: { greeting: v, candidate: "Obey>candidate", active: v },
  REJECT: { greeting: "Rejected>closed", candidate: "Rejected>closed", active: v },
  GOODBYE: { greeting: "Left>closed", candidate: "Left>closed", active: "Left>closed" },
  JOIN: { greeting: "Join>closed", candidate: v, active: v },
  JOINED: { greeting: v, candidate: v, active: v },
  PING: { greeting: v, candidate: v, active: "Deliver>active" },
  PONG: { greeting: v, candidate: v, active: "Deliver>active" },
  RESUME: { greeting: v, candidate: v, active: "Deliver>active" },
  DATA: { greeting: v, candidate: v, active: "Deliver>active" },
  RECEIPT: { greeting: v, candidate: v, active: "Deliver>active" },
  STREAM: { greeting: v, candidate: v, active: "Deliver>active" },
  ASK: { greeting: v, candidate: v, active: "Deliver>active" },
  HEADERS: { greeting: v, candidate: v, active: "Deliver>active" },
  WANT: { greeting: v, candidate: v, active: "Deliver>active" },
  BLOCKS: { greeting: v, candidate: v, active: "Deliver>active" },
  TIP: { greeting: v, candidate: v, active: "Deliver>active" },
  GOSSIP: { greeting: v, candidate: v, active: "Deliver>active" },
  "an unknown kind that must be understood": { greeting: v, candidate: v, active: v },
  "an unknown kind that may be ignored": {
    greeting: "Ignore>greeting",
    candidate: "Ignore>candidate",
    active: "Ignore>active"
  },
  Activated: { greeting: ">greeting", candidate: ">active", active: ">active" }
}

const names = Object.keys(events) as ReadonlyArray<keyof typeof events>

describe("a connection", () => {
  for (const name of names) {
    for (const phase of ["greeting", "candidate", "active"] as const) {
      it(`in phase ${phase} with ${name}: ${table[name][phase]}`, () => {
        assert.strictEqual(words(self, low, states[phase], events[name]), table[name][phase])
      })
    }
    it(`that is closed swallows ${name}`, () => assert.strictEqual(words(self, low, closed, events[name]), swallowed))
  }

  it("says in its refusal what came too early or twice", () => {
    const detail = (state: Handshake.State, event: Handshake.Event) => {
      const { action } = Handshake.step(self, low, state, event)
      return action?._tag === "Refuse" ? action.detail : ""
    }
    assert.include(detail(greeting, events.DATA), "kind 17 came before the session was live")
    assert.include(detail(candidate, events.HELLO), "HELLO came twice")
    assert.include(detail(greeting, events.COMMIT), "COMMIT came before HELLO")
    assert.include(detail(active, events.COMMIT), "COMMIT came twice")
    assert.include(detail(active, frame(99)), "unknown frame kind 99")
  })

  it("lets a follower refuse what the arbiter has committed, and nobody refuse what it has obeyed", () => {
    assert.strictEqual(words(arbiter, high, active, events.REJECT), "Rejected>closed")
    assert.strictEqual(words(self, low, active, events.REJECT), v)
  })

  it("refuses every unknown kind below 128 and ignores every one from 128", () => {
    const known = new Set<number>(Object.values(Frame.Kind))
    for (let kind = 0; kind < 256; kind++) {
      if (known.has(kind)) continue
      assert.strictEqual(words(self, low, active, frame(kind)), kind < 128 ? v : "Ignore>active", `kind ${kind}`)
    }
  })

  it("hands on the HELLO that it was greeted with, and the number of the COMMIT", () => {
    const proposed = Handshake.step(self, low, greeting, events.HELLO)
    assert.deepStrictEqual(proposed.action, { _tag: "Propose", hello })
    assert.deepStrictEqual(Handshake.step(self, low, proposed.state, events.COMMIT).action, {
      _tag: "Obey",
      hello,
      number: 7n
    })
  })
})

describe("a HELLO", () => {
  const reason = (change: Partial<Hello>, peer: NodeKey = low): string | undefined =>
    Handshake.objection(self, peer, { ...hello, ...change })?.reason

  it("is fine when network and versions fit", () => assert.isUndefined(reason({})))

  it("of another network is refused with both names", () => {
    assert.strictEqual(reason({ network: "other" }), "network")
    assert.include(
      Handshake.objection(self, low, { ...hello, network: "other" })?.detail,
      '"other", this node is on "net"'
    )
    assert.strictEqual(
      words(self, low, greeting, message({ _tag: "Hello", hello: { ...hello, network: "" } })),
      "network>closed"
    )
  })

  it("with the own key is the node itself, or a clone of it", () => {
    assert.strictEqual(reason({ instance: "me" }, high), "self")
    assert.strictEqual(reason({ instance: "them" }, high), "clone")
    assert.isUndefined(reason({ instance: "me" }, low), "an instance alone says nothing")
  })

  it("that names the same chain is fine, however far that has come, and so is one that names none", () => {
    const chain = { id: "main", genesis: "ab".repeat(32), tip: "cd".repeat(32), height: 7 }
    const wrongOf = (own: typeof chain | undefined, theirs: typeof chain | undefined) =>
      Handshake.objection({ ...self, chain: own }, low, theirs === undefined ? hello : { ...hello, chain: theirs })
    assert.isUndefined(wrongOf(chain, { ...chain, tip: chain.genesis, height: 0 }))
    assert.isUndefined(wrongOf(chain, undefined))
    assert.isUndefined(wrongOf(undefined, chain))
    assert.isUndefined(wrongOf(undefined, undefined))
    for (const other of [
      { ...chain, id: "other" },
      { ...chain, genesis: "ac".repeat(32) }
    ]) {
      const wrong = wrongOf(chain, other)
      assert.strictEqual(wrong?.reason, "genesis")
      assert.include(wrong?.detail, `chain "${other.id}"`)
      assert.include(wrong?.detail, 'this node keeps chain "main" that begins with abababab')
      const event = message({ _tag: "Hello", hello: { ...hello, chain: other } })
      assert.strictEqual(words({ ...self, chain }, low, greeting, event), "genesis>closed")
    }
  })

  it("is refused unless some version is in both ranges", () => {
    for (let min = 0; min <= 6; min++) {
      for (let max = 0; max <= 6; max++) {
        const common = [2, 3, 4].some((version) => version >= min && version <= max)
        assert.strictEqual(reason({ versions: { min, max } }), common ? undefined : "version", `${min} to ${max}`)
      }
    }
  })
})
