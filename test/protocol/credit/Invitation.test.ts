import { assert, describe, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import { format } from "../../../src/protocol/credit/Chad.ts"
import { latest } from "../../../src/protocol/credit/Instant.ts"
import { Invitation, InvitationInvalid, longest, parse, print } from "../../../src/protocol/credit/Invitation.ts"
import { Token } from "../../../src/protocol/credit/Token.ts"
import { chadOf, noon } from "../../support/credit/CreditSamples.ts"

const token = Token.make("00112233445566778899aabbccddeeff")
const invitation: Invitation = { token, chad: chadOf("alice", "site-a"), expires: noon }
const fields = { token, chad: format(invitation.chad), expires: "2026-05-28T20:26:40.000Z" }
const problem = (text: string): string => {
  const failure = Option.getOrThrow(Result.getFailure(parse(text)))
  assert.instanceOf(failure, InvitationInvalid)
  assert.isAtMost(failure.message.length, 700)
  assert.notInclude(failure.message, token)
  return failure.problem
}

describe("an invitation", () => {
  it("is one line of JSON that people can read", () => {
    assert.strictEqual(print(invitation), JSON.stringify(fields))
    assert.notInclude(print(invitation), "\n")
  })

  it.prop("reads what it prints, whatever time it ends", [Schema.Int], ([n]) => {
    const expires = Math.abs(n) % (latest + 1)
    const one = { ...invitation, expires }
    assert.deepStrictEqual(Result.getOrThrow(parse(print(one))), one)
  })

  it("is read with blanks around and inside, and with its fields in any order", () => {
    const { chad, expires } = fields
    const texts = [` ${print(invitation)}\n`, JSON.stringify({ expires, chad, token, more: 1 }, undefined, 2)]
    for (const text of texts) assert.deepStrictEqual(Result.getOrThrow(parse(text)), invitation)
    assert.strictEqual(
      Result.getOrThrow(parse(JSON.stringify({ ...fields, expires: "2026-05-28T20:26:40Z" }))).expires,
      noon
    )
    for (const expires of [0, latest])
      assert.strictEqual(Result.getOrThrow(parse(print({ ...invitation, expires }))).expires, expires)
  })

  it("is refused with the reason, without its token in it", () => {
    const notJson = "it is not JSON with the texts token, chad and expires"
    const with_ = (change: object): string => JSON.stringify({ ...fields, ...change })
    for (const text of [
      "",
      "x",
      "null",
      "[]",
      "7",
      `"${token}"`,
      print(invitation).slice(0, -1),
      with_({ token: 5 }),
      with_({ chad: undefined }),
      with_({ expires: noon })
    ]) {
      assert.strictEqual(problem(text), notJson, text)
    }
    assert.strictEqual(problem(with_({ token: "abc" })), "its token is not 32 lower-case hex digits")
    assert.include(problem(with_({ chad: "alice@site-a.example:4000" })), "it has not the form")
    assert.include(problem(with_({ chad: fields.chad.replace(":4000", ":0") })), "a port of 1 to 65535")
    assert.strictEqual(problem(" ".repeat(5) + "x".repeat(longest + 1)), "it has more than 1024 characters")
    const times = [
      "",
      "tomorrow",
      "2026-05-28",
      "2026-05-28T20:26:40",
      "2026-13-28T20:26:40Z",
      "2026-05-28T25:26:40Z",
      "2026-05-28T20:26:40+01:00",
      "1969-12-31T23:59:59Z",
      "+012026-05-28T20:26:40Z",
      "1780000000000"
    ]
    for (const expires of times) {
      assert.strictEqual(problem(with_({ expires })), "its time is not like 2026-01-31T12:00:00.000Z", expires)
    }
  })
})
