import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { readFileSync } from "node:fs"
import * as Frame from "../../../src/protocol/link/Frame.ts"

const Frames = Schema.Array(
  Schema.Struct({ kind: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })), body: Schema.Uint8Array })
).check(Schema.isMaxLength(12))
const Cuts = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 }))).check(Schema.isMaxLength(60))

type Plain = { readonly kind: number; readonly body: ReadonlyArray<number> }
const plain = (frame: Frame.Frame): Plain => ({ kind: frame.kind, body: [...frame.body] })

const join = (pieces: ReadonlyArray<Uint8Array>): Uint8Array => {
  const out = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    out.set(piece, at)
    at += piece.length
  }
  return out
}

const bytesOf = (frames: ReadonlyArray<Frame.Frame>): Uint8Array =>
  join(frames.map((frame) => Frame.encode(frame.kind, frame.body)))

const feed = (decoder: Frame.Decoder, piece: Uint8Array) => {
  const frames: Array<Frame.Frame> = []
  const error = decoder.feed(piece, frames)
  return { frames, error }
}

/** Feeds `pieces`, each in a buffer of its own that is overwritten afterwards, as a socket's would be. */
const feedAll = (decoder: Frame.Decoder, pieces: ReadonlyArray<Uint8Array>) => {
  const frames: Array<Plain> = []
  let error: Frame.FrameInvalid | undefined
  for (const piece of pieces) {
    const own = piece.slice()
    const result = feed(decoder, own)
    frames.push(...result.frames.map(plain))
    own.fill(0xee)
    error = result.error
  }
  return { frames, error }
}

const three = [
  { kind: Frame.Kind.Ping, body: new Uint8Array(8).fill(7) },
  { kind: Frame.Kind.Gossip, body: new Uint8Array(0) },
  { kind: Frame.Kind.Data, body: Uint8Array.from({ length: 40 }, (_, i) => i) }
]

const header = (length: number, version = Frame.version, kind: number = Frame.Kind.Data): Uint8Array => {
  const out = new Uint8Array(6)
  new DataView(out.buffer).setUint32(0, length)
  out[4] = version
  out[5] = kind
  return out
}

