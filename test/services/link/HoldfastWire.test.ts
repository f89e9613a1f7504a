import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import * as Socket from "effect/socket/Socket"
import * as IdentityMemory from "../../../src/layers/IdentityMemory.ts"
import { Kind } from "../../../src/protocol/link/Frame.ts"
import * as HoldfastWire from "../../../src/services/link/HoldfastWire.ts"
import { Wire } from "../../../src/services/link/Wire.ts"

/** What a node is, in a layer that lives as long as the node does. */
const layer = Layer.provide(
  HoldfastWire.layer,
  Layer.merge(IdentityMemory.layerFromSeed(new Uint8Array(32).fill(1)), SecureRandom.layerWebCrypto)
)

describe("a heartbeat", () => {
  it("that carries anything but 8 bytes is a typed error that says what it should be", () => {
    for (const length of [0, 7, 9]) {
      const found = HoldfastWire.framing.beat({ kind: Kind.Ping, body: new Uint8Array(length) })
      assert.instanceOf(found, HoldfastWire.BeatMalformed)
      assert.deepInclude(found, { _tag: "BeatMalformed", length })
      assert.include(found.message, `carries 8 bytes, this one ${length}`)
    }
  })
})

describe("the wire of Holdfast", () => {
  it.effect("gives up what a connection has acquired with the connection, not with the node", () =>
    Effect.gen(function* () {
      const wire = Context.get(yield* Layer.build(layer), Wire)
      let held = 0
      const holding = <A>(value: A) =>
        Effect.acquireRelease(
          Effect.sync(() => (held++, value)),
          () => Effect.sync(() => held--)
        )
      const lost = new Socket.SocketError({ reason: new Socket.SocketCloseError({ code: 1000 }) })
      const socket = Socket.make({
        reader: holding({ pull: Effect.fail(lost), upgrade: Socket.SocketUpgradeError.unsupported }),
        writer: holding({ write: () => Effect.void, writeAll: () => Effect.void })
      })
      const opened = yield* Effect.exit(wire.open(socket, "inbound", undefined))
      assert.strictEqual(opened._tag, "Failure")
      assert.strictEqual(held, 2)
      yield* Effect.scoped(Effect.exit(wire.open(socket, "inbound", undefined)))
      assert.strictEqual(held, 2)
    })
  )
})
