/**
 * When the side that has dialled a session dials which of its lanes (docs/PROTOCOL.md, 4.7): one after the other, so
 * that a session does not run into the limits of its own peer, and each again with back-off when it is lost.
 *
 * Pure: time and randomness come with the event. Times are milliseconds of a clock that does not go back.
 */
import * as Backoff from "../Backoff.ts"

/** One lane: it waits for its time, a dial is under way, or it is open. */
type Lane =
  | { readonly phase: "waits"; readonly notBefore: number; readonly failures: number }
  | { readonly phase: "dialled"; readonly failures: number }
  | { readonly phase: "open"; readonly since: number; readonly failures: number }

/** The lanes from 1 on. */
export type State = ReadonlyArray<Lane>

export interface Policy extends Backoff.Policy {
  /** How long a lane must have been open for its failures to be forgotten. */
  readonly stableMillis: number
}

/** Of a session with so many lanes, with lane 0: all are due. */
export const initial = (lanes: number, now: number): State =>
  Array.from({ length: lanes - 1 }, () => ({ phase: "waits", notBefore: now, failures: 0 }))

export type Event =
  | { readonly _tag: "Dialled"; readonly lane: number }
  | { readonly _tag: "Opened"; readonly lane: number; readonly now: number }
  /** The dial came to nothing, the peer refused the lane, or it was lost. `random` is uniform in [0, 1). */
  | { readonly _tag: "Ended"; readonly lane: number; readonly now: number; readonly random: number }

const become = (policy: Policy, lane: Lane, event: Event): Lane => {
  switch (event._tag) {
    case "Dialled":
      return { phase: "dialled", failures: lane.failures }
    case "Opened":
      return { phase: "open", since: event.now, failures: lane.failures }
    case "Ended": {
      const { now, random } = event
      const stable = lane.phase === "open" && now - lane.since >= policy.stableMillis
      const failures = stable ? 0 : lane.failures + 1
      return { phase: "waits", notBefore: now + Backoff.delay(policy, failures, random), failures }
    }
  }
}

export const step = (policy: Policy, state: State, event: Event): State =>
  state.map((lane, index) => (index + 1 === event.lane ? become(policy, lane, event) : lane))

export type Next =
  | { readonly _tag: "Dial"; readonly lane: number }
  /** Look again after so long, or not before the next event. */
  | { readonly _tag: "Wait"; readonly millis: number | undefined }

export const next = (state: State, now: number): Next => {
  if (state.some((lane) => lane.phase === "dialled")) return { _tag: "Wait", millis: undefined }
  let first: { readonly lane: number; readonly notBefore: number } | undefined
  for (const [index, lane] of state.entries()) {
    if (lane.phase !== "waits" || (first !== undefined && first.notBefore <= lane.notBefore)) continue
    first = { lane: index + 1, notBefore: lane.notBefore }
  }
  if (first === undefined) return { _tag: "Wait", millis: undefined }
  return first.notBefore <= now ? { _tag: "Dial", lane: first.lane } : { _tag: "Wait", millis: first.notBefore - now }
}
