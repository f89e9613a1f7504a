import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { digestOf } from "../../../src/protocol/credit/Canonical.ts"
import { isSigned, type Purpose, Signature, signedBytes, signWith } from "../../../src/protocol/credit/Signature.ts"
import { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { keyOf, signerOf } from "../../support/credit/CreditSamples.ts"

const purposes: ReadonlyArray<Purpose> = [
  "tally",
  "chit",
  "lift",
  "head",
  "promise",
  "refusal",
  "abort",
  "vote",
  "ready"
]
const key = keyOf("alice")
const sign = signerOf("alice")
const takes = (text: string): boolean => Result.isSuccess(Schema.decodeUnknownResult(Signature)(text))

describe("a signature", () => {
  it("is good for its purpose, its digest and its key, and for no other", () => {
    const digest = digestOf("this")
    for (const purpose of purposes) {
      const signature = signWith(sign, purpose, digest)
      for (const other of purposes) assert.strictEqual(isSigned(key, other, digest, signature), other === purpose)
      assert.isFalse(isSigned(key, purpose, digestOf("that"), signature))
      assert.isFalse(isSigned(keyOf("bob"), purpose, digest, signature))
    }
  })

  it("is over a text that says what it is for", () => {
    const text = `holdfast-credit chit ${digestOf({})}`
    assert.strictEqual(new TextDecoder().decode(signedBytes("chit", digestOf({}))), text)
  })

  it("is spoilt by any bit of it", () => {
    const digest = digestOf("this")
    const bytes = Buffer.from(signWith(sign, "chit", digest), "base64url")
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const spoilt = Buffer.from(bytes)
      spoilt[bit >> 3]! ^= 1 << (bit & 7)
      assert.isFalse(isSigned(key, "chit", digest, Signature.make(spoilt.toString("base64url"))), `bit ${bit}`)
    }
  })

  it("has one text: no padding, no bits beyond its bytes, no other length", () => {
    const good = signWith(sign, "chit", digestOf("this"))
    assert.isTrue(takes(good))
    const bad = ["", good.slice(1), `${good}A`, `${good}==`, `${good}\n`, `${good.slice(0, -1)}B`, `/${good.slice(1)}`]
    for (const text of bad) assert.isFalse(takes(text), text)
  })

  it("is none under a key that is no point, or one of small order", () => {
    const digest = digestOf("this")
    const signature = signWith(sign, "chit", digest)
    const zero = Signature.make(Buffer.alloc(64).toString("base64url"))
    for (const bytes of ["00".repeat(32), `01${"00".repeat(31)}`, "ff".repeat(32), `02${"00".repeat(31)}`]) {
      assert.isFalse(isSigned(NodeKey.make(bytes), "chit", digest, signature), bytes)
      assert.isFalse(isSigned(NodeKey.make(bytes), "chit", digest, zero), bytes)
    }
  })
})
