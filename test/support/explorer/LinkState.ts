/**
 * The states of the link model: nodes with their machines, connections with what is under way on them.
 */
import * as Admission from "../../../src/protocol/link/Admission.ts"
import * as Arbiter from "../../../src/protocol/link/Arbiter.ts"
import * as Handshake from "../../../src/protocol/link/Handshake.ts"
import type { LinkMessage } from "../../../src/protocol/link/LinkMessage.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { keyOf, type Scenario } from "./Scenario.ts"

export interface Letter {
  readonly key: string
  /** None: the end of the input. */
  readonly message?: LinkMessage
}

export interface End {
  /** `none`: not yet greeted. `finishing`: has said its last and waits for the other side. */
  phase: "none" | "open" | "finishing" | "gone"
  hs: Handshake.State
  /** The number of the session that it is. */
  number: bigint | undefined
  probing: boolean
  /** Its HELLO waits for admission, and so does whatever comes behind it. */
  held: boolean
}

export interface Conn {
  readonly id: number
  /** Node indices: arbiter's side, follower's side. */
  readonly sides: readonly [number, number]
  readonly dialer: number
  readonly hangs: boolean
  connected: boolean
  /** Nothing more gets through. What was under way still does if the cut was an end. */
  cut: boolean
  /** A fault has happened to it. */
  hurt: boolean
  readonly ends: [End, End]
  /** Letters under way to each side. */
  readonly wires: [ReadonlyArray<Letter>, ReadonlyArray<Letter>]
}

export interface Node {
  instance: number
  incarnation: number
  /** One for each key that there is, in the order of `Scenario.nodes`. */
  pairs: ReadonlyArray<Arbiter.State>
  gate: Admission.State
  /** Whom it dials: an agent that does not keep the link names the one that does. */
  target: number | undefined
  dials: number
  crashes: number
  rollbacks: number
}

export interface State {
  nodes: Array<Node>
  conns: Array<Conn>
  cuts: number
  hasty: number
  /** How often a live session was closed by the rule. */
  superseded: number
  nextId: number
  broken: string | undefined
}

export type Side = 0 | 1

/** Where all the peers of a node come from. */
export const remote = "192.0.2.1"
export const noHost = Admission.initial(remote)

export const start = (scenario: Scenario): State => ({
  nodes: scenario.nodes.map((spec) => ({
    instance: 0,
    incarnation: spec.incarnation ?? 5,
    pairs: scenario.nodes.map(() => Arbiter.initial),
    gate: noHost,
    target: spec.dials,
    dials: scenario.budget,
    crashes: spec.crashes ?? 0,
    rollbacks: spec.rollbacks ?? 0
  })),
  conns: [],
  cuts: scenario.cuts,
  hasty: scenario.hasty ?? 0,
  superseded: 0,
  nextId: 1,
  broken: undefined
})

export const copy = (state: State): State => ({
  ...state,
  nodes: state.nodes.map((node) => ({ ...node })),
  conns: state.conns.map((conn) => ({
    ...conn,
    ends: [{ ...conn.ends[0] }, { ...conn.ends[1] }],
    wires: [conn.wires[0], conn.wires[1]]
  }))
})

export const newEnd = (): End => ({
  phase: "none",
  hs: Handshake.initial,
  number: undefined,
  probing: false,
  held: false
})
const busy = (end: End): boolean => end.phase === "open" || end.phase === "finishing"
export const sideOf = (conn: Conn, node: number): Side | undefined =>
  conn.sides[0] === node ? 0 : conn.sides[1] === node ? 1 : undefined
export const otherSide = (side: Side): Side => (side === 0 ? 1 : 0)

/** Whether a node holds this connection as its session. */
export const holds = (state: State, node: number, conn: Conn): boolean =>
  state.nodes[node]!.pairs.some(({ current }) => current?.connection === conn.id)

/** Both sides hold this connection as their session and its socket works. */
export const works = (state: State, conn: Conn): boolean =>
  !conn.cut && conn.sides.every((node, side) => conn.ends[side]!.phase === "open" && holds(state, node, conn))

/** Whether a node has a connection open with anybody of this key. */
export const engaged = (scenario: Scenario, state: State, node: number, peer: NodeKey, besides?: Conn): boolean =>
  state.conns.some((conn) => {
    const side = conn === besides ? undefined : sideOf(conn, node)
    return side !== undefined && busy(conn.ends[side]) && keyOf(scenario, conn.sides[otherSide(side)]) === peer
  })
