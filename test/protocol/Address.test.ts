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

describe("an address", () => {
  it.prop("is read back as it was printed", [Address.Address], ([any]) => {
    assert.deepStrictEqual(Result.getOrThrow(Address.parse(any.toString())), any)
    assert.deepStrictEqual(Result.getOrThrow(Address.parseEndpoint(any.endpoint.toString())), any.endpoint)
  })

  it.prop("is the same as text in a schema", [Address.Address], ([any]) => {
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
    assert.isTrue(Result.isSuccess(Address.parse(`holdfast://${key}@${"x".repeat(253)}:1`)))
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
