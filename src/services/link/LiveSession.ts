/**
 * The session that a connection has become, for its handler.
 */
import { Effect } from "effect"
import * as Frame from "../../protocol/link/Frame.ts"
import type { GoodbyeReason, Hello } from "../../protocol/link/LinkMessage.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Connection } from "./Connection.ts"
import { ended } from "./Ended.ts"
import type { Frames } from "./Inbox.ts"
import { goodbye } from "./LastWord.ts"
import type { Session } from "./Session.ts"
import type { Direction } from "./Wire.ts"

const endings = {
  shutdown: "shutdown",
  unwanted: "shutdown",
  replaced: "replaced",
  violation: "violation",
  slow: "slow"
} as const

/** When a peer shall dial again after this node has ended the session, in milliseconds. */
const pauses = { shutdown: 0, unwanted: 1_000, replaced: 0, violation: 0, slow: 0 } as const

export class LiveSession implements Session {
  readonly peer: NodeKey
  readonly number: bigint
  readonly hello: Hello
  readonly frames: Frames
  readonly #connection: Connection

  constructor(connection: Connection, peer: NodeKey, number: bigint, hello: Hello, frames: Frames) {
    this.#connection = connection
    this.peer = peer
    this.number = number
    this.hello = hello
    this.frames = frames
  }

  get direction(): Direction {
    return this.#connection.direction
  }

  get remote(): string {
    return this.#connection.remote
  }

  // Functions of their own, so that a handler may take them out of the session.

  readonly send = (kind: number, body: Uint8Array): Effect.Effect<void> =>
    this.#connection.bulk(Frame.encodeInPlace(kind, body))

  readonly sendAll = (kind: number, bodies: ReadonlyArray<Uint8Array>): Effect.Effect<void> =>
    this.#connection.bulkAll(bodies.map((body) => Frame.encodeInPlace(kind, body)))

  readonly gossip = (kind: number, body: Uint8Array): void => this.#connection.gossip(Frame.encodeInPlace(kind, body))

  readonly close = (reason: GoodbyeReason, detail: string): Effect.Effect<void> =>
    Effect.sync(() => this.#finish(endings[reason], reason, detail))

  /** The handler ended, and with it the session. */
  handlerEnded(detail: string): void {
    this.#finish("internal", "unwanted", detail)
  }

  #finish(meaning: Parameters<typeof ended>[0], reason: GoodbyeReason, detail: string): void {
    const told = meaning === "internal" ? "" : detail
    this.#connection.finish(ended(meaning, detail), goodbye(reason, pauses[reason], told))
  }
}
