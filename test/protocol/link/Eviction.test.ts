import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Eviction from "../../../src/protocol/link/Eviction.ts"
import { seeded } from "../../support/Malformed.ts"

const { admit, defaults, forStrangers, victim } = Eviction
const hour = 3_600_000
const inbound = { direction: "inbound", desired: false, neighbourhood: "192.168.0.0/16" } as const
const outbound = { ...inbound, direction: "outbound" } as const

const occupant = (id: number, fields: Partial<Eviction.Occupant> = {}): Eviction.Occupant => ({
  id,
  ...inbound,
  neighbourhood: `10.${id % 250}`,
  since: 0,
  rttMillis: 50,
  usefulAt: undefined,
  ...fields
})
const many = (count: number, fields: (n: number) => Partial<Eviction.Occupant> = () => ({})) =>
  Array.from({ length: count }, (_, n) => occupant(n, fields(n)))

describe("slots", () => {
  it("are for everybody until strangers have two thirds of them, then for the peers of one's own choice", () => {
    assert.deepStrictEqual(
      [1, 2, 3, 64, 4_096].map((slots) => forStrangers(defaults, slots)),
      [1, 2, 2, 43, 2_731]
    )
    const five = { reserved: 5 }
    assert.deepStrictEqual(
      [1, 5, 6, 64].map((slots) => forStrangers(five, slots)),
      [0, 0, 1, 59]
    )
    assert.strictEqual(forStrangers({ reserved: 0 }, 64), 64)
    const strangers = many(6, () => ({ since: hour }))
    const on = (newcomer: Eviction.Newcomer, there = strangers) => admit(defaults, 9, there, newcomer, hour, 1)._tag
    assert.strictEqual(on(inbound, strangers.slice(1)), "Admit")
    assert.strictEqual(on(inbound), "Refuse")
    assert.strictEqual(on(outbound), "Admit")
    assert.strictEqual(on({ ...inbound, desired: true }), "Admit")
    const full = [...strangers, ...[6, 7, 8].map((id) => occupant(id, outbound))]
    assert.strictEqual(on(outbound, full), "Refuse", "nobody has been there for a minute")
    assert.strictEqual(admit(defaults, 9, many(9), outbound, hour, 1)._tag, "Refuse", "all of nine are safe")
    assert.strictEqual(admit(defaults, 60, many(60), outbound, hour, 1)._tag, "Evict")
  })
})

