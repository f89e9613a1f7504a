import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { BodyInvalid, type Codec } from "../../../src/protocol/Cbor.ts"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import * as LinkMessage from "../../../src/protocol/link/LinkMessage.ts"
import { bitFlips, mangled, noise, seeded, truncations, wellFormed } from "../../support/Malformed.ts"

const hello: LinkMessage.Hello = {
  network: "testnet",
  instance: "00112233-4455-6677-8899-aabbccddeeff",
  database: "ffeeddcc-bbaa-9988-7766-554433221100",
  incarnation: 2n ** 40n,
  versions: { min: 1, max: 3 },
  knows: 2n ** 64n - 1n,
  holds: true,
  agent: "holdfast/0.1.0",
  protocols: ["chat", "credit"],
  lanes: 8,
  listen: { host: "2001:db8::1", port: 4001 },
  chain: { id: "main", genesis: "ab".repeat(32), tip: "cd".repeat(32), height: 70_000 }
}
const bodies: ReadonlyArray<readonly [number, Uint8Array]> = [
  [Frame.Kind.Hello, LinkMessage.hello.encode(hello)],
  [Frame.Kind.Commit, LinkMessage.commit.encode({ number: 77n })],
  [Frame.Kind.Reject, LinkMessage.reject.encode({ reason: "duplicate", number: 3n, detail: "the other one stays" })],
  [Frame.Kind.Goodbye, LinkMessage.goodbye.encode({ reason: "shutdown", retryAfterMillis: 5_000, detail: "restart" })],
  [Frame.Kind.Join, LinkMessage.join.encode({ session: 7n, lane: 3 })],
  [Frame.Kind.Joined, LinkMessage.joined.encode({ session: 7n, lane: 3 })]
]

const comesBack =
  <A>(codec: Codec<A>) =>
  (value: A): void =>
    assert.deepStrictEqual(Result.getOrThrow(codec.decode(codec.encode(value))), wellFormed(value))

describe("link messages", () => {
  it.prop("HELLO comes back as it went", [LinkMessage.Hello], ([value]) => comesBack(LinkMessage.hello)(value))
  it.prop("COMMIT comes back as it went", [LinkMessage.Commit], ([value]) => comesBack(LinkMessage.commit)(value))
  it.prop("REJECT comes back as it went", [LinkMessage.Reject], ([value]) => comesBack(LinkMessage.reject)(value))
  it.prop("GOODBYE comes back as it went", [LinkMessage.Goodbye], ([value]) => comesBack(LinkMessage.goodbye)(value))

  it.prop("JOIN and JOINED come back as they went", [LinkMessage.Join], ([value]) => {
    comesBack(LinkMessage.join)(value)
    comesBack(LinkMessage.joined)(value)
  })

  it("are decoded by the kind of their frame, and other kinds are not theirs", () => {
    const tags = bodies.map(([kind, body]) => Result.getOrThrow(LinkMessage.decode(kind, body)!)._tag)
    assert.deepStrictEqual(tags, ["Hello", "Commit", "Reject", "Goodbye", "Join", "Joined"])
    const theirs = new Set(bodies.map(([kind]) => kind))
    for (let kind = 0; kind < 256; kind++) {
      assert.strictEqual(LinkMessage.decode(kind, bodies[0]![1]) === undefined, !theirs.has(kind))
    }
  })

  it("leave unknown fields out, so that a newer node can say more", () => {
    const text = (value: string) => [0x60 + value.length, ...new TextEncoder().encode(value)]
    const body = Uint8Array.from([0xa2, ...text("later"), ...text("x"), ...text("number"), 9])
    assert.deepStrictEqual(Result.getOrThrow(LinkMessage.commit.decode(body)), { number: 9n })
  })

  it("fit a frame before the handshake at their longest", () => {
    const longest: LinkMessage.Hello = {
      ...hello,
      network: "€".repeat(64),
      incarnation: 2n ** 64n - 1n,
      versions: { min: Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER },
      agent: "€".repeat(64),
      protocols: new Array<string>(LinkMessage.maxProtocols).fill("p".repeat(64)),
      listen: { host: "h".repeat(253), port: 65_535 },
      lanes: 255,
      chain: { id: "c".repeat(64), genesis: "f".repeat(64), tip: "f".repeat(64), height: 2 ** 32 - 1 }
    }
    const frames = [
      Frame.encode(Frame.Kind.Hello, LinkMessage.hello.encode(longest)),
      Frame.encode(
        Frame.Kind.Reject,
        LinkMessage.reject.encode({ reason: "duplicate", number: 2n ** 64n - 1n, detail: "€".repeat(256) })
      )
    ]
    for (const bytes of frames) {
      assert.isAtLeast(bytes.length, 800)
      const frames: Array<Frame.Frame> = []
      assert.isUndefined(new Frame.Decoder().feed(bytes, frames))
      assert.strictEqual(frames.length, 1)
    }
  })

  it("are refused outside of their limits", () => {
    const encode = (change: Partial<LinkMessage.Hello>) => () => LinkMessage.hello.encode({ ...hello, ...change })
    assert.throws(encode({ network: "n".repeat(65) }))
    assert.throws(encode({ agent: "a".repeat(65) }))
    assert.throws(encode({ protocols: new Array<string>(LinkMessage.maxProtocols + 1).fill("p") }))
    assert.throws(encode({ protocols: [""] }))
    assert.throws(encode({ protocols: ["zwei Wörter"] }))
    assert.throws(encode({ knows: 2n ** 64n }))
    assert.throws(encode({ listen: { host: "h", port: 0 } }))
    assert.throws(encode({ instance: "not-a-uuid" }))
    assert.throws(() => LinkMessage.goodbye.encode({ reason: "slow", retryAfterMillis: 86_400_001, detail: "" }))
    assert.throws(() => LinkMessage.reject.encode({ reason: "busy", number: 0n, detail: "d".repeat(257) }))
  })

  it("are refused, never thrown about, when cut short at any byte", () => {
    for (const [kind, body] of bodies) {
      for (const bytes of truncations(body)) {
        const result = LinkMessage.decode(kind, bytes)!
        assert.isTrue(Result.isFailure(result) && result.failure instanceof BodyInvalid)
      }
    }
  })

  it("are either refused or a message of their kind with any bit turned", () => {
    let refused = 0
    for (const [kind, body] of bodies) {
      for (const bytes of bitFlips(body)) {
        const result = LinkMessage.decode(kind, bytes)!
        if (Result.isSuccess(result)) continue
        refused++
        assert.instanceOf(result.failure, BodyInvalid)
      }
    }
    assert.isAbove(refused, 500)
  })

  it("never throw: 20,000 bodies of noise and of spoilt messages", () => {
    const random = seeded(2)
    for (let i = 0; i < 20_000; i++) {
      const [kind, body] = bodies[i % bodies.length]!
      const bytes = i % 3 === 0 ? noise(random, Math.floor(random() * 64)) : mangled(random, body)
      const result = LinkMessage.decode(kind, bytes)!
      if (Result.isFailure(result)) assert.instanceOf(result.failure, BodyInvalid)
    }
  })
})
