/**
 * An end gets SIGKILL in the middle of its work and is started again: how long after it is ready until every message
 * has its effect, how many have two, and how many have none for a long time.
 */
import type { Figure } from "../Measurement.ts"
import type { Contender, Pair } from "./Contender.ts"
import { killedReceiver, killedSender } from "./Works.ts"

export interface Killing {
  readonly contender: Contender
  readonly pair: Pair
  readonly count: number
  /** The number of the first message. */
  readonly from: number
  /** Milliseconds after which what somebody else has not done is called missing. */
  readonly patience: number
  readonly progress: (what: string) => void
}

/** How they are sent: quickly enough that there is much on the way. */
const how = { _tag: "Batch", size: 100, inFlight: 4 } as const

/** Ours has to do everything in the end. */
const ownPatience = 60_000

const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

/** Waits until the database has so many messages, or patience is over; how long that took. */
const until = async ({ pair }: Killing, count: number, patience: number) => {
  const started = performance.now()
  let tally = await pair.consumer.tally()
  while (tally.distinct < count && performance.now() - started < patience) {
    await pause(5)
    tally = await pair.consumer.tally()
  }
  return { ...tally, millis: performance.now() - started }
}

/** After `again` has returned, which is when the end is ready. */
const recovered = async (
  work: string,
  killing: Killing,
  again: () => Promise<void>
): Promise<ReadonlyArray<Figure>> => {
  const { contender, count } = killing
  const patience = contender.ours ? ownPatience : killing.patience
  await again()
  const { distinct, millis, rows } = await until(killing, count, patience)
  if (contender.ours && (rows !== count || distinct !== count)) {
    throw new Error(`${contender.name}, ${work}: ${count} were sent, the database has ${rows} rows of ${distinct}`)
  }
  const figure = (metric: string, unit: string, value: number): Figure => ({
    work,
    metric,
    unit,
    better: "less",
    value
  })
  return [
    ...(distinct < count ? [] : [figure("all after ready", "ms", millis)]),
    ...(contender.ours ? [] : [figure("doubled", "messages", rows - distinct)]),
    ...(contender.ours ? [] : [figure(`missing ${patience / 1_000} s later`, "messages", count - distinct)])
  ]
}

/** The receiver dies with two fifths of the effects made. */
export const receiver = async (killing: Killing): Promise<ReadonlyArray<Figure>> => {
  const { count, from, pair } = killing
  await pair.consumer.expect(count)
  const sent = pair.producer.send({ how, count, from })
  const { distinct } = await until(killing, count * 0.4, killing.patience)
  const again = await pair.kill("consumer")
  killing.progress(`killed the receiver with at least ${distinct} of ${count} done`)
  await sent
  return recovered(killedReceiver, killing, again)
}

/** The sender dies when all is committed there and nothing has been received, as the receiver is held meanwhile. */
export const sender = async (killing: Killing): Promise<ReadonlyArray<Figure>> => {
  const { count, from, pair } = killing
  await pair.consumer.expect(count)
  await pair.hold("SIGSTOP")
  try {
    await pair.producer.send({ how, count, from })
  } finally {
    await pair.hold("SIGCONT")
  }
  const again = await pair.kill("producer")
  return recovered(killedSender, killing, again)
}
