import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Ban from "../../../src/protocol/link/Ban.ts"
import { NodeKey } from "../../../src/protocol/NodeKey.ts"

const { defaults, isActive, isForgotten, offended, ordered } = Ban
const key = NodeKey.make("ab".repeat(32))
const peer = Ban.ofPeer(key)
const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** Offends at each of these times and tells how long each ban lasts. */
const lengths = (times: ReadonlyArray<number>): ReadonlyArray<number> => {
  let known: Ban.Ban | undefined
  return times.map((now) => {
    known = offended(defaults, peer, known, "why", now)
    return known.until! - known.since
  })
}

describe("a ban by rule", () => {
  it("lasts ten minutes, and twice as long each time in a row, up to a day", () => {
    let now = 0
    const all: Array<number> = []
    let known: Ban.Ban | undefined
    for (let n = 0; n < 12; n++) {
      known = offended(defaults, peer, known, "why", now)
      all.push((known.until! - now) / minute)
      now = known.until!
    }
    assert.deepStrictEqual(all, [10, 20, 40, 80, 160, 320, 640, 1_280, 1_440, 1_440, 1_440, 1_440])
  })

  it("is not lengthened by what happens while it is in force", () => {
    const first = offended(defaults, peer, undefined, "why", 0)
    assert.strictEqual(offended(defaults, peer, first, "again", 9 * minute), first)
    assert.isTrue(isActive(first, 10 * minute - 1))
    assert.isFalse(isActive(first, 10 * minute))
  })

  it("is forgotten a day after its end", () => {
    assert.deepStrictEqual(lengths([0, 10 * minute + day - 1]), [10 * minute, 20 * minute])
    assert.deepStrictEqual(lengths([0, 10 * minute + day]), [10 * minute, 10 * minute])
    const ban = offended(defaults, peer, undefined, "why", 0)
    assert.isFalse(isForgotten(defaults, ban, 10 * minute + day - 1))
    assert.isTrue(isForgotten(defaults, ban, 10 * minute + day))
  })

  it("is over when the clock is set back to before it began", () => {
    const ban = offended(defaults, peer, undefined, "why", 10 * day)
    assert.isFalse(isActive(ban, 9 * day))
  })
})

describe("whom an operator bans", () => {
  const says = (text: string): string => Result.getOrThrow(Result.flip(Ban.readSubject(text))).message

  it("is a node, an IP address or the network of one", () => {
    for (const text of [
      key,
      "10.0.0.1",
      "::ffff:10.0.0.1",
      "2001:db8::5",
      "2001:db8:0:0::/64",
      "127.0.0.1",
      "::1:0:0:0:1"
    ])
      assert.strictEqual(Result.getOrThrow(Ban.readSubject(text)), Ban.parseSubject(text), text)
  })

  it("is never an address of nobody: a ban of it would say something else than what was meant", () => {
    const unspecified = ["0.0.0.0", "::ffff:0.0.0.0", "::", "[::]", "0:0:0:0:0:0:0:0"]
    // All of them are the host of `::`, however they are written.
    for (const text of [...unspecified, "::/64", "0:0:0:0::/64", "::1", "::7"])
      assert.include(says(text), "stands for every address", text)
  })

  it("has no zone, for the host would be everybody's on every interface", () => {
    for (const text of ["fe80::1%eth0", "[fe80::1%1]", "::1%lo"]) assert.include(says(text), "without the zone", text)
    for (const text of ["fe80::1%", "fe80::1%25eth0"]) assert.include(says(text), "zone", text)
  })

  it("is nothing else", () => {
    for (const text of ["", "10.0.0.0/8", "peer.example", "abcd"]) assert.include(says(text), "an IP address", text)
  })
})

describe("a ban by an operator", () => {
  it("lasts until it is lifted, or as long as was asked for", () => {
    const forEver = ordered(defaults, peer, undefined, { reason: "spam" }, 1_000)
    assert.isTrue(isActive(forEver, Number.MAX_SAFE_INTEGER))
    assert.isFalse(isForgotten(defaults, forEver, Number.MAX_SAFE_INTEGER))
    const short = ordered(defaults, peer, undefined, { reason: "spam", forMillis: 500 }, 1_000)
    assert.deepStrictEqual(
      [0, 1_499, 1_500].map((now) => isActive(short, now)),
      [true, true, false]
    )
    assert.isTrue(isForgotten(defaults, short, 1_500))
  })

  it("does not make the rule forget, nor does an offence shorten it", () => {
    const offence = offended(defaults, peer, undefined, "why", 0)
    const asked = ordered(defaults, peer, offence, { reason: "spam", forMillis: hour }, minute)
    assert.strictEqual(offended(defaults, peer, asked, "again", 2 * minute), asked)
    const after = offended(defaults, peer, asked, "again", 2 * hour)
    assert.deepInclude(after, { by: "rule", times: 2, until: 2 * hour + 20 * minute })
  })
})

