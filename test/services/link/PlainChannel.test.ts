import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import * as PlainChannel from "../../../src/services/link/PlainChannel.ts"
import { MemoryLink } from "../../../src/testing/MemoryLink.ts"

const at = { host: "test", port: 1 }
const bytes = (...values: ReadonlyArray<number>) => Uint8Array.from(values)

/** Both ends of a connection. */
const pair = Effect.gen(function* () {
  const link = new MemoryLink(at, at, 1_000)
  const near = yield* PlainChannel.open(link.dialler.socket)
  const far = yield* PlainChannel.open(link.listener.socket)
  return { link, near, far }
})

const pulled = Effect.fnUntraced(function* (channel: PlainChannel.PlainChannel) {
  const pieces: Array<Uint8Array> = []
  yield* channel.pull((piece) => void pieces.push(piece))
  return Uint8Array.from(Buffer.concat(pieces))
})

describe("PlainChannel", () => {
  it.effect("brings what was written, as it was", () =>
    Effect.gen(function* () {
      const { far, near } = yield* pair
      yield* near.write([bytes(1, 2), bytes(3)])
      assert.deepStrictEqual(yield* pulled(far), bytes(1, 2, 3))
      yield* far.write([bytes(4)])
      assert.deepStrictEqual(yield* pulled(near), bytes(4))
      yield* near.write([])
      yield* near.write([bytes(5)])
      assert.deepStrictEqual(yield* pulled(far), bytes(5))
    })
  )

  it.effect("ends its writing side and goes on reading", () =>
    Effect.gen(function* () {
      const { far, near } = yield* pair
      yield* near.write([bytes(1)])
      yield* near.end
      assert.deepStrictEqual(yield* pulled(far), bytes(1))
      assert.strictEqual((yield* Effect.flip(pulled(far)))._tag, "ChannelClosed")
      yield* far.write([bytes(2)])
      assert.deepStrictEqual(yield* pulled(near), bytes(2))
      const late = yield* Effect.flip(near.write([bytes(3)]))
      assert.strictEqual(late.message, "the writing side was closed")
    })
  )

  it.effect("says that the connection was lost", () =>
    Effect.gen(function* () {
      const { far, link, near } = yield* pair
      link.reset()
      const lost = yield* Effect.flip(pulled(near))
      assert.deepStrictEqual([lost._tag, lost.message], ["ChannelFailed", "the connection was lost: reset by peer"])
      assert.isTrue(Exit.isFailure(yield* Effect.exit(far.write([bytes(1)]))))
    })
  )
})
