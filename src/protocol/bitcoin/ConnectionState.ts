/**
 * Where a connection is on its way, in the words of those who designed it first; a step that is not on the map is a defect
 * of the program, not of the peer.
 */
import { Result, Schema } from "effect"

export const State = Schema.Literals([
  "Disconnected",
  "Connecting",
  "AwaitingHandshake",
  "Connected",
  "Rejected",
  "Failed"
])
export type State = typeof State.Type

/** `OverCapacity`: accepted to be told that there is no room. */
export const Kind = Schema.Literals(["Outbound", "Inbound", "OverCapacity"])
export type Kind = typeof Kind.Type

/** A connection was said to be where it cannot get from where it is. */
export class IllegalTransition extends Schema.TaggedError<IllegalTransition>()("IllegalTransition", {
  kind: Kind,
  from: State,
  to: State
}) {
  override get message(): string {
    return `a connection (${this.kind}) cannot go from ${this.from} to ${this.to}`
  }
}

type Map = Readonly<Record<State, ReadonlyArray<State>>>

/** `Rejected` and `Failed` are ends; a new attempt begins as Disconnected. */
const fromHandshakeOn: Map = {
  Disconnected: [],
  Connecting: [],
  AwaitingHandshake: ["Connected", "Rejected", "Failed", "Disconnected"],
  Connected: ["Disconnected", "Rejected", "Failed"],
  Rejected: ["Disconnected"],
  Failed: ["Disconnected"]
}

const maps: Readonly<Record<Kind, Map>> = {
  Outbound: {
    ...fromHandshakeOn,
    Disconnected: ["Connecting"],
    Connecting: ["AwaitingHandshake", "Failed", "Disconnected"]
  },
  Inbound: { ...fromHandshakeOn, Disconnected: ["AwaitingHandshake"] },
  OverCapacity: {
    ...fromHandshakeOn,
    Disconnected: ["AwaitingHandshake"],
    AwaitingHandshake: ["Rejected", "Failed", "Disconnected"]
  }
}

export const transition = (kind: Kind, from: State, to: State): Result.Result<State, IllegalTransition> =>
  maps[kind][from].includes(to) ? Result.succeed(to) : Result.fail(new IllegalTransition({ kind, from, to }))
