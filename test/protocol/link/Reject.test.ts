import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import * as LinkMessage from "../../../src/protocol/link/LinkMessage.ts"
import * as LastWord from "../../../src/services/link/LastWord.ts"

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

  it("says how long a peer is kept out, a day at the most", () => {
    const said = (millis: number) => {
      const body = LastWord.reject("banned", 0n, "spam", millis).subarray(Frame.headerSize)
      return Result.getOrThrow(reject.decode(body))
    }
    assert.deepStrictEqual(said(1_000.2), { reason: "banned", number: 0n, detail: "spam", retryAfterMillis: 1_001 })
    assert.strictEqual(said(-5).retryAfterMillis, 0)
    assert.strictEqual(said(Infinity).retryAfterMillis, 86_400_000)
    const none = LastWord.reject("banned", 0n, "spam").subarray(Frame.headerSize)
    assert.isFalse("retryAfterMillis" in Result.getOrThrow(reject.decode(none)))
    const tooLong = { reason: "banned", number: 0n, detail: "", retryAfterMillis: 86_400_001 } as const
    assert.throws(() => reject.encode(tooLong), /86400000/)
  })

  it("fits a frame before the handshake at its longest", () => {
    const longest = reject.encode({
      reason: "duplicate",
      number: 2n ** 64n - 1n,
      detail: "€".repeat(256),
      address: { host: "h".repeat(253), port: 65_535 },
      retryAfterMillis: 86_400_000
    })
    assert.isAtMost(Frame.encode(Frame.Kind.Reject, longest).length, 4_096)
  })
})
