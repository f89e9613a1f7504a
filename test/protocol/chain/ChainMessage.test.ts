import { assert, describe, it } from "@effect/vitest"
import { Encoder } from "cbor-x"
import { Result } from "effect"
import { codec } from "../../../src/protocol/Cbor.ts"
import * as BlockHeader from "../../../src/protocol/chain/BlockHeader.ts"
import { ChainClaim, mismatch } from "../../../src/protocol/chain/ChainClaim.ts"
import * as ChainMessage from "../../../src/protocol/chain/ChainMessage.ts"
import { Kind } from "../../../src/protocol/link/Frame.ts"
import { claimOf, headerOf, messageOf, vectors } from "../../support/ChainVectors.ts"
import { mangled, seeded, truncations } from "../../support/Malformed.ts"

const cbor = new Encoder({ useRecords: false, mapsAsObjects: true, tagUint8Array: false, variableMapSize: true })
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")

/** With bodies as plain bytes, whatever they are views of. */
const plain = (message: ChainMessage.ChainMessage) => {
  if (message._tag === "Blocks") return { ...message, bodies: message.bodies.map(hexOf) }
  if (message._tag === "Tip") return { ...message, body: message.body === undefined ? undefined : hexOf(message.body) }
  return message
}

/** Why the body of this kind of frame is none; nothing if it is one. */
const problem = (kind: number, body: unknown): string | undefined => {
  const result = ChainMessage.decode({ kind, body: cbor.encode(body) })
  return result !== undefined && Result.isFailure(result) ? result.failure.message : undefined
}

const refuses = (kind: number, body: unknown, words: string) => assert.include(problem(kind, body) ?? "", words)

const bytes = (length: number) => new Uint8Array(length)
const [, first, second] = vectors.headers

/** So many headers that follow each other, encoded. */
const chain = (count: number): Uint8Array => {
  const headers: Array<BlockHeader.BlockHeader> = []
  let last = headerOf(first!)
  for (let n = 0; n < count; n++) {
    last = BlockHeader.identified({ ...last, height: last.height + 1, previous: last.id })
    headers.push(last)
  }
  return BlockHeader.encodeAll(headers)
}

