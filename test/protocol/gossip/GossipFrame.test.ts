import { assert, describe, it } from "@effect/vitest"
import { Encoder } from "cbor-x"
import { Result, Schema } from "effect"
import { BodyInvalid, type Codec } from "../../../src/protocol/Cbor.ts"
import * as Announcement from "../../../src/protocol/gossip/Announcement.ts"
import * as GossipFrame from "../../../src/protocol/gossip/GossipFrame.ts"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import * as NodeSecret from "../../../src/protocol/NodeSecret.ts"
import { bitFlips, mangled, noise, seeded, truncations } from "../../support/Malformed.ts"

const secret = NodeSecret.fromSeed(new Uint8Array(32).fill(1))
const other = NodeSecret.fromSeed(new Uint8Array(32).fill(2))
const unsigned: Announcement.Unsigned = {
  key: secret.key,
  host: "2600::1",
  port: 4_001,
  issuedMillis: 1_800_000_000_000,
  lifeMillis: 3_600_000
}
const signed = Announcement.sign("main", unsigned, (message) => NodeSecret.sign(secret, message))

const comesBack =
  <A>(codec: Codec<A>) =>
  (value: A): void =>
    assert.deepStrictEqual(Result.getOrThrow(codec.decode(codec.encode(value))), value)

describe("an announcement", () => {
  it("is its node's own word for its network, and for every field", () => {
    assert.isTrue(Announcement.verify("main", signed))
    assert.isFalse(Announcement.verify("test", signed))
    const changes: ReadonlyArray<Partial<Announcement.Announcement>> = [
      { key: other.key },
      { host: "2600::2" },
      { port: 4_002 },
      { issuedMillis: unsigned.issuedMillis + 1 },
      { lifeMillis: unsigned.lifeMillis + 1 },
      { signature: signed.signature.with(0, signed.signature[0]! ^ 1) }
    ]
    for (const change of changes) assert.isFalse(Announcement.verify("main", { ...signed, ...change }))
  })

  it("is signed as canonical JSON, which says what it is for", () => {
    assert.strictEqual(
      new TextDecoder().decode(Announcement.signedBytes("main", unsigned)),
      `{"host":"2600::1","issuedMillis":1800000000000,"key":"${secret.key}","lifeMillis":3600000,` +
        `"network":"main","port":4001,"purpose":"holdfast address"}`
    )
  })

  it("counts for so long and no longer", () => {
    assert.strictEqual(Announcement.endOf(signed), 1_800_003_600_000)
  })
})

