/**
 * Whether a connection may compete for a session at all, by where it comes from (docs/PROTOCOL.md, 4.3). It stands in
 * front of the arbiter: what is refused here never gets there.
 *
 * A pure machine with one state per host, an IPv4 address or an IPv6 /64, so that its limits go by host. As with the
 * arbiter, connections are named by numbers that the caller gives out, and the caller performs the actions in order.
 */
import { Schema } from "effect"
import { isLoopback } from "../Address.ts"
import { ipOf } from "../HostNetwork.ts"
import type { NodeKey } from "../NodeKey.ts"
import type { ConnectionId } from "./Arbiter.ts"
import type { RejectReason } from "./LinkMessage.ts"

/**
 * What a place is, of which there is one per peer. `machine`: an IP address, whatever keys are behind it.
 * `authenticated`: a proven key, and an IP address only where nothing is proven. `endpoint`: an IP address and the port
 * at which the peer listens, for several nodes behind one address.
 */
export const Policy = Schema.Literals(["machine", "authenticated", "endpoint"])
export type Policy = typeof Policy.Type

export interface Options {
  readonly policy: Policy
  /** Peers that one IPv4 address or one IPv6 /64 may have at once. Loopback is exempt. */
  readonly perIpMax: number
  /** Connections admitted at once; further ones are refused as `busy`. */
  readonly connections: number
}

export const defaults: Options = { policy: "authenticated", perIpMax: 8, connections: 8_192 }

/** A connection that asks to be let in. */
export interface Applicant {
  readonly connection: ConnectionId
  /** Who it is: the proven key, or its place where nothing is proven. An unproven peer is never one with a key. */
  readonly identity: string
  /** What it would take: two identities never have one place. */
  readonly place: string
}

/** A newcomer to a taken place, while the connection `asks` is being asked for a sign of life. */
export interface Waiting extends Applicant {
  readonly asks: ConnectionId
}

export interface State {
  /** Loopback: all the peers of a machine are its own. */
  readonly unlimited: boolean
  /** Oldest first. All connections at one place are of one identity. */
  readonly admitted: ReadonlyArray<Applicant>
  /** One for each place at the most. */
  readonly waiting: ReadonlyArray<Waiting>
}

/** The state of a host without connections; `remote` is one of its IP addresses. */
export const initial = (remote: string): State => ({ unlimited: isLoopback(ipOf(remote)), admitted: [], waiting: [] })

export type Event =
  /** The HELLO of a connection came in, before anybody else has looked at it. */
  | { readonly _tag: "Hello"; readonly applicant: Applicant }
  /** A connection answered a probe, or stayed silent for its deadline. */
  | { readonly _tag: "Probed"; readonly connection: ConnectionId; readonly answered: boolean }
  /** A connection is gone, admitted or not. */
  | { readonly _tag: "Closed"; readonly connection: ConnectionId }

export type Action =
  /** Hand the HELLO on to the arbiter. */
  | { readonly _tag: "Admit"; readonly connection: ConnectionId }
  /** REJECT(reason) and close. */
  | {
      readonly _tag: "Refuse"
      readonly connection: ConnectionId
      readonly reason: RejectReason
      readonly detail: string
    }
  /** Ask the connection for a sign of life and report `Probed`. */
  | { readonly _tag: "Probe"; readonly connection: ConnectionId }
  /** End the connection: it is silent, and somebody else wants its place. Comes before the `Admit` of who does. */
  | { readonly _tag: "Evict"; readonly connection: ConnectionId }

export interface Step {
  readonly state: State
  readonly actions: ReadonlyArray<Action>
}

/** What a connection applies with: the proven key if there is one, the remote IP address, where the peer says it listens. */
export const applicant = (
  policy: Policy,
  of: {
    readonly connection: ConnectionId
    readonly peer: NodeKey | undefined
    readonly remote: string
    readonly listens: number | undefined
  }
): Applicant => {
  const ip = `@${ipOf(of.remote)}`
  const place =
    policy === "endpoint" ? `${ip} ${of.listens ?? ""}` : policy === "machine" || of.peer === undefined ? ip : of.peer
  return { connection: of.connection, identity: of.peer ?? place, place }
}

const refuse = (state: State, { connection }: Applicant, reason: RejectReason, detail: string): Step => ({
  state,
  actions: [{ _tag: "Refuse", connection, reason, detail }]
})

/** Somebody else's connection at the place, the oldest. */
const holder = (state: State, { identity, place }: Applicant): Applicant | undefined =>
  state.admitted.find((other) => other.place === place && other.identity !== identity)

const admit = ({ connections, perIpMax }: Options, state: State, newcomer: Applicant): Step => {
  const { connection, identity, place } = newcomer
  if (state.admitted.length >= connections)
    return refuse(state, newcomer, "busy", `${connections} connections are open`)
  const identities = new Set(state.admitted.map((other) => other.identity))
  if (!state.unlimited && !identities.has(identity) && identities.size >= perIpMax) {
    return refuse(state, newcomer, "occupied", `${perIpMax} nodes of this address are connected, more are not taken`)
  }
  const admitted = [...state.admitted, { connection, identity, place }]
  return { state: { ...state, admitted }, actions: [{ _tag: "Admit", connection }] }
}

const occupied = "another node is connected from this address and alive, one at a time is taken"

const enter = (options: Options, state: State, newcomer: Applicant): Step => {
  const there = holder(state, newcomer)
  if (there === undefined) return admit(options, state, newcomer)
  if (state.waiting.some(({ place }) => place === newcomer.place)) {
    return refuse(state, newcomer, "busy", "another node at this address is being checked")
  }
  const waiting = [...state.waiting, { ...newcomer, asks: there.connection }]
  return { state: { ...state, waiting }, actions: [{ _tag: "Probe", connection: there.connection }] }
}

const withoutConnection = (state: State, connection: ConnectionId): State => ({
  ...state,
  admitted: state.admitted.filter((other) => other.connection !== connection),
  waiting: state.waiting.filter((other) => other.connection !== connection)
})

/** `connection` has left its place: who waited for that gets it, unless its former owner has come back meanwhile. */
const vacated = (options: Options, before: State, connection: ConnectionId, actions: ReadonlyArray<Action>): Step => {
  const state = withoutConnection(before, connection)
  const newcomer = state.waiting.find(({ asks }) => asks === connection)
  if (newcomer === undefined) return { state, actions }
  const released = withoutConnection(state, newcomer.connection)
  const decided =
    holder(released, newcomer) === undefined
      ? admit(options, released, newcomer)
      : refuse(released, newcomer, "occupied", occupied)
  return { state: decided.state, actions: [...actions, ...decided.actions] }
}

/** One event of one host; the actions are performed in order, before the next event of that host. */
export const step = (options: Options, state: State, event: Event): Step => {
  switch (event._tag) {
    case "Hello":
      return enter(options, state, event.applicant)
    case "Closed":
      return vacated(options, state, event.connection, [])
    case "Probed": {
      const newcomer = state.waiting.find(({ asks }) => asks === event.connection)
      if (newcomer === undefined) return { state, actions: [] }
      return event.answered
        ? refuse(withoutConnection(state, newcomer.connection), newcomer, "occupied", occupied)
        : vacated(options, state, event.connection, [{ _tag: "Evict", connection: event.connection }])
    }
  }
}

/** Whether nothing is left to remember of the host. */
export const isEmpty = (state: State): boolean => state.admitted.length === 0
