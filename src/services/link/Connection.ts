/**
 * One open connection: a reader and a writer over the channel of any wire, and a heartbeat, the same code for both
 * directions. It ends once, with a reason, and everything it owns ends with it.
 *
 * The reader is never raced or interrupted while the connection lives. Pings are answered ahead of queued bulk. What
 * the frames mean is the caller's business.
 */
import { Cause, Deferred, Effect, Option } from "effect"
import type { Frame } from "../../protocol/link/Frame.ts"
import * as Heartbeat from "../../protocol/link/Heartbeat.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Points } from "../Buggify.ts"
import type { Alarm, Alarms } from "./Alarms.ts"
import { type Ended, ended } from "./Ended.ts"
import { type Queued, sizeOf } from "./Lane.ts"
import type { Config } from "./LinkConfig.ts"
import type { Tap } from "./LinkTap.ts"
import { SendQueue } from "./SendQueue.ts"
import type { Channel, Direction, FrameDecoder, Speech } from "./Wire.ts"

/** What all connections of a node have in common. */
export interface Ground {
  readonly wire: Omit<Speech<Error>, "name" | "open" | "describe">
  /** Sees every frame, as one of this peer. */
  readonly tap?: Tap | undefined
  readonly config: Config
  readonly points: Points
  readonly alarms: Alarms
}

/** What one connection does with what happens to it. */
export interface Owner {
  /** Takes a frame; an effect that is returned is waited for before the next frame is looked at. */
  readonly handle: (frame: Frame) => Effect.Effect<void> | undefined
  /** All that came together has been handled. */
  readonly caughtUp: () => void
  /** Tells the peer what it did wrong, in the words of the wire, and ends the connection for that reason. */
  readonly violated: (reason: Ended) => void
  /** Called once, in the same turn in which the connection ends, before anybody who waits for `ended` goes on. */
  readonly onEnded: (ended: Ended) => void
}

export interface Options {
  /** Unique within the process. */
  readonly id: number
  readonly direction: Direction
  /** Where the other end is, for people. */
  readonly remote: string
  readonly peer?: NodeKey | undefined
  /** Where this connection's ping nonces start. */
  readonly nonce: bigint
  /** When its heartbeat first looks, as a part of a tick, so that many peers are not pinged in one turn. */
  readonly phase: number
}

export class Connection {
  readonly id: number
  readonly direction: Direction
  readonly remote: string
  readonly openedAt: number
  readonly ended: Deferred.Deferred<Ended> = Deferred.makeUnsafe<Ended>()
  heartbeat: Heartbeat.State
  framesIn = 0
  framesOut = 0
  bytesIn = 0
  bytesOut = 0
  readonly #ground: Ground
  readonly #owner: Owner
  readonly #queue: SendQueue
  readonly #peer: NodeKey | undefined
  readonly #decoder: FrameDecoder
  readonly #frames: Array<Frame> = []
  #over = false
  #finishing: Ended | undefined
  #probe: ((answered: boolean) => void) | undefined
  /** Nothing more is read: the peer has closed, or what it sends makes no sense any more. */
  #inputOver = false
  /** The reader waits for the handler of a frame, so that silence says nothing about the peer. */
  #held = false
  #writingSince: number | undefined
  #writeAlarm: Alarm | undefined
  #tickAlarm: Alarm
  #nonce: bigint

