/**
 * When to dial a wanted peer again (docs/PROTOCOL.md, 6): full-jitter back-off that is forgotten only after a stable
 * session, a limit on session starts in a window, a circuit breaker that opens when the limit is passed, and what the
 * peer itself said about coming back.
 *
 * A wanted peer is dialled for ever. Pure: time and randomness come with the event, the answer is a wait.
 */
import * as Backoff from "../Backoff.ts"
import { type GoodbyeReason, maxRetryMillis, type RejectReason } from "./LinkMessage.ts"

export interface Policy extends Backoff.Policy {
  /** Upper bound of the first wait where several peers were lost at once: the outage may be on this side. */
  readonly outageMillis: number
  /**
   * Upper bound of the first wait for a peer that answers and cannot take this node yet; doubles while it goes on. It
   * is most likely coming back, so that the long waits of its absence would only make it later.
   */
  readonly answeredMillis: number
  /** The wait after a refusal that says how the next dial succeeds. */
  readonly duplicateMillis: number
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
  outageMillis: 5_000,
  answeredMillis: 15_000,
  duplicateMillis: 500,
  starts: 5,
  windowMillis: 60_000,
  openMillis: 60_000,
  maxOpenMillis: 600_000,
  hopelessMillis: 600_000
}

export interface State {
  /** Failures since the last stable session. */
  readonly failures: number
  /** The last of them of which the peer could be reached, in a row, without a session between them. */
  readonly answered: number
  /** Refusals as a duplicate, or for another agent of the peer, in a row, without a session between them. */
  readonly duplicates: number
  /** When the sessions within the window started, oldest first; at most `starts + 1` of them. */
  readonly started: ReadonlyArray<number>
  readonly breaker: "closed" | "open" | "half-open"
  /** How often in a row the breaker opened. */
  readonly opened: number
}

export const initial: State = { failures: 0, answered: 0, duplicates: 0, started: [], breaker: "closed", opened: 0 }

export type Event =
  /** A session with the peer became live. */
  | { readonly _tag: "Started"; readonly now: number }
  /**
   * A session ended. `stable`: it lasted long enough and answered a ping. `outage`: so many peers were lost at once
   * that the outage may be on this side.
   */
  | {
      readonly _tag: "Ended"
      readonly now: number
      readonly random: number
      readonly stable: boolean
      readonly outage?: boolean
    }
  /** The peer ended the session, and said when to come back. `stable` as above; by default it was not. */
  | {
      readonly _tag: "Goodbye"
      readonly now: number
      readonly random: number
      readonly stable?: boolean
      readonly reason: GoodbyeReason
      readonly retryAfterMillis: number
    }
  /** A dial or a handshake failed. `answered`: there was a connection, so somebody is there. */
  | { readonly _tag: "Failed"; readonly now: number; readonly random: number; readonly answered?: boolean }
  /** The peer, or this node, answered a dial with REJECT. `retryAfterMillis` is when it makes sense to come back. */
  | {
      readonly _tag: "Rejected"
      readonly now: number
      readonly random: number
      readonly reason: RejectReason
      readonly retryAfterMillis?: number
    }

type Rejected = Extract<Event, { readonly _tag: "Rejected" }>

export interface Step {
  readonly state: State
  /** Milliseconds to wait before the next dial. */
  readonly waitMillis: number
  /** The part of them that stands although this node has reason to try again, such as a new network. */
  readonly firmMillis: number
  /** The part of them for which the peer has said that it is not there, so that a dial is in vain whoever asks for it. */
  readonly absentMillis: number
}

/** What another dial soon will not change. */
export const hopeless: ReadonlySet<RejectReason> = new Set(["self", "network", "version", "genesis", "banned"])
/** Refusals that say how the next dial succeeds: what is known is exact now, or who keeps the link. */
const exact: ReadonlySet<RejectReason> = new Set(["duplicate", "owner"])
/** So many of them in a row cost nothing: after a crossing the second dial is exact (docs/PROTOCOL.md, 4.1). */
const freeDuplicates = 2
/** A goodbye for one of these reasons is nobody's failure. */
const friendly: ReadonlySet<GoodbyeReason> = new Set(["shutdown", "replaced"])

const recent = (policy: Policy, state: State, now: number): ReadonlyArray<number> =>
  state.started.filter((at) => now - at < policy.windowMillis)