describe("frames of a native chain", () => {
  for (const [index, vector] of vectors.frames.entries()) {
    it(`have the bytes that they always had: ${vector.tag}, vector ${index}`, () => {
      const message = messageOf(vector)
      const frame = ChainMessage.encode(message)
      assert.strictEqual(frame.kind, vector.kind)
      assert.strictEqual(hexOf(frame.body), hexOf(vector.hex))
      const decoded = Result.getOrThrow(ChainMessage.decode({ kind: vector.kind, body: vector.hex })!)
      assert.deepStrictEqual(plain(decoded), plain(message))
    })
  }

  it("are of five kinds, and no other kind is theirs", () => {
    assert.deepStrictEqual([...ChainMessage.kinds], [32, 33, 34, 35, 36])
    for (let kind = 0; kind < 256; kind++) {
      const isTheirs = ChainMessage.decode({ kind, body: vectors.frames[0]!.hex }) !== undefined
      assert.strictEqual(isTheirs, ChainMessage.kinds.includes(kind), `${kind}`)
    }
  })

  it("are taken at their limits, and refused beyond them", () => {
    const bodies = (count: number, size: number) => Array.from({ length: count }, () => bytes(size))
    assert.isUndefined(problem(Kind.Ask, { locator: bytes(64 * 32) }))
    refuses(Kind.Ask, { locator: bytes(65 * 32) }, "1 to 64 ids")
    assert.isUndefined(problem(Kind.Want, { request: 0, ids: bytes(64 * 32) }))
    refuses(Kind.Want, { request: 0, ids: bytes(65 * 32) }, "1 to 64 ids")
    assert.isUndefined(problem(Kind.Headers, { headers: chain(2_000) }))
    refuses(Kind.Headers, { headers: chain(2_001) }, "too-many header: there are more than 2000")
    assert.isUndefined(problem(Kind.Tip, { headers: chain(8), body: bytes(64 * 1024) }))
    refuses(Kind.Tip, { headers: chain(9) }, "too-many header: there are more than 8")
    refuses(Kind.Tip, { headers: chain(1), body: bytes(64 * 1024 + 1) }, "body")
    assert.isUndefined(problem(Kind.Blocks, { request: 1, bodies: bodies(64, 16 * 1024) }))
    refuses(Kind.Blocks, { request: 1, bodies: bodies(65, 1) }, "bodies")
    refuses(Kind.Blocks, { request: 1, bodies: [bytes(1024 * 1024), bytes(1)] }, "several bodies of at most")
    assert.isUndefined(problem(Kind.Blocks, { request: 1, bodies: bodies(1, 2 * 1024 * 1024) }))
    refuses(Kind.Blocks, { request: 1, bodies: bodies(1, 2 * 1024 * 1024 + 1) }, "bodies")
  })

  it("are refused by the name of what is wrong with them", () => {
    refuses(Kind.Ask, { locator: bytes(0) }, "ASK is not readable")
    refuses(Kind.Ask, { locator: bytes(31) }, "1 to 64 ids of 32 bytes")
    refuses(Kind.Ask, {}, "locator")
    refuses(Kind.Headers, { headers: first!.hex.subarray(0, 170) }, "HEADERS is not readable: truncated header")
    refuses(Kind.Headers, { headers: Buffer.concat([second!.hex, first!.hex]) }, "unlinked header: header 2")
    refuses(Kind.Want, { request: -1, ids: bytes(32) }, "request")
    refuses(Kind.Want, { request: 2 ** 32, ids: bytes(32) }, "request")
    refuses(Kind.Want, { request: 0.5, ids: bytes(32) }, "request")
    refuses(Kind.Blocks, { request: 1, bodies: [] }, "a body, or that there is none")
    refuses(Kind.Blocks, { request: 1, bodies: [], missing: false }, "a body, or that there is none")
    refuses(Kind.Blocks, { request: 1, bodies: ["text"] }, "BLOCKS is not readable")
    refuses(Kind.Tip, { headers: bytes(0) }, "TIP is not readable")
    refuses(Kind.Tip, { headers: "text" }, "TIP is not readable")
  })

  it("leave unknown fields out, so that a newer node can say more", () => {
    assert.isUndefined(problem(Kind.Ask, { locator: bytes(32), later: 1 }))
    assert.isUndefined(problem(Kind.Blocks, { request: 1, bodies: [], missing: true, later: 1 }))
  })

  it("that are cut off or spoiled are refused or are other frames, and never throw", () => {
    const random = seeded(3)
    for (const { hex, kind } of vectors.frames) {
      for (const body of truncations(hex)) assert.isTrue(Result.isFailure(ChainMessage.decode({ kind, body })!))
      for (let round = 0; round < 300; round++) ChainMessage.decode({ kind, body: mangled(random, hex) })
    }
  })
})

describe("what a HELLO says of a chain", () => {
  const claim = claimOf(vectors.claim)
  const coded = codec("claim", ChainClaim)

  it("has the bytes that it always had", () => {
    assert.strictEqual(hexOf(coded.encode(claim)), hexOf(vectors.claim.hex))
    assert.deepStrictEqual(Result.getOrThrow(coded.decode(vectors.claim.hex)), claim)
  })

  it.prop("comes back as it went", [ChainClaim], ([value]) => {
    assert.deepStrictEqual(Result.getOrThrow(coded.decode(coded.encode(value))), value)
  })

  it("is refused with a name, a hash or a height that is none", () => {
    const wire = { id: "a", genesis: bytes(32), tip: bytes(32), height: 0 }
    const isTaken = (change: object) => Result.isSuccess(coded.decode(cbor.encode({ ...wire, ...change })))
    assert.isTrue(isTaken({}))
    for (const change of [
      { id: "" },
      { id: "a b" },
      { genesis: bytes(31) },
      { tip: bytes(33) },
      { height: 2 ** 32 },
      { height: -1 }
    ]) {
      assert.isFalse(isTaken(change), JSON.stringify(change))
    }
  })

  it("fits the same chain at whatever height, and no other name or beginning", () => {
    const earlier: ChainClaim = { ...claim, tip: claim.genesis, height: 0 }
    assert.isUndefined(mismatch(claim, earlier))
    assert.isUndefined(mismatch(undefined, claim))
    assert.isUndefined(mismatch(claim, undefined))
    assert.include(mismatch(claim, { ...claim, id: "other" }), 'chain "other"')
    assert.include(mismatch(claim, { ...claim, genesis: "f".repeat(64) }), "ffffffff")
  })
})
