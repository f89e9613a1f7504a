import { expect, test } from "vitest"
import { Gathered } from "../../bench/durable/Gathered.ts"

/** Batches that wait until the test lets them go. */
const held = (most: number) => {
  const batches: Array<ReadonlyArray<number>> = []
  const gates: Array<() => void> = []
  let told = (): void => undefined
  const gathered = new Gathered<number>(most, (batch) => {
    batches.push(batch)
    told()
    return new Promise((resolve) => gates.push(resolve))
  })
  const next = (): Promise<void> => new Promise((resolve) => (told = resolve))
  return { batches, gathered, gates, next }
}

test("what comes at once is one batch, what comes meanwhile the next one", async () => {
  const { batches, gates, gathered, next } = held(10)
  const first = next()
  gathered.add(1)
  gathered.add(2)
  await first
  gathered.add(3)
  gathered.add(4)
  expect(batches).toEqual([[1, 2]])
  const second = next()
  gates[0]?.()
  await second
  expect(batches).toEqual([
    [1, 2],
    [3, 4]
  ])
})

test("no batch is larger than its limit", async () => {
  const { batches, gates, gathered, next } = held(2)
  const first = next()
  for (const n of [1, 2, 3]) gathered.add(n)
  await first
  const second = next()
  gates[0]?.()
  await second
  expect(batches).toEqual([[1, 2], [3]])
})

test("it begins again after it had nothing to do", async () => {
  const batches: Array<ReadonlyArray<number>> = []
  let told = (): void => undefined
  const gathered = new Gathered<number>(2, async (batch) => {
    batches.push(batch)
    setImmediate(() => told())
  })
  for (const n of [1, 2]) {
    const done = new Promise<void>((resolve) => (told = resolve))
    gathered.add(n)
    await done
  }
  expect(batches).toEqual([[1], [2]])
})
