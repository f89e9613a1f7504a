/**
 * Streams of frames through records, decoder and connection together, cut at every byte: whatever the socket makes of
 * them, the same frames come out, or the same failure.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import * as Record from "../../../src/protocol/link/Record.ts"
import * as Stack from "../../support/hostile/Stack.ts"

const { Kind } = Frame
const fill = (length: number, seed: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at * 31 + seed)
const join = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => Uint8Array.from(Buffer.concat(parts))
const data = (length: number, seed = 1): Uint8Array => Frame.encode(Kind.Data, fill(length, seed))
const ping = Frame.encode(Kind.Ping, fill(8, 1))

const header = (length: number, version = Frame.version): Uint8Array => {
  const out = new Uint8Array(6)
  new DataView(out.buffer).setUint32(0, length)
  out[4] = version
  out[5] = Kind.Data
  return out
}

/** Frames of every size that matters to a small stream, pings among them, in records that do not respect them. */
const mixed = [
  data(0),
  ping,
  data(1, 2),
  Frame.encode(Kind.Gossip, fill(300, 3)),
  data(Frame.maxBeforeHandshake - 2, 4),
  Frame.encode(200, new Uint8Array(0)),
  ping,
  data(40, 5)
]
const inRecords = (bytes: Uint8Array, sizes: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const records: Array<Uint8Array> = []
  for (let at = 0, next = 0; at < bytes.length; at += sizes[next++ % sizes.length]!) {
    records.push(bytes.subarray(at, at + sizes[next % sizes.length]!))
  }
  return records
}

const handled = [
  [17, 0],
  [17, 1],
  [128, 300],
  [17, 4094],
  [200, 0],
  [17, 40]
]

const assertMixed = ({ answers, ended, frames }: Stack.Read, words: string): void => {
  assert.strictEqual(ended.reason, "closed", words)
  assert.deepStrictEqual(
    frames.map(({ body, kind }) => [kind, body.length]),
    handled,
    words
  )
  assert.deepStrictEqual(answers, [Kind.Pong, Kind.Pong], words)
  const bodies = [fill(0, 1), fill(1, 2), fill(300, 3), fill(4094, 4), fill(0, 0), fill(40, 5)]
  for (const [at, { body }] of frames.entries()) assert.strictEqual(Buffer.compare(body, bodies[at]!), 0, words)
}

describe("frames in records", () => {
  it.live("come out the same, wherever the stream is cut once", () =>
    Effect.gen(function* () {
      const read = yield* Stack.make
      const bytes = Stack.sealed(inRecords(join(...mixed), [5, 700, 1, 64, 7]))
      for (let at = 0; at <= bytes.length; at++) {
        assertMixed(yield* read([bytes.subarray(0, at), bytes.subarray(at)]), `cut at ${at}`)
      }
    })
  )

  it.live("come out the same in pieces of any size", () =>
    Effect.gen(function* () {
      const read = yield* Stack.make
      const bytes = Stack.sealed(inRecords(join(...mixed), [5, 700, 1, 64, 7]))
      for (let size = 1; size <= 300; size++) {
        const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
          bytes.subarray(at * size, (at + 1) * size)
        )
        assertMixed(yield* read(pieces), `pieces of ${size}`)
      }
    })
  )

  it.live("come out the same, wherever a short stream is cut twice", () =>
    Effect.gen(function* () {
      const read = yield* Stack.make
      const short = [data(0), ping, data(9)]
      const bytes = Stack.sealed(inRecords(join(...short), [3, 20, 4]))
      for (let a = 0; a <= bytes.length; a++) {
        for (let b = a; b <= bytes.length; b++) {
          const { answers, ended, frames } = yield* read([
            bytes.subarray(0, a),
            bytes.subarray(a, b),
            bytes.subarray(b)
          ])
          const words = `cut at ${a} and ${b}`
          assert.strictEqual(ended.reason, "closed", words)
          assert.deepStrictEqual([frames.map(({ body }) => body.length), answers], [[0, 9], [Kind.Pong]], words)
        }
      }
    })
  )

  it.live("say at every byte what an end there means: nothing, half a record, or half a frame", () =>
    Effect.gen(function* () {
      const read = yield* Stack.make
      const records = [data(3), join(data(2), ping).subarray(0, 12), join(data(2), ping).subarray(12), data(0)]
      const bytes = Stack.sealed(records)
      const ends: Array<number> = []
      for (const record of records) ends.push((ends.at(-1) ?? 0) + Record.sealedSize(record.length))
      for (let at = 0; at <= bytes.length; at++) {
        const { ended } = yield* read([bytes.subarray(0, at)])
        const record = ends.indexOf(at)
        const expected = at === 0 || record >= 0 ? (record === 1 ? "truncated" : "closed") : "violation"
        assert.strictEqual(ended.reason, expected, `${at}: ${ended.detail}`)
        if (expected === "violation") assert.include(ended.detail, "inside a record")
      }
    })
  )
})

