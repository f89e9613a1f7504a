import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { isIP } from "node:net"
import { isLoopback } from "../../src/protocol/Address.ts"
import { hostOf, ipOf, neighbourhoodOf, parseHost } from "../../src/protocol/HostNetwork.ts"

describe("a host", () => {
  it("is one IPv4 address, however it is written", () => {
    for (const text of ["10.1.2.3", " 10.1.2.3 ", "::ffff:10.1.2.3", "::FFFF:0a01:0203", "0:0:0:0:0:ffff:10.1.2.3"]) {
      assert.strictEqual(parseHost(text), "10.1.2.3", text)
    }
  })

  it("is one IPv6 network of 64 bits, whichever of its addresses is given, and however", () => {
    const texts = [
      "2001:db8:0:7:1:2:3:4",
      "2001:0DB8::7:ffff:0:0:1",
      "[2001:db8:0:7::]",
      "2001:db8:0:7::1%eth0",
      "2001:db8:0:7::10.0.0.1",
      "2001:db8:0:7::/64"
    ]
    for (const text of texts) assert.strictEqual(parseHost(text), "2001:db8:0:7::/64", text)
    assert.strictEqual(parseHost("::1"), "0:0:0:0::/64")
    assert.strictEqual(parseHost("2001:db8::"), "2001:db8:0:0::/64")
    assert.notStrictEqual(parseHost("2001:db8:0:8::1"), parseHost("2001:db8:0:7::1"))
  })

  it("is not what is no address", () => {
    const texts = ["", "10.0.0", "10.0.0.256", "10.0.0.01", "10.0.0.1.", "10.0.0.0/24", "2001:db8::/32", "1::2::3"]
    for (const text of [...texts, "peer.example", "12345::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1.2.3.4::", ":1::"])
      assert.isUndefined(parseHost(text), text)
    assert.strictEqual(hostOf("Peer.example"), "peer.example")
  })

  const Bytes = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 }))).check(
    Schema.isMinLength(8),
    Schema.isMaxLength(8)
  )
  it.prop(
    "comes back as it was written, and every text is an address of it that is one at all",
    [Bytes],
    ([groups]) => {
      const ip = groups.map((group) => group.toString(16)).join(":")
      const host = parseHost(ip)!
      assert.strictEqual(parseHost(host), host)
      assert.strictEqual(hostOf(host), host)
      assert.strictEqual(host, `${ip.split(":").slice(0, 4).join(":")}::/64`)
    }
  )

  const pieces = ["0", "1", "a", "ffff", "12345", ":", "::", ".", "10.1.2.3", "255", "256", "01", "g"] as const
  const Pieces = Schema.Array(Schema.Literals(pieces)).check(Schema.isMaxLength(16))
  it.prop("is there exactly for what the platform takes for an address", [Pieces], ([parts]) => {
    for (const text of [parts.join(""), parts.join(":"), `1::${parts.join(":")}`, `::ffff:${parts.join(".")}`]) {
      assert.strictEqual(parseHost(text) !== undefined, isIP(text) !== 0, text)
    }
  })
})

describe("an IP address", () => {
  it("has one text, however it is written", () => {
    const texts = ["10.1.2.3", "::ffff:10.1.2.3", "[::FFFF:0a01:0203]", "0:0:0:0:0:ffff:10.1.2.3"]
    for (const text of texts) assert.strictEqual(ipOf(text), "10.1.2.3", text)
    for (const text of ["2001:DB8::1", "[2001:db8:0:0::0:1]", "2001:0db8::0001%eth0", "2001:db8::0.0.0.1"]) {
      assert.strictEqual(ipOf(text), "2001:db8:0:0:0:0:0:1", text)
    }
    assert.notStrictEqual(ipOf("2001:db8::1"), ipOf("2001:db8::2"))
    assert.strictEqual(ipOf("Peer.example"), "peer.example")
  })

  it.prop("keeps it: its own text and its host are the same again", [Schema.Uint8Array], ([bytes]) => {
    const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i] ?? 0) * 256 + (bytes[2 * i + 1] ?? 0))
    const text = groups.map((group) => group.toString(16).padStart(4, "0")).join(":")
    const { hostname } = new URL(`http://[${text}]`)
    assert.strictEqual(ipOf(text), ipOf(hostname))
    assert.strictEqual(ipOf(ipOf(text)), ipOf(text))
    assert.strictEqual(hostOf(ipOf(text)), hostOf(text))
  })

  it("of this machine is known in every form", () => {
    for (const text of ["::1", "0:0:0:0:0:0:0:1", "::0001", "0::1", "127.0.0.2", "::ffff:127.1.2.3", "localhost"]) {
      assert.isTrue(isLoopback(text), text)
      assert.isTrue(isLoopback(ipOf(text)), text)
    }
    for (const text of ["::2", "1::1", "::1:1", "0:0:0:0:0:0:1:1", "128.0.0.1", "::ffff:128.0.0.1", "peer.example"]) {
      assert.isFalse(isLoopback(text), text)
      assert.isFalse(isLoopback(ipOf(text)), text)
    }
    assert.isTrue(isLoopback(ipOf("::ffff:7f00:1")))
  })
})

describe("a neighbourhood", () => {
  it("is an IPv4 /16 or an IPv6 /32", () => {
    assert.strictEqual(neighbourhoodOf("10.1.2.3"), "10.1.0.0/16")
    assert.strictEqual(neighbourhoodOf("::ffff:10.1.2.3"), "10.1.0.0/16")
    assert.strictEqual(neighbourhoodOf("2001:db8:0:7::1"), neighbourhoodOf("2001:db8:ffff::"))
    assert.notStrictEqual(neighbourhoodOf("2001:db8::1"), neighbourhoodOf("2001:db9::1"))
    assert.strictEqual(neighbourhoodOf("peer.example"), "peer.example")
  })
})
