/**
 * One run of one contender: all works one after the other, each counted in the receiver's database.
 */
import type { Options } from "../Area.ts"
import { type Figure, quantile } from "../Measurement.ts"
import type { Contender, Costs, Pair } from "./Contender.ts"
import * as Kill from "./Kill.ts"
import type { How, Tally } from "./Work.ts"
import { type Amounts, latency, whole, works } from "./Works.ts"

/** A work that takes longer has lost something. */
const patience = 180_000

const withinPatience = async <A>(what: string, work: Promise<A>): Promise<A> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not over after ${patience / 1_000} s`)), patience)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

/** Ours has every message once. What others have twice is said: they promise no more than at least once. */
const counted = async ({ name, ours }: Contender, what: string, count: number, pair: Pair): Promise<number> => {
  let tally: Tally = await pair.consumer.tally()
  for (let i = 0; i < 50 && !ours && tally.distinct < count; i++) {
    await pause(100)
    tally = await pair.consumer.tally()
  }
  const { distinct, highest, lowest, rows } = tally
  if (distinct !== count || highest - lowest !== count - 1 || (ours && rows !== count)) {
    throw new Error(`${name}, ${what}: ${count} were sent, the database has ${rows} rows of ${distinct} messages`)
  }
  return rows - distinct
}

/** What was done for 1,000 messages between two looks. */
const costs = (work: string, count: number, before: Costs, after: Costs): ReadonlyArray<Figure> =>
  Object.entries(after).map(([what, value]) => ({
    work,
    metric: `${what} of both ends`,
    unit: "for 1,000",
    better: "less",
    value: ((value - (before[what] ?? 0)) / count) * 1_000
  }))

/** Sends `count` messages and waits for the last effect. */
const once = async (
  contender: Contender,
  pair: Pair,
  {
    count,
    from,
    how,
    name
  }: { readonly name: string; readonly how: How; readonly count: number; readonly from: number }
): Promise<ReadonlyArray<Figure>> => {
  await pair.consumer.expect(count)
  const before = { cpu: await pair.cpu(), costs: await pair.costs?.() }
  const started = await pair.producer.send({ how, count, from })
  const finished = await withinPatience(`${contender.name}, ${name}`, pair.consumer.finished())
  await pair.rest?.()
  const after = { cpu: await pair.cpu(), costs: await pair.costs?.() }
  const doubled = await counted(contender, name, count, pair)
  const figure = (metric: string, unit: string, better: "more" | "less", value: number): Figure => ({
    work: name,
    metric,
    unit,
    better,
    value
  })
  return [
    figure("rate", "messages/s", "more", count / ((finished - started) / 1e9)),
    figure("CPU of both ends", "us a message", "less", (after.cpu - before.cpu) / count),
    ...(doubled === 0 ? [] : [figure("doubled", "messages", "less", doubled)]),
    ...(before.costs === undefined || after.costs === undefined ? [] : costs(name, count, before.costs, after.costs))
  ]
}

const pacing = async (
  contender: Contender,
  pair: Pair,
  from: number,
  count: number
): Promise<ReadonlyArray<Figure>> => {
  await pair.consumer.expect(count)
  await pair.producer.pace({ perSecond: 200, count, from })
  await withinPatience(`${contender.name}, ${latency}`, pair.consumer.finished())
  await counted(contender, latency, count, pair)
  const delays = await pair.consumer.delays()
  const delay = (metric: string, q: number): Figure => ({
    work: latency,
    metric,
    unit: "ms",
    better: "less",
    value: quantile(delays, q)
  })
  return [delay("p50", 0.5), delay("p99", 0.99)]
}

/** All of it. Others are killed in the first run only: what they lose for minutes does not change from run to run. */
export const play = async (
  contender: Contender,
  pair: Pair,
  amount: Amounts,
  { progress, run }: { readonly run: number } & Pick<Options, "progress">
): Promise<ReadonlyArray<Figure>> => {
  let from = 0
  const next = (count: number): number => {
    from += count
    return from - count
  }
  await once(contender, pair, {
    name: "warm-up",
    how: { _tag: "Grouped", senders: 64 },
    count: amount.warmUp,
    from: next(amount.warmUp)
  })
  const figures = [...((await pair.alone?.(amount)) ?? [])]
  for (const { count: full, how, name } of works) {
    if (how._tag === "Grouped" && !contender.groups) continue
    const count = whole(how, full * amount.share * (contender.share ?? 1))
    figures.push(...(await once(contender, pair, { name, how, count, from: next(count) })))
  }
  figures.push(...(await pacing(contender, pair, next(amount.paced), amount.paced)))
  if (!contender.ours && run > 0) return figures
  progress(`durable, run ${run + 1}: ${contender.name}, SIGKILL`)
  const killing = { contender, pair, count: amount.killed, patience: amount.killPatience, progress }
  figures.push(...(await Kill.receiver({ ...killing, from: next(amount.killed) })))
  if (contender.ours) figures.push(...(await Kill.sender({ ...killing, from: next(amount.killed) })))
  return figures
}
