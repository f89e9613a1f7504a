/**
 * The metrics of credit, as docs/operating.md lists them. What has happened is read from the meter when it is exported; what waits is
 * read from the database and up to a minute old. No label has a text of a user or of another node.
 */
import { Clock, Context, Effect, Layer, Option, Semaphore } from "effect"
import type { Histogram } from "../protocol/Histogram.ts"
import { Credit } from "../services/credit/Credit.ts"
import {
  commandResults,
  CreditMeter,
  messageOutcomes,
  type Meter,
  type Reading
} from "../services/credit/CreditMeter.ts"
import * as Names from "../services/credit/CreditNames.ts"
import * as CreditWaiting from "../services/credit/CreditWaiting.ts"
import { Records } from "../services/Records.ts"
import * as Series from "./Series.ts"

/** How long the database may take; half a scrape's usual patience. */
const patience = "5 seconds"
/** What is younger than this, in milliseconds, is not read again: thousands of rows may wait. */
export const freshMillis = 60_000

type Source = () => Reading

interface Known {
  readonly waiting: CreditWaiting.CreditWaiting
  readonly at: number
}

/** A counter for each pair of names. */
const pairs = (
  { counter }: Series.Series,
  [name, about]: readonly [name: string, about: string],
  [one, ones]: readonly [label: string, names: ReadonlyArray<string>],
  [other, others]: readonly [label: string, names: ReadonlyArray<string>],
  counts: () => ReadonlyMap<string, number>
): void => {
  for (const a of ones) {
    for (const b of others) counter(name, about, () => counts().get(`${a} ${b}`) ?? 0, { [one]: a, [other]: b })
  }
}

const traffic = (series: Series.Series, reading: Source): void => {
  const commands = ["holdfast_credit_commands_total", "Commands of users, by what came of them"] as const
  pairs(series, commands, ["kind", Names.commandKinds], ["result", commandResults], () => reading().commands)
  const messages = ["holdfast_credit_messages_total", "Messages of other nodes, by what they were answered"] as const
  pairs(series, messages, ["kind", Names.messageKinds], ["outcome", messageOutcomes], () => reading().messages)
  const refusals = ["holdfast_credit_refusals_total", "What was refused, by why"] as const
  pairs(series, refusals, ["of", ["command", "message"]], ["reason", Names.reasons], () => reading().refusals)
  const events = ["holdfast_credit_events_total", "Events of credit in the feed"] as const
  pairs(series, events, ["audience", ["user"]], ["kind", Names.eventKinds], () => reading().events)
  pairs(series, events, ["audience", ["operator"]], ["kind", Names.alarms], () => reading().events)
}

const ends = ["good", "void", "failed"] as const
const verdicts = ["good", "void"] as const

const lifts = (series: Series.Series, reading: Source): void => {
  const { counter, histogram } = series
  const about = "Lifts that this node has promised, refused, or has the record of; origin: its user pays"
  const statuses = ["promised", "refused", "good", "void"]
  const names = ["holdfast_credit_lifts_total", about] as const
  pairs(series, names, ["role", ["origin", "other"]], ["status", statuses], () => reading().lifts)
  for (const verdict of verdicts) {
    const votes = "Votes that this node has given as a referee"
    counter("holdfast_credit_referee_votes_total", votes, () => reading().votes[verdict], { verdict })
    const decided = "Lifts of which this node is a referee and knows the verdict"
    counter("holdfast_credit_referee_decisions_total", decided, () => reading().decisions[verdict], { verdict })
    const of = (): Histogram => reading().liftSeconds[verdict]
    const took = "From the plan to the record, of lifts that began here"
    histogram("holdfast_credit_lift_duration_seconds", took, of, { verdict })
  }
  for (const result of ends) {
    const of = (): Histogram => reading().paymentSeconds[result]
    const took = "From the command to the end, of payments over others"
    histogram("holdfast_credit_payment_duration_seconds", took, of, { result })
  }
}

