import { assert, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import NoiseHandshake from "noise-handshake"
import * as NoiseState from "../../../src/protocol/link/NoiseState.ts"
import * as NodeSecret from "../../../src/protocol/NodeSecret.ts"

type Ends = readonly [NoiseState.NoiseState, NoiseState.NoiseState]

const fill = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)

/** The two ends of a handshake of their own for each `n`. */
const ends = (pattern: NoiseState.Pattern, n: number): Ends => {
  const [ann, ben] = [NodeSecret.fromSeed(fill(n)).linkKeys, NodeSecret.fromSeed(fill(n + 1)).linkKeys]
  const make = (initiator: boolean) =>
    NoiseState.make({
      pattern,
      initiator,
      publicKey: (initiator ? ann : ben).publicKey,
      secretKey: Redacted.value((initiator ? ann : ben).secretKey),
      ephemeral: fill(n + (initiator ? 2 : 3)),
      prologue: fill(n),
      remoteStatic: initiator && pattern === "IK" ? ben.publicKey : undefined
    })
  return [make(true), make(false)]
}

const messages = { XX: 3, IK: 2 } as const

/** Passes message `i` of several handshakes: all are written before the first is read. */
const pass = (handshakes: ReadonlyArray<Ends>, i: number): void => {
  const written = handshakes.map((both) => both[i % 2]!.write(fill(i)))
  handshakes.forEach((both, at) => {
    assert.deepStrictEqual(new Uint8Array(both[(i + 1) % 2]!.read(written[at]!)), fill(i))
  })
}

const keysOf = (both: Ends) => both.map((end) => Object.values(end.split()).map((key) => Uint8Array.from(key)))

describe("NoiseState", () => {
  for (const pattern of ["XX", "IK"] as const) {
    it(`keeps many handshakes apart that are under way at once (${pattern})`, () => {
      const together = [10, 20, 30].map((n) => ends(pattern, n))
      for (let i = 0; i < messages[pattern]; i++) pass(together, i)
      const alone = [10, 20, 30].map((n) => {
        const both = ends(pattern, n)
        for (let i = 0; i < messages[pattern]; i++) pass([both], i)
        return keysOf(both)
      })
      assert.deepStrictEqual(together.map(keysOf), alone)
    })
  }

  it("says again what the split gave, and wipes nothing of it", () => {
    const both = ends("IK", 40)
    for (let i = 0; i < messages.IK; i++) pass([both], i)
    const before = keysOf(both)
    assert.deepStrictEqual(keysOf(both), before)
    assert.isTrue(before.flat().every((key) => key.some((byte) => byte !== 0)))
  })

  it("finds in the library the places where its own HKDF goes in", () => {
    for (const name of ["mixKey", "initialiseKey", "split"] as const) {
      assert.isFunction(NoiseHandshake.prototype[name])
    }
  })
})
