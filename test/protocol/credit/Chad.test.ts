import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import {
  agentText,
  Chad,
  ChadInvalid,
  Cuid,
  format,
  isSamePerson,
  parse,
  parseAgent
} from "../../../src/protocol/credit/Chad.ts"
import { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { chadOf, keyOf } from "../../support/credit/CreditSamples.ts"

const agent = keyOf("site-a")
const key = agentText(agent)
const problem = (text: string): string => {
  const failure = Result.getFailure(parse(text))
  assert.isTrue(failure._tag === "Some", `${text} was taken`)
  const error = failure._tag === "Some" ? failure.value : undefined
  assert.instanceOf(error, ChadInvalid)
  return error!.problem
}

const form = "it has not the form"
const badCuid = "its cuid is not 1 to 64 letters, digits, _ . or -"
const badAgent = "its agent is no key of 43 characters of base64url or 64 hex digits"
const badPlace = "its place is not host:port with a port of 1 to 65535"

describe("a CHIP address", () => {
  it.prop(
    "reads what it prints",
    [Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/)), Schema.Int],
    ([bytes, n]) => {
      const hosts = ["example", "a.b-c.example", "192.0.2.7", "2001:db8::7", "fe80::1%eth0"]
      const host = hosts[Math.abs(n) % hosts.length]!
      const chad = {
        cuid: Cuid.make(`u${Math.abs(n)}`),
        agent: NodeKey.make(bytes),
        host,
        port: 1 + (Math.abs(n) % 65_535)
      }
      assert.deepStrictEqual(Result.getOrThrow(parse(format(chad))), chad)
      assert.deepStrictEqual(Schema.decodeUnknownSync(Chad)(Schema.encodeSync(Chad)(chad)), chad)
    }
  )

  it("is read in every form in which people have it", () => {
    const expected = chadOf("alice", "site-a")
    const forms = [
      `alice:${key}@site-a.example:4000`,
      `alice:${agent}@site-a.example:4000`,
      `chip://alice:${key}@site-a.example:4000`,
      `CHIP://alice:${key}@site-a.example:4000/`,
      `  chip://alice:${key}@site-a.example:4000\n`
    ]
    for (const text of forms) assert.deepStrictEqual(Result.getOrThrow(parse(text)), expected, text)
    assert.strictEqual(format(expected), forms[0])
    assert.strictEqual(Result.getOrThrow(parse(`alice:${key}@[::1]:1`)).host, "::1")
  })

  it("is refused with the reason", () => {
    const refused: ReadonlyArray<readonly [string, string]> = [
      ["", form],
      ["alice", form],
      [`alice@site-a.example:4000`, form],
      [`alice:${key}`, form],
      [`alice:${key}@`, form],
      [`:${key}@site-a.example:4000`, form],
      [`alice:@site-a.example:4000`, form],
      [`alice:${key}@site-a.example:4000\nbob`, form],
      [`http://alice:${key}@site-a.example:4000`, form],
      [`chip:alice:${key}@site-a.example:4000`, form],
      [`chip://chip://alice:${key}@site-a.example:4000`, form],
      [`a/b:${key}@site-a.example:4000`, form],
      [`-alice:${key}@site-a.example:4000`, badCuid],
      [`.alice:${key}@site-a.example:4000`, badCuid],
      [`al ice:${key}@site-a.example:4000`, badCuid],
      [`älice:${key}@site-a.example:4000`, badCuid],
      [`alice\u0000:${key}@site-a.example:4000`, badCuid],
      [`${"a".repeat(65)}:${key}@site-a.example:4000`, badCuid],
      [`alice:${key.slice(1)}@site-a.example:4000`, badAgent],
      [`alice:${key}A@site-a.example:4000`, badAgent],
      [`alice:${key}=@site-a.example:4000`, badAgent],
      [`alice:${key.slice(0, -1)}${key.endsWith("B") ? "C" : "B"}@site-a.example:4000`, badAgent],
      [`alice:${agent.toUpperCase()}@site-a.example:4000`, badAgent],
      [`alice:${agent.slice(1)}@site-a.example:4000`, badAgent],
      [`alice:${"*".repeat(43)}@site-a.example:4000`, badAgent],
      [`alice:${key}@site-a.example`, badPlace],
      [`alice:${key}@site-a.example:`, badPlace],
      [`alice:${key}@site-a.example:0`, badPlace],
      [`alice:${key}@site-a.example:65536`, badPlace],
      [`alice:${key}@site-a.example:-1`, badPlace],
      [`alice:${key}@site-a.example:4000x`, badPlace],
      [`alice:${key}@site-a.example:4000/path`, badPlace],
      [`alice:${key}@:4000`, badPlace],
      [`alice:${key}@::1:4000`, badPlace],
      [`alice:${key}@bob@site-a.example:4000`, badPlace],
      [`alice:${key}@site a:4000`, "a host is a name of letters, digits, hyphens and dots, or an IP address"],
      [`alice:${key}@site..example:4000`, "a part of its host is empty"],
      [`alice:${key}@-site.example:4000`, "no part of a host begins or ends with a hyphen"],
      [`alice:${key}@${"a".repeat(64)}.example:4000`, "a part of a host has 63 characters at most"],
      [`alice:${key}@${"a.".repeat(130)}example:4000`, "a host has 253 characters at most"],
      [`alice:${key}@300.1.1.1:4000`, "300.1.1.1 is no IPv4 address"],
      [`alice:${key}@[::1::]:4000`, "::1:: is no IPv6 address"]
    ]
    for (const [text, reason] of refused) assert.strictEqual(problem(text), reason, JSON.stringify(text))
  })

  it("is refused in few characters and at once, however long it is", () => {
    for (const text of [`${"a:".repeat(500_000)}@`, "a".repeat(1_000_000), `alice:${key}@${"[".repeat(1_000_000)}`]) {
      const failure = Result.getFailure(parse(text))
      assert.isTrue(failure._tag === "Some" && failure.value.message.length < 500)
    }
  })

  it("names an agent by one text in each form", () => {
    assert.deepStrictEqual(parseAgent(key), parseAgent(agent))
    assert.strictEqual(key.length, 43)
  })

  it("is the same person wherever the agent is reached", () => {
    const here = chadOf("alice", "site-a")
    const moved: Chad = { ...here, host: "elsewhere", port: 1 }
    assert.isTrue(isSamePerson(here, moved))
    assert.isFalse(isSamePerson(here, { ...here, cuid: Cuid.make("Alice") }))
    assert.isFalse(isSamePerson(here, { ...here, agent: keyOf("site-b") }))
  })
})
