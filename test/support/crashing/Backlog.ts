/**
 * A peer is away while messages pile up for it, comes back, and takes them, while another peer is sent a message every
 * few milliseconds: what that costs the sender in memory and the other peer in time. Processes, each on its own
 * PostgreSQL server, and two more nodes that show what the machine itself does to such a message meanwhile.
 *
 * The figures of time compare phases of one run; they mean something on a machine that does nothing else.
 */
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { maxAhead } from "../../../src/protocol/delivery/Sequence.ts"
import { percentile } from "../../../src/programs/demo/Percentile.ts"
import * as DeliveryConfig from "../../../src/services/delivery/DeliveryConfig.ts"
import { BacklogNodes, byName, type Options, type Probes } from "./BacklogNodes.ts"
import { subjects } from "./Pile.ts"
import { type Place, prepare, using } from "./Places.ts"
import type { Weight } from "./Talk.ts"

export interface Latency {
  readonly probes: number
  readonly p50: number
  readonly p99: number
}

export type Phase = "quiet" | "piling" | "away" | "draining"

export interface Figures {
  readonly messages: number
  /** Seconds that piling up and draining took. */
  readonly seconds: { readonly piling: number; readonly draining: number }
  /** Bytes of the sender's heap and outside of it after collections: before, with everything piled up, halfway drained, and afterwards. */
  readonly weights: Readonly<Record<"before" | "piled" | "halfway" | "after", Pick<Weight, "heap" | "outside">>>
  /** The largest resident sets of the sender meanwhile, in bytes. */
  readonly resident: { readonly before: number; readonly piling: number; readonly draining: number }
  /** What the sender sent at once at the most; 0 messages where nothing counts them. */
  readonly frame: { readonly bytes: number; readonly messages: number }
  /** The most messages that the receiver took in one transaction, and how many it took. */
  readonly transaction: { readonly messages: number; readonly transactions: number }
  /** Of what was piled up: effects, different ones, and those out of order. */
  readonly arrived: { readonly effects: number; readonly different: number; readonly disordered: number }
  /** Probes of the other peer: sent, effects, and different ones. */
  readonly probed: { readonly sent: number; readonly effects: number; readonly different: number }
  /** Microseconds from sending to the effect at the other peer: nothing to do, piling up, piled up, draining. */
  readonly latency: Readonly<Record<Phase, Latency>>
  /** The same between two nodes that have nothing to do with any of it. */
  readonly bystanders: Readonly<Record<Phase, Latency>>
  /** The 99th percentiles of the phases: by that of the quiet one, and by that of the bystanders at the same time. */
  readonly p99Ratio: Readonly<Record<"byQuiet" | "byBystanders", Readonly<Record<Exclude<Phase, "quiet">, number>>>>
}

const Tally = Schema.Struct({ effects: Schema.Int, different: Schema.Int, disordered: Schema.Int })
const Batches = Schema.Struct({ messages: Schema.Int, transactions: Schema.Int })
const decode = Schema.decodeUnknownSync(Schema.Tuple([Schema.Struct({ ...Tally.fields, ...Batches.fields })]))

/** What became of the messages of a subject at a receiver. */
const received = (place: Place, subject: string) =>
  using(
    place,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const [row] = decode(
        yield* sql`
          WITH these AS (SELECT n, txid, lag(n) OVER (ORDER BY place) AS before FROM crash_arrived WHERE subject = ${subject}),
          batches AS (SELECT count(*) AS size FROM these GROUP BY txid)
          SELECT count(*)::integer AS effects, count(DISTINCT n)::integer AS different,
            count(*) FILTER (WHERE n <= before)::integer AS disordered,
            (SELECT coalesce(max(size), 0)::integer FROM batches) AS messages,
            (SELECT count(*)::integer FROM batches) AS transactions
          FROM these`
      )
      return row
    })
  )

const latency = (micros: ReadonlyArray<number>): Latency => ({
  probes: micros.length,
  p50: percentile(micros, 50) ?? 0,
  p99: percentile(micros, 99) ?? 0
})

const timed = async (work: Promise<unknown>): Promise<number> => {
  const from = performance.now()
  await work
  return Math.round((performance.now() - from) / 100) / 10
}

export const run = async (options: Options): Promise<Figures> => {
  const places = byName(() => prepare("postgres"))
  const [sender, away, live, bystander, witness] = await Promise.all([
    places.sender,
    places.away,
    places.live,
    places.bystander,
    places.witness
  ])
  const course = new BacklogNodes({ sender, away, live, bystander, witness }, options)
  try {
    await course.start()
    return await measure(course, options)
  } finally {
    await course.discard()
  }
}

