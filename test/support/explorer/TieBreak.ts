/**
 * The ways to settle for one of two connections that look at nothing but the connections themselves, as controls for the
 * arbiter: a model of two nodes without HELLO and COMMIT, in which each side decides by its rule and closes the other one.
 *
 * Node 0 has the lower id. Completing a connection happens at each side by itself; the end of input comes after that.
 */
import { type Direction, keepExisting } from "../../../src/protocol/link/KeepExisting.ts"
import type { Move, Space } from "./Explorer.ts"

type Side = 0 | 1
const bothSides = [0, 1] as const
const other = (side: Side): Side => (side === 0 ? 1 : 0)

/** What a side knows of a connection when it has to choose. */
export interface Known {
  readonly direction: Direction
  /** Bytes have gone both ways. */
  readonly used: boolean
}

/** Whether the existing connection stays. */
export type Rule = (local: Side, existing: Known, incoming: Known) => boolean

const lowerDials: Rule = (local, existing, incoming) =>
  keepExisting(local, other(local), existing.direction, incoming.direction)

/** Whether the greater one's dial is this connection. */
const isGreaters = (local: Side, { direction }: Known): boolean => (local === 1) === (direction === "outbound")

export const rules = {
  "the founding plan's code": (local, existing, incoming) => existing.direction === incoming.direction || local === 0,
  "the lower one's dial, the same way keep the old": lowerDials,
  "the lower one's dial, the same way keep the new": (local, existing, incoming) =>
    existing.direction !== incoming.direction && lowerDials(local, existing, incoming),
  "the first wins": () => true,
  "the newest wins": () => false,
  "a used one yields, else the greater one's dial": (local, existing, incoming) =>
    !existing.used && !isGreaters(local, incoming)
} satisfies Record<string, Rule>
export type RuleName = keyof typeof rules

/** What is wrong at the end of a run. */
export const zero = "wrong: zero, both have closed everything"
export const blocked = "wrong: blocked, one holds a dead connection and refuses the other"
export const flap = "wrong: flap, a connection that works is closed"

export interface Contest {
  readonly rule: Rule
  /** When a dial takes the slot of its side: when it is complete, or when it begins. */
  readonly takes: "at completion" | "at dial"
  /** Dials that each side has. */
  readonly dials: number
  /** A connection that died: who had dialled it, who has noticed, and whether it had been used. */
  readonly dead?: { readonly dialer: Side; readonly noticedBy: Side; readonly used: boolean }
  /** Dials of the lower one never connect. */
  readonly firewalled?: boolean
  /** Whether closing a connection that works counts as wrong. */
  readonly noFlaps?: boolean
}

interface Conn {
  readonly id: number
  readonly dialer: Side
  readonly dead: boolean
  /** By side. */
  readonly phases: readonly ["pending" | "open" | "closed", "pending" | "open" | "closed"]
  readonly used: readonly [boolean, boolean]
}

interface State {
  readonly conns: ReadonlyArray<Conn>
  /** The connection that each side has settled for, or dials. */
  readonly slots: readonly [number | undefined, number | undefined]
  readonly dials: readonly [number, number]
  readonly nextId: number
  readonly broken: string | undefined
}

const set = <A>(pair: readonly [A, A], side: Side, value: A): readonly [A, A] =>
  side === 0 ? [value, pair[1]] : [pair[0], value]

const change = (state: State, id: number, to: (conn: Conn) => Conn): State => ({
  ...state,
  conns: state.conns
    .map((conn) => (conn.id === id ? to(conn) : conn))
    .filter(({ phases }) => phases.some((phase) => phase !== "closed"))
})

const works = ({ slots }: State, { dead, id, phases }: Conn): boolean =>
  !dead && bothSides.every((side) => slots[side] === id && phases[side] === "open")

/** `side` lets go of the connection; the other side hears of it unless it is dead. */
const close = (contest: Contest, state: State, conn: Conn, side: Side): State => {
  const broken = contest.noFlaps === true && works(state, conn) ? flap : state.broken
  const slots = state.slots[side] === conn.id ? set(state.slots, side, undefined) : state.slots
  const closed = { ...state, broken, slots }
  return change(closed, conn.id, (it) => ({ ...it, phases: set(it.phases, side, "closed") }))
}

