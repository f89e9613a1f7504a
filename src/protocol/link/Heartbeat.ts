/**
 * When a link is alive, when to ask, and when it is dead (docs/PROTOCOL.md, 5).
 *
 * Any complete frame is life. A ping goes out when nothing has come in for an interval; a link is dead after silence
 * with a ping unanswered, never for a late timer of our own. Times are milliseconds of a clock that does not go back.
 */
import * as Histogram from "../Histogram.ts"
import { roundTripBounds } from "./PingSuccess.ts"

/** The figures of one profile, in milliseconds. */
export interface Profile {
  /** Ping after this much silence, and again after as much without an answer. */
  readonly interval: number
  /** Dead after this much silence with a ping unanswered. */
  readonly timeout: number
  /** Pings, each unanswered for an interval, that there must be besides the silence. */
  readonly missed: number
  /** How long a session must have lasted to count as stable, besides one pong. */
  readonly stable: number
}

export const profiles = {
  default: { interval: 15_000, timeout: 30_000, missed: 1, stable: 60_000 },
  fast: { interval: 2_000, timeout: 5_000, missed: 1, stable: 5_000 },
  relaxed: { interval: 60_000, timeout: 120_000, missed: 5, stable: 120_000 }
} as const satisfies Record<string, Profile>

/**
 * Pings that may wait for their pongs at once. With more, one from before the last sign of life is forgotten, else the
 * youngest: what has been missed stays missed, however often somebody probes.
 */
export const maxOutstanding = 8

/** The adaptive deadline is at most this many times the profile's: answering slowly does not switch detection off. */
export const maxStretch = 4

/**
 * How often to call `Tick`: twice an interval. On time, that finds silence within 6 s (`fast`), 37.5 s (`default`) and
 * 390 s (`relaxed`) of the last frame.
 */
export const tickMillis = (profile: Profile): number => profile.interval / 2

export interface State {
  readonly lastFrame: number
  readonly lastTick: number
  /** Only pings sent from here on may condemn the peer: the last frame, or our own last late timer. */
  readonly judgedFrom: number
  readonly outstanding: ReadonlyArray<{ readonly nonce: bigint; readonly sentAt: number }>
  readonly sent: number
  readonly matched: number
  /** Of those, the ones that took longer than the profile's time-out. */
  readonly late: number
  readonly unknown: number
  /** In milliseconds. */
  readonly roundTrips: Histogram.Histogram
  readonly rttMillis: number | undefined
  readonly rttVariance: number
}

const noRoundTrips = Histogram.empty(roundTripBounds)

export const initial = (now: number): State => ({
  lastFrame: now,
  lastTick: now,
  judgedFrom: now,
  outstanding: [],
  sent: 0,
  matched: 0,
  late: 0,
  unknown: 0,
  roundTrips: noRoundTrips,
  rttMillis: undefined,
  rttVariance: 0
})

export type Event =
  /** A complete frame came in at `now`. */
  | { readonly _tag: "Frame"; readonly now: number }
  /** A pong came in; it is a frame as well. */
  | { readonly _tag: "Pong"; readonly now: number; readonly nonce: bigint }
  /** The timer of this link fired; `nonce` names the ping, should one be sent. */
  | { readonly _tag: "Tick"; readonly now: number; readonly nonce: bigint }
  /** Somebody doubts this link, or wants a first round trip: ping now, whatever the interval says. */
  | { readonly _tag: "Probe"; readonly now: number; readonly nonce: bigint }

export type Action =
  | { readonly _tag: "Ping"; readonly nonce: bigint }
  | { readonly _tag: "Dead"; readonly silentMillis: number }

export interface Step {
  readonly state: State
  readonly actions: ReadonlyArray<Action>
}

const quiet = (state: State): Step => ({ state, actions: [] })