const chits = ({ counter, histogram }: Series.Series, reading: Source): void => {
  const took = "From the signature of a chit until its place is known, where the other side orders"
  histogram("holdfast_credit_chit_place_duration_seconds", took, () => reading().chitSeconds)
  for (const kind of ["owed", "check"] as const) {
    const about = "Rounds of saying again what is owed to a node, and of checking that both have the same"
    counter("holdfast_credit_repair_rounds_total", about, () => reading().repairs[kind], { kind })
  }
  const said = "Messages that were said again in them"
  counter("holdfast_credit_repair_messages_total", said, () => reading().repairs.messages)
}

const waiting = ({ gauge }: Series.Series, known: () => Known | undefined, now: () => number): void => {
  for (const what of CreditWaiting.kinds) {
    const of = () => known()?.waiting.get(what)
    const about =
      "What waits for people, for other nodes, or for a lift's end; 1000 at the most; NaN before it was read"
    gauge("holdfast_credit_waiting", about, () => of()?.count ?? Number.NaN, { what })
    if (what === "node.owed") continue
    const age = "Age of the oldest of it; 0 if nothing waits"
    const since = () => Math.max(0, now() - (of()?.since ?? now())) / 1_000
    gauge("holdfast_credit_waiting_oldest_age_seconds", age, since, { what })
  }
}

/** The series of what has happened; the first one takes the reading of one export for all of them. */
const happened = (series: Series.Series, meter: Meter): void => {
  let taken = meter.reading()
  const placed = "Chits that have got their place"
  series.counter("holdfast_credit_chits_placed_total", placed, () => (taken = meter.reading()).placed)
  for (const register of [traffic, lifts, chits]) register(series, () => taken)
}

const make = Effect.gen(function* () {
  const records = yield* Records
  const meter = yield* CreditMeter
  const clock = yield* Clock.Clock
  const turn = yield* Semaphore.make(1)
  const now = () => clock.currentTimeMillisUnsafe()
  let known: Known | undefined
  let tried = Number.NEGATIVE_INFINITY

  const read = Effect.suspend(() => {
    tried = now()
    return Effect.provideService(CreditWaiting.read, Records, records)
  }).pipe(
    Effect.timeout(patience),
    Effect.match({
      onFailure: () => undefined,
      onSuccess: (waiting) => void (known = { waiting, at: now() })
    })
  )
  const isFresh = () => Math.abs(now() - tried) < freshMillis
  const refresh = turn.withPermit(Effect.suspend(() => (isFresh() ? Effect.void : read)))

  const series = Series.make(yield* Effect.context<never>())
  happened(series, meter)
  waiting(series, () => known, now)
  const about = "Age of what holdfast_credit_waiting tells; NaN before it was read"
  const age = () => Math.max(0, now() - (known?.at ?? Number.NaN)) / 1_000
  series.gauge("holdfast_credit_waiting_read_age_seconds", about, age)
  yield* Effect.addFinalizer(() => Effect.sync(series.remove))
  return { refresh }
})

export class CreditMetrics extends Context.Service<
  CreditMetrics,
  {
    /** Reads what waits, once a minute at the most. A database that does not answer leaves it as it was. */
    readonly refresh: Effect.Effect<void>
  }
>()("holdfast/layers/CreditMetrics") {
  /** Registers the metrics of credit in the metric registry of the context, until the scope closes. */
  static readonly layer: Layer.Layer<CreditMetrics, never, Records> = Layer.effect(CreditMetrics, make)

  /** The same where credit is kept, and nothing where it is not. */
  static readonly layerIfKept: Layer.Layer<CreditMetrics, never, Records> = Layer.effect(
    CreditMetrics,
    Effect.flatMap(
      Effect.serviceOption(Credit),
      Option.match({ onNone: () => Effect.succeed({ refresh: Effect.void }), onSome: () => make })
    )
  )
}
