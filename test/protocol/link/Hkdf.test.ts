import { assert, describe, it } from "@effect/vitest"
import { createHmac } from "node:crypto"
import { hkdf } from "../../../src/protocol/link/Hkdf.ts"
import { noise, seeded } from "../../support/Malformed.ts"

const hmac = (key: Uint8Array, ...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const mac = createHmac("blake2b512", key)
  for (const part of parts) mac.update(part)
  return new Uint8Array(mac.digest())
}

/** Noise revision 34, 4.3, word by word. */
const reference = (chainingKey: Uint8Array, material: Uint8Array): readonly [Uint8Array, Uint8Array] => {
  const temp = hmac(chainingKey, material)
  const first = hmac(temp, Uint8Array.of(1))
  return [first, hmac(temp, first, Uint8Array.of(2))]
}

describe("HKDF", () => {
  it("is that of Noise, for material of every length", () => {
    const random = seeded(3)
    for (let i = 0; i < 500; i++) {
      const chainingKey = noise(random, 64)
      const material = noise(random, i % 65)
      const [first, second] = [new Uint8Array(64), new Uint8Array(64)]
      const given = [Uint8Array.from(chainingKey), Uint8Array.from(material)]
      hkdf(chainingKey, material, first, second)
      assert.deepStrictEqual([first, second], [...reference(chainingKey, material)])
      assert.deepStrictEqual([chainingKey, material], given)
    }
  })

  it("cuts its outputs to the room that they are given", () => {
    const random = seeded(4)
    for (let length = 0; length <= 64; length++) {
      const chainingKey = noise(random, 64)
      const material = noise(random, 32)
      const [first, second] = [new Uint8Array(length), new Uint8Array(64 - length)]
      hkdf(chainingKey, material, first, second)
      const [longFirst, longSecond] = reference(chainingKey, material)
      assert.deepStrictEqual([first, second], [longFirst.slice(0, length), longSecond.slice(0, 64 - length)])
    }
  })

  it("may put the next chaining key in the place of this one", () => {
    const random = seeded(5)
    const chainingKey = noise(random, 64)
    const material = noise(random, 32)
    const [next, key] = reference(chainingKey, material)
    const second = new Uint8Array(32)
    hkdf(chainingKey, material, chainingKey, second)
    assert.deepStrictEqual([chainingKey, second], [next, key.slice(0, 32)])
  })
})
