/**
 * Which of several connections between two nodes is the session: the arbiter commits (docs/PROTOCOL.md, 4.1).
 *
 * Of a pair the node with the lower key is the arbiter. It alone decides, numbers the survivor and says so with
 * COMMIT(n); the other side obeys the highest number. Both sides run this machine, one state per proven peer key.
 * It is pure: connections are named by numbers that the caller gives out, the caller performs the actions in order.
 */
import type { NodeKey } from "../NodeKey.ts"
import type { RejectReason } from "./LinkMessage.ts"

export type Role = "arbiter" | "follower"

/** The role of `self` towards `peer`; equal keys have none, such a connection is refused before it comes here. */
export const roleOf = (self: NodeKey, peer: NodeKey): Role => (self < peer ? "arbiter" : "follower")

/** Names one connection within one process; never reused, never sent. */
export type ConnectionId = number

/** What the other side said of itself on a connection. */
export interface Claim {
  readonly instance: string
  readonly database: string
  readonly incarnation: bigint
  readonly knows: bigint
  readonly holds: boolean
}

export interface Session {
  readonly connection: ConnectionId
  readonly number: bigint
  readonly claim: Claim
}

export interface State {
  /** The highest session number: issued, on the arbiter; seen, on the follower. It never goes back. */
  readonly highest: bigint
  readonly current: Session | undefined
  /** A newcomer that waits for the answer of the current session to a probe; arbiter only, one at most. */
  readonly suspended:
    | { readonly connection: ConnectionId; readonly claim: Claim; readonly reason: RejectReason }
    | undefined
}

export const initial: State = { highest: 0n, current: undefined, suspended: undefined }

export type Event =
  /** The peer's HELLO came in on a connection that is not yet a session. */
  | { readonly _tag: "Hello"; readonly connection: ConnectionId; readonly claim: Claim }
  /** The arbiter's COMMIT came in; follower only. */
  | { readonly _tag: "Commit"; readonly connection: ConnectionId; readonly claim: Claim; readonly number: bigint }
  /** The arbiter said that another session stays; `alone` if no other connection with it is open here. */
  | { readonly _tag: "Duplicate"; readonly number: bigint; readonly alone: boolean }
  /** A connection, session or not, is gone here. */
  | { readonly _tag: "Closed"; readonly connection: ConnectionId }
  /** The current session answered a probe, or stayed silent for its deadline. */
  | { readonly _tag: "Probed"; readonly connection: ConnectionId; readonly answered: boolean }

export type Action =
  /** Close a session that is replaced. Comes before the commit of its successor. */
  | { readonly _tag: "Close"; readonly connection: ConnectionId }
  /** The connection is the session from now on; the arbiter sends COMMIT(number) on it. */
  | { readonly _tag: "Activate"; readonly connection: ConnectionId; readonly number: bigint; readonly send: boolean }
  /** The connection does not become a session; REJECT(reason, number) is sent on it before it is closed. */
  | {
      readonly _tag: "Refuse"
      readonly connection: ConnectionId
      readonly reason: RejectReason
      readonly number: bigint
    }
  /** Ask the current session for a sign of life and report `Probed`. */
  | { readonly _tag: "Probe"; readonly connection: ConnectionId }

export interface Step {
  readonly state: State
  readonly actions: ReadonlyArray<Action>
}

const activate = (state: State, connection: ConnectionId, claim: Claim, number: bigint, send: boolean): Step => {
  const actions: Array<Action> = []
  if (state.current !== undefined) actions.push({ _tag: "Close", connection: state.current.connection })
  const waiting = state.suspended?.connection
  // Nobody would ever answer a newcomer that waits for a session which is replaced.
  if (waiting !== undefined && waiting !== connection) {
    actions.push({ _tag: "Refuse", connection: waiting, reason: "duplicate", number })
  }
  actions.push({ _tag: "Activate", connection, number, send })
  return { state: { highest: number, current: { connection, number, claim }, suspended: undefined }, actions }
}

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b)

/** The arbiter's number for the next survivor: above its own and above what the other side knows. */
const commitNext = (state: State, connection: ConnectionId, claim: Claim): Step =>
  activate(state, connection, claim, max(state.highest, claim.knows) + 1n, true)

const refuse = (state: State, connection: ConnectionId, reason: RejectReason): Step => ({
  state,
  actions: [{ _tag: "Refuse", connection, reason, number: state.highest }]
})

