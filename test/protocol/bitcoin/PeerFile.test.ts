import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Endpoint } from "../../../src/protocol/Address.ts"
import * as PeerFile from "../../../src/protocol/bitcoin/PeerFile.ts"

const stored = (fields: object = {}) => ({
  id: "7f8dd4a1-4a52-4f0c-a5ef-2a4d3c0b9d10",
  ip_address: "10.0.0.1",
  port: 8_333,
  status: "Valid",
  status_timestamp: 1_759_700_000,
  ban_reason: null,
  ...fields
})

const read = (...peers: ReadonlyArray<object>) => Result.getOrThrow(PeerFile.decode(JSON.stringify(peers, null, 2)))

const problem = (text: string): PeerFile.PeerFileInvalid => {
  const result = PeerFile.decode(text)
  if (Result.isSuccess(result)) throw new Error("it was taken")
  return result.failure
}
const problemOf = (...peers: ReadonlyArray<unknown>) => problem(JSON.stringify(peers))

const endpoint = (host: string, port = 8_333) => new Endpoint({ host, port })

describe("a peer file", () => {
  it("has where nodes are, and since when what is known of them, in seconds", () => {
    assert.deepStrictEqual(
      read(
        stored(),
        stored({ ip_address: "2001:DB8::1", port: 18_444, status: "Unknown", status_timestamp: 0 }),
        stored({ ip_address: "::ffff:10.0.0.3", status: "Inaccessible" })
      ),
      [
        { endpoint: endpoint("10.0.0.1"), status: "Valid", since: 1_759_700_000_000 },
        { endpoint: endpoint("2001:db8:0:0:0:0:0:1", 18_444), status: "Unknown", since: 0 },
        { endpoint: endpoint("10.0.0.3"), status: "Inaccessible", since: 1_759_700_000_000 }
      ]
    )
  })

  it("has reasons of bans beside the status or in it", () => {
    const reasons = read(
      stored({ status: "Banned", ban_reason: { BannedUserAgent: { user_agent: "/Bitcoin ABC\u001b[2J/" } } }),
      stored({ port: 2, status: { Banned: { BlockchainMismatch: { received: "Bitcoin Core" } } } }),
      stored({ port: 3, status: { Banned: { NetworkMismatch: { expected: "mainnet", received: "testnet" } } } }),
      stored({ port: 4, status: "Banned" }),
      stored({ port: 5, ban_reason: { BannedUserAgent: { user_agent: "once" } } })
    ).map(({ reason, status }) => [status, reason])
    assert.deepStrictEqual(reasons, [
      ["Banned", "its agent was banned: /Bitcoin ABC\\u{1b}[2J/"],
      ["Banned", "it is of another chain: Bitcoin Core"],
      ["Banned", "it is of the network testnet, not mainnet"],
      ["Banned", "it was banned where it was imported from"],
      ["Valid", undefined]
    ])
  })

  it("may have times as serde writes them, and fields that nobody knows", () => {
    const [peer] = read(stored({ status_timestamp: { secs_since_epoch: 7, nanos_since_epoch: 9 }, quality: 1 }))
    assert.strictEqual(peer?.since, 7_000)
  })

  it("has each node once, as its newest entry says", () => {
    const entries = read(
      stored({ status_timestamp: 5 }),
      stored({ status_timestamp: 9, status: "Inaccessible" }),
      stored({ status_timestamp: 7 })
    )
    assert.deepStrictEqual(entries, [{ endpoint: endpoint("10.0.0.1"), status: "Inaccessible", since: 9_000 }])
  })

  it("is refused with the entry that is wrong, what is wrong with it, and what to do", () => {
    for (const [wrong, says] of [
      [{ ip_address: "seed.bitcoinsv.io" }, "ip_address is an IPv4 or IPv6 address"],
      [{ ip_address: "10.0.0.1:8333" }, "ip_address is an IPv4 or IPv6 address"],
      [{ port: 0 }, "a port is 1 to 65535"],
      [{ status: "Fine" }, "status"],
      [{ status: { Banned: { Whim: {} } } }, "status"],
      [{ status_timestamp: -1 }, "status_timestamp"],
      [{ status_timestamp: 1e15 }, "status_timestamp"]
    ] as const) {
      const error = problemOf(stored(), stored({ port: 2, ...wrong }))
      assert.strictEqual(error.entry, 2)
      assert.include(error.problem, says)
      assert.match(error.message, /^entry 2 of the peer file: .+\. Mend this entry/)
    }
    assert.strictEqual(problemOf(3).entry, 1)
  })

  it("shows no more than a little of what is wrong, and nothing that a terminal would obey", () => {
    const { problem } = problemOf(stored({ status: `\u001b[2J${"x".repeat(100_000)}` }))
    assert.isBelow(problem.length, 2_000)
    assert.notInclude(problem, "\u001b")
  })

  it("is refused as a whole where it is none, or too much", () => {
    for (const text of ["", "{}", '[{"id": 1', "null"]) {
      assert.include(problem(text).message, "the peer file: it is no JSON array")
    }
    assert.strictEqual(problem(" ".repeat(PeerFile.mostBytes + 1)), PeerFile.tooLong)
    const many = Array.from({ length: PeerFile.mostPeers + 1 }, () => 0)
    assert.strictEqual(problemOf(...many).problem, "it has 10001 nodes, 10000 at the most")
  })
})
