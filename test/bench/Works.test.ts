import { expect, test } from "vitest"
import { steps } from "../../bench/durable/TenMillion.ts"
import { parcel } from "../../bench/durable/Work.ts"
import { whole } from "../../bench/durable/Works.ts"

test("a work is made of whole transactions", () => {
  expect(whole({ _tag: "Batch", size: 1_000, inFlight: 4 }, 2_400)).toBe(2_000)
  expect(whole({ _tag: "Batch", size: 1_000, inFlight: 4 }, 100)).toBe(1_000)
  expect(whole({ _tag: "Single", inFlight: 16 }, 300.4)).toBe(300)
})

test("steps cover all messages once, the last one what is left", () => {
  expect(steps(25, 10)).toEqual([
    { from: 0, count: 10 },
    { from: 10, count: 10 },
    { from: 20, count: 5 }
  ])
  expect(steps(5, 10)).toEqual([{ from: 0, count: 5 }])
})

test("a message of the others is as large as one of ours", () => {
  expect(JSON.stringify(parcel(123_456)).length).toBe(200)
})