const dial = (contest: Contest, state: State, side: Side): State => {
  const id = state.nextId
  const hangs = contest.firewalled === true && side === 0
  const conn: Conn = {
    id,
    dialer: side,
    dead: false,
    phases: hangs ? set(["closed", "closed"], side, "pending") : ["pending", "pending"],
    used: [false, false]
  }
  return {
    ...state,
    conns: [...state.conns, conn],
    slots: contest.takes === "at dial" ? set(state.slots, side, id) : state.slots,
    dials: set(state.dials, side, state.dials[side] - 1),
    nextId: id + 1
  }
}

const known = ({ dialer, used }: Conn, side: Side): Known => ({
  direction: dialer === side ? "outbound" : "inbound",
  used: used[side]
})

/** The connection is there at `side`, which now chooses between it and what it has. */
const complete = (contest: Contest, before: State, conn: Conn, side: Side): State => {
  const state = change(before, conn.id, (it) => ({ ...it, phases: set(it.phases, side, "open") }))
  const slot = state.slots[side]
  const existing = state.conns.find(({ id }) => id === slot)
  if (existing === undefined) return { ...state, slots: set(state.slots, side, conn.id) }
  if (existing.id === conn.id) return state
  if (contest.rule(side, known(existing, side), known(conn, side))) return close(contest, state, conn, side)
  const freed = close(contest, state, existing, side)
  return { ...freed, slots: set(freed.slots, side, conn.id) }
}

const first = ({ dead, dials }: Contest): State => {
  if (dead === undefined)
    return { conns: [], slots: [undefined, undefined], dials: [dials, dials], nextId: 1, broken: undefined }
  const { dialer, noticedBy, used } = dead
  const holder = other(noticedBy)
  const conn: Conn = {
    id: 1,
    dialer,
    dead: true,
    phases: set(["closed", "closed"], holder, "open"),
    used: [used, used]
  }
  const slots = set<number | undefined>([undefined, undefined], holder, 1)
  return { conns: [conn], slots, dials: [dials, dials], nextId: 2, broken: undefined }
}

const moves = (contest: Contest, state: State): ReadonlyArray<Move<State>> => {
  const out: Array<Move<State>> = []
  const add = (label: string, to: () => State) => out.push({ label: () => label, fault: false, to })
  for (const side of bothSides) {
    if (state.slots[side] === undefined && state.dials[side] > 0) {
      add(`${side} dials`, () => dial(contest, state, side))
    }
  }
  for (const conn of state.conns) {
    for (const side of bothSides) {
      const phase = conn.phases[side]
      const there = conn.phases[other(side)]
      const at = `connection ${conn.id} at ${side}`
      const hangs = contest.firewalled === true && conn.dialer === 0
      if (phase === "pending") {
        if (hangs) add(`${at} times out`, () => close(contest, state, conn, side))
        else add(`${at} completes`, () => complete(contest, state, conn, side))
      } else if (phase === "open" && !conn.dead) {
        if (there === "closed") add(`${at} ends`, () => close(contest, state, conn, side))
        else if (there === "open" && !conn.used[side]) {
          const touched = (it: Conn): Conn => ({ ...it, used: set(it.used, side, true) })
          add(`${at} has been used`, () => change(state, conn.id, touched))
        }
      }
    }
  }
  return out
}

const verdict = (state: State): string | undefined => {
  if (state.conns.some((conn) => works(state, conn))) return undefined
  return state.slots.every((slot) => slot === undefined) ? zero : blocked
}

export const contestSpace = (name: string, contest: Contest): Space<State> => ({
  name,
  first: first(contest),
  moves: (state) => moves(contest, state),
  key: ({ conns, dials, slots }) => {
    const slot = (id: number | undefined) => conns.findIndex((conn) => conn.id === id)
    const texts = conns.map(
      ({ dead, dialer, phases, used }) => `${dialer}${dead ? "!" : ""}${phases.map((p) => p[0])}${used.map(Number)}`
    )
    return `${dials}|${slots.map(slot)}|${texts.join("|")}`
  },
  broken: ({ broken }) => broken,
  verdict
})
