/**
 * One open connection: a reader over the channel of any wire, a writer and a heartbeat, the same code for both
 * directions. It ends once, with a reason, and everything it owns ends with it.
 *
 * The reader is never raced or interrupted while the connection lives. Pings are answered ahead of queued bulk. What
 * the frames mean is the caller's business.
 */
import { Cause, Deferred, Effect, Fiber, Option } from "effect"
import type { Frame } from "../../protocol/link/Frame.ts"
import type * as Heartbeat from "../../protocol/link/Heartbeat.ts"
import * as RateLimit from "../../protocol/link/RateLimit.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { type Ended, ended } from "./Ended.ts"
import type { Ground } from "./Ground.ts"
import * as Heart from "./Heart.ts"
import { type Queued, sizeOf } from "./Lane.ts"
import { SendQueue } from "./SendQueue.ts"
import type { Channel, Direction, FrameDecoder } from "./Wire.ts"
import { crashed, Writer } from "./Writer.ts"

/** What one connection does with what happens to it. */
export interface Owner {
  /** Takes a frame; an effect that is returned is waited for before the next frame is looked at. */
  readonly handle: (frame: Frame) => Effect.Effect<void> | undefined
  /** All that came together has been handled. */
  readonly caughtUp: () => void
  /**
   * Tells the peer what it did wrong, in the words of the wire, and ends the connection for that reason. With `cause`, the
   * decoder's, it was in bytes that had opened.
   */
  readonly violated: (reason: Ended, cause?: Error) => void
  /** Called once, in the same turn in which the connection ends, before anybody who waits for `ended` goes on. */
  readonly onEnded: (ended: Ended) => void
}

/**
 * What is read, in bytes, before all others have their turn: a peer that sends as fast as it can does not hold up those
 * who say little. Not less than what a writer writes in its turn, so that reading keeps up with writing.
 */
const maxInTurn = 256 * 1024
/** What a frame counts for besides its bytes: to handle an empty one takes time as well. */
const frameCost = 32

export interface Options extends Heart.Options {
  /** Unique within the process. */
  readonly id: number
  readonly direction: Direction
  /** Where the other end is, for people. */
  readonly remote: string
  /** The IP address at the other end, whoever dialled. */
  readonly host: string
  readonly peer?: NodeKey | undefined
}

export class Connection {
  readonly id: number
  readonly direction: Direction
  readonly remote: string
  readonly host: string
  readonly openedAt: number
  readonly ended: Deferred.Deferred<Ended> = Deferred.makeUnsafe<Ended>()
  framesIn = 0
  framesOut = 0
  bytesIn = 0
  bytesOut = 0
  /** Frames of kinds that this node does not know and may ignore, and those that came faster than is allowed. */
  framesIgnored = 0
  framesDropped = 0
  #usefulAt: number | undefined
  readonly #ground: Ground
  readonly #owner: Owner
  readonly #queue: SendQueue
  readonly #heart: Heart.Heart
  readonly #peer: NodeKey | undefined
  readonly #decoder: FrameDecoder
  readonly #frames: Array<Frame> = []
  #writer: { readonly wake: () => void; readonly stop: () => void } | undefined
  #rates: RateLimit.RateLimit | undefined
  #over = false
  #finishing: Ended | undefined
  /** Nothing more is read: the peer has closed, or what it sends makes no sense any more. */
  #inputOver = false

  constructor(ground: Ground, owner: Owner, options: Options) {
    this.id = options.id
    this.direction = options.direction
    this.remote = options.remote
    this.host = options.host
    this.openedAt = ground.alarms.now
    this.#ground = ground
    this.#owner = owner
    this.#queue = new SendQueue(() => this.#writer?.wake(), ground.config.queue, ground.points)
    this.#peer = options.peer
    this.#decoder = ground.wire.decoder()
    const silent = (millis: number) => `nothing came for ${Math.round(millis)} ms and a ping was not answered`
    const body: Heart.Body = {
      ping: (nonce) => this.control(ground.wire.ping(nonce)),
      dead: (millis) => this.end(ended("silent", silent(millis)))
    }
    this.#heart = new Heart.Heart(ground, body, options)
  }

  get heartbeat(): Heartbeat.State {
    return this.#heart.state
  }

  /** When its session's handler last found something of use in what it brought, in monotonic milliseconds. */
  get usefulAt(): number | undefined {
    return this.#usefulAt
  }

  useful(): void {
    this.#usefulAt = this.#ground.alarms.now
  }

  /** Bytes that wait to be written. */
  get queuedBytes(): number {
    return this.#queue.bytes
  }

