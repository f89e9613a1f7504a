/**
 * One open connection: a reader, a writer and a heartbeat over the channel of any wire, the same code for both
 * directions. It ends once, with a reason, and everything it owns ends with it.
 *
 * The reader is never raced or interrupted while the connection lives. Pings are answered ahead of queued bulk. What
 * the frames mean is the caller's business.
 */
import { Cause, Clock, Deferred, Effect, Random } from "effect"
import type { Frame } from "../../protocol/link/Frame.ts"
import * as Heartbeat from "../../protocol/link/Heartbeat.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Points } from "../Buggify.ts"
import { type Ended, ended } from "./Ended.ts"
import type { Config } from "./LinkConfig.ts"
import type { Tap } from "./LinkTap.ts"
import { SendQueue } from "./SendQueue.ts"
import type { Channel, Direction, FrameDecoder, Speech } from "./Wire.ts"

export interface Options {
  /** Unique within the process. */
  readonly id: number
  readonly direction: Direction
  /** Where the other end is, for people. */
  readonly remote: string
  readonly wire: Omit<Speech<Error>, "name" | "open" | "describe">
  /** Sees every frame, as one of this peer. */
  readonly tap?: Tap | undefined
  readonly peer?: NodeKey | undefined
  readonly config: Config
  readonly points: Points
  /** Monotonic milliseconds. */
  readonly now: number
  /** Where this connection's ping nonces start. */
  readonly nonce: bigint
  /** Tells the peer what it did wrong, in the words of the wire, and ends the connection for that reason. */
  readonly violated: (connection: Connection, reason: Ended) => void
  /** Called once, in the same turn in which the connection ends, before anybody who waits for `ended` goes on. */
  readonly onEnded: (connection: Connection, ended: Ended) => void
}

export class Connection {
  readonly id: number
  readonly direction: Direction
  readonly remote: string
  readonly openedAt: number
  readonly config: Config
  readonly ended: Deferred.Deferred<Ended> = Deferred.makeUnsafe<Ended>()
  heartbeat: Heartbeat.State
  framesIn = 0
  framesOut = 0
  bytesIn = 0
  readonly #queue: SendQueue
  readonly #wire: Options["wire"]
  readonly #points: Points
  readonly #tap: Tap | undefined
  readonly #peer: NodeKey | undefined
  readonly #decoder: FrameDecoder
  #over = false
  #finishing: Ended | undefined
  #probe: ((answered: boolean) => void) | undefined
  /** Nothing more is read: the peer has closed, or what it sends makes no sense any more. */
  #inputOver = false
  /** The reader waits for the handler of a frame, so that silence says nothing about the peer. */
  #held = false
  #nonce: bigint
  readonly #violated: Options["violated"]
  readonly #onEnded: Options["onEnded"]

  constructor(options: Options) {
    this.id = options.id
    this.direction = options.direction
    this.remote = options.remote
    this.openedAt = options.now
    this.config = options.config
    this.heartbeat = Heartbeat.initial(options.now)
    this.#points = options.points
    this.#queue = new SendQueue(options.config.queue, options.points)
    this.#wire = options.wire
    this.#tap = options.tap
    this.#peer = options.peer
    this.#decoder = options.wire.decoder()
    this.#nonce = options.nonce
    this.#violated = options.violated
    this.#onEnded = options.onEnded
  }

  /** Queues a frame ahead of all bulk. A peer that lets this lane overflow is cut off. */
  control(frame: Uint8Array): void {
    this.#count(frame)
    if (!this.#queue.control(frame)) this.end(ended("slow", "the peer does not take its control frames"))
  }

  /** Queues a frame, waiting for room. Frames queued after the end go nowhere. */
  bulk(frame: Uint8Array): Effect.Effect<void> {
    this.#count(frame)
    return this.#queue.bulk(frame)
  }

  #count(frame: Uint8Array): void {
    this.framesOut++
    this.#tap?.sent(this.#peer, this.#wire.kindOf(frame), frame.length)
  }

