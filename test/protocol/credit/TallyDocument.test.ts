import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Cbor from "../../../src/protocol/Cbor.ts"
import { digestOf } from "../../../src/protocol/credit/Canonical.ts"
import { Certificate, shortText } from "../../../src/protocol/credit/Certificate.ts"
import * as Tally from "../../../src/protocol/credit/TallyDocument.ts"
import { signWith } from "../../../src/protocol/credit/Signature.ts"
import { document, noon, secondDocument, signerOf, signs } from "../../support/credit/CreditSamples.ts"

const encoded = Schema.encodeSync(Tally.TallyDocument)(document)
const codec = Cbor.codec("a document", Tally.TallyDocument)
const takes = (json: unknown): boolean => Result.isSuccess(Schema.decodeUnknownResult(Tally.TallyDocument)(json))
const certificate = encoded.stock.cert
const takesCertificate = (more: object): boolean =>
  Result.isSuccess(Schema.decodeUnknownResult(Certificate)({ ...certificate, ...more }))

describe("a tally's document", () => {
  it("comes back through CBOR and through JSON as it left, with the same digest", () => {
    const overWire = Result.getOrThrow(codec.decode(codec.encode(document)))
    const stored = Schema.decodeUnknownSync(Tally.TallyDocument)(JSON.parse(JSON.stringify(encoded)))
    for (const copy of [overWire, stored]) {
      assert.deepStrictEqual(copy, document)
      assert.strictEqual(Tally.digest(copy), Tally.digest(document))
    }
    assert.strictEqual(Tally.digest(document), digestOf(encoded))
  })

  it("has another digest after any change of any of its fields", () => {
    const seen = new Set<string>([Tally.digest(document)])
    const changes: ReadonlyArray<Partial<Tally.TallyDocument>> = [
      { revision: 2 },
      { uuid: secondDocument.uuid },
      { date: noon + 1 },
      { memo: `${document.memo} ` },
      { agree: { name: "Standard", rid: "dGVzdA" } },
      { stock: { ...document.stock, terms: { limit: 50_001n, call: 30 } } },
      { stock: { ...document.stock, terms: { limit: 50_000n } } },
      { stock: document.foil, foil: document.stock },
      { foil: { ...document.foil, cert: { ...document.foil.cert, chad: { ...document.foil.cert.chad, port: 1 } } } }
    ]
    for (const change of changes) seen.add(Tally.digest({ ...document, ...change }))
    assert.strictEqual(seen.size, changes.length + 1)
  })

  it("is signed by either side with the key of its own certificate", () => {
    assert.isTrue(Tally.isSignedBy(document, "stock", signs.stock))
    assert.isTrue(Tally.isSignedBy(document, "foil", signs.foil))
    assert.isFalse(Tally.isSignedBy(document, "stock", signs.foil))
    assert.isFalse(Tally.isSignedBy(document, "foil", undefined))
    assert.isFalse(Tally.isSignedBy({ ...document, revision: 2 }, "stock", signs.stock), "of another revision")
    assert.isFalse(Tally.isSignedBy(secondDocument, "stock", signs.stock), "of another tally")
    const elsewhere = signWith(signerOf("alice"), "chit", Tally.digest(document))
    assert.isFalse(Tally.isSignedBy(document, "stock", elsewhere), "signed as a chit")
  })

  it("is between two parties", () => {
    assert.isFalse(takes({ ...encoded, foil: encoded.stock }))
    const moved = { ...encoded.stock, cert: { ...certificate, chad: { ...certificate.chad, host: "elsewhere" } } }
    assert.isFalse(takes({ ...encoded, foil: moved }), "one user reached at two places is one party")
  })

  it("has all its fields, each within its limits", () => {
    assert.isTrue(takes(encoded))
    for (const field of Object.keys(encoded)) {
      assert.isFalse(takes({ ...encoded, [field]: undefined }), field)
      assert.isFalse(takes(Object.fromEntries(Object.entries(encoded).filter(([key]) => key !== field))), field)
    }
    const bad: ReadonlyArray<object> = [
      { version: 2 },
      { version: "1" },
      { uuid: encoded.uuid.toUpperCase().replace("0", "A") },
      { revision: 0 },
      { revision: 1.5 },
      { revision: 1_000_001 },
      { date: -1 },
      { date: noon + 0.5 },
      { date: 2 ** 53 },
      { date: Number.NaN },
      { memo: "x".repeat(1_025) },
      { memo: "a\u0000b" },
      { memo: "\ud800" },
      { agree: { ...encoded.agree, name: 7 } },
      { stock: { ...encoded.stock, terms: { limit: 5 } } },
      { stock: { ...encoded.stock, terms: { limit: "-1" } } },
      { stock: { ...encoded.stock, terms: { limit: "1", call: -1 } } }
    ]
    for (const change of bad) assert.isFalse(takes({ ...encoded, ...change }), JSON.stringify(change).slice(0, 80))
  })

  it("is read without the fields that nobody here knows", () => {
    const more = Schema.decodeUnknownSync(Tally.TallyDocument)({ ...encoded, extra: 1 })
    assert.deepStrictEqual(more, document)
  })
})

describe("a certificate", () => {
  it("names the key that its party signs with, and who it is", () => {
    assert.isTrue(takesCertificate({}))
    for (const field of ["date", "chad", "type", "name", "public"])
      assert.isFalse(takesCertificate({ [field]: undefined }))
    assert.isFalse(takesCertificate({ public: certificate.public.toUpperCase() }))
    assert.isFalse(takesCertificate({ type: "p" }))
    assert.isFalse(takesCertificate({ chad: { ...certificate.chad, cuid: "a b" } }))
    assert.isFalse(takesCertificate({ chad: { ...certificate.chad, port: 0 } }))
    assert.isFalse(takesCertificate({ chad: { ...certificate.chad, agent: "x" } }))
  })

  it("discloses a bounded number of things of bounded size", () => {
    const connection = { media: "email", address: "a@b.example" }
    assert.isTrue(takesCertificate({ connect: Array.from({ length: 16 }, () => connection) }))
    assert.isFalse(takesCertificate({ connect: Array.from({ length: 17 }, () => connection) }))
    assert.isFalse(takesCertificate({ connect: [{ ...connection, address: "x".repeat(257) }] }))
    assert.isFalse(takesCertificate({ place: [{ type: "home" }] }))
    assert.isFalse(takesCertificate({ identity: { birth: 1990 } }))
    assert.isFalse(takesCertificate({ connect: null }))
  })

  it("holds text of any language, but no half characters", () => {
    const take = Schema.decodeUnknownResult(shortText(4))
    for (const text of ["", "äöüß", "日本語", "😀😀", "\u0001\n\t"]) assert.isTrue(Result.isSuccess(take(text)), text)
    for (const text of ["12345", "😀😀x", "\udc00", "\u0000", 4, null]) assert.isTrue(Result.isFailure(take(text)))
  })
})
