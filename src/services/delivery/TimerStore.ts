/**
 * The rows behind `Timers`: what is to happen at a time, kept until it has happened.
 *
 * Who runs a timer claims it first, which makes it due again after its lease, and then takes it away in the transaction
 * of its effect. Methods marked "joins" take part in the caller's transaction (`Transactions.within`). All times are
 * the caller's, in milliseconds; the database's clock decides nothing.
 */
import { Context, type Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"

/** The time as the caller has it, in whole milliseconds. */
export interface Now {
  /** Since 1970. */
  readonly wall: number
  /** The same and what the wall clock was ever set back by: what waits goes by it, so that it never waits longer. */
  readonly steady: number
}

/** When a timer is due: at a time of the wall clock, or after a wait. Whole milliseconds. */
export type Due = { readonly at: number } | { readonly in: number }

export interface NewTimer {
  readonly id: string
  readonly protocol: string
  readonly subject: string
  readonly due: Due
  readonly payload: Uint8Array
}

export interface ClaimedTimer {
  readonly id: string
  readonly protocol: string
  readonly subject: string
  readonly payload: Uint8Array
  /** This try included. */
  readonly attempts: number
  /** Who had claimed it before has said nothing about it. */
  readonly abandoned: boolean
}

/** How long a claim lasts, in milliseconds. */
export interface Lease {
  readonly millis: number
  /** From this try on it lasts `longest`: what kills its process again and again does so rarely. */
  readonly poisonAttempts: number
  readonly longest: number
}

/** One timer, as an operator sees it. */
export interface TimerView {
  readonly id: string
  readonly protocol: string
  readonly subject: string
  /** When it was to be due, by the clock that it was set by. */
  readonly dueAt: number
  /** Tries since it was set; none of them has succeeded. */
  readonly attempts: number
  /** Whether somebody has claimed it and not said what came of it. */
  readonly claimed: boolean
  readonly lastFailure: string | undefined
}

export class TimerStore extends Context.Service<
  TimerStore,
  {
    /**
     * Joins. Sets a timer, in the place of the one of the same id, with whatever had become of that; `false` and
     * nothing is set if the id is another protocol's.
     */
    readonly set: (timer: NewTimer, now: Now) => Effect.Effect<boolean, SqlError>
    /** Joins. Whether there was such a timer. Waits for the end of who is running it. */
    readonly cancel: (id: string) => Effect.Effect<boolean, SqlError>
    /**
     * Milliseconds until the next timer is due, which may be less than 0, `undefined` if there is none; and how far the
     * steady time is ahead.
     */
    readonly next: (now: Now) => Effect.Effect<{ readonly wait: number | undefined; readonly ahead: number }, SqlError>
    /**
     * Claims what is due for `holder`, a UUID never used before: the earliest first, `limit` at most, without what
     * another process is just claiming. One that was abandoned comes alone: it may be what killed its process.
     */
    readonly claim: (
      holder: string,
      options: { readonly now: Now; readonly limit: number; readonly lease: Lease }
    ) => Effect.Effect<ReadonlyArray<ClaimedTimer>, SqlError>
    /** Joins. Takes a claimed timer away; `false` if it is no longer the holder's: cancelled, set anew, claimed again. */
    readonly finish: (id: string, holder: string) => Effect.Effect<boolean, SqlError>
    /** Joins. Gives a claimed timer back, to be due after `wait`; `false` as for `finish`. */
    readonly fail: (
      id: string,
      holder: string,
      options: { readonly now: Now; readonly wait: number; readonly failure: string }
    ) => Effect.Effect<boolean, SqlError>
    /** Makes due what was claimed and has been tried less than so often: for a process that begins. Returns how many. */
    readonly free: (now: Now, poisonAttempts: number) => Effect.Effect<number, SqlError>
    /** The steady time is so much ahead of the wall clock from now on; never less than it was. */
    readonly setAhead: (millis: number) => Effect.Effect<void, SqlError>
    /** Timers in the order in which they were to be due, at most `limit`, of one protocol if it is given. */
    readonly list: (limit: number, protocol?: string | undefined) => Effect.Effect<ReadonlyArray<TimerView>, SqlError>
  }
>()("holdfast/services/delivery/TimerStore") {}
