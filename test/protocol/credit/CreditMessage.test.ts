import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Cbor from "../../../src/protocol/Cbor.ts"
import { CreditMessage, mostEntries, mostPositions } from "../../../src/protocol/credit/CreditMessage.ts"
import { maxBody } from "../../../src/protocol/delivery/Message.ts"
import { fullest } from "../../support/credit/FullestMessages.ts"
import { type EncodedMessage, messages } from "../../support/credit/MessageSamples.ts"

const codec = Cbor.codec("a message of credit", CreditMessage)
const raw = Cbor.codec("anything", Schema.Unknown)
const decode = Schema.decodeUnknownResult(CreditMessage)
const takes = (json: unknown): boolean => Result.isSuccess(codec.decode(raw.encode(json)))
const byTag = (tag: string): EncodedMessage => {
  const found = messages.find(({ _tag }) => _tag === tag)
  assert.isDefined(found, tag)
  return found!
}

describe("a message of credit", () => {
  it("is one of the kinds of which each has a sample here", () => {
    const tags = CreditMessage.members.map(({ fields }) => fields._tag.schema.literal)
    assert.deepStrictEqual(
      messages.map(({ _tag }) => _tag),
      tags
    )
  })

  for (const sample of messages) {
    it(`${sample._tag} comes back through CBOR and JSON as it left`, () => {
      const message = Result.getOrThrow(decode(sample))
      assert.deepStrictEqual(Result.getOrThrow(codec.decode(codec.encode(message))), message)
      assert.deepStrictEqual(Result.getOrThrow(codec.decode(raw.encode(sample))), message)
      const stored: unknown = JSON.parse(JSON.stringify(Schema.encodeSync(CreditMessage)(message)))
      assert.deepStrictEqual(Result.getOrThrow(decode(stored)), message)
    })

    it(`${sample._tag} is refused without any of the fields that it must have, and as anything else`, () => {
      const member = CreditMessage.members.find(({ fields }) => fields._tag.schema.literal === sample._tag)!
      const optional = new Set(["head", "against", "later"])
      for (const field of Object.keys(member.fields).filter((name) => !optional.has(name))) {
        assert.isFalse(takes(Object.fromEntries(Object.entries(sample).filter(([key]) => key !== field))), field)
        for (const wrong of [null, -1.5, "a\0b", [[]]]) assert.isFalse(takes({ ...sample, [field]: wrong }), field)
      }
    })
  }

  it("is refused where there is no such kind, and where it is no message at all", () => {
    for (const other of [null, 1, "Ack", [], {}, { _tag: "Pay" }, { _tag: 1 }, { _tag: "ack" }])
      assert.isFalse(takes(other))
  })

  it("holds so many chits, places and promises and no more", () => {
    const place = { index: 1, hash: "A".repeat(43) }
    const places = (length: number) => ({ ...byTag("Where"), places: Array.from({ length }, () => place) })
    assert.isTrue(takes(places(1)))
    assert.isTrue(takes(places(mostPositions)))
    assert.isFalse(takes(places(0)))
    assert.isFalse(takes(places(mostPositions + 1)))
    const entered = byTag("Entered")
    const entry = Array.isArray(entered["entries"]) ? (entered["entries"][0] as unknown) : undefined
    const entries = (length: number) => ({ ...entered, entries: Array.from({ length }, () => entry) })
    assert.isTrue(takes(entries(mostEntries)))
    assert.isFalse(takes(entries(mostEntries + 1)))
  })

  it("fits a message of delivery, whatever is in it", () => {
    for (const message of fullest) {
      const bytes = codec.encode(Result.getOrThrow(decode(message)))
      assert.isAtMost(bytes.length, maxBody, message._tag)
    }
  })
})