  /** Gossip that was thrown away because newer gossip came before it could be written. */
  get dropped(): number {
    return this.#queue.dropped
  }

  get finishing(): boolean {
    return this.#over || this.#finishing !== undefined
  }

  /** Queues a frame ahead of everything else. A peer that lets this lane overflow is cut off. */
  control(frame: Uint8Array): void {
    this.#count(frame)
    if (!this.#queue.control(frame)) this.end(ended("slow", "the peer does not take its control frames"))
  }

  /** Queues a frame, waiting for room. Frames queued after the end go nowhere. */
  bulk(frame: Queued): Effect.Effect<void> {
    this.#count(frame)
    return this.#queue.bulk(frame)
  }

  /** As `bulk`, many in their order. */
  bulkAll(frames: ReadonlyArray<Queued>): Effect.Effect<void> {
    for (const frame of frames) this.#count(frame)
    return this.#queue.bulkAll(frames)
  }

  /** Queues a frame that may be lost, at the cost of the oldest of its kind. */
  gossip(frame: Queued): void {
    this.#count(frame)
    this.#queue.gossip(frame)
  }

  #count(frame: Queued): void {
    const size = sizeOf(frame)
    this.framesOut++
    this.bytesOut += size
    const { tap, wire } = this.#ground
    tap?.sent(this.#peer, wire.kindOf(frame instanceof Uint8Array ? frame : frame[0]), size)
  }

  /** This is a session now: frames of a session's size are allowed, and a first ping measures the round trip. */
  established(): void {
    this.#decoder.established()
    this.#heart.ping()
  }

  /** Ends now. The first reason counts. */
  end(reason: Ended): void {
    if (this.#over) return
    this.#over = true
    this.#queue.close()
    this.#writer?.stop()
    const first = this.#finishing ?? reason
    this.#owner.onEnded(first)
    this.#heart.stop()
    Deferred.doneUnsafe(this.ended, Effect.succeed(first))
  }

  /** Ends with `reason` once everything queued and `last` have been written and the peer had a moment to take them. */
  finish(reason: Ended, last?: Uint8Array): void {
    if (this.finishing) return
    const word = this.#ground.points.fires("link.last-word-lost") ? undefined : last
    if (word !== undefined) this.#count(word)
    this.#finishing = reason
    this.#queue.close(word)
  }

  /**
   * Asks for a sign of life now. `report` hears `true` at the next frame, `false` at the end or after `millis` of
   * silence, whoever else asks meanwhile.
   */
  probe(millis: number, report: (answered: boolean) => void): void {
    if (this.finishing) report(false)
    else this.#heart.probe(millis, report)
  }

  /**
   * Reads and writes until the channel ends or the connection does, and says why. While the connection finishes, what
   * comes is thrown away: the socket of a peer that is still sending would be reset before it had read our last words.
   */
  run<E extends Error>(channel: Channel<E>, describe: (error: E) => Ended): Effect.Effect<Ended> {
    return Effect.flatMap(Effect.forkDetach(this.#read(channel, describe)), (reader) => {
      this.#writer = new Writer({
        ground: this.#ground,
        queue: this.#queue,
        channel,
        describe,
        drained: () => this.#close(channel),
        failed: (reason) => this.end(reason)
      })
      return Effect.onExit(Deferred.await(this.ended), () => {
        this.#writer?.stop()
        return Fiber.interrupt(reader)
      })
    })
  }

