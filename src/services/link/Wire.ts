/**
 * How a link speaks: how a socket becomes a channel of frames, and what its heartbeat looks like.
 *
 * Connections, heartbeats, registry and supervision are the same code for every wire and for both directions.
 */
import { Context, type Effect, type Scope } from "effect"
import type { Socket } from "effect/socket/Socket"
import type { Offence } from "../../protocol/link/Ban.ts"
import type { Frame } from "../../protocol/link/Frame.ts"
import type { FrameClass } from "../../protocol/link/RateLimit.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Ended } from "./Ended.ts"

export type Direction = "inbound" | "outbound"

/** Bytes in both directions after whatever the wire needs before its first frame. */
export interface Channel<E> {
  /**
   * Waits for input and gives it to `take` piece by piece, in order, as its own. May give nothing. Fails at the end of the input, whatever its reason. One reader at a time, and not to be raced.
   */
  readonly pull: (take: (piece: Uint8Array) => void) => Effect.Effect<void, E>
  /** Writes everything as one; returns when the socket has taken it. One writer at a time. */
  readonly write: (chunks: ReadonlyArray<Uint8Array>) => Effect.Effect<void, E>
  /** Nothing more will be written: tells the peer so, after what was written. */
  readonly end: Effect.Effect<void>
}

/** A channel whose other end is known. */
export interface Opened<E> {
  readonly peer: NodeKey
  readonly channel: Channel<E>
}

/** Takes pieces and gives frames; owned by one reader. */
export interface FrameDecoder {
  /** Appends the frames that the piece completes; what is wrong after them, for good. Bodies are views of it. */
  readonly feed: (piece: Uint8Array, frames: Array<Frame>) => Error | undefined
  /** What it means that the input ends here; nothing if it ends between two frames. */
  readonly end: () => Error | undefined
  /** The peer is known and welcome: larger frames are allowed from now on. */
  readonly established: () => void
}

export type Beat = { readonly _tag: "Ping"; readonly nonce: bigint } | { readonly _tag: "Pong"; readonly nonce: bigint }

/** One way to speak, for connections whose channel fails with `E`. */
export interface Speech<E extends Error> {
  readonly name: string
  /** Makes the channel; `expected` is the key that must answer. Has no time-out of its own. */
  readonly open: (
    socket: Socket,
    direction: Direction,
    expected: NodeKey | undefined
  ) => Effect.Effect<Opened<E>, E, Scope.Scope>
  /** What a failure of `open` or of the channel means for the connection. */
  readonly describe: (error: E) => Ended
  /** What it says of whoever dialled: what no honest node does, if it is that. */
  readonly offence: (error: E) => Offence | undefined
  readonly decoder: () => FrameDecoder
  /** The kind of an encoded frame. */
  readonly kindOf: (frame: Uint8Array) => number
  /** By which limit a frame of this kind counts that nobody has asked for. */
  readonly classOf: (kind: number) => FrameClass
  /** Bytes of a frame besides its body. */
  readonly headerSize: number
  readonly ping: (nonce: bigint) => Uint8Array
  readonly pong: (nonce: bigint) => Uint8Array
  /** The ping or pong in a frame, `undefined` for any other frame, an error for a malformed one. */
  readonly beat: (frame: Frame) => Beat | Error | undefined
}

/** The wire that the links of this node speak. */
export class Wire extends Context.Service<Wire, Speech<Error>>()("holdfast/services/link/Wire") {}
