import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Handshake from "../../../src/protocol/bitcoin/Handshake.ts"
import type { Fault } from "../../../src/protocol/bitcoin/Misbehaviour.ts"
import { Code } from "../../../src/protocol/bitcoin/Reject.ts"
import { Service, type Version } from "../../../src/protocol/bitcoin/Version.ts"

const somewhere = { services: 1n, host: "127.0.0.1", port: 8_333 }
const version: Version = {
  version: 70_016,
  services: 1n,
  time: 1_700_000_000n,
  receiver: somewhere,
  sender: somewhere,
  nonce: 7n,
  agent: "/Bitcoin SV:1.2.2/",
  height: 0,
  relay: true
}

const terms: Handshake.Terms = {
  services: Service.network,
  agent: (agent) => (agent.includes("abc") ? 'its agent has "abc"' : undefined),
  isOwn: (nonce) => nonce === 99n
}

const connected: Handshake.Event = { _tag: "Connected" }
const verack: Handshake.Event = { _tag: "Verack" }
const says = (part: Partial<Version> = {}): Handshake.Event => ({ _tag: "Version", version: { ...version, ...part } })
const other = (command: string): Handshake.Event => ({ _tag: "Other", command })

const fault = (name: Fault, detail: string): Handshake.Action => ({ _tag: "Fault", fault: name, detail })

const run = (direction: Handshake.State["direction"], events: ReadonlyArray<Handshake.Event>) => {
  let state = Handshake.initial(direction)
  const steps = events.map((event) => {
    const step = Handshake.step(terms, state, event)
    state = step.state
    return step.actions
  })
  return { state, steps, actions: steps.flat(), last: steps.at(-1) ?? [] }
}

const tags = (actions: ReadonlyArray<Handshake.Action>) => actions.map(({ _tag }) => _tag)

