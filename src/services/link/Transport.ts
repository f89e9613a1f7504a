/**
 * How bytes get from one node to another: dial an endpoint, listen at one. Real TCP and the transports of tests and
 * simulations are layers of this service, and nothing above it knows which one it runs on.
 *
 * A transport neither authenticates nor encrypts; that is the wire's part.
 */
import { Context, type Effect, Schema, type Scope } from "effect"
import type { Socket } from "effect/socket/Socket"
import type { Endpoint } from "../../protocol/Address.ts"

/** Why a dial got no connection. */
export const DialReason = Schema.Literals([
  "refused",
  "unreachable",
  "unknown-host",
  "timed-out",
  "reset",
  "exhausted",
  "other"
])
export type DialReason = typeof DialReason.Type

export class DialFailed extends Schema.TaggedError<DialFailed>()("DialFailed", {
  endpoint: Schema.String,
  reason: DialReason,
  cause: Schema.optional(Schema.Defect())
}) {
  override get message(): string {
    return `could not connect to ${this.endpoint}: ${this.reason}`
  }
}

/** Why a node cannot listen where it was told to. The message says what to change. */
export class ListenFailed extends Schema.TaggedError<ListenFailed>()("ListenFailed", {
  endpoint: Schema.String,
  reason: Schema.Literals(["in-use", "not-permitted", "no-such-address", "exhausted", "other"]),
  cause: Schema.optional(Schema.Defect())
}) {
  override get message(): string {
    const fix = {
      "in-use": "another program uses this port: stop it or choose another port (0 takes a free one)",
      "not-permitted": "this user may not listen there: choose a port above 1023",
      "no-such-address": "this machine does not have that address: use one of its own, or 127.0.0.1",
      exhausted: "this process has as many files open as it may: raise the limit (ulimit -n)",
      other: "see the cause"
    }[this.reason]
    return `cannot listen at ${this.endpoint}: ${fix}`
  }
}

/** A connection that was dialled, and where the dial led. */
export interface Reached extends Socket {
  /** The IP address at the other end, whatever name was dialled. */
  readonly remoteHost: string
}

/** An accepted connection and where it came from. The port is the peer's ephemeral one: never an identity. */
export interface Accepted {
  readonly socket: Socket
  readonly remote: { readonly host: string; readonly port: number }
}

export interface Listener {
  /** Where it really listens, with the port that was given if 0 was asked for. */
  readonly endpoint: Endpoint
  /**
   * Hands every accepted connection to `handler`, which runs in a fiber of its own; the connection is closed when it
   * ends. Run it once. Interrupting it closes the port and leaves the handlers running: they are interrupted, all at
   * once, when the scope closes in which `listen` was called.
   */
  readonly run: (handler: (accepted: Accepted) => Effect.Effect<void>) => Effect.Effect<never>
}

/**
 * Its sockets keep nothing of what they are given or give: the bytes of a write may be overwritten once it has returned,
 * and what a pull gives belongs to who pulled it.
 */
export class Transport extends Context.Service<
  Transport,
  {
    /** Connects within the transport's own time-out. The connection is closed with the scope. */
    readonly dial: (endpoint: Endpoint) => Effect.Effect<Reached, DialFailed, Scope.Scope>
    /** Listens until the scope closes; port 0 takes a free one. */
    readonly listen: (at: {
      readonly host: string
      readonly port: number
    }) => Effect.Effect<Listener, ListenFailed, Scope.Scope>
  }
>()("holdfast/services/link/Transport") {}
