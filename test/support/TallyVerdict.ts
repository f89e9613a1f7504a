/** Whether two halves of a tally have come to the same, as the holders see it. */
import * as Document from "../../src/protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../src/protocol/credit/TallyHalf.ts"

type Half = TallyHalf | undefined

const digestOf = (half: Half): string =>
  half?.document === undefined ? "no document" : Document.digest(half.document).slice(0, 6)

const say = (half: Half): string =>
  half === undefined ? "unknown" : `${half.status} ${half.revision} ${half.wish ?? ""} ${digestOf(half)}`

/** Nothing that the other side could accept: void, or a draft or nothing, which the other side does not know. */
const isNothing = (half: Half): boolean =>
  half === undefined || ((half.status === "void" || half.status === "draft") && half.wish === undefined)

/** `open`, `offered` or `nothing`, of both; else how they differ, beginning with `wrong`. */
export const verdict = (stock: Half, foil: Half): string => {
  const isOne = stock?.wish === undefined && foil?.wish === undefined && digestOf(stock) === digestOf(foil)
  const statuses = [stock?.status, foil?.status].sort().join()
  if (isOne && statuses === "open,open") return "open"
  if (isOne && statuses === "offered,received") return "offered"
  if (isNothing(stock) && isNothing(foil)) return "nothing"
  return `wrong: stock ${say(stock)}, foil ${say(foil)}`
}

/** Open with one document each, and not the same: no repair can help. */
export const isTorn = (stock: Half, foil: Half): boolean =>
  stock?.status === "open" && foil?.status === "open" && digestOf(stock) !== digestOf(foil)
