/**
 * One open connection: a reader over the channel of any wire, a writer and a heartbeat, the same code for both
 * directions. It ends once, with a reason, and everything it owns ends with it.
 *
 * Pings are answered ahead of queued bulk. What the frames mean is the owner's business.
 */
import { Deferred, Effect, Fiber } from "effect"
import type * as Heartbeat from "../../protocol/link/Heartbeat.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { type Ended, ended } from "./Ended.ts"
import type { Ground } from "./Ground.ts"
import * as Heart from "./Heart.ts"
import { type Queued, sizeOf } from "./Lane.ts"
import { type Listener, Reader } from "./Reader.ts"
import { SendQueue } from "./SendQueue.ts"
import type { Channel, Direction } from "./Wire.ts"
import { Writer } from "./Writer.ts"

/** What one connection does with what happens to it. */
export interface Owner extends Listener {
  /** Called once, in the same turn in which the connection ends, before anybody who waits for `ended` goes on. */
  readonly onEnded: (ended: Ended) => void
  /** Called once when it begins to say its last, which `close` does: now, or after what has to be with the peer first. */
  readonly onFinishing?: (reason: Ended, close: () => void) => void
}

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
  framesOut = 0
  bytesOut = 0
  /** Frames of kinds that this node does not know and may ignore. */
  framesIgnored = 0
  #usefulAt: number | undefined
  readonly #ground: Ground
  readonly #owner: Owner
  readonly #queue: SendQueue
  readonly #heart: Heart.Heart
  readonly #peer: NodeKey | undefined
  readonly #reader: Reader
  #writer: { readonly wake: () => void; readonly stop: () => void } | undefined
  #over = false
  #finishing: Ended | undefined

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
    const silent = (millis: number) => `nothing came for ${Math.round(millis)} ms and a ping was not answered`
    const body: Heart.Body = {
      ping: (nonce) => this.control(ground.wire.ping(nonce)),
      dead: (millis) => this.end(ended("silent", silent(millis)))
    }
    this.#heart = new Heart.Heart(ground, body, options)
    this.#reader = new Reader({ ground, subject: this, listener: owner, heart: this.#heart, peer: options.peer })
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

  get framesIn(): number {
    return this.#reader.frames
  }

  get bytesIn(): number {
    return this.#reader.bytes
  }

  /** Frames that came faster than is allowed. */
  get framesDropped(): number {
    return this.#reader.dropped
  }

  get over(): boolean {
    return this.#over
  }

  /** It has ended, or will when its last words are written. */
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
    this.#reader.established()
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
    this.#queue.seal()
    const close = () => this.#queue.close(word)
    if (this.#owner.onFinishing === undefined) close()
    else this.#owner.onFinishing(reason, close)
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
    return Effect.flatMap(Effect.forkDetach(this.#reader.run(channel, describe)), (reader) => {
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

  /** Closes the channel behind the last frame of `finish`. */
  #close<E>(channel: Channel<E>): Effect.Effect<void> {
    const reason = this.#finishing
    if (reason === undefined) return Effect.void
    const linger = this.#reader.over ? Effect.void : Effect.sleep(this.#ground.config.lingerTimeout)
    return channel.end.pipe(
      Effect.andThen(linger),
      Effect.map(() => this.end(reason))
    )
  }
}
