/**
 * What becomes of a peer whose connection has ended: dialled again at once, later, not for now, or never.
 *
 * A peer that is lost is dialled again at once, a few times in a window; then it counts as inaccessible. Restarts are
 * counted over the window, whatever was reached in between: only a period in which a connection was well makes
 * them forgotten. One that accepts and hangs up for ever would otherwise be dialled for ever.
 */
import * as Backoff from "../Backoff.ts"

export interface Policy {
  /** Restarts within the window. */
  readonly restarts: number
  readonly windowMillis: number
  /** A connection that lasts so long makes all before it forgotten. */
  readonly healthyMillis: number
  /** How often a peer is dialled that does not answer. */
  readonly attempts: number
  /** The waits between these dials: full jitter below 5 s, 10 s, 20 s and so on. */
  readonly backoff: Backoff.Policy
}

export const defaults: Policy = {
  restarts: 3,
  windowMillis: 60_000,
  healthyMillis: 60_000,
  attempts: 10,
  backoff: { baseMillis: 5_000, capMillis: 600_000 }
}

export interface State {
  /** When it was restarted within the window, oldest first; at most as many as there may be. */
  readonly restarted: ReadonlyArray<number>
  /** Dials in a row that did not lead to a connection. */
  readonly failures: number
  /** When the handshake of the present connection was over. */
  readonly connectedAt: number | undefined
}

export const initial: State = { restarted: [], failures: 0, connectedAt: undefined }

/** Why it ended. */
export type Ending =
  /** Refused, reset or timed out before there was a connection, or before the peer had said anything. */
  | "unreachable"
  /** Lost after the handshake: an error of the network, or the peer has closed. */
  | "lost"
  /** No handshake in time, or given up by the peer after its version. */
  | "handshake"
  /** No answer to a ping. */
  | "silent"
  /** It is too old, gives no blocks, or has told us why it will not have us. */
  | "unsuitable"
  /** Another magic. */
  | "network"
  /** Its user agent is not wanted. */
  | "agent"
  /** It has made 100 points. */
  | "misbehaved"
  /** It is this node. */
  | "self"
  /** This node has closed it. */
  | "closed"

/** Why an address is kept out. */
export type BanReason = "network" | "agent" | "misbehaved"

export type Fate =
  | { readonly _tag: "Restart" }
  | { readonly _tag: "Retry"; readonly waitMillis: number }
  /** Not dialled again before somebody asks for it, or nobody else is left. */
  | { readonly _tag: "Inaccessible" }
  | { readonly _tag: "Banned"; readonly reason: BanReason }
  /** Nothing is to be done, and nothing is known against it. */
  | { readonly _tag: "Leave" }

export type Event =
  /** The handshake is over. */
  | { readonly _tag: "Connected"; readonly now: number }
  /** `random` is uniform in [0, 1). */
  | {
      readonly _tag: "Ended"
      readonly now: number
      readonly random: number
      readonly direction: "inbound" | "outbound"
      readonly ending: Ending
    }

type Ended = Extract<Event, { readonly _tag: "Ended" }>

export interface Step {
  readonly state: State
  readonly fate: Fate | undefined
}

const banned: ReadonlySet<Ending> = new Set<Ending & BanReason>(["network", "agent", "misbehaved"])
const isBan = (ending: Ending): ending is Ending & BanReason => banned.has(ending)

const inaccessible: Step = { state: initial, fate: { _tag: "Inaccessible" } }

/** What was counted, unless the connection that has ended was well for long enough. */
const remembered = (policy: Policy, state: State, now: number): ReadonlyArray<number> =>
  state.connectedAt !== undefined && now - state.connectedAt >= policy.healthyMillis
    ? []
    : state.restarted.filter((at) => now - at < policy.windowMillis)

const lost = (policy: Policy, state: State, { now }: Ended): Step => {
  const restarted = remembered(policy, state, now)
  if (restarted.length >= policy.restarts) return inaccessible
  return {
    state: { ...state, restarted: [...restarted, now], connectedAt: undefined },
    fate: { _tag: "Restart" }
  }
}

const unreachable = (policy: Policy, state: State, { random }: Ended): Step => {
  const failures = state.failures + 1
  if (failures >= policy.attempts) return inaccessible
  const waitMillis = Backoff.delay(policy.backoff, state.failures, random)
  return { state: { ...state, failures, connectedAt: undefined }, fate: { _tag: "Retry", waitMillis } }
}

const ended = (policy: Policy, state: State, event: Ended): Step => {
  const { direction, ending } = event
  if (isBan(ending)) return { state: initial, fate: { _tag: "Banned", reason: ending } }
  // Who has dialled may dial again.
  if (direction === "inbound" || ending === "closed" || ending === "self") {
    return { state: { ...state, connectedAt: undefined }, fate: { _tag: "Leave" } }
  }
  if (ending === "lost") return lost(policy, state, event)
  return ending === "unreachable" ? unreachable(policy, state, event) : inaccessible
}

export const step = (policy: Policy, state: State, event: Event): Step =>
  event._tag === "Connected"
    ? { state: { ...state, failures: 0, connectedAt: event.now }, fate: undefined }
    : ended(policy, state, event)
