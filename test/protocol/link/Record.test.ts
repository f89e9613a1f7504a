import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import sodium from "sodium-native"
import { Pieces } from "../../../src/protocol/link/Pieces.ts"
import * as Record from "../../../src/protocol/link/Record.ts"

const key = Uint8Array.from({ length: 32 }, (_, i) => i * 7 + 1)

const bytes = (length: number, seed = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 17) & 255)

const concat = (chunks: ReadonlyArray<Uint8Array>): Uint8Array => Uint8Array.from(Buffer.concat(chunks))

/** The lengths in the headers of sealed records. */
const lengthsOf = (sealed: Uint8Array): Array<number> => {
  const lengths: Array<number> = []
  for (let at = 0; at < sealed.length; at += 2 + lengths.at(-1)!) lengths.push((sealed[at]! << 8) | sealed[at + 1]!)
  return lengths
}

/** The contents of the records that a chunk completes, and what was wrong. */
const open = (opener: Record.Opener, chunk: Uint8Array) => {
  const plaintext: Array<Uint8Array> = []
  // What it is fed is its own.
  const error = opener.feed(Uint8Array.from(chunk), (content) => plaintext.push(Uint8Array.from(content)))
  return { plaintext, error }
}

const openAll = (opener: Record.Opener, pieces: ReadonlyArray<Uint8Array>): Uint8Array => {
  const out: Array<Uint8Array> = []
  for (const piece of pieces) {
    const opened = open(opener, piece)
    assert.isUndefined(opened.error)
    for (const part of opened.plaintext) {
      assert.isAbove(part.length, 0)
      out.push(part)
    }
  }
  return concat(out)
}

/** A record by the letter of the Noise specification, with a 64-bit nonce and a key given from outside. */
const reference = (k: Uint8Array, n: bigint, plaintext: Uint8Array): Uint8Array => {
  const nonce = new Uint8Array(12)
  new DataView(nonce.buffer).setBigUint64(4, n, true)
  const out = new Uint8Array(plaintext.length + 16)
  sodium.crypto_aead_chacha20poly1305_ietf_encrypt(out, plaintext, new Uint8Array(0), null, nonce, k)
  return out
}

const rekeyed = (k: Uint8Array): Uint8Array => reference(k, 2n ** 64n - 1n, new Uint8Array(32)).subarray(0, 32)

