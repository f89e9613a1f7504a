/**
 * Which connections a node has, may have and wants, to which peers: pure, so that every race of it can be played.
 *
 * A place is taken before a connection exists and given back at its end, whatever that is. A peer is where it is, by its
 * host or by host and port: of two connections with one peer the older is asked for a sign of life, and the newer
 * one goes if there is one. Of two that have crossed the one stays that carries the lowest nonce of the four: both sides
 * see all of them, and neither knows which one the other took for the older.
 */
import type { Kind } from "./ConnectionState.ts"

export interface Settings {
  /** How many connections there shall be, whoever dialled; nobody is dialled above it. */
  readonly target: number
  /** How many there may be. */
  readonly most: number
  /** Whether a peer is its host, or host and port. */
  readonly identity: "host" | "endpoint"
  /** Connections that are accepted to be told that there is no room, at once. */
  readonly turnedAway: number
  /** Connections in both directions have crossed that were opened within this time, in milliseconds. */
  readonly crossing: number
}

export const defaults: Settings = { target: 8, most: 20, identity: "host", turnedAway: 4, crossing: 10_000 }

export interface Slot {
  readonly id: number
  readonly kind: Kind
  /** Who the peer is; of one that has dialled, by endpoint, not known before it says where it listens. */
  readonly peer: string
  readonly phase: "dialling" | "handshake" | "live" | "closing"
  /** Since when there is a connection, in monotonic milliseconds. */
  readonly openedAt: number | undefined
  /** The lower one of both sides' version nonces, once both are known. */
  readonly nonce: bigint | undefined
}

export interface State {
  readonly slots: ReadonlyMap<number, Slot>
}

export const initial: State = { slots: new Map() }

export type Event =
  /** Somebody wants a connection with this peer; `id` is the new one's. */
  | { readonly _tag: "Dial"; readonly id: number; readonly peer: string }
  /** The dial has led to a connection. */
  | { readonly _tag: "Opened"; readonly id: number; readonly now: number }
  | { readonly _tag: "Accepted"; readonly id: number; readonly peer: string; readonly now: number }
  /** The peer's version is known, and with it who it is. */
  | {
      readonly _tag: "Introduced"
      readonly id: number
      readonly peer: string
      readonly nonces: readonly [bigint, bigint]
    }
  /** The handshake is over. */
  | { readonly _tag: "Connected"; readonly id: number }
  | { readonly _tag: "Probed"; readonly id: number; readonly rival?: number; readonly answered: boolean }
  | { readonly _tag: "Ended"; readonly id: number }

type Of<Tag extends Event["_tag"]> = Extract<Event, { readonly _tag: Tag }>

export type Refusal = "engaged" | "full"

export type Action =
  /** Go on with it. */
  | { readonly _tag: "Proceed"; readonly id: number; readonly kind: Kind }
  /** There is no place for it: let it go without a word. */
  | { readonly _tag: "Refuse"; readonly id: number; readonly why: Refusal }
  /** Ask it for a sign of life, and say what came of it, with the one that wants its place if there is one. */
  | { readonly _tag: "Probe"; readonly id: number; readonly rival?: number }
  /** Close it: another connection with the same peer stays. */
  | { readonly _tag: "Close"; readonly id: number; readonly detail: string }

export interface Step {
  readonly state: State
  readonly actions: ReadonlyArray<Action>
}

/** Connections that count, which those do not that are turned away or go. */
export const counted = ({ slots }: State): number => {
  let count = 0
  for (const { kind, phase } of slots.values()) if (kind !== "OverCapacity" && phase !== "closing") count++
  return count
}

/** How many more are wanted. */
export const missing = ({ target }: Settings, state: State): number => Math.max(0, target - counted(state))

/** Whether there is, or will soon be, a connection with this peer. */
export const isEngaged = (state: State, peer: string): boolean => othersOf(state, peer, undefined).length > 0

const othersOf = ({ slots }: State, peer: string, but: number | undefined): ReadonlyArray<Slot> =>
  [...slots.values()].filter(
    (slot) => slot.id !== but && slot.peer === peer && slot.kind !== "OverCapacity" && slot.phase !== "closing"
  )

const put = ({ slots }: State, slot: Slot): State => ({ slots: new Map(slots).set(slot.id, slot) })

