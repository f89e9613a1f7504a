import { assert, describe, it } from "@effect/vitest"
import { Hex } from "effect/encoding"
import * as BlockText from "../../../src/programs/chain/BlockText.ts"
import * as ChainText from "../../../src/programs/chain/ChainText.ts"
import * as SyncText from "../../../src/programs/chain/SyncText.ts"
import { resultText } from "../../../src/programs/chain/VerifyCommand.ts"
import { blockView } from "../../../src/programs/http/ChainModels.ts"
import type { ChainStatus } from "../../../src/services/chain/ChainStatus.ts"
import { peerAt, StandInChain } from "../../support/StandInChain.ts"

const id = (digit: string): string => digit.repeat(64)
const utf8 = new TextEncoder()
const hexOf = (text: string): string => Hex.encode(utf8.encode(text))

const standing = (over: Partial<ChainStatus>): ChainStatus => {
  const chain = new StandInChain()
  chain.over = over
  return chain.status()
}
const halfway = standing({
  tip: { height: 50, id: id("a") },
  best: { height: 100, id: id("b") },
  behind: 50,
  perSecond: 12.34,
  secondsLeft: 4.05,
  peers: [peerAt(100), peerAt(10)]
})

describe("the status of a chain", () => {
  const lines = (chain: ChainStatus) => ChainText.status(1_000)(chain).split("\n")
  const row = (chain: ChainStatus, name: string) => lines(chain).find((line) => line.startsWith(name))

  it("says how far it is, how fast the rest comes, and who keeps it", () => {
    assert.include(row(halfway, "Height"), `50  ${id("a")}`)
    assert.include(row(halfway, "Best"), `100  ${id("b")}`)
    assert.match(row(halfway, "Behind") ?? "", /50 blocks, 12 a second, 4s left$/)
    assert.match(lines(halfway).at(-2) ?? "", /^abababab {2}10\.0\.0\.1:4001 {2}100 +50 +cdcdcdcdcdcdcdcd$/)
    assert.match(lines(halfway).at(-1) ?? "", /^abababab {2}10\.0\.0\.1:4001 {2}10 +cdcdcdcdcdcdcdcd$/)
    assert.isUndefined(row(halfway, "Refused"))
    assert.isUndefined(row(halfway, "Held"))
  })

  it("says that nothing is missing, and how to find peers", () => {
    const alone = standing({})
    assert.include(row(alone, "Behind"), "nothing")
    assert.include(lines(alone).at(-1), "holdfast connect <address>")
  })

  it("says why it stands still, what waits, and when the next block is made", () => {
    const refused = { height: 51, id: id("c"), reason: "no\nmoney" }
    const stands = standing({ refused, held: 3, waiting: 1, production: { _tag: "Wait", why: "11 blocks behind" } })
    assert.include(row(stands, "Refused"), "block 51, cccccccccccccccc, which this program refuses: no money")
    assert.include(row(stands, "Held"), "3 blocks")
    assert.include(row(stands, "Waiting"), "1 item ")
    assert.include(row(stands, "Production"), "11 blocks behind")
    assert.include(row(standing({ production: { _tag: "At", time: 4_000 } }), "Production"), "in 3s")
    assert.include(row(standing({ production: { _tag: "At", time: 900 } }), "Production"), "now")
  })

  it("is one line beside others", () => {
    assert.strictEqual(ChainText.brief(halfway), "test, height 50 of 100")
    assert.strictEqual(ChainText.brief(standing({})), "test, height 0")
  })
})

describe("an item", () => {
  it("is shown as text where all of it can be printed, else as hex", () => {
    assert.strictEqual(BlockText.item(hexOf("grüße, 世界")), "grüße, 世界")
    assert.strictEqual(BlockText.item(hexOf("a\u001b[31mb")), `0x${hexOf("a\u001b[31mb")}`)
    assert.strictEqual(BlockText.item(hexOf("a\nb")), `0x${hexOf("a\nb")}`)
    assert.strictEqual(BlockText.item(hexOf("a\u202eb")), `0x${hexOf("a\u202eb")}`)
    assert.strictEqual(BlockText.item("ff00"), "0xff00")
    assert.strictEqual(BlockText.item(""), "0x")
  })

  it("is cut between characters where it is long", () => {
    assert.strictEqual(BlockText.item(hexOf("😀".repeat(61))), `${"😀".repeat(60)}…`)
    assert.strictEqual(BlockText.item(hexOf("😀".repeat(60))), "😀".repeat(60))
    assert.strictEqual([...BlockText.item("00".repeat(100_000))].length, 61)
  })
})

