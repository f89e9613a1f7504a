import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option, Tracer } from "effect"
import * as BitcoinSpans from "../../src/layers/BitcoinSpans.ts"
import { LinkTracer } from "../../src/layers/LinkSpans.ts"
import type { State } from "../../src/protocol/bitcoin/ConnectionState.ts"
import { PeerObserver } from "../../src/services/bitcoin/PeerObserver.ts"
import { at, elapse, NetworkLab } from "../support/BitcoinNetworkLab.ts"

const collecting = () => {
  const spans: Array<Tracer.Span> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  return { spans, tracer }
}

const of = (span: Tracer.Span | undefined) => {
  if (span?.status._tag !== "Ended") throw new Error(`span ${span?.name} has not ended`)
  return {
    name: span.name,
    kind: span.kind,
    parent: Option.getOrUndefined(Option.map(span.parent, ({ spanId }) => spanId)),
    ok: Exit.isSuccess(span.status.exit),
    attributes: Object.fromEntries(span.attributes)
  }
}

/** An observer, and what it is told of an inbound connection. */
const stage = () => {
  let now = 0n
  const { spans, tracer } = collecting()
  const observer = BitcoinSpans.make(tracer, () => (now += 1_000n))
  const go = (from: State, to: State, detail?: string) =>
    observer.told({
      _tag: "Changed",
      id: 7,
      remote: "10.0.0.2:8333",
      kind: "Inbound",
      from,
      to,
      ...(detail === undefined ? {} : { detail })
    })
  return { observer, go, spans }
}

describe("the spans of Bitcoin peers", () => {
  it.effect("are one trace of the dial, the handshake and the life of a peer", () =>
    Effect.gen(function* () {
      const { spans, tracer } = collecting()
      const observer = yield* Effect.provideService(BitcoinSpans.observer, LinkTracer, tracer)
      const lab = new NetworkLab()
      yield* lab.play("10.0.0.2")
      const node = lab.start("10.0.0.1", { pool: { target: 1 } }, [at("10.0.0.2")])
      const a = yield* Effect.provideService(node, PeerObserver, observer)
      yield* elapse(1_000)
      yield* a.close(a.connections()[0]!.id)
      yield* elapse(500)
      const [dial, handshake, peer] = spans
      const connection = { "holdfast.connection": 1, "holdfast.kind": "Outbound" }
      const place = { ...connection, "network.peer.address": "10.0.0.2:18444" }
      assert.deepInclude(of(dial), { name: "bitcoin.dial", kind: "client", parent: undefined, ok: true })
      assert.deepInclude(of(dial).attributes, place)
      assert.deepInclude(of(handshake), { name: "bitcoin.handshake", kind: "client", parent: dial!.spanId, ok: true })
      assert.deepInclude(of(peer), { name: "bitcoin.peer", kind: "internal", parent: handshake!.spanId, ok: true })
      assert.deepInclude(of(peer).attributes, { ...place, "holdfast.end.reason": "closed", "holdfast.messages.in": 2 })
    })
  )

  it("are errors where somebody failed, and say what", () => {
    const { go, observer, spans } = stage()
    go("Disconnected", "AwaitingHandshake")
    observer.left(7, "misbehaved")
    go("AwaitingHandshake", "Rejected", "x".repeat(10_000))
    const span = of(spans[0])
    assert.deepInclude(span, { name: "bitcoin.handshake", kind: "server", ok: false })
    assert.strictEqual(span.attributes["holdfast.end.reason"], "misbehaved")
    assert.lengthOf(String(span.attributes["holdfast.end.detail"]), 256)
  })

  it("of a number that is used again belong to nobody else", () => {
    const { go, observer, spans } = stage()
    go("Disconnected", "AwaitingHandshake")
    observer.left(7, "closed")
    go("AwaitingHandshake", "Disconnected")
    go("Disconnected", "AwaitingHandshake")
    go("AwaitingHandshake", "Failed", "no handshake")
    assert.isTrue(of(spans[0]).ok)
    assert.deepInclude(of(spans[1]), { parent: undefined, ok: false })
    observer.left(7, "closed")
    assert.lengthOf(spans, 2)
  })

  it.effect("are not made without a tracer", () =>
    Effect.gen(function* () {
      assert.isUndefined(yield* BitcoinSpans.observer)
    })
  )
})
