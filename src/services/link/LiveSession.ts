/**
 * The session that a connection has become, for its handler.
 */
import { Deferred, Effect } from "effect"
import * as Frame from "../../protocol/link/Frame.ts"
import type { GoodbyeReason, Hello } from "../../protocol/link/LinkMessage.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Connection } from "./Connection.ts"
import { ended } from "./Ended.ts"
import type { Frames } from "./Inbox.ts"
import { goodbye } from "./LastWord.ts"
import type { Session, SessionLane } from "./Session.ts"
import { SessionLanes } from "./SessionLanes.ts"
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
  /** If it may have several. */
  readonly joined: SessionLanes | undefined
  readonly #connection: Connection

  /** With `lanes`, how many it may have, and how long a doubted one may take to show life, in milliseconds. */
  constructor(
    connection: Connection,
    {
      frames,
      hello,
      lanes,
      number,
      peer,
      probeTimeout
    }: Pick<Session, "frames" | "hello" | "lanes" | "number" | "peer"> & { readonly probeTimeout: number }
  ) {
    this.#connection = connection
    this.peer = peer
    this.number = number
    this.hello = hello
    this.frames = frames
    this.joined = lanes === 1 ? undefined : new SessionLanes(lanes, this.#home, probeTimeout)
  }

  get direction(): Direction {
    return this.#connection.direction
  }

  get remote(): string {
    return this.#connection.remote
  }

  get lanes(): number {
    return this.joined?.count ?? 1
  }

  get openLanes(): ReadonlyArray<number> {
    return this.joined?.open ?? [0]
  }

  // Functions of their own, so that a handler may take them out of the session.

  readonly send = (kind: number, body: Uint8Array): Effect.Effect<void> =>
    this.#connection.bulk(Frame.encodeInPlace(kind, body))

  readonly sendAll = (kind: number, bodies: ReadonlyArray<Uint8Array>): Effect.Effect<void> =>
    this.#connection.bulkAll(bodies.map((body) => Frame.encodeInPlace(kind, body)))

  readonly gossip = (kind: number, body: Uint8Array): void => this.#connection.gossip(Frame.encodeInPlace(kind, body))

  readonly lane = (number: number): Effect.Effect<SessionLane> =>
    (this.joined ?? new SessionLanes(1, this.#home, 0)).lane(number)

  readonly useful = (): void => this.#connection.useful()

  readonly close = (reason: GoodbyeReason, detail: string): Effect.Effect<void> =>
    Effect.sync(() => this.#finish(endings[reason], reason, detail))

  /** The handler ended, and with it the session. */
  handlerEnded(detail: string): void {
    this.#finish("internal", "unwanted", detail)
  }

  /** Lane 0. */
  get #home(): SessionLane {
    return {
      number: 0,
      frames: this.frames,
      send: (body) => this.send(Frame.Kind.Stream, body),
      sendAll: (bodies) => this.sendAll(Frame.Kind.Stream, bodies),
      lost: Effect.asVoid(Deferred.await(this.#connection.ended))
    }
  }

  #finish(meaning: Parameters<typeof ended>[0], reason: GoodbyeReason, detail: string): void {
    const told = meaning === "internal" ? "" : detail
    this.#connection.finish(ended(meaning, detail), goodbye(reason, pauses[reason], told))
  }
}