  /** This is a session now: frames of a session's size are allowed, and a first ping measures the round trip. */
  established(now: number): void {
    this.#decoder.established()
    this.#ping(now)
  }

  /** Ends now. The first reason counts. */
  end(reason: Ended): void {
    if (this.#over) return
    this.#over = true
    this.#queue.close()
    const first = this.#finishing ?? reason
    this.#onEnded(this, first)
    this.#answer(false)
    Deferred.doneUnsafe(this.ended, Effect.succeed(first))
  }

  /** Ends with `reason` once everything queued and `last` have been written and the peer had a moment to take them. */
  finish(reason: Ended, last?: Uint8Array): void {
    if (this.finishing) return
    const word = this.#points.fires("link.last-word-lost") ? undefined : last
    if (word !== undefined) this.#count(word)
    this.#finishing = reason
    this.#queue.close(word)
  }

  get finishing(): boolean {
    return this.#over || this.#finishing !== undefined
  }

  /**
   * Asks for a sign of life now. `report` hears `true` at the next frame, `false` at the end, or what `expireProbe`
   * finds. A newer probe takes the place of an older one, which hears nothing.
   */
  probe(now: number, report: (answered: boolean) => void): void {
    if (this.finishing) return report(false)
    this.#probe = report
    this.#ping(now)
  }

  /** The time for the probe with this `report` is up. Does nothing if it has been answered or another took its place. */
  expireProbe(report: (answered: boolean) => void): void {
    // While the reader is held nobody can say that the peer is silent.
    if (this.#probe === report) this.#answer(this.#held)
  }

  #answer(answered: boolean): void {
    const report = this.#probe
    this.#probe = undefined
    report?.(answered)
  }

  #ping(now: number): void {
    this.#beat({ _tag: "Probe", now, nonce: this.#nonce++ })
  }

  #beat(event: Heartbeat.Event): void {
    const { state, actions } = Heartbeat.step(this.config.heartbeat, this.heartbeat, event)
    this.heartbeat = state
    for (const action of actions) {
      if (action._tag === "Ping") this.control(this.#wire.ping(action.nonce))
      else
        this.end(ended("silent", `nothing came for ${Math.round(action.silentMillis)} ms and a ping was not answered`))
    }
  }

