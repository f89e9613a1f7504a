/**
 * When to dial a wanted peer again (docs/PROTOCOL.md, 6): full-jitter back-off that is forgotten only after a stable
 * session, a limit on session starts in a window, and a circuit breaker that opens when the limit is passed.
 *
 * A wanted peer is dialled for ever. Pure: time and randomness come with the event, the answer is a wait.
 */
import * as Backoff from "../Backoff.ts"
import type { GoodbyeReason, RejectReason } from "./LinkMessage.ts"

export interface Policy extends Backoff.Policy {
  /** Session starts allowed within `windowMillis`; one more opens the breaker. */
  readonly starts: number
  readonly windowMillis: number
  /** How long the breaker stays open the first time; doubles up to `maxOpenMillis`. */
  readonly openMillis: number
  readonly maxOpenMillis: number
  /** The wait after a reason that another dial soon will not change, such as a wrong network. */
  readonly hopelessMillis: number
}

export const defaults: Policy = {
  ...Backoff.redial,
  starts: 5,
  windowMillis: 60_000,
  openMillis: 60_000,
  maxOpenMillis: 600_000,
  hopelessMillis: 600_000
}

export interface State {
  /** Failures since the last stable session. */
  readonly failures: number
  /** Refusals as a duplicate, or for another agent of the peer, in a row, without a session between them. */
  readonly duplicates: number
  /** When the sessions within the window started, oldest first; at most `starts + 1` of them. */
  readonly started: ReadonlyArray<number>
  readonly breaker: "closed" | "open" | "half-open"
  /** How often in a row the breaker opened. */
  readonly opened: number
}

export const initial: State = { failures: 0, duplicates: 0, started: [], breaker: "closed", opened: 0 }

export type Event =
  /** A session with the peer became live. */
  | { readonly _tag: "Started"; readonly now: number }
  /** A session ended. `stable`: it lasted long enough and answered a ping. */
  | { readonly _tag: "Ended"; readonly now: number; readonly random: number; readonly stable: boolean }
  /** The peer ended the session, and said when to come back. `stable` as above; by default it was not. */
  | {
      readonly _tag: "Goodbye"
      readonly now: number
      readonly random: number
      readonly stable?: boolean
      readonly reason: GoodbyeReason
      readonly retryAfterMillis: number
    }
  /** A dial or a handshake failed. */
  | { readonly _tag: "Failed"; readonly now: number; readonly random: number }
  /** The peer answered a dial with REJECT. */
  | { readonly _tag: "Rejected"; readonly now: number; readonly random: number; readonly reason: RejectReason }

export interface Step {
  readonly state: State
  /** Milliseconds to wait before the next dial. */
  readonly waitMillis: number
}

const hopeless: ReadonlySet<RejectReason> = new Set(["self", "network", "version"])
/** A goodbye for one of these reasons is nobody's failure. */
const friendly: ReadonlySet<GoodbyeReason> = new Set(["shutdown", "replaced"])
/** Refusals that say how the next dial succeeds: what is known is exact now, or who keeps the link. */
const exact: ReadonlySet<RejectReason> = new Set(["duplicate", "owner"])
/** So many of them in a row cost nothing: after a crossing the second dial is exact (docs/PROTOCOL.md, 4.1). */
const freeDuplicates = 2

const recent = (policy: Policy, state: State, now: number): ReadonlyArray<number> =>
  state.started.filter((at) => now - at < policy.windowMillis)

const started = (policy: Policy, state: State, now: number): Step => ({
  state: { ...state, duplicates: 0, started: [...recent(policy, state, now), now].slice(-(policy.starts + 1)) },
  waitMillis: 0
})

const open = (policy: Policy, state: State): Step => ({
  state: { ...state, breaker: "open", opened: state.opened + 1, started: [], failures: state.failures + 1 },
  waitMillis: Math.min(policy.maxOpenMillis, policy.openMillis * 2 ** Math.min(state.opened, 20))
})

const failed = (policy: Policy, state: State, random: number): Step =>
  state.breaker === "half-open"
    ? open(policy, state)
    : {
        state: { ...state, failures: state.failures + 1 },
        waitMillis: Backoff.delay(policy, state.failures, random)
      }

/** The end of a session that was not stable, by whatever reason; `forgiven` if it is nobody's failure. */
const ended = (policy: Policy, before: State, now: number, random: number, forgiven: boolean): Step => {
  const state = { ...before, started: recent(policy, before, now) }
  if (state.started.length > policy.starts) return open(policy, state)
  return forgiven ? { state, waitMillis: Backoff.delay(policy, 0, random) } : failed(policy, state, random)
}

const rejected = (policy: Policy, state: State, random: number, reason: RejectReason): Step => {
  if (hopeless.has(reason)) {
    return { state: { ...state, failures: state.failures + 1 }, waitMillis: policy.hopelessMillis }
  }
  if (!exact.has(reason)) return failed(policy, state, random)
  const again = { ...state, duplicates: state.duplicates + 1 }
  return again.duplicates > freeDuplicates
    ? failed(policy, again, random)
    : { state: again, waitMillis: Backoff.delay(policy, 0, random) }
}

/** One event of one wanted peer. */
export const step = (policy: Policy, before: State, event: Event): Step => {
  // The one dial that an open breaker lets through is the one whose result arrives now.
  const state: State = before.breaker === "open" ? { ...before, breaker: "half-open" } : before
  switch (event._tag) {
    case "Started":
      return started(policy, state, event.now)
    case "Ended":
    case "Goodbye": {
      const forgiven = event._tag === "Goodbye" && friendly.has(event.reason)
      const step =
        event.stable === true
          ? { state: initial, waitMillis: Backoff.delay(policy, 0, event.random) }
          : ended(policy, state, event.now, event.random, forgiven)
      return event._tag === "Goodbye" ? { ...step, waitMillis: event.retryAfterMillis + step.waitMillis } : step
    }
    case "Failed":
      return failed(policy, state, event.random)
    case "Rejected":
      return rejected(policy, state, event.random, event.reason)
  }
}
