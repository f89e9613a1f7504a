import { assert, describe, it } from "@effect/vitest"
import { LinkKeyCache, maxKeys } from "../../../src/protocol/link/LinkKeyCache.ts"
import * as NodeKey from "../../../src/protocol/NodeKey.ts"
import * as NodeSecret from "../../../src/protocol/NodeSecret.ts"

/** Stands for the node key of node `n`, whose X25519 key is all bytes `n`. */
const keyOf = (n: number): NodeKey.NodeKey => NodeKey.fromBytes(new Uint8Array(32).fill(n))
const linkKeyOf = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const impossible = keyOf(0)

/** A cache that writes down which keys it had to convert. */
const make = (limit?: number) => {
  const converted: Array<NodeKey.NodeKey> = []
  const cache = new LinkKeyCache(limit, (key) => {
    converted.push(key)
    return key === impossible ? undefined : NodeKey.toBytes(key)
  })
  return { cache, converted }
}

describe("LinkKeyCache", () => {
  it("gives the keys that libsodium gives, the first time and again", () => {
    const cache = new LinkKeyCache()
    for (const seed of [1, 2, 1]) {
      const { key, linkKeys } = NodeSecret.fromSeed(new Uint8Array(32).fill(seed))
      assert.isTrue(cache.belongs(key, linkKeys.publicKey))
      assert.deepStrictEqual(cache.of(key), linkKeys.publicKey)
    }
    assert.isUndefined(cache.of(impossible))
    assert.isFalse(cache.belongs(impossible, new Uint8Array(32)))
  })

  it("converts a key once, whichever side asked first", () => {
    const { cache, converted } = make()
    assert.deepStrictEqual(cache.of(keyOf(1)), linkKeyOf(1))
    assert.isTrue(cache.belongs(keyOf(1), linkKeyOf(1)))
    assert.isTrue(cache.belongs(keyOf(2), linkKeyOf(2)))
    assert.deepStrictEqual(cache.of(keyOf(2)), linkKeyOf(2))
    assert.deepStrictEqual(converted, [keyOf(1), keyOf(2)])
  })

  it("refuses a remembered key from whoever proved another, and takes as long as for an unknown one", () => {
    const { cache, converted } = make()
    cache.of(keyOf(1))
    for (let i = 0; i < 3; i++) assert.isFalse(cache.belongs(keyOf(1), linkKeyOf(2)))
    assert.isFalse(cache.belongs(keyOf(1), linkKeyOf(1).subarray(1)))
    assert.isFalse(cache.belongs(keyOf(1), Uint8Array.of(...linkKeyOf(1), 1)))
    assert.isFalse(cache.belongs(keyOf(1), new Uint8Array(0)))
    assert.strictEqual(converted.length, 7)
    assert.isTrue(cache.belongs(keyOf(1), linkKeyOf(1)))
    assert.strictEqual(converted.length, 7)
  })

  it("remembers nothing that was claimed and not proven, and no key that no node can hold", () => {
    const { cache } = make()
    assert.isFalse(cache.belongs(keyOf(1), linkKeyOf(2)))
    assert.isFalse(cache.belongs(impossible, linkKeyOf(0)))
    assert.isUndefined(cache.of(impossible))
    assert.strictEqual(cache.size, 0)
  })

  it("never holds more than its limit, and forgets the one that was longest unused", () => {
    const { cache, converted } = make(3)
    for (const n of [1, 2, 3]) cache.of(keyOf(n))
    cache.belongs(keyOf(1), linkKeyOf(1))
    cache.of(keyOf(2))
    cache.belongs(keyOf(4), linkKeyOf(4))
    assert.strictEqual(cache.size, 3)
    converted.length = 0
    for (const n of [1, 2, 4]) cache.of(keyOf(n))
    assert.deepStrictEqual(converted, [])
    cache.of(keyOf(3))
    assert.deepStrictEqual(converted, [keyOf(3)])
    for (let n = 5; n < 256; n++) {
      if (n % 2 === 0) cache.of(keyOf(n))
      else cache.belongs(keyOf(n), linkKeyOf(n))
      assert.strictEqual(cache.size, 3)
    }
  })

  it("is bounded where nobody says how", () => {
    const cache = new LinkKeyCache(undefined, () => linkKeyOf(1))
    for (let n = 0; n < maxKeys + 100; n++) {
      const bytes = new Uint8Array(32)
      new DataView(bytes.buffer).setUint32(0, n)
      cache.of(NodeKey.fromBytes(bytes))
    }
    assert.strictEqual(cache.size, maxKeys)
  })

  it("is not changed through what it gave or was given", () => {
    const { cache } = make()
    const proven = linkKeyOf(1)
    cache.belongs(keyOf(1), proven)
    proven.fill(9)
    cache.of(keyOf(1))!.fill(9)
    assert.deepStrictEqual(cache.of(keyOf(1)), linkKeyOf(1))
  })
})
