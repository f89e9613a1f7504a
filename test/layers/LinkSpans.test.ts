import { assert, describe, it } from "@effect/vitest"
import { Exit, Option, Tracer } from "effect"
import * as LinkSpans from "../../src/layers/LinkSpans.ts"
import { NodeKey } from "../../src/protocol/NodeKey.ts"
import type { Noted } from "../../src/services/link/LinkObserver.ts"

const peer = NodeKey.make("ab".repeat(32))
const beats = { sent: 1, matched: 1, unknown: 0, outstanding: [], rttMillis: 2.5 }

/** An observer and the spans that it has made, in the order of their beginnings. */
const stage = () => {
  let now = 0n
  const spans: Array<Tracer.Span> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  const observer = LinkSpans.make(tracer, () => (now += 1_000n))
  const note = (
    change: Omit<Noted, "connection" | "direction" | "remote">,
    direction: Noted["direction"] = "outbound"
  ) => observer.noted({ connection: 7, direction, remote: "10.0.0.2:4001", ...change })
  return { observer, note, spans }
}

const of = (span: Tracer.Span | undefined) => {
  if (span?.status._tag !== "Ended") throw new Error(`span ${span?.name} has not ended`)
  return {
    name: span.name,
    kind: span.kind,
    parent: Option.map(span.parent, ({ spanId }) => spanId),
    ok: Exit.isSuccess(span.status.exit),
    attributes: Object.fromEntries(span.attributes)
  }
}

describe("the spans of links", () => {
  it("are one trace of the dial, the handshake and the session", () => {
    const { note, observer, spans } = stage()
    observer.dialling("10.0.0.2:4001")("connected")
    note({ to: "opening" })
    note({ peer, from: "opening", to: "candidate" })
    observer.entered(peer, { id: 7, framesIn: 5, framesOut: 6, bytesIn: 70, bytesOut: 80, heartbeat: beats })
    note({ peer, from: "candidate", to: "active", session: 3n })
    note({ peer, from: "active", to: "closed", reason: "silent", detail: "nothing came" })
    observer.left(peer, 7)
    note({ to: "opening" })
    const [dial, handshake, session, other, ...more] = spans
    assert.isEmpty(more)
    assert.isTrue(Option.isNone(other!.parent), "a dial leads to one connection")
    assert.deepInclude(of(dial), { name: "link.dial", kind: "client", parent: Option.none(), ok: true })
    assert.deepInclude(of(dial).attributes, {
      "server.address": "10.0.0.2",
      "server.port": 4001,
      "holdfast.dial.result": "connected"
    })
    assert.deepInclude(of(handshake), { name: "link.handshake", kind: "client", ok: true })
    assert.deepStrictEqual(of(handshake).parent, Option.some(dial!.spanId))
    assert.deepInclude(of(session), { name: "link.session", ok: false })
    assert.deepStrictEqual(of(session).parent, Option.some(handshake!.spanId))
    assert.strictEqual(session?.traceId, dial?.traceId)
    assert.deepInclude(of(session).attributes, {
      "holdfast.peer": peer,
      "holdfast.session": "3",
      "holdfast.direction": "outbound",
      "holdfast.end.reason": "silent",
      "holdfast.end.detail": "nothing came",
      "holdfast.frames.in": 5,
      "holdfast.bytes.out": 80,
      "holdfast.rtt.ms": 2.5
    })
  })

  it("say how a handshake failed, and are well where two nodes part in good order", () => {
    const { note, observer, spans } = stage()
    observer.dialling("10.0.0.2:4001")("refused")
    note({ to: "opening" }, "inbound")
    note({ from: "opening", to: "closed", reason: "handshake-failed", detail: "no preamble" }, "inbound")
    note({ to: "opening" }, "inbound")
    note({ peer, from: "candidate", to: "active", session: 1n }, "inbound")
    note({ peer, from: "active", to: "closed", reason: "goodbye", detail: "" }, "inbound")
    const ended = spans.map(of)
    assert.deepStrictEqual(
      ended.map(({ name, ok }) => `${name} ${ok}`),
      ["link.dial false", "link.handshake false", "link.handshake true", "link.session true"]
    )
    // A dial that came to nothing is not the beginning of a connection that somebody else dialled.
    assert.deepStrictEqual(ended[1]?.parent, Option.none())
    assert.strictEqual(ended[1]?.kind, "server")
    assert.strictEqual(ended[1]?.attributes["holdfast.end.reason"], "handshake-failed")
  })

  it("know nothing of connections whose beginning they have not seen", () => {
    const { note, spans } = stage()
    note({ peer, from: "candidate", to: "active", session: 1n })
    note({ peer, from: "active", to: "closed", reason: "closed", detail: "" })
    assert.isEmpty(spans)
  })
})