const without = ({ slots }: State, id: number): State => {
  const left = new Map(slots)
  left.delete(id)
  return { slots: left }
}

const only = (state: State, ...actions: ReadonlyArray<Action>): Step => ({ state, actions })

const dial = (settings: Settings, state: State, { id, peer }: Of<"Dial">): Step => {
  if (isEngaged(state, peer)) return only(state, { _tag: "Refuse", id, why: "engaged" })
  if (counted(state) >= settings.most) return only(state, { _tag: "Refuse", id, why: "full" })
  const slot: Slot = { id, kind: "Outbound", peer, phase: "dialling", openedAt: undefined, nonce: undefined }
  return only(put(state, slot), { _tag: "Proceed", id, kind: "Outbound" })
}

const accept = (settings: Settings, state: State, { id, now, peer }: Of<"Accepted">): Step => {
  const kind: Kind = counted(state) < settings.most ? "Inbound" : "OverCapacity"
  if (kind === "OverCapacity") {
    const away = [...state.slots.values()].filter((slot) => slot.kind === "OverCapacity").length
    if (away >= settings.turnedAway) return only(state, { _tag: "Refuse", id, why: "full" })
  }
  const slot: Slot = { id, kind, peer, phase: "handshake", openedAt: now, nonce: undefined }
  return only(put(state, slot), { _tag: "Proceed", id, kind })
}

const close = (state: State, slot: Slot, detail: string): Step =>
  only(put(state, { ...slot, phase: "closing" }), { _tag: "Close", id: slot.id, detail })

const lower = ([a, b]: readonly [bigint, bigint]): bigint => (a < b ? a : b)

const haveCrossed = ({ crossing }: Settings, one: Slot, other: Slot): boolean =>
  one.kind !== other.kind && Math.abs((one.openedAt ?? 0) - (other.openedAt ?? 0)) < crossing

/** What becomes of a connection and an older one with the same peer, whose version is known as well. */
const judge = (settings: Settings, state: State, newer: Slot, older: Slot): Step => {
  if (!haveCrossed(settings, newer, older)) {
    if (older.phase === "live") return only(state, { _tag: "Probe", id: older.id, rival: newer.id })
    return close(state, newer, "a connection with the same peer is on its way")
  }
  const stays = (older.nonce ?? 0n) < (newer.nonce ?? 0n) ? older : newer
  const { actions, state: next } = close(state, stays === older ? newer : older, "a connection that crossed it stays")
  // It may be dead already, and the peer would be without one.
  return stays.phase === "live" ? only(next, ...actions, { _tag: "Probe", id: stays.id }) : only(next, ...actions)
}

const introduced = (settings: Settings, state: State, slot: Slot, { nonces, peer }: Of<"Introduced">): Step => {
  const known: Slot = { ...slot, peer, nonce: lower(nonces) }
  const next = put(state, known)
  const older = othersOf(next, peer, known.id).find(({ nonce }) => nonce !== undefined)
  return older === undefined || known.kind === "OverCapacity" ? only(next) : judge(settings, next, known, older)
}

const probed = (state: State, slot: Slot, { answered, rival }: Of<"Probed">): Step => {
  const newer = rival === undefined ? undefined : state.slots.get(rival)
  if (rival !== undefined && (newer === undefined || newer.phase === "closing")) return only(state)
  if (!answered) return close(state, slot, "it gives no sign of life")
  return newer === undefined
    ? only(state)
    : close(state, newer, "there is a connection with the same peer, and it lives")
}

export const step = (settings: Settings, state: State, event: Event): Step => {
  if (event._tag === "Dial") return dial(settings, state, event)
  if (event._tag === "Accepted") return accept(settings, state, event)
  const slot = state.slots.get(event.id)
  if (slot === undefined) return only(state)
  if (event._tag === "Ended") return only(without(state, event.id))
  if (slot.phase === "closing") return only(state)
  switch (event._tag) {
    case "Opened":
      return only(put(state, { ...slot, phase: "handshake", openedAt: event.now }))
    case "Introduced":
      return introduced(settings, state, slot, event)
    case "Connected":
      return only(put(state, { ...slot, phase: "live" }))
    case "Probed":
      return probed(state, slot, event)
  }
}
