import { assert, describe, it } from "@effect/vitest"
import { Dials, keptBackOff, spread, type Way } from "../../../src/testing/cluster/Dials.ts"
import { linkConfig } from "../../../src/testing/faults/Knobs.ts"
import type { FaultPlan } from "../../../src/testing/faults/FaultPlan.ts"
import { planWith, watched } from "./Watched.ts"

const base = linkConfig({}).redial.baseMillis

/** A node that dials in vain, again after each of these waits, and what is found. */
class Caller {
  way: Way = { node: "a", life: 1, to: "b" }
  readonly #watched = watched()
  readonly #dials: Dials
  #now = 0

  constructor(plan: FaultPlan = planWith()) {
    this.#dials = new Dials(this.#watched.watching, plan)
    this.#dials.failed(this.way, "refused", this.#now)
  }

  waits(...waits: ReadonlyArray<number>): this {
    for (const wait of waits) {
      this.#now += wait
      this.#dials.dial(this.way, this.#now)
      this.#now += 3
      this.#dials.failed(this.way, "refused", this.#now)
    }
    return this
  }

  does(something: (dials: Dials, way: Way, now: number) => void): this {
    something(this.#dials, this.way, this.#now)
    return this
  }

  get found(): ReadonlyArray<string> {
    return this.#watched.violations.map(([property]) => property)
  }
}

const times = (count: number, wait: number): ReadonlyArray<number> => Array.from({ length: count }, () => wait)
/** Anywhere within the bound, and growing. */
const sound = [0.3, 1.2, 2.9, 6.1, 12.7, 29].map((times) => times * base)

describe("waits before dials", () => {
  it("are as they should be if they are anywhere within a bound that grows", () => {
    assert.deepStrictEqual(new Caller().waits(...sound, ...sound).found, [])
  })

  it("are not spread if most of them are as long as they may be", () => {
    const longest = [1, 2, 4, 8].map((doubled) => doubled * base)
    assert.deepStrictEqual(new Caller().waits(...longest.slice(0, 3)).found, [])
    assert.deepStrictEqual(new Caller().waits(...longest).found, [spread])
    assert.deepStrictEqual(new Caller().waits(...longest.map((wait) => wait + 1)).found, [spread])
    assert.deepStrictEqual(new Caller().waits(...longest.map((wait) => wait - 2)).found, [])
  })

  it("may be so by chance, half of them at the most", () => {
    assert.deepStrictEqual(new Caller().waits(...sound, ...[1, 2, 4, 8].map((doubled) => doubled * base)).found, [])
  })

  it("do not grow if five in a row are short after six failures", () => {
    const short = 1.3 * base
    assert.deepStrictEqual(new Caller().waits(...times(9, short)).found, [])
    assert.deepStrictEqual(new Caller().waits(...times(10, short)).found, [keptBackOff])
  })

  it("may be short now and then", () => {
    const short = 1.3 * base
    assert.deepStrictEqual(new Caller().waits(...sound, ...times(4, short), 9.3 * base, ...times(4, short)).found, [])
  })

  it("are none where somebody asked for the dial", () => {
    assert.deepStrictEqual(new Caller().waits(...times(20, 5)).found, [])
    const longest = [1, 2, 4, 8].map((doubled) => doubled * base)
    assert.deepStrictEqual(new Caller().waits(...times(20, 5), ...longest).found, [spread])
  })

  it("are none before a dial that follows another before its end", () => {
    const crossing = new Caller().does((dials, way) => {
      dials.dial(way, 5)
      for (const at of [1, 2, 4, 8]) dials.dial(way, at * base)
    })
    assert.deepStrictEqual(crossing.found, [])
  })

  it("are not judged where the plan says how long they are", () => {
    const forced = { _tag: "Buggify", node: "a", site: "link.redialled-at-once", share: 1, for: 1 } as const
    assert.deepStrictEqual(new Caller(planWith(forced)).waits(...times(20, base)).found, [])
  })

  it("are counted anew after a session, in another life, and after a dial of a process that is no more", () => {
    const short = 1.3 * base
    const renewals: ReadonlyArray<(caller: Caller) => unknown> = [
      (caller) => caller.does((dials, way) => dials.connected(way)),
      (caller) => (caller.way = { ...caller.way, life: 2 }),
      (caller) => caller.does((dials, way, now) => dials.failed(way, "other", now))
    ]
    for (const renew of renewals) {
      const caller = new Caller().waits(...times(9, short))
      renew(caller)
      assert.deepStrictEqual(caller.waits(...times(10, short)).found, [], String(renew))
      assert.deepStrictEqual(caller.waits(short).found, [keptBackOff], String(renew))
    }
  })

  it("begin with the end of a session", () => {
    const exact = [1, 2, 4, 8].map((doubled) => doubled * base)
    const ended = new Caller().does((dials, way) => {
      let now = 0
      for (const wait of exact) {
        dials.connected(way)
        dials.ended(way, now)
        dials.dial(way, (now += wait))
      }
    })
    assert.deepStrictEqual(ended.found, [spread])
  })

  it("are those of one node and one peer each", () => {
    const others = new Caller().does((dials, way) => {
      let now = 0
      for (let turn = 0; turn < 8; turn++)
        for (const to of ["b", "c"]) {
          dials.failed({ ...way, to }, "refused", now)
          dials.dial({ ...way, to }, (now += 1.3 * base))
        }
    })
    assert.deepStrictEqual(others.found, [])
  })
})
