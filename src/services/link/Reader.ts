/**
 * The reading side of one connection: from the pieces of its channel to frames, and to whoever they are for.
 *
 * It is never raced or interrupted while the connection lives, lets others have their turn however fast a peer sends, and
 * holds the peer to its rates. Heartbeats end here; what other frames mean is the owner's business.
 */
import { Cause, Effect, Option } from "effect"
import type { Frame } from "../../protocol/link/Frame.ts"
import * as RateLimit from "../../protocol/link/RateLimit.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { type Ended, ended } from "./Ended.ts"
import type { Ground } from "./Ground.ts"
import type { Heart } from "./Heart.ts"
import type { Channel, FrameDecoder } from "./Wire.ts"
import { crashed } from "./Writer.ts"

/** Whoever the frames are for. */
export interface Listener {
  /** Takes a frame; an effect that is returned is waited for before the next frame is looked at. */
  readonly handle: (frame: Frame) => Effect.Effect<void> | undefined
  /** All that came together has been handled. */
  readonly caughtUp: () => void
  /**
   * Tells the peer what it did wrong, in the words of the wire, and ends the connection for that reason. With `cause`, the
   * decoder's, it was in bytes that had opened.
   */
  readonly violated: (reason: Ended, cause?: Error) => void
}

/** The connection that is read. */
export interface Subject {
  /** It has ended, or will when its last words are written: what comes is thrown away. */
  readonly finishing: boolean
  readonly over: boolean
  readonly control: (frame: Uint8Array) => void
  readonly end: (reason: Ended) => void
}

/**
 * What is read, in bytes, before all others have their turn: a peer that sends as fast as it can does not hold up those
 * who say little. Not less than what a writer writes in its turn, so that reading keeps up with writing.
 */
const maxInTurn = 256 * 1024
/** What a frame counts for besides its bytes: to handle an empty one takes time as well. */
const frameCost = 32

export interface Options {
  readonly ground: Ground
  readonly subject: Subject
  readonly listener: Listener
  readonly heart: Heart
  readonly peer: NodeKey | undefined
}

export class Reader {
  frames = 0
  bytes = 0
  /** Frames that came faster than is allowed. */
  dropped = 0
  /** Nothing more is read: the peer has closed, or what it sends makes no sense any more. */
  over = false
  readonly #options: Options
  readonly #decoder: FrameDecoder
  readonly #together: Array<Frame> = []
  #rates: RateLimit.RateLimit | undefined

  constructor(options: Options) {
    this.#options = options
    this.#decoder = options.ground.wire.decoder()
  }

  /** Frames of a session's size are allowed from now on. */
  established(): void {
    this.#decoder.established()
  }

