/**
 * The lanes of a session: lane 0 is the session's own connection, the others are further connections under the same key
 * (docs/PROTOCOL.md, 4.7). Which connection is which lane, and what becomes of one that asks for a lane that is taken.
 *
 * Pure, and the same on both sides: the side that dials tells it of a lane when it has been let in. A lane has one
 * connection at the most, and one more waits for it while the first one is asked for a sign of life.
 */
import type { ConnectionId } from "./Arbiter.ts"

/** Lanes of a session at the most, with lane 0. */
export const most = 8

/** The lanes of a session between two sides that offer so many; a side that says nothing offers one. */
export const agreed = (own: number, theirs: number | undefined): number => Math.max(1, Math.min(most, own, theirs ?? 1))

/**
 * The lane of a stream, by a number of its own, of a session with so many lanes: the same as long as the session lives,
 * whichever lanes are open. Lane 0 has its own work, and gets streams only where there is no other.
 */
export const laneOf = (stream: number, lanes: number): number => (lanes === 1 ? 0 : 1 + (stream % (lanes - 1)))

/** Who has a lane, and who waits for it. */
interface Seat {
  readonly holder: ConnectionId
  readonly waiting: ConnectionId | undefined
}

export interface State {
  /** With lane 0. */
  readonly lanes: number
  readonly seats: ReadonlyMap<number, Seat>
}

export const initial = (lanes: number): State => ({ lanes, seats: new Map() })

export type Event =
  /** A connection asks for a lane, or has been given it by the peer. */
  | { readonly _tag: "Join"; readonly connection: ConnectionId; readonly lane: number }
  /** The connection that has a lane was asked for a sign of life. */
  | { readonly _tag: "Probed"; readonly connection: ConnectionId; readonly answered: boolean }
  | { readonly _tag: "Closed"; readonly connection: ConnectionId }

export type Action =
  /** It is the lane from now on. */
  | { readonly _tag: "Open"; readonly connection: ConnectionId }
  | { readonly _tag: "Refuse"; readonly connection: ConnectionId; readonly detail: string }
  /** Ask it for a sign of life, and tell with `Probed`. */
  | { readonly _tag: "Probe"; readonly connection: ConnectionId }
  /** It is silent, and another one takes its lane. */
  | { readonly _tag: "Close"; readonly connection: ConnectionId }

export interface Step {
  readonly state: State
  readonly actions: ReadonlyArray<Action>
}

/** Lanes that are open, in their order, without lane 0. */
export const open = (state: State): ReadonlyArray<number> => [...state.seats.keys()].toSorted((a, b) => a - b)

/** The connection that is this lane. */
export const holder = (state: State, lane: number): ConnectionId | undefined => state.seats.get(lane)?.holder

const seated = (state: State, lane: number, seat: Seat | undefined, ...actions: ReadonlyArray<Action>): Step => {
  const seats = new Map(state.seats)
  if (seat === undefined) seats.delete(lane)
  else seats.set(lane, seat)
  return { state: { ...state, seats }, actions }
}

const refuse = (connection: ConnectionId, detail: string): Action => ({ _tag: "Refuse", connection, detail })
const opened = (connection: ConnectionId): Action => ({ _tag: "Open", connection })

const join = (state: State, connection: ConnectionId, lane: number): Step => {
  if (lane < 1 || lane >= state.lanes) {
    return { state, actions: [refuse(connection, `there is no lane ${lane} to join of ${state.lanes}`)] }
  }
  const seat = state.seats.get(lane)
  if (seat === undefined) return seated(state, lane, { holder: connection, waiting: undefined }, opened(connection))
  if (seat.waiting !== undefined) {
    return { state, actions: [refuse(connection, `another connection waits for lane ${lane}`)] }
  }
  return seated(state, lane, { ...seat, waiting: connection }, { _tag: "Probe", connection: seat.holder })
}

const probed = (state: State, connection: ConnectionId, answered: boolean): Step => {
  for (const [lane, { holder, waiting }] of state.seats) {
    if (holder !== connection || waiting === undefined) continue
    if (answered) return seated(state, lane, { holder, waiting: undefined }, refuse(waiting, `lane ${lane} is open`))
    return seated(
      state,
      lane,
      { holder: waiting, waiting: undefined },
      { _tag: "Close", connection: holder },
      opened(waiting)
    )
  }
  return { state, actions: [] }
}

const closed = (state: State, connection: ConnectionId): Step => {
  for (const [lane, { holder, waiting }] of state.seats) {
    if (waiting === connection) return seated(state, lane, { holder, waiting: undefined })
    if (holder !== connection) continue
    if (waiting === undefined) return seated(state, lane, undefined)
    return seated(state, lane, { holder: waiting, waiting: undefined }, opened(waiting))
  }
  return { state, actions: [] }
}

/** One event of one session; the actions are performed in order, before its next event. */
export const step = (state: State, event: Event): Step => {
  switch (event._tag) {
    case "Join":
      return join(state, event.connection, event.lane)
    case "Probed":
      return probed(state, event.connection, event.answered)
    case "Closed":
      return closed(state, event.connection)
  }
}