describe("Frame.Decoder", () => {
  it.prop("gives any frames back whatever the chunks are", [Frames, Cuts], ([frames, cuts]) => {
    const bytes = bytesOf(frames)
    const pieces: Array<Uint8Array> = []
    let at = 0
    for (const cut of cuts) {
      pieces.push(bytes.subarray(at, at + cut))
      at = Math.min(bytes.length, at + cut)
    }
    pieces.push(bytes.subarray(at))
    const decoder = new Frame.Decoder(1024)
    const { error, frames: got } = feedAll(decoder, pieces)
    assert.isUndefined(error)
    assert.isUndefined(decoder.end())
    assert.deepStrictEqual(got, frames.map(plain))
  })

  it("gives three frames back from every pair of split points", () => {
    const bytes = bytesOf(three)
    for (let a = 0; a <= bytes.length; a++) {
      for (let b = a; b <= bytes.length; b++) {
        const decoder = new Frame.Decoder()
        const { error, frames } = feedAll(decoder, [bytes.subarray(0, a), bytes.subarray(a, b), bytes.subarray(b)])
        assert.isUndefined(error)
        assert.deepStrictEqual(frames, three.map(plain))
        assert.isUndefined(decoder.end())
      }
    }
  })

  it("gives each frame with its last byte when bytes come one at a time", () => {
    const bytes = bytesOf(three)
    const decoder = new Frame.Decoder()
    const ends = new Map<number, Frame.Frame>()
    let end = 0
    for (const frame of three) ends.set((end += Frame.headerSize + frame.body.length), frame)
    for (let i = 0; i < bytes.length; i++) {
      const { frames } = feed(decoder, bytes.subarray(i, i + 1))
      const expected = ends.get(i + 1)
      assert.deepStrictEqual(frames.map(plain), expected === undefined ? [] : [plain(expected)])
    }
  })

  it("says that the input was cut off at every point inside a frame, and at no other", () => {
    const bytes = bytesOf(three)
    const between = new Set([0, 14, 20, bytes.length])
    for (let cut = 0; cut <= bytes.length; cut++) {
      const decoder = new Frame.Decoder()
      feed(decoder, bytes.subarray(0, cut))
      assert.strictEqual(decoder.end()?.reason, between.has(cut) ? undefined : "truncated", `cut at ${cut}`)
    }
  })

  it("refuses a length above the limit by the length alone", () => {
    for (const length of [4097, 0x8000_0000, 0xffff_ffff]) {
      const decoder = new Frame.Decoder()
      const { error, frames } = feedAll(decoder, [header(length).subarray(0, 3), header(length).subarray(3, 4)])
      assert.deepStrictEqual(frames, [])
      assert.strictEqual(error?.reason, "oversized")
      assert.include(error?.message, `${length} bytes announced, 4096 allowed`)
    }
  })

  it("takes a frame of exactly the limit and refuses one byte more", () => {
    const limit = Frame.maxBeforeHandshake
    assert.strictEqual(feed(new Frame.Decoder(), Frame.encode(17, new Uint8Array(limit - 2))).frames.length, 1)
    assert.strictEqual(
      feed(new Frame.Decoder(), Frame.encode(17, new Uint8Array(limit - 1))).error?.reason,
      "oversized"
    )
  })

  it("refuses lengths that cannot hold version and kind", () => {
    for (const length of [0, 1]) {
      assert.strictEqual(feed(new Frame.Decoder(), header(length).subarray(0, 4)).error?.reason, "undersized")
    }
    assert.deepStrictEqual(feed(new Frame.Decoder(), header(2)).frames.map(plain), [
      { kind: Frame.Kind.Data, body: [] }
    ])
  })

  it("refuses an unknown version as soon as its byte is there", () => {
    const foreign = header(4000, 2)
    const { error } = feedAll(new Frame.Decoder(), [foreign.subarray(0, 4), foreign.subarray(4, 5)])
    assert.strictEqual(error?.reason, "version")
    assert.strictEqual(feed(new Frame.Decoder(), foreign.subarray(0, 5)).error?.reason, "version")
  })

  it("delivers the frames before an invalid one and stays failed for good", () => {
    const decoder = new Frame.Decoder()
    const first = feed(decoder, join([bytesOf(three), header(0xffff_ffff), bytesOf(three)]))
    assert.deepStrictEqual(first.frames.map(plain), three.map(plain))
    assert.strictEqual(first.error?.reason, "oversized")
    const again = feed(decoder, bytesOf(three))
    assert.deepStrictEqual(again.frames, [])
    assert.strictEqual(again.error, first.error)
    assert.strictEqual(decoder.end(), first.error)
    const inside = new Frame.Decoder()
    const { error } = feedAll(inside, [header(9, 2).subarray(0, 4), header(9, 2).subarray(4)])
    assert.strictEqual(inside.end(), error, "what is wrong with a frame outlasts that it is not whole")
  })

  it("takes a large frame in the same chunk as the COMMIT before it", () => {
    const large = Frame.encode(Frame.Kind.Resume, new Uint8Array(100_000))
    const chunk = join([Frame.encode(Frame.Kind.Commit, new Uint8Array(3)), large])
    const { error, frames } = feed(new Frame.Decoder(), chunk)
    assert.isUndefined(error)
    assert.deepStrictEqual(
      frames.map((frame) => frame.body.length),
      [3, 100_000]
    )
    assert.strictEqual(feed(new Frame.Decoder(), large).error?.reason, "oversized")
  })

  /** What decoding `pieces` copies and allocates, in bytes, by watching the only primitives that do either. */
  const costs = (decoder: Frame.Decoder, pieces: ReadonlyArray<Uint8Array>) => {
    const set = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), "set")!
    const { allocUnsafe } = Buffer
    let copied = 0
    let allocated = 0
    let frames = 0
    let largest = 0
    Object.defineProperty(Object.getPrototypeOf(Uint8Array.prototype), "set", {
      ...set,
      value(this: Uint8Array, source: Uint8Array, offset?: number) {
        copied += source.length
        return Reflect.apply(set.value, this, [source, offset])
      }
    })
    Buffer.allocUnsafe = (size) => {
      allocated += size
      largest = Math.max(largest, size)
      return allocUnsafe(size)
    }
    try {
      for (const piece of pieces) frames += feed(decoder, piece).frames.length
    } finally {
      Buffer.allocUnsafe = allocUnsafe
      Object.defineProperty(Object.getPrototypeOf(Uint8Array.prototype), "set", set)
    }
    return { copied, allocated, frames, largest }
  }

  const inPieces = (bytes: Uint8Array, size: number): ReadonlyArray<Uint8Array> =>
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))

  const big = Frame.encode(Frame.Kind.Data, new Uint8Array(Frame.maxOnSession - 2))

  it("copies the bytes of a 4 MiB frame a bounded number of times, in chunks of 64 KiB, 100 bytes or 1 byte", () => {
    for (const size of [65_536, 100, 1]) {
      const { allocated, copied, frames } = costs(new Frame.Decoder(Frame.maxOnSession), inPieces(big, size))
      assert.strictEqual(frames, 1)
      assert.isAtLeast(copied, big.length, "the frame was put together")
      assert.isAtMost(copied, 3 * big.length, `pieces of ${size}`)
      assert.isAtMost(allocated, 3 * big.length, `pieces of ${size}`)
    }
  })

  it("copies nothing when a piece holds whole frames", () => {
    const { allocated, copied, frames } = costs(new Frame.Decoder(Frame.maxOnSession), [join([big, bytesOf(three)])])
    assert.deepStrictEqual({ allocated, copied, frames }, { allocated: 0, copied: 0, frames: 4 })
  })

  it("allocates by what has come, not by what is announced", () => {
    const refused = costs(new Frame.Decoder(Frame.maxOnSession), [header(0xffff_ffff)])
    assert.strictEqual(refused.allocated, 0)
    const announced = costs(new Frame.Decoder(Frame.maxOnSession), [big.subarray(0, 1000), big.subarray(1000, 1100)])
    assert.isAtMost(announced.largest, 128 * 1024)
    const further = costs(new Frame.Decoder(Frame.maxOnSession), inPieces(big.subarray(0, 600_000), 1_000))
    assert.isAtMost(further.largest, 1_200_000)
  })
})

describe("Frame kinds", () => {
  it("may be ignored from 128 on and never below", () => {
    for (let kind = 0; kind < 256; kind++) assert.strictEqual(Frame.mayBeIgnored(kind), kind >= 128)
  })
})

describe("Frame.nameOf", () => {
  it("says the names of docs/PROTOCOL.md, and the number of a kind that has none", () => {
    const table = readFileSync("docs/PROTOCOL.md", "utf8").matchAll(/^\| (\d+) \| ([A-Z]+) \|/gm)
    const names = [...table].map(([, kind, name]) => [Number(kind), name] as const)
    assert.strictEqual(names.length, Object.keys(Frame.Kind).length)
    for (const [kind, name] of names) assert.strictEqual(Frame.nameOf(kind), name)
    assert.strictEqual(Frame.nameOf(99), "KIND 99")
  })

  it("of the kind that an encoded frame has", () => {
    assert.strictEqual(Frame.nameOf(Frame.kindOf(Frame.encode(Frame.Kind.Receipt, new Uint8Array(3)))), "RECEIPT")
  })
})
