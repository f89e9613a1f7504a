import { assert, describe, it } from "@effect/vitest"
import { fewer, halved, least } from "../../../src/testing/campaign/Reduce.ts"
import { Rng } from "../../../src/testing/world/Rng.ts"

/** Counts what is asked. */
const asking = <A>(holds: (candidate: A) => boolean) => {
  const asked: Array<A> = []
  return { asked, holds: async (candidate: A) => (asked.push(candidate), holds(candidate)) }
}

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, n) => n)

describe("fewer", () => {
  it("finds exactly what is needed of many, in their order, in few questions", async () => {
    let most = 0
    for (let seed = 0; seed < 300; seed++) {
      const rng = new Rng(seed, "fewer")
      const things = numbers(rng.between(1, 40))
      const needed = rng.shuffle(things).slice(0, rng.between(0, 3))
      const { asked, holds } = asking<ReadonlyArray<number>>((some) => needed.every((thing) => some.includes(thing)))
      assert.deepStrictEqual(
        await fewer(things, holds),
        needed.toSorted((a, b) => a - b)
      )
      most = Math.max(most, asked.length)
    }
    assert.isTrue(most <= 60, `${most} questions`)
  })

  it("leaves nothing that could be left out alone, whatever depends on what", async () => {
    for (let seed = 0; seed < 200; seed++) {
      const rng = new Rng(seed, "groups")
      const groups = numbers(3).map(() => rng.shuffle(numbers(20)).slice(0, rng.between(1, 5)))
      const fails = (some: ReadonlyArray<number>) =>
        groups.some((group) => group.every((thing) => some.includes(thing)))
      const left = await fewer(numbers(20), async (some) => fails(some))
      assert.isTrue(fails(left))
      for (const thing of left) assert.isFalse(fails(left.filter((other) => other !== thing)), `seed ${seed}`)
    }
  })

  it("looks again at what could not be left out before something else was", async () => {
    const needsTwoWhileOne = (some: ReadonlyArray<number>) =>
      some.includes(0) && some.includes(3) && (some.includes(2) || !some.includes(1))
    assert.deepStrictEqual(await fewer([0, 1, 3, 2], async (some) => needsTwoWhileOne(some)), [0, 3])
  })

  it("asks nothing about nothing, and once if nothing is needed", async () => {
    const { asked, holds } = asking<ReadonlyArray<number>>(() => true)
    assert.deepStrictEqual(await fewer([], holds), [])
    assert.strictEqual(asked.length, 0)
    assert.deepStrictEqual(await fewer(numbers(1_000), holds), [])
    assert.strictEqual(asked.length, 1)
  })
})

describe("least", () => {
  it("finds the least number that holds", async () => {
    for (const [value, lowest] of [
      [100, 0],
      [100, 1],
      [7, 3],
      [5, 5],
      [2, 5]
    ] as const) {
      for (let bound = Math.min(lowest, value); bound <= value; bound++) {
        const { asked, holds } = asking<number>((n) => n >= bound)
        assert.strictEqual(await least(value, lowest, holds), Math.max(bound, Math.min(lowest, value)))
        assert.isTrue(asked.length <= 9)
        assert.isTrue(asked.every((n) => n < value && n >= lowest))
      }
    }
  })
})

describe("halved", () => {
  it("comes within twice the least number that holds, in few questions", async () => {
    for (const value of [1, 2, 3, 1_000, 59_999]) {
      for (let bound = 1; bound <= value; bound = bound * 2 + 1) {
        const { asked, holds } = asking<number>((n) => n >= bound)
        const found = await halved(value, 1, holds)
        assert.isTrue(found >= bound && found < 2 * bound + 1, `${found} for ${bound}`)
        assert.isTrue(asked.length <= 17)
      }
    }
    assert.strictEqual(await halved(1_000, 0, async () => true), 0)
  })
})
