/**
 * What anybody can send: 110,000 bodies that are noise, spoilt messages, or messages with a value exchanged for another.
 *
 * Each ends as a message or as a typed failure with a short text; a message that was taken can be sent on as it is.
 */
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Cbor from "../../../src/protocol/Cbor.ts"
import { CreditMessage } from "../../../src/protocol/credit/CreditMessage.ts"
import { messages } from "../../support/credit/MessageSamples.ts"
import { fullest } from "../../support/credit/FullestMessages.ts"
import { mangled, noise, seeded } from "../../support/Malformed.ts"

const codec = Cbor.codec("a message of credit", CreditMessage)
const raw = Cbor.codec("anything", Schema.Unknown)
const bodies = messages.map((message) => raw.encode(message))
// The spoilt copies are made one byte at a time, so of the longest ones only a few.
const short = bodies.filter(({ length }) => length < 2_000)

let taken = 0
let refused = 0
const look = (bytes: Uint8Array): void => {
  const result = codec.decode(bytes)
  if (Result.isFailure(result)) {
    refused++
    assert.instanceOf(result.failure, Cbor.BodyInvalid)
    assert.isAtMost(result.failure.message.length, 400)
    return
  }
  taken++
  assert.deepStrictEqual(Result.getOrThrow(codec.decode(codec.encode(result.success))), result.success)
}

const pick = <A>(random: () => number, all: ReadonlyArray<A>): A => all[Math.floor(random() * all.length)]!

const strange: ReadonlyArray<unknown> = [
  null,
  undefined,
  true,
  0,
  -0,
  -1,
  1.5,
  2 ** 53,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2n ** 64n - 1n,
  5,
  "",
  "0",
  "-1",
  "1",
  "9".repeat(1e4),
  "\0",
  "__proto__",
  "constructor",
  [],
  {},
  [[]],
  { _tag: "Ack" },
  new Uint8Array(16),
  { __proto__: 1 },
  {
    toString: 1,
    valueOf: 2
  },
  Array.from({ length: 300 }, () => 1)
]

const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

/** A copy in which one value, somewhere, is another: strange, or of another message. */
const exchanged = (random: () => number, value: unknown): unknown => {
  const inside: ReadonlyArray<readonly [string | number, unknown]> = Array.isArray(value)
    ? value.map((item: unknown, n) => [n, item] as const)
    : isPlain(value)
      ? Object.entries(value)
      : []
  if (inside.length === 0 || random() < 0.1) {
    return random() < 0.6 ? pick(random, strange) : pick(random, Object.values(pick(random, messages)))
  }
  const [at, old] = pick(random, inside)
  const put = exchanged(random, old)
  if (Array.isArray(value)) return value.map((item: unknown, n) => (n === at ? put : item))
  return { ...Object.fromEntries(inside), [at]: put }
}

describe("the decoder of credit's messages", () => {
  it("ends typed for 30,000 bodies of noise", () => {
    const random = seeded(1)
    for (let n = 0; n < 30_000; n++) look(noise(random, Math.floor(random() * 200)))
  })

  it("ends typed for 40,000 messages with bytes replaced, removed or doubled", () => {
    const random = seeded(2)
    taken = refused = 0
    for (let n = 0; n < 40_000; n++) look(mangled(random, pick(random, short)))
    assert.isAbove(taken, 200)
    assert.isAbove(refused, 10_000)
  })

  it("ends typed for 40,000 messages with a value that is another", () => {
    const random = seeded(3)
    taken = refused = 0
    for (let n = 0; n < 40_000; n++) look(raw.encode(exchanged(random, pick(random, messages))))
    assert.isAbove(taken, 500)
    assert.isAbove(refused, 10_000)
  })

  it("keeps nothing of what it refuses, be it as large as a message can be", () => {
    const large = fullest.map((message) =>
      raw.encode({ ...message, tally: "none", plan: 1, document: 1, cert: 1, record: 1 })
    )
    const before = process.memoryUsage().heapUsed
    for (let round = 0; round < 20; round++) {
      for (const body of large) assert.isTrue(Result.isFailure(codec.decode(body)))
    }
    assert.isBelow(process.memoryUsage().heapUsed - before, 1_000_000_000)
  })
})
