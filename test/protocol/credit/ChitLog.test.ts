import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Cbor from "../../../src/protocol/Cbor.ts"
import { digestOf } from "../../../src/protocol/credit/Canonical.ts"
import * as Chit from "../../../src/protocol/credit/Chit.ts"
import * as ChitLog from "../../../src/protocol/credit/ChitLog.ts"
import * as Tally from "../../../src/protocol/credit/TallyDocument.ts"
import {
  document,
  entries,
  head,
  keyOf,
  positions,
  secondDocument,
  signerOf
} from "../../support/credit/CreditSamples.ts"

const chain = (chits: ReadonlyArray<Chit.Chit>) => {
  let at = ChitLog.genesis(Tally.digest(document))
  for (const chit of chits) at = ChitLog.next(at, chit)
  return at
}
const chits = entries.map(({ chit }) => chit)

describe("the order of chits", () => {
  it("begins with the tally and counts its chits from 1", () => {
    assert.deepStrictEqual(positions[0], { index: 0, hash: Tally.digest(document) })
    assert.deepStrictEqual(
      positions.map(({ index }) => index),
      [0, 1, 2, 3, 4]
    )
    assert.deepStrictEqual(chain(chits), positions[4])
  })

  it("hashes the index, the hash before, the chit's digest and its signature", () => {
    const { core, sign } = chits[0]!
    assert.strictEqual(
      positions[1]!.hash,
      digestOf({ index: 1, prior: positions[0]!.hash, chit: Chit.digest(core), sign })
    )
    const lift = { index: 4, prior: positions[3]!.hash, chit: Chit.digest(chits[3]!.core), sign: null }
    assert.strictEqual(positions[4]!.hash, digestOf(lift), "of a lift's chit the signature is null")
  })

  it("has another end if anything in it is another, is missing or has another place", () => {
    const ends = new Set([chain(chits).hash])
    for (let at = 0; at < chits.length; at++) {
      ends.add(chain(chits.toSpliced(at, 1)).hash)
      ends.add(chain(chits.toSpliced(at, 1, chits[(at + 1) % 4]!)).hash)
      ends.add(chain(chits.toSpliced(at, 0, chits[at]!)).hash)
    }
    ends.add(chain([chits[0]!, chits[2]!, chits[1]!, chits[3]!]).hash)
    const { sign: _, ...unsigned } = chits[1]!
    ends.add(chain(chits.toSpliced(1, 1, unsigned)).hash)
    assert.strictEqual(ends.size, 1 + 3 * chits.length + 2)
  })

  it("is signed by foil's agent, for this tally and this place", () => {
    const agent = keyOf("site-b")
    assert.isTrue(ChitLog.isHeadSigned(document.uuid, head, agent))
    assert.isFalse(ChitLog.isHeadSigned(document.uuid, head, keyOf("site-a")))
    assert.isFalse(ChitLog.isHeadSigned(document.uuid, head, keyOf("bob")), "not by foil itself")
    assert.isFalse(ChitLog.isHeadSigned(secondDocument.uuid, head, agent))
    assert.isFalse(ChitLog.isHeadSigned(document.uuid, { ...head, index: 3 }, agent))
    assert.isFalse(ChitLog.isHeadSigned(document.uuid, { ...head, ...positions[3] }, agent))
    assert.isTrue(ChitLog.isHeadSigned(document.uuid, ChitLog.signHead(document.uuid, head, signerOf("site-b")), agent))
  })

  it("comes back through CBOR as it left", () => {
    const codec = Cbor.codec("entries", Schema.Struct({ entries: Schema.Array(ChitLog.Entry), head: ChitLog.Head }))
    assert.deepStrictEqual(Result.getOrThrow(codec.decode(codec.encode({ entries, head }))), { entries, head })
  })

  it("has whole places from 0 on", () => {
    const takes = (index: unknown) =>
      Result.isSuccess(Schema.decodeUnknownResult(ChitLog.Position)({ ...positions[1], index }))
    assert.isTrue(takes(0))
    assert.isTrue(takes(2 ** 40))
    for (const bad of [-1, 0.5, 2 ** 40 + 1, "1", Number.POSITIVE_INFINITY, null]) assert.isFalse(takes(bad))
  })
})
