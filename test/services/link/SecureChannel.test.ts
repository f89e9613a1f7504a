import { assert, describe, it } from "@effect/vitest"
import { Effect, Scope } from "effect"
import * as Record from "../../../src/protocol/link/Record.ts"
import { SecureChannel } from "../../../src/services/link/SecureChannel.ts"
import { keyOf } from "../../support/LinkNode.ts"

const key = new Uint8Array(32).fill(7)

/** A channel on which these chunks come, one after the other, and then nothing. */
const channelOf = (chunks: ReadonlyArray<Uint8Array>): SecureChannel => {
  let at = 0
  return new SecureChannel(keyOf(1), {
    pull: Effect.suspend(() => (at < chunks.length ? Effect.succeed<[Uint8Array]>([chunks[at++]!]) : Effect.never)),
    writer: { write: () => Effect.void, writeAll: () => Effect.void },
    writeScope: Scope.makeUnsafe(),
    rxKey: key,
    txKey: key,
    early: []
  })
}

describe("SecureChannel", () => {
  for (const [what, records, turns] of [
    ["after a chunk of many records, although hardly anything is in them", 1_000, 10],
    ["only then", 100, 0]
  ] as const) {
    it.live(`lets all others have their turn ${what}`, () =>
      Effect.gen(function* () {
        const sealer = new Record.Sealer(key)
        const chunk = () =>
          Uint8Array.from(Buffer.concat(Array.from({ length: records }, () => sealer.seal([Uint8Array.of(1)]))))
        const channel = channelOf(Array.from({ length: 11 }, chunk))
        let seen = 0
        let read = 0
        const look = Effect.andThen(
          Effect.sync(() => seen++),
          Effect.yieldNow
        )
        yield* Effect.forkChild(Effect.forever(look, { disableYield: true }), { startImmediately: true })
        const before = seen
        for (let pulls = 0; pulls < 11; pulls++) yield* channel.pull((piece) => void (read += piece.length))
        assert.strictEqual(read, 11 * records)
        assert.strictEqual(seen - before, turns)
      })
    )
  }
})
