import { assert, describe, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import * as Address from "../../src/protocol/Address.ts"
import { NodeKey } from "../../src/protocol/NodeKey.ts"
import { mangled, noise, seeded } from "../support/Malformed.ts"

const key = NodeKey.make("0123456789abcdef".repeat(4))
const address = (host: string, port = 4001) => new Address.Address({ key, host, port })
const refused = (text: string): Address.AddressInvalid => {
  const result = Address.parse(text)
  assert.isTrue(Result.isFailure(result), `taken: ${text.slice(0, 100)}`)
  return Result.getOrThrow(Result.flip(result))
}

/** Names as DNS has them: up to four parts, of which the last is no number. */
const Part = Schema.String.check(Schema.isPattern(/^[0-9A-Za-z]([0-9A-Za-z_-]{0,30}[0-9A-Za-z])?$/))
const LastPart = Schema.String.check(Schema.isPattern(/^[g-wG-W]([0-9A-Za-z-]{0,30}[0-9A-Za-z])?$/))
const Name = Schema.Struct({ parts: Schema.Array(Part).check(Schema.isMaxLength(3)), last: LastPart })
const Groups = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 }))).check(
  Schema.isMinLength(8),
  Schema.isMaxLength(8)
)
const Ipv6 = Schema.Struct({ groups: Groups })
const Host = Schema.Union([Name, Ipv6])
const hostOf = (any: typeof Host.Type): string =>
  "groups" in any ? any.groups.map((group) => group.toString(16)).join(":") : [...any.parts, any.last].join(".")

