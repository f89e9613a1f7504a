import { assert, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { Cuid } from "../../../src/protocol/credit/Chad.ts"
import * as NodeSecret from "../../../src/protocol/NodeSecret.ts"
import { Keyring } from "../../../src/services/credit/Keyring.ts"

const [ann, bob] = [Cuid.make("ann"), Cuid.make("bob")]
const message = new TextEncoder().encode("what is signed")
const of = (fill: number) => Effect.provide(Keyring, Keyring.layer(Redacted.make(new Uint8Array(32).fill(fill))))

it.effect("gives each user a key of its own, the same one as long as the secret is", () =>
  Effect.gen(function* () {
    const keyring = yield* of(1)
    assert.notStrictEqual(keyring.keyOf(ann), keyring.keyOf(bob))
    assert.strictEqual((yield* of(1)).keyOf(ann), keyring.keyOf(ann))
    assert.notStrictEqual((yield* of(2)).keyOf(ann), keyring.keyOf(ann))
  })
)

it.effect("signs for the user, and for nobody else", () =>
  Effect.gen(function* () {
    const keyring = yield* of(1)
    const signature = keyring.sign(ann, message)
    assert.isTrue(NodeSecret.verify(keyring.keyOf(ann), message, signature))
    assert.isFalse(NodeSecret.verify(keyring.keyOf(bob), message, signature))
  })
)

it.effect("keeps the same keys when it has had more users than it has at hand", () =>
  Effect.gen(function* () {
    const keyring = yield* of(1)
    const before = keyring.keyOf(ann)
    for (let i = 0; i < 1_100; i++) keyring.keyOf(Cuid.make(`user-${i}`))
    assert.strictEqual(keyring.keyOf(ann), before)
  })
)
