import { expect, test } from "vitest"
import { type Bar, judge } from "../../bench/Bars.ts"
import type { Measurement } from "../../bench/Measurement.ts"

const measured = (
  contender: string,
  values: ReadonlyArray<number | undefined>,
  better: "more" | "less" = "more"
): Measurement => ({ work: "w", metric: "rate", unit: "messages/s", better, contender, values })
const place = (contender: string) => ({ work: "w", metric: "rate", contender })
const ratioOf = (asked: number): Bar => ({ ours: place("ours"), theirs: place("theirs"), asked })

test("a ratio is taken run by run before the median", () => {
  const figures = [measured("ours", [10, 400, 30]), measured("theirs", [10, 100, 10])]
  const [verdict] = judge([ratioOf(3)], figures)
  expect(verdict).toMatchObject({ reached: { median: 3, min: 1, max: 4 }, share: 1, met: true })
})

test("four fifths of a bar are enough, less is not", () => {
  const bars = [ratioOf(2.5), ratioOf(2.51)]
  const verdicts = judge(bars, [measured("ours", [20]), measured("theirs", [10])])
  expect(verdicts.map(({ met }) => met)).toEqual([true, false])
})

test("a figure that is better the smaller it is must stay below its bar", () => {
  const bar = { ours: place("ours"), asked: 3 }
  expect(judge([bar], [measured("ours", [6], "less")])[0]).toMatchObject({ share: 0.5, met: false })
  expect(judge([bar], [measured("ours", [1.5], "less")])[0]).toMatchObject({ share: 2, met: true })
})

test("a ratio of figures that are better the smaller they are is above 1 where ours is smaller", () => {
  const verdicts = judge([ratioOf(1)], [measured("ours", [2], "less"), measured("theirs", [4], "less")])
  expect(verdicts[0]).toMatchObject({ reached: { median: 2 }, met: true })
})

test("another work of theirs can be compared", () => {
  const other = { ...measured("theirs", [5]), work: "other" }
  const bar = { ours: place("ours"), theirs: { ...place("theirs"), work: "other" }, asked: 2 }
  expect(judge([bar], [measured("ours", [10]), other])[0]).toMatchObject({ reached: { median: 2 }, met: true })
})

test("without a figure of both nothing is met", () => {
  expect(judge([ratioOf(1)], [measured("ours", [10])])[0]).toMatchObject({ reached: undefined, met: false })
  const apart = [measured("ours", [10, undefined]), measured("theirs", [undefined, 10])]
  expect(judge([ratioOf(1)], apart)[0]).toMatchObject({ reached: undefined, met: false })
})