  #read<E extends Error>(channel: Channel<E>, describe: (error: E) => Ended): Effect.Effect<void> {
    let wrong: Error | undefined
    let inTurn = 0
    let heard = 0
    const pull = channel.pull((piece) => {
      this.bytesIn += piece.length
      inTurn += piece.length
      if (!this.finishing && wrong === undefined) wrong = this.#decoder.feed(piece, this.#frames)
    })
    const handle = (): Effect.Effect<void> => {
      inTurn += frameCost * this.#frames.length
      if (this.#frames.length > 0) this.#heart.alive()
      else if (this.bytesIn > heard) this.#heart.partly()
      heard = this.bytesIn
      const handling = this.#handleFrom(0)
      if (wrong === undefined) return handling ?? Effect.void
      const cause = wrong
      wrong = undefined
      return Effect.map(handling ?? Effect.void, () => this.#owner.violated(ended("violation", cause.message), cause))
    }
    const late = () => this.#ground.points.pass("link.read-before-handled")
    const once = Effect.flatMap(pull, () => after(late(), handle))
    const inNextTurn = Effect.andThen(Effect.yieldNow, once)
    const body = (): Effect.Effect<void, E> => {
      if (inTurn < maxInTurn) return once
      inTurn = 0
      return inNextTurn
    }
    return Effect.whileLoop({ while: () => !this.#over, body, step: () => undefined }).pipe(
      Effect.catchCause((cause) =>
        Effect.sync(() => {
          const error = Cause.findErrorOption(cause)
          if (Option.isSome(error)) this.#lost(describe(error.value))
          else this.end(crashed("reader", cause))
        })
      )
    )
  }

  /** The frames that came together, from this one on; what has to be waited for before the next. */
  #handleFrom(first: number): Effect.Effect<void> | undefined {
    const frames = this.#frames
    for (let i = first; i < frames.length && !this.finishing; i++) {
      const handling = this.#handle(frames[i]!)
      if (handling !== undefined) {
        return Effect.flatMap(this.#waitFor(handling), () => this.#handleFrom(i + 1) ?? Effect.void)
      }
    }
    frames.length = 0
    this.#owner.caughtUp()
    return undefined
  }

  #handle(frame: Frame): Effect.Effect<void> | undefined {
    const { tap, wire } = this.#ground
    this.framesIn++
    tap?.received(this.#peer, frame.kind, wire.headerSize + frame.body.length)
    this.#heart.answered()
    const answer = this.#limited(frame.kind)
    if (answer === undefined || answer._tag === "Pass") return this.#dispatch(frame)
    switch (answer._tag) {
      case "Delay":
        return Effect.flatMap(Effect.sleep(answer.millis), () => this.#dispatch(frame) ?? Effect.void)
      case "Drop":
        this.framesDropped++
        return undefined
      case "Disconnect":
        this.#owner.violated(ended("violation", answer.detail))
        return undefined
    }
  }

  /** What is asked for is never too much; nor is what the streams of a session carry, which have their own limits. */
  #limited(kind: number): RateLimit.Answer | undefined {
    const { alarms, config } = this.#ground
    const frameClass = RateLimit.classOf(kind)
    if (frameClass === "bulk") return undefined
    const { matched, sent, unknown } = this.heartbeat
    this.#rates ??= new RateLimit.RateLimit(config.rates)
    return this.#rates.step(frameClass, frameClass === "pong" && matched + unknown < sent, alarms.now)
  }

  #dispatch(frame: Frame): Effect.Effect<void> | undefined {
    const beat = this.#ground.wire.beat(frame)
    if (beat === undefined) return this.#owner.handle(frame)
    if (beat instanceof Error) this.#owner.violated(ended("violation", beat.message))
    else if (beat._tag === "Ping") return this.#pong(beat.nonce)
    else this.#heart.pong(beat.nonce)
    return undefined
  }

  #pong(nonce: bigint): Effect.Effect<void> | undefined {
    const { points, wire } = this.#ground
    const late = points.pass("link.ping-before-pong")
    if (late !== Effect.void) return Effect.map(late, () => this.control(wire.pong(nonce)))
    this.control(wire.pong(nonce))
    return undefined
  }

  /** Lets the handler take its time: no beat is judged until it is done and what came meanwhile has been looked at. */
  #waitFor(handling: Effect.Effect<void>): Effect.Effect<void> {
    this.#heart.held = true
    return Effect.map(handling, () => {
      this.#heart.held = false
      this.#heart.alive()
    })
  }

  /** The input is over. Whoever broke off in the middle is told so: its reading side may still be open. */
  #lost(reason: Ended): void {
    this.#inputOver = true
    const cut = reason.reason === "closed" ? this.#decoder.end() : undefined
    const meaning = cut === undefined ? reason : ended("truncated", cut.message)
    const toTell = meaning.reason === "truncated" || meaning.reason === "violation"
    if (toTell && !this.finishing) this.#owner.violated(meaning)
    else this.end(meaning)
  }

  /** Closes the channel behind the last frame of `finish`. */
  #close<E>(channel: Channel<E>): Effect.Effect<void> {
    const reason = this.#finishing
    if (reason === undefined) return Effect.void
    const linger = this.#inputOver ? Effect.void : Effect.sleep(this.#ground.config.lingerTimeout)
    return channel.end.pipe(
      Effect.andThen(linger),
      Effect.map(() => this.end(reason))
    )
  }
}

/** Goes on at once where there is nothing to wait for, as in production there never is. */
const after = (waiting: Effect.Effect<void>, then: () => Effect.Effect<void>): Effect.Effect<void> =>
  waiting === Effect.void ? then() : Effect.flatMap(waiting, then)