/** Parks a doubtful newcomer until the session it would replace has answered a probe. */
const probeFirst = (
  state: State,
  current: Session,
  connection: ConnectionId,
  claim: Claim,
  reason: RejectReason
): Step =>
  state.suspended === undefined
    ? {
        state: { ...state, suspended: { connection, claim, reason } },
        actions: [{ _tag: "Probe", connection: current.connection }]
      }
    : refuse(state, connection, "busy")

const decide = (state: State, connection: ConnectionId, claim: Claim): Step => {
  const current = state.current
  if (current === undefined) return commitNext(state, connection, claim)
  const known = current.claim
  if (claim.database !== known.database) return probeFirst(state, current, connection, claim, "clone")
  if (claim.incarnation > known.incarnation) return commitNext(state, connection, claim)
  if (claim.instance !== known.instance) {
    const reason = claim.incarnation === known.incarnation ? "clone" : "duplicate"
    return probeFirst(state, current, connection, claim, reason)
  }
  // The same process as the current session's: it lost that session, still holds it, or its COMMIT is under way.
  if (claim.knows >= current.number && !claim.holds) return commitNext(state, connection, claim)
  return refuse(state, connection, "duplicate")
}

const stepArbiter = (state: State, event: Event): Step => {
  switch (event._tag) {
    case "Hello":
      return decide(state, event.connection, event.claim)
    case "Probed": {
      const { current, suspended } = state
      if (suspended === undefined || current?.connection !== event.connection) return { state, actions: [] }
      const released = { ...state, suspended: undefined }
      return event.answered
        ? refuse(released, suspended.connection, suspended.reason)
        : commitNext(released, suspended.connection, suspended.claim)
    }
    case "Closed": {
      if (state.suspended?.connection === event.connection)
        return { state: { ...state, suspended: undefined }, actions: [] }
      if (state.current?.connection !== event.connection) return { state, actions: [] }
      const without = { ...state, current: undefined, suspended: undefined }
      return state.suspended === undefined
        ? { state: without, actions: [] }
        : commitNext(without, state.suspended.connection, state.suspended.claim)
    }
    case "Commit":
      return refuse(state, event.connection, "violation")
    case "Duplicate":
      return { state, actions: [] }
  }
}

/**
 * Why the sender of a COMMIT is not the process, or a later one on the same database, that the follower has its
 * session with. It may be a second node with the arbiter's key, so it does not replace a session that lives.
 */
const stranger = (known: Claim, claim: Claim): RejectReason | undefined => {
  if (claim.database !== known.database) return "clone"
  if (claim.instance === known.instance || claim.incarnation > known.incarnation) return undefined
  return claim.incarnation === known.incarnation ? "clone" : "duplicate"
}

const obey = (state: State, connection: ConnectionId, claim: Claim, number: bigint): Step => {
  const { current } = state
  const reason = current === undefined ? undefined : stranger(current.claim, claim)
  if (current !== undefined && reason !== undefined) {
    const refused = refuse(state, connection, reason)
    return { state, actions: [...refused.actions, { _tag: "Probe", connection: current.connection }] }
  }
  return number > state.highest
    ? activate(state, connection, claim, number, false)
    : refuse(state, connection, "duplicate")
}

const stepFollower = (state: State, event: Event): Step => {
  switch (event._tag) {
    case "Hello":
      return { state, actions: [] }
    case "Commit":
      return obey(state, event.connection, event.claim, event.number)
    case "Duplicate": {
      // Only with no other connection open can it truthfully say "I do not hold it" in the next HELLO.
      const learns = event.alone && state.current === undefined && event.number > state.highest
      return { state: learns ? { ...state, highest: event.number } : state, actions: [] }
    }
    case "Closed":
      return {
        state: state.current?.connection === event.connection ? { ...state, current: undefined } : state,
        actions: []
      }
    case "Probed":
      return event.answered || state.current?.connection !== event.connection
        ? { state, actions: [] }
        : { state: { ...state, current: undefined }, actions: [{ _tag: "Close", connection: event.connection }] }
  }
}

/** One event of one pair; the actions are performed in order, before the next event of that pair. */
export const step = (role: Role, state: State, event: Event): Step =>
  role === "arbiter" ? stepArbiter(state, event) : stepFollower(state, event)

/** What a HELLO to this peer says about the session: `knows` and `holds`. */
export const standing = (state: State): { readonly knows: bigint; readonly holds: boolean } => ({
  knows: state.highest,
  holds: state.current !== undefined
})