  #frame(frame: Frame, now: number, handle: Handler): Effect.Effect<void> | undefined {
    this.framesIn++
    this.#tap?.received(this.#peer, frame.kind, this.#wire.headerSize + frame.body.length)
    this.#answer(true)
    const beat = this.#wire.beat(frame)
    if (beat === undefined) return handle(frame)
    if (beat instanceof Error) this.#violated(this, ended("violation", beat.message))
    else if (beat._tag === "Ping") return this.#pong(beat.nonce)
    else this.#beat({ _tag: "Pong", now, nonce: beat.nonce })
    return undefined
  }

  #pong(nonce: bigint): Effect.Effect<void> {
    return Effect.map(this.#points.pass("link.ping-before-pong"), () => this.control(this.#wire.pong(nonce)))
  }

  /** Lets the handler take its time: no beat is judged until it is done and what came meanwhile has been looked at. */
  #waitFor(handling: Effect.Effect<void>, clock: Clock.Clock): Effect.Effect<void> {
    this.#held = true
    return Effect.map(handling, () => {
      this.#held = false
      this.#beat({ _tag: "Frame", now: monotonic(clock) })
    })
  }

  /**
   * Reads until the channel ends or the connection does. While the connection finishes, what comes is thrown away: the
   * socket of a peer that is still sending would be reset before it had read our last words.
   */
  read<E extends Error>(channel: Channel<E>, handle: Handler, describe: (error: E) => Ended): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const clock = yield* Clock.Clock
      while (!this.#over) {
        const chunks = yield* channel.pull
        yield* this.#points.pass("link.read-before-handled")
        const now = monotonic(clock)
        for (const chunk of chunks) {
          this.bytesIn += chunk.length
          if (this.finishing) break
          const { frames, error } = this.#decoder.feed(chunk)
          if (frames.length > 0) this.#beat({ _tag: "Frame", now })
          for (const frame of frames) {
            if (this.finishing) break
            const handling = this.#frame(frame, now, handle)
            if (handling !== undefined) yield* this.#waitFor(handling, clock)
          }
          if (error !== undefined) this.#violated(this, ended("violation", error.message))
        }
      }
    }).pipe(
      Effect.catch((error) => Effect.sync(() => this.#lost(describe(error)))),
      Effect.catchCause((cause) => this.#crashed("reader", cause))
    )
  }

  /** The input is over. Whoever broke off in the middle is told so: its reading side may still be open. */
  #lost(reason: Ended): void {
    this.#inputOver = true
    const cut = reason.reason === "closed" ? this.#decoder.end() : undefined
    const meaning = cut === undefined ? reason : ended("truncated", cut.message)
    const toTell = meaning.reason === "truncated" || meaning.reason === "violation"
    if (toTell && !this.finishing) this.#violated(this, meaning)
    else this.end(meaning)
  }

  /** Writes what is queued until the connection ends, and closes the channel behind the last frame of `finish`. */
  write<E extends Error>(channel: Channel<E>, describe: (error: E) => Ended): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      while (true) {
        const frames = yield* this.#queue.take
        if (frames.length === 0) break
        yield* this.#points.pass("link.taken-before-written")
        yield* Effect.timeoutOrElse(channel.write(frames), {
          duration: this.config.writeTimeout,
          orElse: () => Effect.sync(() => this.end(ended("slow", "the peer does not take what is written")))
        })
      }
      if (this.#finishing === undefined) return
      yield* channel.end
      if (!this.#inputOver) yield* Effect.sleep(this.config.lingerTimeout)
      this.end(this.#finishing)
    }).pipe(
      Effect.catch((error) => Effect.sync(() => this.end(describe(error)))),
      Effect.catchCause((cause) => this.#crashed("writer", cause))
    )
  }

  /** Pings when nothing comes, and ends the connection when nothing comes back. */
  readonly beat: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    const clock = yield* Clock.Clock
    const every = Heartbeat.tickMillis(this.config.heartbeat)
    // The first tick comes at a random phase, so that many peers are not pinged in one turn.
    yield* Effect.sleep((yield* Random.next) * every)
    while (!this.#over) {
      yield* this.#points.pass("link.tick-before-judged")
      if (!this.#held) this.#beat({ _tag: "Tick", now: monotonic(clock), nonce: this.#nonce++ })
      if (this.#points.fires("link.pinged-without-need")) this.#ping(monotonic(clock))
      yield* Effect.sleep(every)
    }
  }).pipe(Effect.catchCause((cause) => this.#crashed("heartbeat", cause)))

  #crashed(part: string, cause: Cause.Cause<unknown>): Effect.Effect<void> {
    return Effect.sync(() => this.end(ended("internal", `the ${part} failed: ${Cause.pretty(cause)}`)))
  }
}

/** Handles one frame; an effect that is returned is waited for before the next frame is looked at. */
export type Handler = (frame: Frame) => Effect.Effect<void> | undefined

/** Milliseconds of a clock that does not go back. */
export const monotonic = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe() / 1_000n) / 1_000

/** Runs the three fibers of a connection until it ends, and says why. */
export const run = <E extends Error>(
  connection: Connection,
  channel: Channel<E>,
  options: { readonly handle: Handler; readonly describe: (error: E) => Ended }
): Effect.Effect<Ended> =>
  Effect.scoped(
    Effect.gen(function* () {
      yield* Effect.forkScoped(connection.read(channel, options.handle, options.describe))
      yield* Effect.forkScoped(connection.write(channel, options.describe))
      yield* Effect.forkScoped(connection.beat)
      return yield* Deferred.await(connection.ended)
    })
  )