describe("an address", () => {
  it.prop("is read back as it was printed", [Host, Address.Port], ([host, port]) => {
    const any = address(hostOf(host), port)
    assert.deepStrictEqual(Result.getOrThrow(Address.parse(any.toString())), any)
    assert.deepStrictEqual(Result.getOrThrow(Address.parseEndpoint(any.endpoint.toString())), any.endpoint)
  })

  it.prop("is the same as text in a schema", [Host, Address.Port], ([host, port]) => {
    const any = address(hostOf(host), port)
    const text = Schema.encodeSync(Address.AddressFromString)(any)
    assert.strictEqual(text, any.toString())
    assert.deepStrictEqual(Schema.decodeSync(Address.AddressFromString)(text), any)
  })

  it("prints names and IPv4 as they are, and IPv6 in brackets", () => {
    const printed = (host: string) =>
      address(host)
        .toString()
        .slice("holdfast://".length + 65)
    assert.strictEqual(printed("node.example.org"), "node.example.org:4001")
    assert.strictEqual(printed("127.0.0.1"), "127.0.0.1:4001")
    assert.strictEqual(printed("::1"), "[::1]:4001")
    assert.strictEqual(printed("2001:db8::ff00:42:8329"), "[2001:db8::ff00:42:8329]:4001")
    assert.strictEqual(printed("fe80::1%eth0"), "[fe80::1%eth0]:4001")
    assert.strictEqual(printed("::ffff:192.0.2.1"), "[::ffff:192.0.2.1]:4001")
  })

  it("is read from every such form, with blanks around it or a slash behind it", () => {
    for (const host of ["localhost", "a", "10.0.0.7", "[::1]", "[fe80::1%eth0]", "[::ffff:192.0.2.1]"]) {
      for (const text of [`holdfast://${key}@${host}:65535`, ` holdfast://${key}@${host}:65535/\n`]) {
        const { host: read, key: readKey, port } = Result.getOrThrow(Address.parse(text))
        assert.deepStrictEqual([readKey, read, port], [key, host.replace(/[[\]]/g, ""), 65_535])
      }
    }
  })

  it("is refused with a port that is none", () => {
    for (const port of ["0", "65536", "99999", "123456", "-1", "+1", "1.5", "0x50", "1e3", "", " 80", "80a", "٤٠٠١"]) {
      refused(`holdfast://${key}@host:${port}`)
      assert.isTrue(Result.isFailure(Address.parseEndpoint(`host:${port}`)), port)
    }
    assert.throws(() => address("host", 0))
    assert.throws(() => address("host", 65_536))
  })

  it("is refused with a key that is none", () => {
    const keys = [
      "",
      "0".repeat(63),
      "0".repeat(65),
      "G".repeat(64),
      key.toUpperCase(),
      `${key.slice(0, 63)} `,
      "../../etc/passwd"
    ]
    for (const wrong of keys) refused(`holdfast://${wrong}@host:1`)
  })

  it("is refused with a host that is none", () => {
    const hosts = [
      "",
      " ",
      "::1",
      "[]",
      "[::1",
      "::1]",
      "[[::1]]",
      "a b",
      "a@b",
      "a/b",
      "-a",
      "a-",
      ".",
      "[g::1]",
      "[::1%]",
      "a\n",
      "a\0",
      "ä",
      "x".repeat(254)
    ]
    for (const host of hosts) {
      refused(`holdfast://${key}@${host}:1`)
      assert.isTrue(Result.isFailure(Address.parseEndpoint(`${host}:1`)), JSON.stringify(host))
    }
  })

  it("has a name of at most 253 characters, in parts of at most 63", () => {
    const long = `${`${"x".repeat(63)}.`.repeat(3)}${"y".repeat(61)}`
    assert.strictEqual(long.length, 253)
    for (const host of [long, "x".repeat(63), "a_b.c-d", "a._b", "1a", "1.a", "0xg.b", "xn--bcher-kva.example"])
      assert.strictEqual(Result.getOrThrow(Address.parse(`holdfast://${key}@${host}:1`)).host, host)
    const wrong: ReadonlyArray<readonly [host: string, says: string]> = [
      [`z${long}`, "253"],
      ["x".repeat(64), "63"],
      [`a.${"x".repeat(64)}.b`, "63"],
      ["a..b", "empty"],
      [".a", "empty"],
      ["a.", "empty"],
      ["a.-b.c", "hyphen"],
      ["a-.b", "hyphen"]
    ]
    for (const [host, says] of wrong) {
      assert.include(refused(`holdfast://${key}@${host}:1`).message, says, host)
      assert.isTrue(Result.isFailure(Address.parseEndpoint(`${host}:1`)), host)
    }
  })

  it("has no host that looks like an IP address and is none", () => {
    const likeIpv4 = ["999.999.1.1", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "127.1", "2130706433", "a.b.7"]
    for (const host of [...likeIpv4, "0x7f.0.0.1", "1.2.3.0x4", "0x", "1.2.3.0X"]) {
      const { message } = refused(`holdfast://${key}@${host}:5`)
      assert.include(message, `${host} is no IPv4 address`)
      assert.isTrue(Result.isFailure(Address.parseEndpoint(`${host}:5`)), host)
    }
    const likeIpv6 = ["1:2:3", "1::2::3", "::12345", "1:2:3:4:5:6:7:8:9", "::1.2.3", "::256.1.1.1", ":1::", "::1%a b"]
    for (const host of [...likeIpv6, "localhost", "10.0.0.1"]) {
      const { message } = refused(`holdfast://${key}@[${host}]:5`)
      assert.include(message, `${host} is no IPv6 address`)
      assert.isTrue(Result.isFailure(Address.parseEndpoint(`[${host}]:5`)), host)
    }
  })

  it("is refused when it is something else altogether, with a sentence that shows it", () => {
    for (const text of [
      "",
      "host:1",
      `${key}@host:1`,
      `http://${key}@host:1`,
      `holdfast:${key}@host:1`,
      `HOLDFAST://${key}@host:1`
    ]) {
      const { message } = refused(text)
      assert.include(message, text)
      assert.include(message, "holdfast://<64 hex digits>@host:port")
    }
    assert.isTrue(Option.isNone(Schema.decodeUnknownOption(Address.AddressFromString)(42)))
    assert.throws(() => Schema.decodeSync(Address.AddressFromString)("nonsense"), /nonsense.*is not an address/s)
  })

  it("is refused in a moment and in few words when it is megabytes long", () => {
    assert.isAtMost(refused("x".repeat(5_000)).message.length, 300)
    for (const unit of ["a", "[", ":", "@", "holdfast://", "%", ".", " ", key]) {
      const long = unit.repeat(Math.ceil(2_000_000 / unit.length))
      for (const text of [
        long,
        `holdfast://${key}@${long}:1`,
        `holdfast://${key}@[${long}]:1`,
        `holdfast://${key}@h:${long}`
      ]) {
        assert.isAtMost(refused(text).message.length, 300)
        assert.isTrue(Result.isFailure(Address.parseEndpoint(text)))
      }
    }
  })

  it("never throws: 20,000 texts of noise and of spoilt addresses", () => {
    const random = seeded(11)
    const valid = new TextEncoder().encode(address("node.example.org").toString())
    let taken = 0
    for (let i = 0; i < 20_000; i++) {
      const bytes = i % 2 === 0 ? noise(random, 100) : mangled(random, valid)
      const result = Address.parse(new TextDecoder("latin1").decode(bytes))
      if (Result.isFailure(result)) continue
      taken++
      assert.deepStrictEqual(Result.getOrThrow(Address.parse(result.success.toString())), result.success)
    }
    assert.isAbove(taken, 50)
  })
})