describe("the handshake of Bitcoin", () => {
  it("of who dialled: version at once, verack for theirs, done with theirs", () => {
    const { state, steps } = run("outbound", [connected, says(), verack])
    assert.deepStrictEqual(steps.map(tags), [["SendVersion"], ["SendVerack"], ["Complete"]])
    assert.strictEqual(state.phase, "done")
  })

  it("of who listens: nothing before the other's version, then both", () => {
    const { steps } = run("inbound", [connected, says(), verack])
    assert.deepStrictEqual(steps.map(tags), [[], ["SendVersion", "SendVerack"], ["Complete"]])
  })

  it("tells who it is that has come", () => {
    const { last } = run("inbound", [connected, says({ agent: "/other:1/" }), verack])
    assert.deepStrictEqual(last, [{ _tag: "Complete", version: { ...version, agent: "/other:1/" } }])
  })

  it("completes in every order in which the four can come", () => {
    for (const order of [
      [connected, says(), verack],
      [connected, verack, says()]
    ]) {
      const { actions, state } = run("outbound", order)
      assert.strictEqual(state.phase, "done")
      assert.strictEqual(tags(actions).filter((tag) => tag === "Complete").length, 1)
    }
    // A node that speaks before it is connected, as far as this one knows.
    assert.strictEqual(run("outbound", [says(), connected, verack]).state.phase, "done")
  })

  it("does not count a verack for a version that was not sent", () => {
    const { last, state } = run("inbound", [connected, verack])
    assert.deepStrictEqual(last, [fault("before-handshake", "verack came before version was sent")])
    assert.isFalse(state.verackReceived)
    assert.strictEqual(run("inbound", [connected, verack, says()]).state.phase, "open")
    assert.strictEqual(run("inbound", [connected, verack, says(), verack]).state.phase, "done")
  })

  it("rejects a second version as a duplicate, and goes on", () => {
    for (const events of [
      [connected, says(), says()],
      [connected, says(), verack, says()]
    ]) {
      const { last, state } = run("inbound", events)
      assert.deepStrictEqual(last, [
        {
          _tag: "SendReject",
          reject: { command: "version", code: Code.duplicate, reason: "Duplicate version message" }
        },
        fault("version-twice", "version came twice")
      ])
      assert.notStrictEqual(state.phase, "closed")
    }
  })

  it("ignores a second verack", () => {
    assert.deepStrictEqual(run("inbound", [connected, says(), verack, verack]).last, [{ _tag: "Ignore" }])
  })

  it("skips what comes before the end, and blames who sends it, but for what other chains' nodes say there", () => {
    const wrong = fault("before-handshake", "inv came before the handshake was over")
    assert.deepStrictEqual(run("inbound", [connected, other("inv")]).last, [wrong])
    assert.deepStrictEqual(run("outbound", [connected, says(), other("inv")]).last, [wrong])
    for (const command of ["wtxidrelay", "sendaddrv2"]) {
      assert.deepStrictEqual(run("outbound", [connected, says(), other(command)]).last, [{ _tag: "Ignore" }])
    }
  })

  const closes = (actions: ReadonlyArray<Handshake.Action>) => {
    const end = actions.at(-1)
    return end?._tag === "Close" ? end.objection : undefined
  }

  it("closes on itself, having said nothing", () => {
    const { actions, state } = run("inbound", [connected, says({ nonce: 99n })])
    assert.strictEqual(closes(actions), "self")
    assert.lengthOf(actions, 1)
    assert.strictEqual(state.phase, "closed")
    // The answer to its own dial carries the nonce of another node, whatever that is.
    assert.strictEqual(run("outbound", [connected, says({ nonce: 99n }), verack]).state.phase, "done")
  })

  it("refuses versions that know no pings, in words", () => {
    for (const old of [60_000, 209, 0, -1]) {
      const { last } = run("inbound", [connected, says({ version: old })])
      const reason = "Version must be 60001 or greater"
      assert.deepStrictEqual(last[0], {
        _tag: "SendReject",
        reject: { command: "version", code: Code.obsolete, reason }
      })
      assert.strictEqual(closes(last), "obsolete")
    }
    assert.strictEqual(run("inbound", [connected, says({ version: 60_001 }), verack]).state.phase, "done")
  })

  it("refuses who was dialled and gives no blocks, and takes such a one that has dialled", () => {
    const { last } = run("outbound", [connected, says({ services: 0x20n })])
    assert.strictEqual(closes(last), "services")
    assert.strictEqual(last[0]?._tag, "SendReject")
    assert.strictEqual(run("inbound", [connected, says({ services: 0n }), verack]).state.phase, "done")
  })

  it("refuses an agent that is not wanted, without a word", () => {
    const { actions, last } = run("inbound", [connected, says({ agent: "/abc:1/" })])
    assert.deepStrictEqual(last, [{ _tag: "Close", objection: "agent", detail: 'its agent has "abc"' }])
    assert.deepStrictEqual(tags(actions), ["Close"])
  })

  it("says nothing after it has closed", () => {
    assert.deepStrictEqual(run("inbound", [connected, says({ version: 1 }), says(), verack, other("inv")]).last, [])
  })

  const possible = {
    connected,
    verack,
    version: says(),
    own: says({ nonce: 99n }),
    old: says({ version: 1 }),
    poor: says({ services: 0n }),
    unwanted: says({ agent: "abc" }),
    inv: other("inv"),
    sendaddrv2: other("sendaddrv2")
  }
  const Events = Schema.Array(Schema.Literals(Object.keys(possible) as Array<keyof typeof possible>))
  const Direction = Schema.Literals(["inbound", "outbound"])

  it.prop(
    "whatever comes: sends each of its own once, completes once, and only with all four",
    [Direction, Events],
    ([direction, names]) => {
      const { actions, state } = run(
        direction,
        names.map((name) => possible[name])
      )
      const count = (tag: string) => tags(actions).filter((each) => each === tag).length
      assert.isAtMost(count("SendVersion"), 1)
      assert.isAtMost(count("SendVerack"), 1)
      assert.strictEqual(count("Close"), state.phase === "closed" ? 1 : 0)
      const { verackReceived, verackSent, version: theirs, versionSent } = state
      const all = versionSent && theirs !== undefined && verackSent && verackReceived
      if (state.phase !== "closed") assert.strictEqual(state.phase === "done", all)
      if (state.phase === "done") assert.strictEqual(count("Complete"), 1)
      if (state.phase === "open") assert.strictEqual(count("Complete"), 0)
      if (!versionSent && state.phase === "open") assert.isUndefined(theirs)
    }
  )
})