describe("whom a ban is about", () => {
  it("is a key or a host, as an operator types it", () => {
    assert.strictEqual(Ban.parseSubject(` ${key.toUpperCase()} `), peer)
    assert.strictEqual(Ban.peerOf(peer), key)
    const host = Ban.ofHost("2001:db8::1")
    assert.strictEqual(Ban.parseSubject("2001:db8:0:0:ffff::"), host)
    assert.strictEqual(Ban.parseSubject(host), host)
    assert.isUndefined(Ban.peerOf(host))
    assert.strictEqual(Ban.parseSubject("::ffff:10.0.0.1"), Ban.ofHost("10.0.0.1"))
    for (const text of ["", key.slice(1), "peer.example", "10.0.0.0/8"])
      assert.isUndefined(Ban.parseSubject(text), text)
  })
})

const Time = Schema.Int.check(Schema.isBetween({ minimum: -3 * day, maximum: 3 * day }))
const Moves = Schema.Array(Schema.Struct({ by: Time, operator: Schema.Boolean })).check(Schema.isMaxLength(40))

describe("bans, whatever happens and whatever the clock does", () => {
  it.prop(
    "by rule never last longer than the longest from any moment at which they are in force",
    [Moves],
    ([moves]) => {
      let known: Ban.Ban | undefined
      let now = 0
      for (const { by, operator } of moves) {
        now += by
        if (known !== undefined && known.by === "rule" && isActive(known, now)) {
          assert.isAtMost(known.until! - now, defaults.longestMillis)
        }
        known = operator
          ? ordered(defaults, peer, known, { reason: "asked", forMillis: hour }, now)
          : offended(defaults, peer, known, "why", now)
        assert.isTrue(isActive(known, now))
        assert.isFalse(isForgotten(defaults, known, now))
        assert.isAtLeast(known.until! - now, 0)
      }
    }
  )

  it("make room for each other, not for those of an operator, which end sooner", () => {
    const soon = Array.from({ length: 20 }, (_, n) =>
      ordered(defaults, Ban.ofHost(`10.1.0.${n}`), undefined, { reason: "", forMillis: minute }, 0)
    )
    const rules = Array.from({ length: 13 }, (_, n) => offended(defaults, Ban.ofHost(`10.0.0.${n}`), undefined, "", n))
    const gone = Ban.crowdedOut({ ...defaults, maxBans: 32 }, [...soon, ...rules], 100)
    assert.deepStrictEqual(
      gone,
      rules.slice(0, 3).map(({ subject }) => subject)
    )
  })

  const small: Ban.Policy = { ...defaults, maxBans: 32 }
  const Bans = Schema.Array(
    Schema.Struct({
      since: Time,
      lasts: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3 * day })),
      kind: Schema.Literals(["rule", "operator", "for ever"])
    })
  ).check(Schema.isMinLength(16), Schema.isMaxLength(80))
  it.prop("are kept within their number, but for those of operators that are in force", [Bans, Time], ([some, now]) => {
    const bans = some.map(({ kind, lasts, since }, n): Ban.Ban => ({
      subject: Ban.ofHost(`10.0.0.${n}`),
      by: kind === "rule" ? "rule" : "operator",
      reason: "why",
      since,
      ...(kind === "for ever" ? {} : { until: since + lasts }),
      times: kind === "rule" ? 1 : 0
    }))
    const gone = new Set(Ban.crowdedOut(small, bans, now))
    const left = bans.filter(({ subject }) => !gone.has(subject))
    if (bans.length <= small.maxBans) assert.strictEqual(left.length, bans.length)
    const orders = bans.filter((ban) => ban.by === "operator" && isActive(ban, now))
    assert.includeMembers(left, orders)
    assert.isAtMost(left.length, Math.max(small.maxBans, orders.length))
    // Who goes is nearer to its end than who stays.
    const end = (ban: Ban.Ban) => (isActive(ban, now) ? ban.until! : -Infinity)
    const rules = (of: ReadonlyArray<Ban.Ban>) => of.filter(({ by }) => by === "rule").map(end)
    const dropped = bans.filter(({ subject }) => gone.has(subject))
    assert.isAtMost(Math.max(...rules(dropped)), Math.min(...rules(left)))
  })
})