describe("blocks", () => {
  const chain = new StandInChain()
  chain.add(["one", "two", "three", "four", "five", "six"].map((text) => utf8.encode(text)))
  chain.add(undefined)
  const items = chain.blocks.map(blockView)
  const table = BlockText.blocks(0)({ items, next: 2 }).split("\n")

  it("are a table, with what was pruned as such, and the command for more", () => {
    assert.match(table[1] ?? "", /^0 +[0-9a-f]{16} {2}2023-11-14 22:13:20Z +0 +0 +0B$/)
    assert.match(table[2] ?? "", /^1 .* efefefef +1 +6 +22B +one \| two \| three \| four \| and 2 more$/)
    assert.match(table[3] ?? "", /^2 .* efefefef +1 +not kept$/)
    assert.include(table[4], "holdfast chain blocks --above 2")
    assert.strictEqual(BlockText.blocks(0)({ items: [] }), "No blocks there.")
  })

  it("may have times that no date can say", () => {
    const late = { ...items[0]!, time: Number.MAX_SAFE_INTEGER }
    assert.include(BlockText.blocks(0)({ items: [late] }), String(Number.MAX_SAFE_INTEGER))
  })
})

describe("the synchronization", () => {
  it("has a bar, a rate and an estimate", () => {
    const state = SyncText.state(halfway)
    assert.deepStrictEqual(state, { height: 50, goal: 100, percent: 50, rate: 12.3, leftSeconds: 5, peers: 2 })
    assert.strictEqual(
      SyncText.line(state),
      "[##########..........] height 50 of 100 (50.0%), 12 a second, 5s left, 2 peers"
    )
    assert.strictEqual(SyncText.bar(0), `[${".".repeat(20)}]`)
    assert.strictEqual(SyncText.bar(99.9), `[${"#".repeat(19)}.]`)
    assert.strictEqual(SyncText.bar(100), `[${"#".repeat(20)}]`)
  })

  it("is over when nothing is missing and half of the peers have no more", () => {
    const at = (over: Partial<ChainStatus>) => SyncText.isCaughtUp(standing(over))
    assert.isFalse(at({}))
    assert.isTrue(at({ peers: [peerAt(0)] }))
    assert.isFalse(at({ peers: [peerAt(0)], behind: 1 }))
    assert.isFalse(at({ peers: [peerAt(7)] }))
    // One that says what it cannot show does not keep anybody waiting.
    assert.isTrue(at({ peers: [peerAt(7), peerAt(0)] }))
    assert.isFalse(at({ peers: [peerAt(7), peerAt(7), peerAt(0)] }))
  })

  it("is not done before it is: what peers say that they have counts", () => {
    const { goal, percent } = SyncText.state(standing({ peers: [peerAt(7)] }))
    assert.deepStrictEqual({ goal, percent }, { goal: 7, percent: 0 })
    assert.include(SyncText.line(SyncText.state(standing({}))), "no connected peer keeps this chain yet")
  })

  it("tells what is worth a line that stays, and nothing of others can draw on the terminal", () => {
    const left = SyncText.notice({ _tag: "Reorganised", fork: 7, left: 1, joined: 2 })
    assert.strictEqual(left, "Another branch is better: 1 block above height 7 left for 2")
    assert.include(SyncText.notice({ _tag: "Stalled", height: 8, millis: 3_000 }), "Block 8 has not come for 3s")
    const peer = { peer: 1, remote: "10.0.0.1:1" }
    assert.include(SyncText.notice({ _tag: "SlowPeer", ...peer }), "10.0.0.1:1 is slow")
    assert.notInclude(SyncText.notice({ _tag: "FalsePeer", ...peer, detail: "\u001b[2J" }), "\u001b")
    assert.isUndefined(SyncText.notice({ _tag: "CaughtUp", height: 1, id: id("a") }))
  })
})

describe("the check of all blocks", () => {
  it("says what it came to", () => {
    assert.strictEqual(resultText({ _tag: "Sound", height: 9, pruned: 0 }), "Sound: 10 blocks up to height 9")
    assert.include(resultText({ _tag: "Sound", height: 9, pruned: 4 }), "the items of 4 are not kept")
    const broken = resultText({ _tag: "Broken", height: 5, problem: "it is missing" })
    assert.strictEqual(broken, "Broken at height 5: it is missing")
  })
})