describe("gossip", () => {
  it.prop("comes back as it went", [GossipFrame.Gossip], ([value]) => comesBack(GossipFrame.gossip)(value))
  it.prop("of addresses comes back as it went", [GossipFrame.Addresses], ([value]) =>
    comesBack(GossipFrame.addressBody)(value)
  )

  it("has its times as integers", () => {
    const body = GossipFrame.addressBody.encode({ records: [signed] })
    // Major type 0 of eight bytes behind the name: never a float.
    const name = Buffer.from("issuedMillis")
    const at = Buffer.from(body).indexOf(name) + name.length
    assert.strictEqual(body[at], 0x1b)
  })

  it("carries the most announcements at their longest", () => {
    const longest = { ...signed, host: "h".repeat(253), port: 65_535, issuedMillis: Number.MAX_SAFE_INTEGER }
    const records = new Array<Announcement.Announcement>(GossipFrame.maxRecords).fill({
      ...longest,
      lifeMillis: Announcement.maxLife
    })
    const body = GossipFrame.addressBody.encode({ records })
    const frame = GossipFrame.gossip.encode({ topic: GossipFrame.addresses, body })
    assert.isAtLeast(frame.length, 12_000)
    assert.strictEqual(Result.getOrThrow(GossipFrame.gossip.decode(frame)).body.length, body.length)
  })

  it("fits its frame with the longest topic and body, and the frame its limit", () => {
    const longest = { topic: "t".repeat(64), body: new Uint8Array(GossipFrame.maxBody) }
    const body = GossipFrame.gossip.encode(longest)
    assert.isAtMost(body.length, GossipFrame.maxFrame)
    assert.isBelow(Frame.encode(Frame.Kind.Gossip, body).length, 64 * 1024)
  })

  it("is refused outside of its limits", () => {
    const gossip = (value: GossipFrame.Gossip) => () => GossipFrame.gossip.encode(value)
    for (const topic of ["", "t".repeat(65), "two words", "ä", "a\0"]) {
      assert.throws(gossip({ topic, body: new Uint8Array() }), undefined, undefined, topic)
    }
    assert.throws(gossip({ topic: "t", body: new Uint8Array(GossipFrame.maxBody + 1) }))
    const addresses = (records: ReadonlyArray<Announcement.Announcement>) => () =>
      GossipFrame.addressBody.encode({ records })
    assert.throws(addresses([]))
    assert.throws(addresses(new Array<Announcement.Announcement>(GossipFrame.maxRecords + 1).fill(signed)))
    const wrong: ReadonlyArray<Partial<Announcement.Announcement>> = [
      { host: "a b" },
      { host: "h".repeat(254) },
      { port: 0 },
      { port: 65_536 },
      { issuedMillis: -1 },
      { issuedMillis: 1.5 },
      { lifeMillis: 0 },
      { lifeMillis: Announcement.maxLife + 1 },
      { signature: new Uint8Array(63) }
    ]
    for (const fields of wrong)
      assert.throws(addresses([{ ...signed, ...fields }]), undefined, undefined, String(fields))
  })

  it("is refused when it comes outside of its limits, or not as CBOR would have it", () => {
    const cbor = new Encoder({ useRecords: false, tagUint8Array: false, variableMapSize: true })
    const record = Schema.encodeSync(Announcement.Announcement)(signed)
    const { signature: _, ...unsignedRecord } = record
    const bodies: ReadonlyArray<unknown> = [
      { records: [] },
      { records: new Array(33).fill(record) },
      { records: [{ ...record, key: record.key.subarray(1) }] },
      { records: [{ ...record, key: signed.key }] },
      { records: [{ ...record, issuedMillis: 1.5 }] },
      { records: [{ ...record, issuedMillis: 2n ** 63n }] },
      { records: [{ ...record, issuedMillis: 2n ** 62n }] },
      { records: [{ ...record, lifeMillis: -1 }] },
      { records: [{ ...record, host: 7 }] },
      { records: [unsignedRecord] },
      { records: record },
      [record],
      "records",
      null
    ]
    for (const body of bodies) {
      const result = GossipFrame.addressBody.decode(cbor.encode(body))
      assert.isTrue(Result.isFailure(result) && result.failure instanceof BodyInvalid, JSON.stringify(body, writable))
    }
    // What a newer node says besides is left out.
    const more = GossipFrame.addressBody.decode(cbor.encode({ records: [{ ...record, more: 1 }], also: true }))
    assert.deepStrictEqual(Result.getOrThrow(more), { records: [signed] })
  })

  const samples: ReadonlyArray<readonly [(bytes: Uint8Array) => Result.Result<unknown, BodyInvalid>, Uint8Array]> = [
    [GossipFrame.gossip.decode, GossipFrame.gossip.encode({ topic: "weather", body: Uint8Array.from([1, 2, 3]) })],
    [GossipFrame.addressBody.decode, GossipFrame.addressBody.encode({ records: [signed, signed] })]
  ]

  it("is refused, never thrown about, when cut short at any byte", () => {
    for (const [decode, body] of samples) {
      for (const bytes of truncations(body)) {
        const result = decode(bytes)
        assert.isTrue(Result.isFailure(result) && result.failure instanceof BodyInvalid)
      }
    }
  })

  it("never throws with any bit turned, with noise or with spoilt bodies, and nothing of it passes for signed", () => {
    const random = seeded(7)
    let refused = 0
    let taken = 0
    const attempt = (decode: (typeof samples)[number][0], bytes: Uint8Array, whole: Uint8Array): void => {
      const result = decode(bytes)
      if (Result.isFailure(result)) {
        refused++
        assert.instanceOf(result.failure, BodyInvalid)
      } else if (decode === samples[1]![0]) {
        taken++
        if (Buffer.compare(bytes, whole) === 0) return
        const { records } = result.success as GossipFrame.Addresses
        for (const record of records) {
          const same = Schema.toEquivalence(Announcement.Announcement)(record, signed)
          assert.strictEqual(Announcement.verify("main", record), same)
        }
      }
    }
    for (const [decode, body] of samples) {
      for (const bytes of bitFlips(body)) attempt(decode, bytes, body)
      for (let i = 0; i < 4_000; i++) attempt(decode, i % 3 === 0 ? noise(random, 48) : mangled(random, body), body)
    }
    assert.isAbove(refused, 5_000)
    assert.isAbove(taken, 500)
  })
})

const writable = (_: string, value: unknown): unknown => (typeof value === "bigint" ? String(value) : value)
