import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import { MessageId } from "../../../src/protocol/delivery/Message.ts"
import * as MessageIds from "../../../src/services/delivery/MessageIds.ts"

const version7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe("ids of messages", () => {
  it.effect("are UUIDs of version 7 in the order of their time, and never the same", () =>
    Effect.gen(function* () {
      const next = yield* MessageIds.make
      const ids: Array<string> = []
      for (let n = 0; n < 300; n++) {
        ids.push(yield* next())
        yield* TestClock.adjust(1)
      }
      for (const id of ids) {
        assert.match(id, version7)
        assert.isTrue(Schema.is(MessageId)(id))
      }
      assert.deepStrictEqual([...ids].sort(), ids)
      assert.strictEqual(new Set(ids).size, 300)
      assert.deepStrictEqual(
        ids.map((id) => Number.parseInt(id.replace("-", "").slice(0, 12), 16)),
        ids.map((_, n) => n)
      )
    }).pipe(Effect.provide(SecureRandom.layerWebCrypto))
  )

  it.effect(
    "stay in order within a millisecond, beyond what can be counted in one, and when the clock is set back",
    () =>
      Effect.gen(function* () {
        const next = yield* MessageIds.make
        yield* TestClock.setTime(1_000)
        const ids = yield* Effect.forEach(Array.from({ length: 5_000 }), () => next())
        yield* TestClock.setTime(1)
        ids.push(yield* next(), yield* next())
        assert.deepStrictEqual([...ids].sort(), ids)
        assert.strictEqual(new Set(ids.map((id) => id.slice(19))).size, ids.length)
        for (const id of ids) assert.match(id, version7)
      }).pipe(Effect.provide(SecureRandom.layerWebCrypto))
  )
})