const measure = async (course: BacklogNodes, { messages }: Options): Promise<Figures> => {
  const { away, sender } = course.nodes
  // What is compiled and connected for the first time is no part of any phase.
  await course.probing("warm")
  const quiet = await course.probing("quiet")
  const before = await course.weigh()
  const residentBefore = await course.largest()

  await away.stop()
  let pilingSeconds = 0
  const piling = await course.probing("piling", async () => {
    pilingSeconds = await timed(course.pile())
  })
  const residentPiling = await course.largest()
  const waiting = await course.probing("away")
  const piled = await course.weigh()

  await course.begin("away", [])
  const from = performance.now()
  const draining = await course.probing("draining", () => course.drained(messages / 2))
  const halfway = await course.weigh()
  const rest = await course.probing("draining", () => course.drained(messages))
  const drainingSeconds = Math.round((performance.now() - from) / 100) / 10
  sender.order({ _tag: "Drain" })
  await sender.until("nothing is owed", (life) => life.drained)
  const residentDraining = await course.largest()
  const after = await course.weigh()

  for (const node of Object.values(course.nodes)) await node.stop()
  const { messages: most, transactions, ...arrived } = await received(course.places.away, subjects.pile)
  const probes = await received(course.places.live, subjects.probe)
  const phases = (of: keyof Probes): Readonly<Record<Phase, Latency>> => ({
    quiet: latency(quiet[of]),
    piling: latency(piling[of]),
    away: latency(waiting[of]),
    draining: latency([...draining[of], ...rest[of]])
  })
  const ours = phases("live")
  const bystanders = phases("witness")
  const ratio = (to: (phase: Phase) => Latency) => {
    const of = (phase: Phase): number => Math.round((ours[phase].p99 / to(phase).p99) * 100) / 100
    return { piling: of("piling"), away: of("away"), draining: of("draining") }
  }
  const held = ({ heap, outside }: Weight) => ({ heap, outside })
  return {
    messages,
    seconds: { piling: pilingSeconds, draining: drainingSeconds },
    weights: { before: held(before), piled: held(piled), halfway: held(halfway), after: held(after) },
    resident: { before: residentBefore, piling: residentPiling, draining: residentDraining },
    frame: { bytes: after.frameBytes, messages: after.frameMessages },
    transaction: { messages: most, transactions },
    arrived,
    probed: { sent: sender.life.probed, effects: probes.effects, different: probes.different },
    latency: ours,
    bystanders,
    p99Ratio: { byQuiet: ratio(() => ours.quiet), byBystanders: ratio((phase) => bystanders[phase]) }
  }
}

const mebi = 2 ** 20

/**
 * What the sender may hold more than before: with everything piled up and afterwards next to nothing, whatever there is
 * to send, and while it drains its window of 4 MiB in a few forms.
 */
const bounds = { piled: 8 * mebi, halfway: 24 * mebi, after: 8 * mebi }

/** What is wrong with a run, in words. Times are figures, and no faults: a busy machine makes them. */
export const faults = (figures: Figures, { bytes }: Options): ReadonlyArray<string> => {
  const { arrived, frame, messages, probed, transaction, weights } = figures
  const found: Array<string> = []
  const rule = (holds: boolean, broken: string): void => void (holds || found.push(broken))
  rule(
    arrived.effects === messages && arrived.different === messages && arrived.disordered === 0,
    `${messages} messages were to take effect once and in order: ${JSON.stringify(arrived)}`
  )
  rule(probed.effects === probed.sent && probed.different === probed.sent, `probes: ${JSON.stringify(probed)}`)
  for (const when of ["piled", "halfway", "after"] as const) {
    const more = weights[when].heap + weights[when].outside - weights.before.heap - weights.before.outside
    rule(more <= bounds[when], `the sender holds ${(more / mebi).toFixed(1)} MiB more than before: ${when}`)
  }
  const { batch } = DeliveryConfig.defaults
  // The last message may pass the limit, and each has its envelope.
  const largest = batch.bytes + bytes + batch.messages * envelope
  rule(frame.bytes <= largest, `a DATA frame had ${frame.bytes} bytes`)
  rule(frame.messages <= batch.messages, `a DATA frame had ${frame.messages} messages`)
  rule(
    transaction.messages <= maxAhead.messages && transaction.transactions * maxAhead.messages >= messages,
    `the receiver took ${transaction.messages} messages in one transaction`
  )
  return found
}

/** Bytes of a message in a frame beside its body, at the most. */
const envelope = 256