describe("frames of the greatest and the least size", () => {
  const cutAround = (bytes: Uint8Array, at: number): ReadonlyArray<Uint8Array> => [
    bytes.subarray(0, at),
    bytes.subarray(at, at + 1),
    bytes.subarray(at + 1)
  ]

  for (const [what, isSession, limit] of [
    ["before the handshake is done", false, Frame.maxBeforeHandshake],
    ["on a session", true, Frame.maxOnSession]
  ] as const) {
    it.live(`are taken ${what} up to the last byte, and refused from the next by their length alone`, () =>
      Effect.gen(function* () {
        const read = yield* Stack.make
        const largest = Stack.sealed([data(limit - 2)])
        for (const at of [1, 2, 17, 20, 24, 65_536, largest.length - 1]) {
          const { ended, frames } = yield* read(cutAround(largest, at), isSession)
          assert.deepStrictEqual([ended.reason, frames.map(({ body }) => body.length)], ["closed", [limit - 2]])
          assert.strictEqual(Buffer.compare(frames[0]!.body, fill(limit - 2, 1)), 0)
        }
        for (const length of [limit + 1, 2 ** 31, 2 ** 32 - 1]) {
          const { ended, frames } = yield* read(
            [Stack.sealed([join(data(5), header(length).subarray(0, 4))])],
            isSession
          )
          assert.deepStrictEqual([ended.reason, frames.length], ["violation", 1])
          assert.include(ended.detail, `oversized frame: ${length} bytes announced, ${limit} allowed`)
        }
      })
    )
  }

  it.live("with lengths that hold nothing are refused, and what came before them is not", () =>
    Effect.gen(function* () {
      const read = yield* Stack.make
      for (const length of [0, 1]) {
        const { ended, frames } = yield* read([Stack.sealed([join(data(5), header(length))])])
        assert.deepStrictEqual([ended.reason, frames.length], ["violation", 1])
        assert.include(ended.detail, `undersized frame: ${length} bytes`)
      }
    })
  )
})

describe("garbage", () => {
  const records = [join(data(30), ping), data(0), join(data(300), data(2))]
  const bytes = Stack.sealed(records)

  it.live("in any bit of any record ends the connection as a violation, and nothing behind it is handled", () =>
    Effect.gen(function* () {
      const read = yield* Stack.make
      const [first, second] = records.map((record) => Record.sealedSize(record.length))
      const starts = [0, first!, first! + second!]
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const spoilt = Uint8Array.from(bytes)
        spoilt[bit >> 3]! ^= 1 << (bit & 7)
        const { ended, frames } = yield* read([spoilt])
        const record = starts.findLastIndex((start) => start <= bit >> 3)
        assert.strictEqual(ended.reason, "violation", `bit ${bit}: ${ended.detail}`)
        assert.deepStrictEqual(
          frames.map(({ body }) => body.length),
          [30, 0].slice(0, record),
          `bit ${bit}`
        )
      }
    })
  )

  it.live("in frames that were sealed well ends it as a violation with the reason", () =>
    Effect.gen(function* () {
      const read = yield* Stack.make
      for (const [garbage, detail] of [
        [header(9, 2), "version 2, this node speaks 1"],
        [Frame.encode(Kind.Ping, fill(7, 1)), "a ping or pong carries 8 bytes, this one 7"],
        [Frame.encode(Kind.Pong, fill(9, 1)), "a ping or pong carries 8 bytes, this one 9"],
        [fill(64, 0xff), "oversized frame"]
      ] as const) {
        const { ended, frames } = yield* read([Stack.sealed([data(1), join(garbage, data(2))])])
        assert.deepStrictEqual([ended.reason, frames.length], ["violation", 1])
        assert.include(ended.detail, detail)
      }
    })
  )
})