  /** Reads until the channel ends or the connection does. */
  run<E extends Error>(channel: Channel<E>, describe: (error: E) => Ended): Effect.Effect<void> {
    const { ground, heart, listener, subject } = this.#options
    let wrong: Error | undefined
    let inTurn = 0
    let heard = 0
    const pull = channel.pull((piece) => {
      this.bytes += piece.length
      inTurn += piece.length
      if (!subject.finishing && wrong === undefined) wrong = this.#decoder.feed(piece, this.#together)
    })
    const handle = (): Effect.Effect<void> => {
      inTurn += frameCost * this.#together.length
      if (this.#together.length > 0) heart.alive()
      else if (this.bytes > heard) heart.partly()
      heard = this.bytes
      const handling = this.#handleFrom(0)
      if (wrong === undefined) return handling ?? Effect.void
      const cause = wrong
      wrong = undefined
      return Effect.map(handling ?? Effect.void, () => listener.violated(ended("violation", cause.message), cause))
    }
    const late = () => ground.points.pass("link.read-before-handled")
    const once = Effect.flatMap(pull, () => after(late(), handle))
    const inNextTurn = Effect.andThen(Effect.yieldNow, once)
    const body = (): Effect.Effect<void, E> => {
      if (inTurn < maxInTurn) return once
      inTurn = 0
      return inNextTurn
    }
    return Effect.whileLoop({ while: () => !subject.over, body, step: () => undefined }).pipe(
      Effect.catchCause((cause) =>
        Effect.sync(() => {
          const error = Cause.findErrorOption(cause)
          if (Option.isSome(error)) this.#lost(describe(error.value))
          else subject.end(crashed("reader", cause))
        })
      )
    )
  }

  /** The frames that came together, from this one on; what has to be waited for before the next. */
  #handleFrom(first: number): Effect.Effect<void> | undefined {
    const frames = this.#together
    for (let i = first; i < frames.length && !this.#options.subject.finishing; i++) {
      const handling = this.#handle(frames[i]!)
      if (handling !== undefined) {
        return Effect.flatMap(this.#waitFor(handling), () => this.#handleFrom(i + 1) ?? Effect.void)
      }
    }
    frames.length = 0
    this.#options.listener.caughtUp()
    return undefined
  }

  #handle(frame: Frame): Effect.Effect<void> | undefined {
    const { ground, heart, listener, peer } = this.#options
    this.frames++
    ground.tap?.received(peer, frame.kind, ground.wire.headerSize + frame.body.length)
    heart.answered()
    const answer = this.#limited(frame.kind)
    if (answer === undefined || answer._tag === "Pass") return this.#dispatch(frame)
    switch (answer._tag) {
      case "Delay":
        return Effect.flatMap(Effect.sleep(answer.millis), () => this.#dispatch(frame) ?? Effect.void)
      case "Drop":
        this.dropped++
        return undefined
      case "Disconnect":
        listener.violated(ended("violation", answer.detail))
        return undefined
    }
  }

  /** What is asked for is never too much; nor is what the streams of a session carry, which have their own limits. */
  #limited(kind: number): RateLimit.Answer | undefined {
    const { ground, heart } = this.#options
    const frameClass = ground.wire.classOf(kind)
    if (frameClass === "bulk") return undefined
    const { matched, sent, unknown } = heart.state
    this.#rates ??= new RateLimit.RateLimit(ground.config.rates)
    return this.#rates.step(frameClass, frameClass === "pong" && matched + unknown < sent, ground.alarms.now)
  }

  #dispatch(frame: Frame): Effect.Effect<void> | undefined {
    const { ground, heart, listener } = this.#options
    const beat = ground.wire.beat(frame)
    if (beat === undefined) return listener.handle(frame)
    if (beat instanceof Error) listener.violated(ended("violation", beat.message))
    else if (beat._tag === "Ping") return this.#pong(beat.nonce)
    else heart.pong(beat.nonce)
    return undefined
  }

  #pong(nonce: bigint): Effect.Effect<void> | undefined {
    const { ground, subject } = this.#options
    const { points, wire } = ground
    const late = points.pass("link.ping-before-pong")
    if (late !== Effect.void) return Effect.map(late, () => subject.control(wire.pong(nonce)))
    subject.control(wire.pong(nonce))
    return undefined
  }

  /** Lets the handler take its time: no beat is judged until it is done and what came meanwhile has been looked at. */
  #waitFor(handling: Effect.Effect<void>): Effect.Effect<void> {
    const { heart } = this.#options
    heart.held = true
    return Effect.map(handling, () => {
      heart.held = false
      heart.alive()
    })
  }

  /** The input is over. Whoever broke off in the middle is told so: its reading side may still be open. */
  #lost(reason: Ended): void {
    const { listener, subject } = this.#options
    this.over = true
    const cut = reason.reason === "closed" ? this.#decoder.end() : undefined
    const meaning = cut === undefined ? reason : ended("truncated", cut.message)
    const toTell = meaning.reason === "truncated" || meaning.reason === "violation"
    if (toTell && !subject.finishing) listener.violated(meaning)
    else subject.end(meaning)
  }
}

/** Goes on at once where there is nothing to wait for, as in production there never is. */
const after = (waiting: Effect.Effect<void>, then: () => Effect.Effect<void>): Effect.Effect<void> =>
  waiting === Effect.void ? then() : Effect.flatMap(waiting, then)
