/**
 * Counts what operators ask about delivery and no table remembers: batches, how long transactions take, takeovers.
 *
 * Who does the work calls a plain function once per batch or transaction, never per message, after it is committed or
 * handed to the session. Whoever exports metrics takes a `reading`. Everything begins at 0 with the process.
 */
import { Context } from "effect"
import * as Histogram from "../../protocol/Histogram.ts"

export interface Reading {
  /** Messages that were handed to a session, again included. */
  readonly attempts: number
  /** Messages of each DATA frame that was handed to a session. */
  readonly sentBatches: Histogram.Histogram
  /** Messages of each transaction of received ones. */
  readonly receivedBatches: Histogram.Histogram
  /** Messages that shared one transaction of `sendNow`. */
  readonly groups: Histogram.Histogram
  /** Seconds from the beginning of a transaction to the end of its commit. */
  readonly commitSeconds: Readonly<Record<Transaction, Histogram.Histogram>>
  /** Messages that were taken back because their time was over. */
  readonly expired: number
  /** Messages that crashed their handler and were kept for an operator. */
  readonly parked: number
  /** Links that were taken over from a process that no longer held them. */
  readonly takeovers: number
}

export type Transaction = "receive" | "settle" | "send"

export interface Meter {
  /** One DATA frame was handed to a session. */
  readonly batchSent: (messages: number) => void
  /** A transaction of received messages has committed, `millis` after its beginning. */
  readonly received: (messages: number, millis: number) => void
  /** A transaction that settles receipts has committed. */
  readonly settled: (millis: number) => void
  /** A group of `sendNow` has committed. */
  readonly groupSent: (messages: number, millis: number) => void
  readonly expired: (messages: number) => void
  /** A transaction that parked messages has committed. */
  readonly parked: (messages: number) => void
  readonly takenOver: (links: number) => void
  readonly reading: () => Reading
}

const sizeBounds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096]
const commitBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

/** A histogram that grows in place: adding to one allocates nothing. */
class Growing {
  readonly #bounds: ReadonlyArray<number>
  readonly #counts: Array<number>
  #sum = 0
  #min = Number.POSITIVE_INFINITY
  #max = Number.NEGATIVE_INFINITY
  constructor(bounds: ReadonlyArray<number>) {
    this.#bounds = bounds
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0)
  }
  add(value: number): void {
    let bucket = 0
    while (bucket < this.#bounds.length && value > this.#bounds[bucket]!) bucket++
    this.#counts[bucket]!++
    this.#sum += value
    if (value < this.#min) this.#min = value
    if (value > this.#max) this.#max = value
  }
  get now(): Histogram.Histogram {
    return { bounds: this.#bounds, counts: [...this.#counts], sum: this.#sum, min: this.#min, max: this.#max }
  }
}

/** A meter at 0. */
export const make = (): Meter => {
  const [sent, taken, groups] = [new Growing(sizeBounds), new Growing(sizeBounds), new Growing(sizeBounds)]
  const seconds = {
    receive: new Growing(commitBounds),
    settle: new Growing(commitBounds),
    send: new Growing(commitBounds)
  }
  const totals = { attempts: 0, expired: 0, parked: 0, takeovers: 0 }
  return {
    batchSent: (messages) => {
      totals.attempts += messages
      sent.add(messages)
    },
    received: (messages, millis) => {
      taken.add(messages)
      seconds.receive.add(millis / 1_000)
    },
    settled: (millis) => seconds.settle.add(millis / 1_000),
    groupSent: (messages, millis) => {
      groups.add(messages)
      seconds.send.add(millis / 1_000)
    },
    expired: (messages) => void (totals.expired += messages),
    parked: (messages) => void (totals.parked += messages),
    takenOver: (links) => void (totals.takeovers += links),
    reading: () => ({
      ...totals,
      sentBatches: sent.now,
      receivedBatches: taken.now,
      groups: groups.now,
      commitSeconds: { receive: seconds.receive.now, settle: seconds.settle.now, send: seconds.send.now }
    })
  }
}

/** The meter of the node; one that nobody reads unless a program gives it one of its own. */
export const DeliveryMeter = Context.Reference<Meter>("holdfast/services/delivery/DeliveryMeter", {
  defaultValue: make
})
