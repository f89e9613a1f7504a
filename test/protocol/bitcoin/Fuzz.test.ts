/**
 * A million inputs through the decoders of Bitcoin messages, and a hundred thousand peers through the handshake. A failure
 * prints its input and says how to see it again; `FUZZ_SEED` gives other inputs, and `npm run torture` as many as wanted.
 */
import { assert, describe, it } from "@effect/vitest"
import { networks } from "../../../src/protocol/bitcoin/Network.ts"
import { PayloadReader } from "../../../src/protocol/bitcoin/PayloadReader.ts"
import * as FrameFuzz from "../../support/hostile/BitcoinFrameFuzz.ts"
import * as HandshakeFuzz from "../../support/hostile/BitcoinHandshakeFuzz.ts"
import * as PayloadFuzz from "../../support/hostile/BitcoinPayloadFuzz.ts"
import { Found, seedOr } from "../../support/hostile/Fuzz.ts"
import { retained } from "../../support/hostile/Retained.ts"

const seed = seedOr(1)
const mebibyte = 2 ** 20

/** Runs a fuzzer, and says how long it took and what it has left behind. */
const told = async <A extends object>(what: string, fuzz: () => A | Promise<A>): Promise<A & { left: number }> => {
  const [before, began] = [retained(), performance.now()]
  const report = await fuzz()
  const [seconds, left] = [Math.round((performance.now() - began) / 100) / 10, retained() - before]
  console.log(`${what}, seed ${seed}, ${seconds} s, ${left} bytes left: ${JSON.stringify(report)}`)
  return { ...report, left }
}

describe("streams of Bitcoin messages, spoilt, lying and cut anywhere", () => {
  it("come out as a plain reading of them does, in little memory, on every network", async () => {
    const { ends, extended, left, spoiled } = await told("frames", () => FrameFuzz.fuzz({ seed, inputs: 400_000 }))
    for (const ending of ["whole", "magic", "oversized", "truncated"]) assert.isAbove(ends[ending]!, 20_000)
    assert.isAbove(Math.min(extended, spoiled.checksum, spoiled.command), 2_000)
    assert.isAbove(networks.size, 7)
    assert.isBelow(left, 16 * mebibyte)
  })
})

describe("payloads of every command that is read, spoilt, lying and mixed up", () => {
  it("are taken or refused as a second reading does, for no more memory than their bytes are worth", async () => {
    const { ends, left, taken } = await told("payloads", () => PayloadFuzz.fuzz({ seed, inputs: 600_000 }))
    for (const ending of ["ok", "short", "non-canonical", "protocol", "too-many", "too-large"])
      assert.isAbove(ends[ending]!, 1_000)
    for (const command of PayloadFuzz.names) assert.isAbove(taken[command]!, 1_000, command)
    assert.isBelow(left, 16 * mebibyte)
  })

  it("show a reader that takes room for what a count says, with the input and its number", () => {
    const reader = PayloadReader.prototype
    const { compactSize } = reader
    reader.compactSize = function () {
      const value = Reflect.apply(compactSize, this, [])
      const room = new Uint8Array(Number(value & 0xffffn))
      return value + BigInt(room[0] ?? 0)
    }
    try {
      const found = caught(() => PayloadFuzz.fuzz({ seed: 5, inputs: 10_000 }))
      assert.instanceOf(found, Found)
      assert.match(String(found), /bytes were allocated for \d+/)
      assert.match(String(found), /input: [0-9a-f]+/)
      const number = Number(/bitcoin-payloads --seed 5 --from (\d+) --inputs 1$/.exec(String(found))?.[1])
      assert.instanceOf(
        caught(() => PayloadFuzz.fuzz({ seed: 5, from: number, inputs: 1 })),
        Found
      )
    } finally {
      reader.compactSize = compactSize
    }
  })
})

describe("Bitcoin peers that say anything in any order", () => {
  it("come to what the tables say, in either role", async () => {
    const { completed, ends, inputs, left } = await told("handshakes", () =>
      HandshakeFuzz.fuzz({ seed, inputs: 100_000 })
    )
    assert.strictEqual(inputs, 100_000)
    assert.isAbove(completed, 20_000)
    for (const ending of ["lost", "handshake", "closed", "unsuitable", "network", "agent", "self", "misbehaved"])
      assert.isAbove(ends[ending]!, 500, ending)
    assert.isBelow(left, 32 * mebibyte)
  })
})

const caught = (run: () => unknown): unknown => {
  try {
    return run()
  } catch (error) {
    return error
  }
}
