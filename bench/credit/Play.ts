/**
 * The works of the credit benchmark: every node a process of its own, over loopback, with a database of its own. A figure is taken only
 * once both ends of the tally have all, or the lift is good for its payor.
 */
import type { TallyId } from "../../src/protocol/credit/TallyDocument.ts"
import { type CreditHome, type MakeHome, openTally } from "../../test/support/credit/CreditNodes.ts"
import { type Figure, quantile } from "../Measurement.ts"
import * as Works from "./Works.ts"

/** More than anybody pays here, in milli-CHIP. */
const limit = 1_000_000_000n

/** A tally and who are its parties. */
export interface Pair {
  readonly stock: CreditHome
  readonly foil: CreditHome
  readonly tally: TallyId
}

export const pair = async (make: MakeHome): Promise<Pair> => {
  const stock = await make("stan")
  const foil = await make("fay", stock)
  const tally = await openTally(stock, foil, limit)
  return { stock, foil, tally }
}

/** So many chits more, and when both ends have all; `from` is before the first of them. */
const extend = async ({ foil, stock, tally }: Pair, by: Works.By, count: number, inFlight: number) => {
  const before = (await stock.half(tally))?.chain?.at.index ?? 0
  const payor = by === "foil" ? foil : stock
  const from = await payor.end.call("pay", { user: payor.user, tally, units: 1n, count, inFlight })
  const settled = await Promise.all([stock, foil].map((home) => home.untilSettled(tally, before + count)))
  return { from, to: Math.max(...settled) }
}

/** What both nodes have done so far. */
const spent = async ({ foil, stock }: Pair) => {
  const ends = [stock.end, foil.end]
  const cpu = await Promise.all(ends.map((end) => end.cpu()))
  const statements = await Promise.all(ends.map((end) => end.call("statements", undefined)))
  const sum = (values: ReadonlyArray<number>) => values.reduce((total, value) => total + value, 0)
  return { cpu: sum(cpu), statements: sum(statements) }
}

const less = (work: string, metric: string, unit: string, value: number): Figure => ({
  work,
  metric,
  unit,
  better: "less",
  value
})
const perSecond = (work: string, value: number): Figure => ({
  work,
  metric: Works.rate,
  unit: "1/s",
  better: "more",
  value
})

/** Chits of one side, as many at once as may be. */
export const chits = async (pair: Pair, by: Works.By, { chits, inFlight }: Works.Amounts) => {
  const before = await spent(pair)
  const { from, to } = await extend(pair, by, chits, inFlight)
  const after = await spent(pair)
  const work = Works.chits(by)
  return [
    perSecond(work, (chits / (to - from)) * 1e9),
    less(work, Works.cpu, "us a chit", (after.cpu - before.cpu) / chits),
    less(work, Works.asked, "a chit", (after.statements - before.statements) / chits)
  ]
}

export type Row = readonly [payor: CreditHome, middle: CreditHome, payee: CreditHome]

/** Three nodes in a row: the payor, who may owe the one in the middle, and the payee, whom that one may owe. */
export const row = async (make: MakeHome): Promise<Row> => {
  const middle = await make("mia")
  const payor = await make("ann", middle)
  const payee = await make("zoe", middle)
  await openTally(middle, payor, limit)
  await openTally(payee, middle, limit)
  return [payor, middle, payee]
}

/** Many lifts at once, then one after the other. */
export const lifts = async (
  [payor, , payee]: Row,
  { lifts, liftsInFlight, paced }: Works.Amounts
): Promise<ReadonlyArray<Figure>> => {
  const paying = { user: payor.user, to: payee.person, units: 1n }
  const from = performance.now()
  await payor.end.call("payOver", { ...paying, count: lifts, inFlight: liftsInFlight })
  const took = performance.now() - from
  const micros = await payor.end.call("payOver", { ...paying, count: paced, inFlight: 1 })
  return [
    perSecond(Works.lifts, (lifts / took) * 1_000),
    less(Works.lifts, "p50, one at a time", "us", quantile(micros, 0.5)),
    less(Works.lifts, "p99, one at a time", "us", quantile(micros, 0.99))
  ]
}

/** Chits of one call: an end answers within ten minutes, on a busy machine too. */
const most = 1_000

/** What one more chit of stock's takes on a tally that has so many: a row of the curve. */
const oneMore = async (pair: Pair, length: number, measured: number): Promise<ReadonlyArray<number>> => {
  const has = (await pair.stock.half(pair.tally))?.chain?.at.index ?? 0
  for (let at = has; at < length; at += most) await extend(pair, "foil", Math.min(most, length - at), 64)
  const before = await spent(pair)
  const micros: Array<number> = []
  for (let at = 0; at < measured; at++) {
    const { from, to } = await extend(pair, "stock", 1, 1)
    micros.push((to - from) / 1_000)
  }
  const after = await spent(pair)
  const each = (of: keyof typeof after): number => (after[of] - before[of]) / measured
  return [length, each("statements"), each("cpu"), quantile(micros, 0.5)]
}

/** The curve, on a tally that becomes longer and longer, and how much more the end of it takes than its beginning. */
export const curve = async (pair: Pair, { lengths, measured }: Works.Amounts) => {
  // Code that has not run before is slow.
  await extend(pair, "stock", measured, 4)
  const rows: Array<ReadonlyArray<number>> = []
  for (const length of lengths) rows.push(await oneMore(pair, length, measured))
  const [first = [], last = []] = [rows[0], rows.at(-1)]
  const grown = (column: number): number => (last[column] ?? 0) / (first[column] ?? 0)
  const figures = [
    less(Works.long, Works.statements, "times", grown(1)),
    less(Works.long, Works.growth, "times", grown(2))
  ]
  return { rows, figures }
}