const ping = (state: State, now: number, nonce: bigint): Step => {
  const full = state.outstanding.length >= maxOutstanding
  const stale = state.outstanding[0] !== undefined && state.outstanding[0].sentAt < state.judgedFrom
  const kept = !full ? state.outstanding : stale ? state.outstanding.slice(1) : state.outstanding.slice(0, -1)
  return {
    state: { ...state, outstanding: [...kept, { nonce, sentAt: now }], sent: state.sent + 1 },
    actions: [{ _tag: "Ping", nonce }]
  }
}

/** Smooths round trips as in RFC 6298, section 2. */
const measure = (state: State, sample: number): Pick<State, "rttMillis" | "rttVariance"> =>
  state.rttMillis === undefined
    ? { rttMillis: sample, rttVariance: sample / 2 }
    : {
        rttMillis: state.rttMillis * 0.875 + sample * 0.125,
        rttVariance: state.rttVariance * 0.75 + Math.abs(state.rttMillis - sample) * 0.25
      }

const alive = (state: State, now: number): State => ({ ...state, lastFrame: now, judgedFrom: now })

const pong = (profile: Profile, state: State, now: number, nonce: bigint): Step => {
  const sent = state.outstanding.find((entry) => entry.nonce === nonce)
  if (sent === undefined) return quiet({ ...alive(state, now), unknown: state.unknown + 1 })
  const sample = now - sent.sentAt
  return quiet({
    ...alive(state, now),
    ...measure(state, sample),
    matched: state.matched + 1,
    late: state.late + (sample > profile.timeout ? 1 : 0),
    roundTrips: Histogram.add(state.roundTrips, sample),
    outstanding: state.outstanding.filter((entry) => entry !== sent)
  })
}

/** How long silence may last: the profile's figure, longer where round trips have been longer, within a limit. */
export const deadline = (profile: Profile, state: State): number => {
  if (state.rttMillis === undefined) return profile.timeout
  const estimate = 4 * state.rttMillis + 4 * state.rttVariance
  return Math.min(maxStretch * profile.timeout, Math.max(profile.timeout, estimate))
}

/** An interval as the waiting for a pong is measured: a timer that fires a little early does not cost another tick. */
const patience = (profile: Profile): number => profile.interval * 0.95

/** Pings since the last sign of life, sent before `until`, that have waited for an interval. */
const missed = (profile: Profile, state: State, now: number, until: number): number =>
  state.outstanding.filter(
    ({ sentAt }) => sentAt >= state.judgedFrom && sentAt < until && now - sentAt >= patience(profile)
  ).length

const tick = (profile: Profile, before: State, now: number, nonce: bigint): Step => {
  const silent = now - before.lastFrame
  const late = now - before.lastTick - tickMillis(profile)
  const state = { ...before, lastTick: now }
  if (silent < profile.interval) return quiet(state)
  // A very late timer says something about us and nothing about the peer: ask again instead of judging.
  if (late > profile.interval / 2) return ping({ ...state, judgedFrom: now }, now, nonce)
  // Behind a late timer the answer to the last ping may be waiting to be read: only pings before it count.
  const until = late > profile.interval / 8 ? before.lastTick : now
  if (silent >= deadline(profile, state) && missed(profile, state, now, until) >= profile.missed) {
    return { state, actions: [{ _tag: "Dead", silentMillis: silent }] }
  }
  const last = state.outstanding.at(-1)
  const asked = last !== undefined && last.sentAt >= state.judgedFrom && now - last.sentAt < patience(profile)
  return asked ? quiet(state) : ping(state, now, nonce)
}

/** One event of one link. */
export const step = (profile: Profile, state: State, event: Event): Step => {
  switch (event._tag) {
    case "Frame":
      return quiet(alive(state, event.now))
    case "Pong":
      return pong(profile, state, event.now, event.nonce)
    case "Tick":
      return tick(profile, state, event.now, event.nonce)
    case "Probe":
      return ping(state, event.now, event.nonce)
  }
}
