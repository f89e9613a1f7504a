import { assert, describe, it } from "@effect/vitest"
import sodium from "sodium-native"
import * as NodeSecret from "../../../src/protocol/NodeSecret.ts"
import { CheckedOnce } from "../../../src/testing/world/CheckedOnce.ts"
import { fifo } from "../../../src/testing/world/Schedule.ts"
import { World } from "../../../src/testing/world/World.ts"

const secret = NodeSecret.fromSeed(new Uint8Array(32).fill(7))
const message = new TextEncoder().encode("what is signed")
const signature = NodeSecret.sign(secret, message)
const other = (bytes: Uint8Array, at: number) => bytes.with(at, bytes[at]! ^ 1)

/** How often libsodium is asked by what `run` does. */
const asked = async (run: () => unknown): Promise<number> => {
  const real = sodium.crypto_sign_verify_detached
  const put = (value: typeof real) =>
    Object.defineProperty(sodium, "crypto_sign_verify_detached", { value, writable: true, configurable: true })
  let times = 0
  put((...bytes) => {
    times++
    return real(...bytes)
  })
  try {
    await run()
  } finally {
    put(real)
  }
  return times
}

const within = (checked: CheckedOnce, run: () => void) => {
  checked.spread()
  try {
    run()
  } finally {
    checked.lift()
  }
}

describe("signatures that are checked once", () => {
  it("have the answer of libsodium, whichever byte is another one", () => {
    within(new CheckedOnce(), () => {
      for (let round = 0; round < 2; round++) {
        assert.isTrue(NodeSecret.verify(secret.key, message, signature))
        for (const at of [0, 31, 32, 63])
          assert.isFalse(NodeSecret.verify(secret.key, message, other(signature, at)), `byte ${at} of the signature`)
        for (let at = 0; at < message.length; at++)
          assert.isFalse(NodeSecret.verify(secret.key, other(message, at), signature), `byte ${at} of the message`)
        const stranger = NodeSecret.fromSeed(new Uint8Array(32).fill(8))
        assert.isFalse(NodeSecret.verify(stranger.key, message, signature))
        assert.isFalse(NodeSecret.verify(secret.key, message, signature.subarray(1)))
        assert.isFalse(NodeSecret.verify(secret.key, message.subarray(1), signature))
      }
    })
  })

  it("are right for the bytes as they are now, though an array was another one before", () => {
    within(new CheckedOnce(), () => {
      const changed = Uint8Array.from(signature)
      assert.isTrue(NodeSecret.verify(secret.key, message, changed))
      changed.set([changed[5]! ^ 1], 5)
      assert.isFalse(NodeSecret.verify(secret.key, message, changed))
    })
  })

  it("cost one question each, and the oldest are forgotten", async () => {
    const messages = [1, 2, 3].map((n) => Uint8Array.of(n))
    const signed = messages.map((one) => [one, NodeSecret.sign(secret, one)] as const)
    const checked = new CheckedOnce(2)
    const check = (...which: ReadonlyArray<number>) =>
      asked(() =>
        within(checked, () => {
          for (const n of which) assert.isTrue(NodeSecret.verify(secret.key, ...signed[n]!))
        })
      )
    assert.strictEqual(await check(0, 1, 0, 1), 2)
    assert.strictEqual(await check(1, 2), 1)
    assert.strictEqual(checked.size, 2)
    assert.strictEqual(await check(1, 2), 0)
    assert.strictEqual(await check(0), 1)
  })

  it("are those of one world, while it runs", async () => {
    const real = sodium.crypto_sign_verify_detached
    const times = await asked(async () => {
      const world = new World({ seed: 1, schedule: fifo })
      for (const at of [1, 2, 3]) world.at(at, () => void NodeSecret.verify(secret.key, message, signature))
      await world.run(() => world.now === 2)
      NodeSecret.verify(secret.key, message, signature)
      await world.run(() => world.now === 3)
    })
    assert.strictEqual(times, 2)
    assert.strictEqual(sodium.crypto_sign_verify_detached, real)
  })
})
