/**
 * The figures of delivery, with their defaults; a reference that a program or a test replaces as a whole. Times are
 * milliseconds.
 */
import { Context } from "effect"
import { maxAhead, type Window } from "../../protocol/delivery/Sequence.ts"

export interface Config {
  /** How far a sender runs ahead of the receipts; `maxAhead` at the most, or peers end the session. */
  readonly window: Window
  /** The most that one DATA frame carries. */
  readonly batch: Window
  /** No receipt for this long with messages in flight ends the session, and for what they take at the slowest rate. */
  readonly receiptTimeout: number
  /** Bytes a second that a link carries at the least. */
  readonly slowestRate: number
  /** A transaction of received messages that has lasted this long takes no further ones. */
  readonly batchTime: number
  /** How often a pump looks for work that nobody told it of. */
  readonly sweep: number
  /** The first and the longest wait before a failed database is tried again. */
  readonly databaseRetry: { readonly first: number; readonly longest: number }
  /** How many timers are claimed at once, and for how long. */
  readonly timers: { readonly batch: number; readonly lease: number }
  /** How often a message whose handler crashes is tried alone before it is parked; a timer, before an event says so. */
  readonly poisonAttempts: number
  /**
   * A peer that is owed something for longer than `millis`, or something that has had more numbers than `attempts`, is
   * an item of the action list.
   */
  readonly patience: { readonly attempts: number; readonly millis: number }
  /** How long ids are kept against messages that reappear after a change of stream. */
  readonly appliedWindow: number
  /** How many of them of each peer at the most; the newest are kept. */
  readonly appliedIds: number
  /** How long published events are kept. */
  readonly keepEvents: number
}

export const defaults: Config = {
  window: maxAhead,
  batch: { messages: 512, bytes: 512 * 1024 },
  receiptTimeout: 30_000,
  slowestRate: 4_096,
  batchTime: 500,
  sweep: 30_000,
  databaseRetry: { first: 50, longest: 5_000 },
  timers: { batch: 32, lease: 60_000 },
  poisonAttempts: 3,
  patience: { attempts: 32, millis: 86_400_000 },
  appliedWindow: 30 * 86_400_000,
  appliedIds: 1_000_000,
  keepEvents: 30 * 86_400_000
}

export const DeliveryConfig = Context.Reference<Config>("holdfast/services/delivery/DeliveryConfig", {
  defaultValue: () => defaults
})
