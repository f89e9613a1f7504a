/**
 * Which seeds are run, as a command line says it: `17`, `5,9,12`, `0..2000` (without the last), or `fresh:1000`: that
 * many that nobody has run, from the clock or from a commit.
 */
import { Result, Schema } from "effect"

/** A range that begins with `from` and has `count` seeds. */
export interface Range {
  readonly from: number
  readonly count: number
}

export interface Seeds {
  readonly ranges: ReadonlyArray<Range>
  readonly count: number
  /** What to type to run the same ones. */
  readonly words: string
}

export class SeedsInvalid extends Schema.TaggedError<SeedsInvalid>()("SeedsInvalid", {
  given: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return (
      `--seeds is ${JSON.stringify(this.given)}: ${this.problem}. Give a seed (17), a list (5,9,12), a range without its last ` +
      `(0..2000) or fresh:1000`
    )
  }
}

export const mostSeeds = 10_000_000
const largest = Number.MAX_SAFE_INTEGER - mostSeeds

const parts = /^(\d{1,16})(?:\.\.(\d{1,16}))?$/

const part = (text: string): Range | string => {
  const match = parts.exec(text.trim())
  if (match === null) return text.trim() === "" ? "there is an empty part" : `"${text.trim()}" is no seed and no range`
  const from = Number(match[1])
  const to = match[2] === undefined ? from + 1 : Number(match[2])
  if (from >= largest || to > largest) return `seeds are at most ${largest}`
  if (to <= from) return `the range ${text.trim()} has no seed in it`
  return { from, count: to - from }
}

/** What draws fresh seeds: a number that is another one the next time. */
export type Freshness = { readonly clock: number } | { readonly commit: string }

const freshFrom = (freshness: Freshness): number =>
  "clock" in freshness ? freshness.clock : Number.parseInt(freshness.commit.slice(0, 10), 16)

/** The seeds that a text means. */
export const parse = (given: string, freshness: Freshness): Result.Result<Seeds, SeedsInvalid> => {
  const invalid = (problem: string) => Result.fail(new SeedsInvalid({ given, problem }))
  const fresh = /^fresh:(\d{1,8})$/.exec(given.trim())
  const ranges: Array<Range> = []
  if (fresh !== null) ranges.push({ from: freshFrom(freshness), count: Number(fresh[1]) })
  else {
    if ("commit" in freshness) return invalid("with --from-commit seeds are fresh")
    for (const text of given.split(",")) {
      const range = part(text)
      if (typeof range === "string") return invalid(range)
      ranges.push(range)
    }
  }
  const count = ranges.reduce((sum, range) => sum + range.count, 0)
  if (count === 0) return invalid("there is no seed in it")
  if (count > mostSeeds) return invalid(`these are ${count} seeds, ${mostSeeds} at most`)
  const words = ranges.map(({ count, from }) => (count === 1 ? `${from}` : `${from}..${from + count}`)).join(",")
  return Result.succeed({ ranges, count, words })
}

/** One after the other; a seed that is named twice comes twice. */
export const each = function* ({ ranges }: Seeds): Generator<number, undefined> {
  for (const { count, from } of ranges) for (let seed = from; seed < from + count; seed++) yield seed
  return undefined
}
