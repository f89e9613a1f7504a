import { assert, describe, it } from "@effect/vitest"
import { mayTell, placeOf, reaches, reachOf } from "../../../src/protocol/gossip/Reach.ts"

describe("a host", () => {
  const of = (reach: string, hosts: ReadonlyArray<string>) => {
    for (const host of hosts) assert.strictEqual(placeOf(host)?.reach, reach, host)
  }

  it("is this machine, a network of its own, or everywhere", () => {
    of("loopback", ["127.0.0.1", "127.255.255.254", "::1", "localhost", "a.localhost"])
    of("private", ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.3.4", "100.64.0.1", "100.127.255.255"])
    of("private", ["fc00::1", "fd12:3456:789a::1"])
    of("public", ["1.1.1.1", "9.255.255.255", "11.0.0.0", "172.15.0.1", "172.32.0.1", "192.167.0.1", "100.128.0.1"])
    of("public", ["223.255.255.255", "2600::1", "2a01:4f8::1", "2003::1", "node.example.org"])
  })

  it("is nowhere where nobody may be sent to", () => {
    const nowhere = [
      ["0.0.0.0", "0.1.2.3", "255.255.255.255", "224.0.0.1", "240.0.0.1"],
      ["169.254.169.254", "fe80::1", "fec0::1", "ff02::1", "::"],
      ["192.0.2.1", "198.51.100.7", "203.0.113.9", "2001:db8::1", "3fff::1", "198.18.0.1", "198.19.255.255"],
      ["192.0.0.8", "192.88.99.1", "100::1", "64:ff9b::7f00:1", "2002:7f00:1::1", "2001:0:1::1", "::127.0.0.1"]
    ]
    for (const host of nowhere.flat()) assert.isUndefined(placeOf(host), host)
  })

  it("has one spelling: no other one of a loopback address passes for a name or a public address", () => {
    const spellings = [
      [
        "127.1",
        "127.0.1",
        "0177.0.0.1",
        "0127.0.0.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "2130706433",
        "127.0.0.1.",
        "00000000177.1"
      ],
      ["::ffff:127.0.0.1", "::ffff:7f00:1", "0:0:0:0:0:0:0:1", "::0001", "::1%lo", "[::1]", "0::1"],
      ["LOCALHOST", "Example.org", "ex ample.org", "a/b", "a@b", "a:80", "", " ", "a\n", "ä.org", "%31%32%37.1"]
    ]
    for (const host of spellings.flat()) assert.isUndefined(placeOf(host), host)
  })

  it("is counted by its IPv4 address, its IPv6 network or its name", () => {
    assert.strictEqual(placeOf("1.2.3.4")?.network, "1.2.3.4")
    assert.strictEqual(placeOf("2600:1:2:3::1")?.network, placeOf("2600:1:2:3:4:5:6:7")?.network)
    assert.notStrictEqual(placeOf("2600:1:2:3::1")?.network, placeOf("2600:1:2:4::1")?.network)
    assert.deepStrictEqual(placeOf("a.org"), { reach: "public", network: "a.org", isName: true })
  })
})

describe("a peer", () => {
  it("speaks from where its connection goes to, and from everywhere if that cannot be told", () => {
    const reachesOf: ReadonlyArray<readonly [string, string]> = [
      ["127.0.0.1:4000", "loopback"],
      ["[::1]:4000", "loopback"],
      ["[::ffff:127.0.0.1]:4000", "loopback"],
      ["localhost:4000", "loopback"],
      ["10.0.0.7:50000", "private"],
      ["[fd00::1]:50000", "private"],
      ["8.8.8.8:1", "public"],
      ["node.example.org:4000", "public"],
      ["[fe80::1%eth0]:4000", "public"],
      ["", "public"],
      ["nonsense", "public"]
    ]
    for (const [remote, reach] of reachesOf) assert.strictEqual(reachOf(remote), reach, remote)
  })

  it("may hear of nothing that is narrower than where it speaks from", () => {
    const table = reaches.map((place) => reaches.map((peer) => mayTell(place, peer)))
    assert.deepStrictEqual(table, [
      [true, false, false],
      [true, true, false],
      [true, true, true]
    ])
  })
})