describe("who has to go", () => {
  it("is the youngest of the largest neighbourhood", () => {
    const all = [
      ...many(60, () => ({ since: 10 })),
      ...Array.from({ length: 30 }, (_, n) => occupant(100 + n, { neighbourhood: "172.16", since: 1_000 + n }))
    ]
    assert.strictEqual(victim(defaults, all, hour, 1)?.id, 129)
    assert.strictEqual(victim(defaults, all, 1_029 + defaults.graceMillis - 1, 1)?.id, 128, "the last is too new")
  })

  it("is nobody who is near, useful, old, or alone where he comes from", () => {
    const none = { graceMillis: 0, nearest: 0, useful: 0, neighbourhoods: 0 }
    const pair = [occupant(1, { since: 1, rttMillis: 9, usefulAt: 5 }), occupant(2, { since: 2, rttMillis: 7 })]
    assert.strictEqual(victim(none, pair, hour, 1)?.id, 2, "the older half is safe")
    assert.strictEqual(victim({ ...none, nearest: 1 }, pair, hour, 1)?.id, 1)
    const swapped = [occupant(1, { since: 2, usefulAt: 5 }), occupant(2, { since: 1, usefulAt: 4 })]
    assert.strictEqual(victim(none, swapped, hour, 1)?.id, 1)
    assert.strictEqual(victim({ ...none, useful: 1 }, swapped, hour, 1)?.id, 2)
    const apart = [...many(4, () => ({ neighbourhood: "10.0" })), occupant(9, { neighbourhood: "172.16", since: 50 })]
    assert.isFalse([1, 2, 3, 4].some((salt) => victim({ ...none, neighbourhoods: 2 }, apart, hour, salt)?.id === 9))
  })

  it("is not of the older half, however many of those there are in one place", () => {
    const none = { graceMillis: 0, nearest: 0, useful: 0, neighbourhoods: 0 }
    const old = many(10, (n) => ({ neighbourhood: "10.0", since: n }))
    const young = Array.from({ length: 10 }, (_, n) =>
      occupant(50 + n, { neighbourhood: `172.${n}`, since: 1_000 + n })
    )
    assert.strictEqual(victim(none, [...old, ...young], hour, 1)?.id, 59)
  })

  it("leaves for nobody whose neighbourhood is as large", () => {
    const none = { graceMillis: 0, nearest: 0, useful: 0, neighbourhoods: 0 }
    const all = [...many(8), occupant(50, { neighbourhood: "172.16", since: 5 })]
    const on = (neighbourhood: string) => admit(none, 12, all, { ...inbound, neighbourhood }, hour, 1)
    assert.deepStrictEqual(on("10.0"), { _tag: "Refuse" })
    assert.deepStrictEqual(on("172.16"), { _tag: "Evict", id: 50 })
    assert.deepStrictEqual(on("192.168"), { _tag: "Evict", id: 50 })
    assert.deepStrictEqual(admit(none, 12, all, { ...outbound, neighbourhood: "10.0" }, hour, 1), { _tag: "Admit" })
    const full = [...all, ...[60, 61, 62].map((id) => occupant(id, outbound))]
    assert.deepStrictEqual(admit(none, 12, full, { ...outbound, neighbourhood: "10.0" }, hour, 1), {
      _tag: "Evict",
      id: 50
    })
  })

  it("is not protected by what has not been measured", () => {
    const all = many(40, (n) => (n < 20 ? { rttMillis: undefined } : { rttMillis: 10_000 }))
    const gone = new Set<number>()
    let left: ReadonlyArray<Eviction.Occupant> = all
    for (;;) {
      const next = victim({ ...defaults, neighbourhoods: 0, useful: 0 }, left, hour, 1)
      if (next === undefined) break
      gone.add(next.id)
      left = left.filter(({ id }) => id !== next.id)
    }
    assert.strictEqual(left.filter(({ rttMillis }) => rttMillis !== undefined).length >= defaults.nearest, true)
  })
})

const Fields = Schema.Struct({
  direction: Schema.Literals(["inbound", "inbound", "inbound", "outbound"]),
  desired: Schema.Literals([false, false, false, true]),
  host: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })),
  since: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 200_000 })),
  rtt: Schema.Int.check(Schema.isBetween({ minimum: -20, maximum: 200 })),
  useful: Schema.Int.check(Schema.isBetween({ minimum: -100_000, maximum: 200_000 }))
})
const Occupants = Schema.Array(Fields).check(Schema.isMinLength(20), Schema.isMaxLength(90))
const occupants = (all: typeof Occupants.Type) =>
  all.map(({ desired, direction, host, rtt, since, useful }, id) =>
    occupant(id, {
      direction,
      desired,
      neighbourhood: `10.${host}`,
      since,
      rttMillis: rtt < 0 ? undefined : rtt,
      usefulAt: useful < 0 ? undefined : useful
    })
  )
const now = 200_000
const Salt = Schema.Int

