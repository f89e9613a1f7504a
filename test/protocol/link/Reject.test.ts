import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import * as LinkMessage from "../../../src/protocol/link/LinkMessage.ts"

const { reject } = LinkMessage

describe("REJECT", () => {
  it("says where the agent listens that keeps the link", () => {
    const owner: LinkMessage.Reject = {
      reason: "owner",
      number: 0n,
      detail: "",
      address: { host: "2001:db8::7", port: 4_001 }
    }
    assert.deepStrictEqual(Result.getOrThrow(reject.decode(reject.encode(owner))), owner)
  })

  it("says no more than a reason where there is no address", () => {
    const occupied: LinkMessage.Reject = { reason: "occupied", number: 0n, detail: "one node per address" }
    const decoded = Result.getOrThrow(reject.decode(reject.encode(occupied)))
    assert.deepStrictEqual(decoded, occupied)
    assert.isFalse("address" in decoded)
  })

  it("is refused with an address at which nobody can listen", () => {
    for (const address of [
      { host: "a b", port: 1 },
      { host: "", port: 1 },
      { host: "host", port: 0 },
      { host: "host", port: 65_536 }
    ]) {
      assert.throws(() => reject.encode({ reason: "owner", number: 0n, detail: "", address }), /host|port/)
    }
  })

  it("fits a frame before the handshake at its longest", () => {
    const longest = reject.encode({
      reason: "duplicate",
      number: 2n ** 64n - 1n,
      detail: "€".repeat(256),
      address: { host: "h".repeat(253), port: 65_535 }
    })
    assert.isAtMost(Frame.encode(Frame.Kind.Reject, longest).length, 4_096)
  })
})