describe("Record", () => {
  it("coalesces small chunks into one record", () => {
    const chunks = Array.from({ length: 100 }, (_, i) => bytes(i, i))
    const sealed = new Record.Sealer(key).seal(chunks)
    assert.deepStrictEqual(lengthsOf(sealed), [4950 + 16])
    assert.deepStrictEqual(openAll(new Record.Opener(key), [sealed]), concat(chunks))
  })

  it("splits a large chunk over full records, and fills the last one with what follows", () => {
    const chunks = [bytes(10), bytes(2 * Record.sealedAtOnce), new Uint8Array(0), bytes(7, 3)]
    const sealed = new Record.Sealer(key).seal(chunks)
    const full = Record.sealedAtOnce + 16
    assert.deepStrictEqual(lengthsOf(sealed), [full, full, 17 + 16])
    assert.deepStrictEqual(openAll(new Record.Opener(key), [sealed]), concat(chunks))
  })

  for (const size of [1, Record.sealedAtOnce - 1, Record.sealedAtOnce, Record.sealedAtOnce + 1]) {
    it(`carries ${size} bytes in as few records as possible`, () => {
      const sealed = new Record.Sealer(key).seal([bytes(size)])
      assert.strictEqual(lengthsOf(sealed).length, Math.ceil(size / Record.sealedAtOnce))
      assert.deepStrictEqual(openAll(new Record.Opener(key), [sealed]), bytes(size))
    })
  }

  it("makes nothing of nothing, and spends no record number on it", () => {
    const sealer = new Record.Sealer(key)
    assert.strictEqual(sealer.seal([]).length, 0)
    assert.strictEqual(sealer.seal([new Uint8Array(0), new Uint8Array(0)]).length, 0)
    assert.deepStrictEqual(openAll(new Record.Opener(key), [sealer.seal([bytes(3)])]), bytes(3))
  })

  it("leaves the chunks that it seals as they were", () => {
    const chunks = [bytes(40), bytes(70_000), bytes(5)]
    const before = chunks.map((chunk) => Uint8Array.from(chunk))
    new Record.Sealer(key).seal(chunks)
    assert.deepStrictEqual(chunks, before)
  })

  it("opens records of any size that there may be", () => {
    for (const size of [Record.sealedAtOnce + 1, 40_000, Record.maxPlaintext]) {
      const record = concat([Uint8Array.of((size + 16) >>> 8, size + 16), reference(key, 0n, bytes(size))])
      for (const at of [0, 1, 2, 100, size]) {
        const pieces = [record.slice(0, at), record.slice(at)]
        assert.deepStrictEqual(openAll(new Record.Opener(key), pieces), bytes(size))
      }
    }
  })

  it("counts records as Noise does, past one byte and past two", () => {
    const sealer = new Record.Sealer(key)
    const opener = new Record.Opener(key)
    for (let n = 0; n <= 65_537; n++) {
      const sealed = sealer.seal([Uint8Array.of(n & 255)])
      if ([0, 1, 255, 256, 257, 65_535, 65_536, 65_537].includes(n)) {
        assert.deepStrictEqual(Uint8Array.from(sealed.subarray(2)), reference(key, BigInt(n), Uint8Array.of(n & 255)))
      }
      const opened = open(opener, sealed)
      assert.strictEqual(opened.plaintext[0]?.[0], n & 255)
    }
  })

  it("changes the key of a direction by Noise REKEY after the agreed number of records", () => {
    const sealer = new Record.Sealer(key, { rekeyInterval: 4 })
    const opener = new Record.Opener(key, { rekeyInterval: 4 })
    let expected: Uint8Array = key
    for (let n = 0; n < 13; n++) {
      if (n > 0 && n % 4 === 0) expected = rekeyed(expected)
      const sealed = sealer.seal([bytes(20, n)])
      assert.deepStrictEqual(Uint8Array.from(sealed.subarray(2)), reference(expected, BigInt(n), bytes(20, n)))
      assert.deepStrictEqual(openAll(opener, [sealed]), bytes(20, n))
    }
  })

  it("changes the key within one call and within one chunk", () => {
    const sealer = new Record.Sealer(key, { rekeyInterval: 2 })
    const content = bytes(5 * Record.maxPlaintext)
    assert.deepStrictEqual(openAll(new Record.Opener(key, { rekeyInterval: 2 }), [sealer.seal([content])]), content)
  })

  it("cannot open what was sealed after a change of key that it did not make", () => {
    const sealer = new Record.Sealer(key, { rekeyInterval: 4 })
    const opener = new Record.Opener(key, { rekeyInterval: 5 })
    for (let n = 0; n < 4; n++) assert.isUndefined(open(opener, sealer.seal([bytes(3)])).error)
    assert.strictEqual(open(opener, sealer.seal([bytes(3)])).error?._tag, "RecordForged")
  })

  it("opens records that are split at any byte", () => {
    const sealer = new Record.Sealer(key)
    const sealed = concat([sealer.seal([bytes(30)]), sealer.seal([bytes(1, 2)]), sealer.seal([bytes(17, 3)])])
    const whole = concat([bytes(30), bytes(1, 2), bytes(17, 3)])
    for (let at = 0; at <= sealed.length; at++) {
      const pieces = [sealed.subarray(0, at), sealed.subarray(at)]
      assert.deepStrictEqual(openAll(new Record.Opener(key), pieces), whole, `split at ${at}`)
    }
    const single = Array.from(sealed, (byte) => Uint8Array.of(byte))
    assert.deepStrictEqual(openAll(new Record.Opener(key), single), whole)
  })

  it("seals as many records as there is room for, and goes on where it stopped", () => {
    const content = bytes(3 * Record.maxPlaintext)
    const sealer = new Record.Sealer(key)
    const pieces = new Pieces([content.subarray(0, 70_000), content.subarray(70_000)])
    const opener = new Record.Opener(key)
    const out: Array<Uint8Array> = []
    // The same room again and again, as a writer has it.
    const room = new Uint8Array(100_000)
    while (pieces.left > 0) {
      const size = sealer.sealInto(room, pieces)
      assert.isAtMost(size, room.length)
      out.push(openAll(opener, [room.subarray(0, size)]))
    }
    assert.deepStrictEqual(concat(out), content)
  })

  it("opens an empty record as nothing and goes on", () => {
    const empty = concat([Uint8Array.of(0, 16), reference(key, 0n, new Uint8Array(0))])
    const next = concat([Uint8Array.of(0, 19), reference(key, 1n, bytes(3))])
    const opener = new Record.Opener(key)
    assert.deepStrictEqual(open(opener, empty), { plaintext: [], error: undefined })
    assert.deepStrictEqual(openAll(opener, [next]), bytes(3))
    const both = concat([empty, next])
    for (let at = 0; at <= both.length; at++) {
      assert.deepStrictEqual(openAll(new Record.Opener(key), [both.subarray(0, at), both.subarray(at)]), bytes(3))
    }
  })

  it("does not open a record with any bit changed", () => {
    const sealed = new Record.Sealer(key).seal([bytes(9)])
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const damaged = Uint8Array.from(sealed)
      damaged[bit >> 3]! ^= 1 << (bit & 7)
      const opener = new Record.Opener(key)
      const opened = open(opener, damaged)
      assert.deepStrictEqual(opened.plaintext, [])
      // A length that grew is an unfinished record until the input ends.
      assert.isDefined(opened.error ?? opener.end(), `bit ${bit}`)
    }
  })

  it("gives what came before a damaged record, then fails for good", () => {
    const sealer = new Record.Sealer(key)
    const good = sealer.seal([bytes(12)])
    const bad = sealer.seal([bytes(12)])
    bad[5]! ^= 1
    const opener = new Record.Opener(key)
    const opened = open(opener, concat([good, bad, sealer.seal([bytes(12)])]))
    assert.deepStrictEqual(concat(opened.plaintext), bytes(12))
    assert.strictEqual(opened.error?._tag, "RecordForged")
    const later = open(opener, sealer.seal([bytes(4)]))
    assert.deepStrictEqual(later.plaintext, [])
    assert.strictEqual(later.error, opened.error)
    assert.strictEqual(opener.end(), opened.error)
  })

  it("does not open a record twice, out of order, after a gap, or under another key", () => {
    const sealer = new Record.Sealer(key)
    const [first, second, third] = [sealer.seal([bytes(3)]), sealer.seal([bytes(3)]), sealer.seal([bytes(3)])]
    const failures = [
      [first, first],
      [second, first],
      [first, third]
    ]
    for (const records of failures) {
      assert.strictEqual(open(new Record.Opener(key), concat(records)).error?._tag, "RecordForged")
    }
    assert.strictEqual(open(new Record.Opener(bytes(32)), first).error?._tag, "RecordForged")
  })

  it("refuses a length that cannot hold a tag, before and after good records and across chunks", () => {
    for (let length = 0; length < 16; length++) {
      const sealer = new Record.Sealer(key)
      const good = sealer.seal([bytes(5)])
      const input = concat([good, Uint8Array.of(0, length)])
      for (let at = 0; at <= input.length; at++) {
        const opener = new Record.Opener(key)
        const parts = [open(opener, input.subarray(0, at)), open(opener, input.subarray(at))]
        assert.deepStrictEqual(concat(parts.flatMap((part) => part.plaintext)), bytes(5))
        assert.strictEqual(parts[1]?.error?._tag, "RecordMalformed")
      }
    }
  })

  it("knows at the end of input whether a record was left unfinished", () => {
    const sealed = new Record.Sealer(key).seal([bytes(20)])
    for (let at = 0; at <= sealed.length; at++) {
      const opener = new Record.Opener(key)
      open(opener, sealed.subarray(0, at))
      const end = opener.end()
      if (at === 0 || at === sealed.length) assert.isUndefined(end)
      else {
        assert.strictEqual(end?._tag, "RecordTruncated")
        assert.strictEqual(end?._tag === "RecordTruncated" ? end.received : undefined, at)
      }
    }
  })

  it.prop(
    "brings any chunks through, however they are grouped and cut",
    [
      Schema.Array(Schema.Array(Schema.Uint8Array)),
      Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 90 }))),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 }))
    ],
    ([writes, cuts, rekeyInterval]) => {
      const sealer = new Record.Sealer(key, { rekeyInterval })
      const sealed = concat(writes.map((chunks) => sealer.seal(chunks)))
      const pieces: Array<Uint8Array> = []
      for (let at = 0, i = 0; at < sealed.length; i++) {
        const size = cuts.length === 0 ? sealed.length : cuts[i % cuts.length]!
        pieces.push(sealed.subarray(at, at + size))
        at += size
      }
      const opener = new Record.Opener(key, { rekeyInterval })
      assert.deepStrictEqual(openAll(opener, pieces), concat(writes.flat()))
      assert.isUndefined(opener.end())
    }
  )

  it.prop(
    "brings chunks of many record sizes through",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 200_000 }))).check(Schema.isMaxLength(6))],
    ([sizes]) => {
      const chunks = sizes.map((size, i) => bytes(size, i))
      const sealed = new Record.Sealer(key).seal(chunks)
      const total = sizes.reduce((sum, size) => sum + size, 0)
      assert.strictEqual(lengthsOf(sealed).length, Math.ceil(total / Record.sealedAtOnce))
      assert.deepStrictEqual(openAll(new Record.Opener(key), [sealed]), concat(chunks))
    }
  )
})
