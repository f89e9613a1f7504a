import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { BodyInvalid, type Codec } from "../../../src/protocol/Cbor.ts"
import * as DeliveryFrame from "../../../src/protocol/delivery/DeliveryFrame.ts"
import { maxBody } from "../../../src/protocol/delivery/Message.ts"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import { bitFlips, mangled, noise, seeded, truncations, wellFormed } from "../../support/Malformed.ts"

const stream = "00112233-4455-6677-8899-aabbccddeeff"
const item: DeliveryFrame.Item = { id: stream, protocol: "chat", subject: "room", body: Uint8Array.from([1, 2, 3]) }

type Decode = (bytes: Uint8Array) => Result.Result<unknown, BodyInvalid>

const samples: ReadonlyArray<readonly [Decode, Uint8Array]> = [
  [
    DeliveryFrame.resume.decode,
    DeliveryFrame.resume.encode({
      sending: { stream, last: 9n, receipted: 7n },
      received: { stream: null, position: 0n, seen: 0n },
      answers: [
        { seq: 4n, outcome: { _tag: "Later", retryAfterMillis: 1_000, behind: stream } },
        { seq: 5n, outcome: { _tag: "Stale", revision: "r1", state: Uint8Array.from([9]) } }
      ]
    })
  ],
  [
    DeliveryFrame.data.decode,
    DeliveryFrame.data.encode({ stream, first: 1n, seen: 0n, items: [item, { ...item, void: true }] })
  ],
  [
    DeliveryFrame.receipt.decode,
    DeliveryFrame.receipt.encode({
      stream,
      upTo: 2n,
      answers: [{ seq: 2n, outcome: { _tag: "Refused", reason: "no", detail: "" } }]
    })
  ]
]

const comesBack =
  <A>(codec: Codec<A>) =>
  (value: A): void =>
    assert.deepStrictEqual(Result.getOrThrow(codec.decode(codec.encode(value))), wellFormed(value))

describe("delivery frames", () => {
  it.prop("RESUME comes back as it went", [DeliveryFrame.Resume], ([v]) => comesBack(DeliveryFrame.resume)(v))
  it.prop("DATA comes back as it went", [DeliveryFrame.Data], ([v]) => comesBack(DeliveryFrame.data)(v))
  it.prop("RECEIPT comes back as it went", [DeliveryFrame.Receipt], ([v]) => comesBack(DeliveryFrame.receipt)(v))

  it("carry the largest message and the most answers within a frame", () => {
    const largest = DeliveryFrame.data.encode({
      stream,
      first: 1n,
      seen: 0n,
      items: [{ ...item, body: new Uint8Array(maxBody) }]
    })
    assert.strictEqual(Result.getOrThrow(DeliveryFrame.data.decode(largest)).items[0]?.body.length, maxBody)
    assert.isBelow(Frame.encode(Frame.Kind.Data, largest).length, Frame.maxOnSession)
    const answers = Array.from({ length: DeliveryFrame.maxAnswers }, (_, i) => ({
      seq: BigInt(i),
      outcome: { _tag: "Later", retryAfterMillis: 86_400_000, behind: stream } as const
    }))
    const receipt = DeliveryFrame.receipt.encode({ stream, upTo: 9n, answers })
    assert.strictEqual(Result.getOrThrow(DeliveryFrame.receipt.decode(receipt)).answers.length, answers.length)
    const items = new Array<DeliveryFrame.Item>(DeliveryFrame.maxMessages).fill({ ...item, void: true })
    const full = DeliveryFrame.data.encode({ stream, first: 1n, seen: 0n, items })
    assert.strictEqual(Result.getOrThrow(DeliveryFrame.data.decode(full)).items.length, items.length)
  })

  it("are refused outside of their limits", () => {
    const data = (items: ReadonlyArray<DeliveryFrame.Item>) => () =>
      DeliveryFrame.data.encode({ stream, first: 1n, seen: 0n, items })
    assert.throws(data([]))
    assert.throws(data(new Array<DeliveryFrame.Item>(DeliveryFrame.maxMessages + 1).fill(item)))
    assert.throws(data([{ ...item, body: new Uint8Array(maxBody + 1) }]))
    assert.throws(data([{ ...item, protocol: "p".repeat(65) }]))
    assert.throws(data([{ ...item, subject: "s".repeat(257) }]))
    const answers = new Array(DeliveryFrame.maxAnswers + 1).fill({ seq: 1n, outcome: { _tag: "Ok" } as const })
    assert.throws(() => DeliveryFrame.receipt.encode({ stream, upTo: 1n, answers }))
  })

  it("are refused, never thrown about, when cut short at any byte", () => {
    for (const [decode, body] of samples) {
      for (const bytes of truncations(body)) {
        const result = decode(bytes)
        assert.isTrue(Result.isFailure(result) && result.failure instanceof BodyInvalid)
      }
    }
  })

  it("never throw with any bit turned, with noise or with spoilt bodies", () => {
    const random = seeded(3)
    let refused = 0
    const attempt = (decode: Decode, bytes: Uint8Array): void => {
      const result = decode(bytes)
      if (Result.isSuccess(result)) return
      refused++
      assert.instanceOf(result.failure, BodyInvalid)
    }
    for (const [decode, body] of samples) {
      for (const bytes of bitFlips(body)) attempt(decode, bytes)
      for (let i = 0; i < 5_000; i++) attempt(decode, i % 3 === 0 ? noise(random, 48) : mangled(random, body))
    }
    assert.isAbove(refused, 10_000)
  })
})
