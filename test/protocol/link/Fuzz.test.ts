/**
 * Inputs by the hundred thousand through the decoder of frames, the opener of records and the handshake. A failure says how
 * to see it again; `FUZZ_SEED` gives other inputs, and `npm run torture` many more.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import { Found, seedOr } from "../../support/hostile/Fuzz.ts"
import * as FrameFuzz from "../../support/hostile/FrameFuzz.ts"
import * as NoiseFuzz from "../../support/hostile/NoiseFuzz.ts"
import * as RecordFuzz from "../../support/hostile/RecordFuzz.ts"

const seed = seedOr(1)

const told = <A extends object>(what: string, report: A): A => {
  console.log(`${what}, seed ${seed}: ${JSON.stringify(report)}`)
  return report
}

describe("streams of frames, spoilt and cut anywhere", () => {
  it("come out as a plain reading of them does, in little memory", () => {
    const { ends, inputs } = told("frames", FrameFuzz.fuzz({ seed, inputs: 150_000 }))
    assert.strictEqual(inputs, 150_000)
    for (const ending of ["whole", "truncated", "oversized", "undersized", "version"])
      assert.isAbove(ends[ending]!, 500)
  })

  it("show a fault with its number, and alone again under that", () => {
    const broken = (from: number, inputs: number) => {
      const decoder = Frame.Decoder.prototype
      const { feed } = decoder
      decoder.feed = function (piece, frames) {
        const isLost = ({ body, kind }: Frame.Frame) => kind === Frame.Kind.Receipt && body.length === 8
        const sink = { push: (frame: Frame.Frame) => isLost(frame) || frames.push(frame) }
        return Reflect.apply(feed, this, [piece, sink])
      }
      try {
        return FrameFuzz.fuzz({ seed: 5, from, inputs })
      } catch (error) {
        return error
      } finally {
        decoder.feed = feed
      }
    }
    const found = broken(0, 10_000)
    assert.instanceOf(found, Found)
    const number = Number(/--seed 5 --from (\d+) --inputs 1$/.exec(String(found))?.[1])
    assert.instanceOf(broken(number, 1), Found)
    assert.notInstanceOf(broken(0, number), Found)
  })
})

describe("sealed records, spoilt, mixed up and cut anywhere", () => {
  it("open as far as they are what was sealed, and no further, in the memory of one", () => {
    const { ends, inputs } = told("records", RecordFuzz.fuzz({ seed, inputs: 60_000 }))
    assert.strictEqual(inputs, 60_000)
    for (const ending of ["whole", "RecordForged", "RecordTruncated", "RecordMalformed"])
      assert.isAbove(ends[ending]!, 500)
  })
})

describe("handshakes over a line that lies", () => {
  it("fail with a type, or agree on what was said", () => {
    const { ends, inputs } = told("noise", NoiseFuzz.fuzz({ seed, inputs: 4_000 }))
    assert.strictEqual(inputs, 4_000)
    for (const ending of ["done", "DecryptionFailed", "MessageMalformed", "MessageOversized", "NotHoldfast"]) {
      assert.isAbove(ends[`dialled: ${ending}`]!, 30)
    }
    for (const ending of ["done", "DecryptionFailed", "MessageMalformed", "PeerRefused", "WrongNode", "NotHoldfast"]) {
      assert.isAbove(ends[`dialler: ${ending}`]!, 30)
    }
  })
})