describe("whoever is there", () => {
  it.prop("a peer of one's own choice and one that has just come stay", [Occupants, Salt], ([some, salt]) => {
    const gone = victim(defaults, occupants(some), now, salt)
    if (gone === undefined) return
    assert.isFalse(gone.desired)
    assert.strictEqual(gone.direction, "inbound")
    assert.isAtLeast(now - gone.since, defaults.graceMillis)
  })

  it.prop(
    "whoever goes is among neither the nearest nor the last useful ones, nor the oldest",
    [Occupants, Salt],
    ([some, salt]) => {
      const all = occupants(some)
      const gone = victim(defaults, all, now, salt)
      if (gone === undefined) return
      const rivals = all.filter(
        (it) => it.direction === "inbound" && !it.desired && now - it.since >= defaults.graceMillis
      )
      const better = (f: (it: Eviction.Occupant) => boolean) => rivals.filter(f).length
      if (gone.rttMillis !== undefined) {
        assert.isAtLeast(
          better((it) => it.rttMillis !== undefined && it.rttMillis <= gone.rttMillis!) - 1,
          defaults.nearest
        )
      }
      if (gone.usefulAt !== undefined) {
        assert.isAtLeast(
          better((it) => it.usefulAt !== undefined && it.usefulAt >= gone.usefulAt!) - 1,
          defaults.useful
        )
      }
      const safe = defaults.nearest + defaults.useful + defaults.neighbourhoods
      assert.isAtLeast(better((it) => it.since <= gone.since) - 1, Math.floor(Math.max(0, rivals.length - safe) / 2))
    }
  )

  it.prop("there is one who can go as soon as there are more than are protected", [Occupants, Salt], ([some, salt]) => {
    const all = occupants(some)
    const rivals = all.filter(
      (it) => it.direction === "inbound" && !it.desired && now - it.since >= defaults.graceMillis
    )
    const safe = defaults.nearest + defaults.useful + defaults.neighbourhoods
    if (rivals.length > safe) assert.isDefined(victim(defaults, all, now, salt))
    const slots = Math.max(1, all.length)
    const answer = admit(defaults, slots, all, outbound, now, salt)
    if (all.length > 0)
      assert.strictEqual(answer._tag, victim(defaults, all, now, salt) === undefined ? "Refuse" : "Evict")
  })

  it.prop("the answer does not depend on the order in which they are listed", [Occupants, Salt], ([some, salt]) => {
    const all = occupants(some)
    assert.strictEqual(victim(defaults, all.toReversed(), now, salt)?.id, victim(defaults, all, now, salt)?.id)
  })
})

describe("a crowd that comes for all the slots", () => {
  /** Strangers of one hand come every 200 ms; how many of those that were there before are left. */
  const besiege = (from: (n: number) => string, honest: number, seed: number) => {
    const random = seeded(seed)
    const slots = 90
    let id = 0
    let at = 10 * 60_000
    let there: ReadonlyArray<Eviction.Occupant> = Array.from({ length: honest }, (_, n) =>
      occupant(id++, { neighbourhood: `10.${n}`, since: n * 1_000, rttMillis: 20 + random() * 200, usefulAt: n })
    )
    const own = new Set(there.map((it) => it.id))
    for (let n = 0; n < 3_000; n++) {
      at += 200
      const neighbourhood = from(n)
      const answer = admit(defaults, slots, there, { ...inbound, neighbourhood }, at, seed)
      if (answer._tag === "Refuse") continue
      if (answer._tag === "Evict") there = there.filter((it) => it.id !== answer.id)
      there = [...there, occupant(id++, { neighbourhood, since: at, rttMillis: 100 + random() * 100 })]
      assert.isAtMost(there.length, forStrangers(defaults, slots))
    }
    return there.filter((it) => own.has(it.id)).length
  }

  const seeds = [1, 2, 3]

  it("from one neighbourhood pushes out nobody but itself", () => {
    const left = seeds.map((seed) => besiege(() => "172.16", 30, seed))
    assert.deepStrictEqual(left, [30, 30, 30])
  })

  it("from everywhere leaves more than half of those that were there", () => {
    for (const seed of seeds)
      assert.isAbove(
        besiege((n) => `${1 + (n % 200)}.${n % 251}`, 40, seed),
        20
      )
  })
})
