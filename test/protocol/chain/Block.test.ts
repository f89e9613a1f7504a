import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Block from "../../../src/protocol/chain/Block.ts"
import { headerOf, vectors } from "../../support/ChainVectors.ts"
import { mangled, seeded, truncations } from "../../support/Malformed.ts"

const reason = (bytes: Uint8Array, most?: number): string | undefined => {
  const result = Block.decode(bytes, most)
  return Result.isFailure(result) ? result.failure.reason : undefined
}

const plain = (items: ReadonlyArray<Uint8Array>) => items.map((item) => [...item])

describe("the body of a native block", () => {
  for (const { hex, items, payload } of vectors.bodies) {
    it(`of ${items.length} items has the bytes and the hash that it always had`, () => {
      assert.strictEqual(Buffer.from(Block.encode(items)).toString("hex"), Buffer.from(hex).toString("hex"))
      assert.deepStrictEqual(plain(Result.getOrThrow(Block.decode(hex))), plain(items))
      assert.strictEqual(Block.payloadOf(hex), payload)
    })
  }

  it.prop("comes back as it went, and one list of items has one body", [Schema.Array(Schema.Uint8Array)], ([items]) => {
    const body = Block.encode(items)
    assert.strictEqual(body.length, Block.sizeOf(items))
    const decoded = Result.getOrThrow(Block.decode(body))
    assert.deepStrictEqual(plain(decoded), plain(items))
    assert.deepStrictEqual(Block.encode(decoded), body)
  })

  it("is refused by the name of what is wrong with it", () => {
    const { hex } = vectors.bodies[3]!
    for (const bytes of truncations(hex)) assert.strictEqual(reason(bytes), "truncated")
    assert.strictEqual(reason(Buffer.concat([hex, Uint8Array.of(0)])), "trailing")
    assert.strictEqual(reason(hex, hex.length - 1), "too-large")
    assert.isUndefined(reason(hex, hex.length))
    assert.strictEqual(reason(new Uint8Array(Block.mostBytes + 1)), "too-large")
  })

  it("that announces more items than it can have is refused before anything is made of them", () => {
    assert.strictEqual(reason(Uint8Array.of(0xff, 0xff, 0xff, 0xff)), "truncated")
    assert.strictEqual(reason(Uint8Array.of(0, 0, 0, 2, 0, 0, 0, 0)), "truncated")
    assert.strictEqual(reason(Uint8Array.of(0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff)), "truncated")
  })

  it("that is spoiled is refused, or is another body with another hash", () => {
    const { hex, payload } = vectors.bodies[3]!
    const random = seeded(5)
    for (let round = 0; round < 2_000; round++) {
      const bytes = mangled(random, hex)
      const decoded = Block.decode(bytes)
      if (Result.isFailure(decoded)) continue
      assert.deepStrictEqual(Buffer.from(Block.encode(decoded.success)), Buffer.from(bytes))
      assert.strictEqual(Block.payloadOf(bytes) === payload, Buffer.from(bytes).equals(hex))
    }
  })

  it("belongs to the header that has its hash, however large it is", () => {
    const header = headerOf(vectors.headers[2]!)
    assert.isTrue(Block.isBodyOf(header, vectors.bodies[0]!.hex))
    assert.isFalse(Block.isBodyOf(header, vectors.bodies[1]!.hex))
    for (const size of [255, 256, 257, 100_000]) {
      const bytes = new Uint8Array(size).fill(7)
      assert.isTrue(Block.isBodyOf({ payload: Block.payloadOf(bytes) }, Uint8Array.from(bytes)), `${size}`)
    }
  })
})