const waiting = (state: State, waitMillis: number): Step => ({ state, waitMillis, firmMillis: 0, absentMillis: 0 })
const firmly = (state: State, waitMillis: number): Step => ({
  state,
  waitMillis,
  firmMillis: waitMillis,
  absentMillis: 0
})

const started = (policy: Policy, state: State, now: number): Step => {
  const starts = [...recent(policy, state, now), now].slice(-(policy.starts + 1))
  return waiting({ ...state, answered: 0, duplicates: 0, started: starts }, 0)
}

const open = (policy: Policy, state: State): Step =>
  firmly(
    { ...state, breaker: "open", opened: state.opened + 1, started: [], failures: state.failures + 1 },
    Math.min(policy.maxOpenMillis, policy.openMillis * 2 ** Math.min(state.opened, 20))
  )

const failed = (policy: Policy, state: State, random: number, answered: boolean): Step => {
  if (state.breaker === "half-open") return open(policy, state)
  const near = answered ? policy.answeredMillis * 2 ** Math.min(state.answered, 20) : Number.POSITIVE_INFINITY
  const bound = Math.min(near, Backoff.ceiling(policy, state.failures))
  const after = { ...state, failures: state.failures + 1, answered: answered ? state.answered + 1 : 0 }
  return waiting(after, Backoff.below(bound, random))
}

/** The end of a session that was stable: everything before it is forgotten. */
const parted = (policy: Policy, random: number, outage: boolean): Step => {
  const bound = outage ? Math.min(policy.capMillis, policy.outageMillis) : Backoff.ceiling(policy, 0)
  return waiting(initial, Backoff.below(bound, random))
}

/** More sessions have begun than are allowed. */
const flaps = (policy: Policy, state: State, now: number): boolean => recent(policy, state, now).length > policy.starts

/** The end of a session that was not stable, by whatever reason; `forgiven` if it is nobody's failure. */
const ended = (policy: Policy, state: State, now: number, random: number, forgiven: boolean): Step => {
  if (flaps(policy, state, now)) return open(policy, state)
  return forgiven ? waiting(state, Backoff.delay(policy, 0, random)) : failed(policy, state, random, false)
}

const rejected = (policy: Policy, state: State, event: Rejected): Step => {
  const { now, random, reason } = event
  const refused = { ...state, failures: state.failures + 1 }
  const isAnnounced = reason === "banned" && event.retryAfterMillis !== undefined
  if (hopeless.has(reason) && !isAnnounced) return firmly(refused, policy.hopelessMillis)
  // Where this side decides, a session has begun before the peer refuses it.
  if (flaps(policy, state, now)) return open(policy, state)
  if (isAnnounced) return waiting(refused, Backoff.delay(policy, 0, random))
  if (!exact.has(reason)) return failed(policy, state, random, true)
  const again = { ...state, duplicates: state.duplicates + 1 }
  return again.duplicates > freeDuplicates
    ? failed(policy, again, random, true)
    : waiting(again, policy.duplicateMillis)
}

/** Not before the time that the peer has named. */
const notBefore = (millis: number, { state, ...step }: Step): Step => {
  const absence = Math.min(maxRetryMillis, millis)
  return {
    state,
    waitMillis: absence + step.waitMillis,
    firmMillis: absence + step.firmMillis,
    absentMillis: absence
  }
}

/** One event of one wanted peer. */
export const step = (policy: Policy, before: State, event: Event): Step => {
  // The one dial that an open breaker lets through is the one whose result arrives now.
  const state: State = before.breaker === "open" ? { ...before, breaker: "half-open" } : before
  switch (event._tag) {
    case "Started":
      return started(policy, state, event.now)
    case "Ended":
      return event.stable
        ? parted(policy, event.random, event.outage === true)
        : ended(policy, state, event.now, event.random, false)
    case "Goodbye": {
      const step =
        event.stable === true
          ? parted(policy, event.random, false)
          : ended(policy, state, event.now, event.random, friendly.has(event.reason))
      return notBefore(event.retryAfterMillis, step)
    }
    case "Failed":
      return failed(policy, state, event.random, event.answered === true)
    case "Rejected":
      return notBefore(event.retryAfterMillis ?? 0, rejected(policy, state, event))
  }
}