  constructor(ground: Ground, owner: Owner, options: Options) {
    const { now } = ground.alarms
    this.id = options.id
    this.direction = options.direction
    this.remote = options.remote
    this.openedAt = now
    this.heartbeat = Heartbeat.initial(now)
    this.#ground = ground
    this.#owner = owner
    this.#queue = new SendQueue(ground.config.queue, ground.points)
    this.#peer = options.peer
    this.#decoder = ground.wire.decoder()
    this.#nonce = options.nonce
    this.#tickAlarm = this.#tickAt(now + options.phase * this.#every)
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
  established(now: number): void {
    this.#decoder.established()
    this.#ping(now)
  }

  /** Ends now. The first reason counts. */
  end(reason: Ended): void {
    if (this.#over) return
    this.#over = true
    this.#queue.close()
    this.#tickAlarm.cancel()
    this.#writeAlarm?.cancel()
    const first = this.#finishing ?? reason
    this.#owner.onEnded(first)
    this.#answer(false)
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
   * silence. A newer probe takes the place of an older one, which hears nothing.
   */
  probe(millis: number, report: (answered: boolean) => void): void {
    if (this.finishing) return report(false)
    const { alarms } = this.#ground
    this.#probe = report
    this.#ping(alarms.now)
    alarms.set(alarms.now + millis, () => {
      // While the reader is held nobody can say that the peer is silent.
      if (this.#probe === report) this.#answer(this.#held)
    })
  }

  #answer(answered: boolean): void {
    const report = this.#probe
    this.#probe = undefined
    report?.(answered)
  }

  get #every(): number {
    return Heartbeat.tickMillis(this.#ground.config.heartbeat)
  }

  /** Pings when nothing comes, and ends the connection when nothing comes back. */
  #tick(now: number): void {
    const { points } = this.#ground
    const putOff = points.fires("link.tick-put-off")
    if (!putOff && !this.#held) this.#beat({ _tag: "Tick", now, nonce: this.#nonce++ })
    if (points.fires("link.pinged-without-need")) this.#ping(now)
    if (!this.#over) this.#tickAlarm = this.#tickAt(now + this.#every / (putOff ? 4 : 1))
  }

  #tickAt(due: number): Alarm {
    return this.#ground.alarms.set(due, (now) => this.#tick(now))
  }

  #ping(now: number): void {
    this.#beat({ _tag: "Probe", now, nonce: this.#nonce++ })
  }

  #beat(event: Heartbeat.Event): void {
    const { config, wire } = this.#ground
    const { state, actions } = Heartbeat.step(config.heartbeat, this.heartbeat, event)
    this.heartbeat = state
    for (const action of actions) {
      if (action._tag === "Ping") this.control(wire.ping(action.nonce))
      else
        this.end(ended("silent", `nothing came for ${Math.round(action.silentMillis)} ms and a ping was not answered`))
    }
  }

  /**
   * Reads until the channel ends or the connection does. While the connection finishes, what comes is thrown away: the
   * socket of a peer that is still sending would be reset before it had read our last words.
   */
  read<E extends Error>(channel: Channel<E>, describe: (error: E) => Ended): Effect.Effect<void> {
    let wrong: Error | undefined
    const pull = channel.pull((piece) => {
      this.bytesIn += piece.length
      if (!this.finishing && wrong === undefined) wrong = this.#decoder.feed(piece, this.#frames)
    })
    const handle = (): Effect.Effect<void> => {
      if (this.#frames.length > 0) this.#beat({ _tag: "Frame", now: this.#ground.alarms.now })
      const handling = this.#handleFrom(0)
      if (wrong === undefined) return handling ?? Effect.void
      const meaning = ended("violation", wrong.message)
      wrong = undefined
      return Effect.map(handling ?? Effect.void, () => this.#owner.violated(meaning))
    }
    const once = Effect.flatMap(pull, () => after(this.#ground.points.pass("link.read-before-handled"), handle))
    return Effect.whileLoop({ while: () => !this.#over, body: () => once, step }).pipe(
      Effect.catchCause((cause) => this.#ended(cause, "reader", (error: E) => this.#lost(describe(error))))
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
    if (this.#probe !== undefined) this.#answer(true)
    const beat = wire.beat(frame)
    if (beat === undefined) return this.#owner.handle(frame)
    if (beat instanceof Error) this.#owner.violated(ended("violation", beat.message))
    else if (beat._tag === "Ping") return this.#pong(beat.nonce)
    else this.#beat({ _tag: "Pong", now: this.#ground.alarms.now, nonce: beat.nonce })
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
    this.#held = true
    return Effect.map(handling, () => {
      this.#held = false
      this.#beat({ _tag: "Frame", now: this.#ground.alarms.now })
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

  /** Writes what is queued until the connection ends, and closes the channel behind the last frame of `finish`. */
  write<E extends Error>(channel: Channel<E>, describe: (error: E) => Ended): Effect.Effect<void> {
    let drained = false
    const written = (): void => {
      this.#writingSince = undefined
    }
    const write = (chunks: ReadonlyArray<Uint8Array>): Effect.Effect<void, E> => {
      this.#watchWriting()
      return Effect.map(channel.write(chunks), written)
    }
    const once = Effect.flatMap(this.#queue.take, (chunks) => {
      drained = chunks.length === 0
      return drained ? Effect.void : after(this.#ground.points.pass("link.taken-before-written"), () => write(chunks))
    })
    return Effect.whileLoop({ while: () => !drained, body: () => once, step }).pipe(
      Effect.flatMap(() => this.#close(channel)),
      Effect.catchCause((cause) => this.#ended(cause, "writer", (error: E) => this.end(describe(error))))
    )
  }

  /** One alarm is enough for many writes: it looks how long the one has taken that it finds. */
  #watchWriting(): void {
    const { alarms, config } = this.#ground
    this.#writingSince = alarms.now
    this.#writeAlarm ??= alarms.set(this.#writingSince + config.writeTimeout, (now) => this.#judgeWriting(now))
  }

  #judgeWriting(now: number): void {
    const { alarms, config } = this.#ground
    this.#writeAlarm = undefined
    if (this.#writingSince === undefined) return
    const due = this.#writingSince + config.writeTimeout
    if (now >= due) this.end(ended("slow", "the peer does not take what is written"))
    else this.#writeAlarm = alarms.set(due, (later) => this.#judgeWriting(later))
  }

  #close<E>(channel: Channel<E>): Effect.Effect<void> {
    const reason = this.#finishing
    if (reason === undefined) return Effect.void
    const linger = this.#inputOver ? Effect.void : Effect.sleep(this.#ground.config.lingerTimeout)
    return channel.end.pipe(
      Effect.andThen(linger),
      Effect.map(() => this.end(reason))
    )
  }

  /** One of the two fibers failed as its channel may, or crashed. */
  #ended<E>(cause: Cause.Cause<E>, part: string, failed: (error: E) => void): Effect.Effect<void> {
    const error = Cause.findErrorOption(cause)
    return Effect.sync(() => {
      if (Option.isSome(error)) failed(error.value)
      else this.end(ended("internal", `the ${part} failed: ${Cause.pretty(cause)}`))
    })
  }
}

const step = (): void => undefined

/** Goes on at once where there is nothing to wait for, as in production there never is. */
const after = <E>(waiting: Effect.Effect<void>, then: () => Effect.Effect<void, E>): Effect.Effect<void, E> =>
  waiting === Effect.void ? then() : Effect.flatMap(waiting, then)

/** Runs the two fibers of a connection until it ends, and says why. */
export const run = <E extends Error>(
  connection: Connection,
  channel: Channel<E>,
  describe: (error: E) => Ended
): Effect.Effect<Ended> =>
  Effect.scoped(
    Effect.andThen(
      Effect.andThen(
        Effect.forkScoped(connection.read(channel, describe)),
        Effect.forkScoped(connection.write(channel, describe))
      ),
      Deferred.await(connection.ended)
    )
  )
