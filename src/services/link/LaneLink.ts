/**
 * One connection that is a lane of a session, or asks to be: JOIN from the side that has dialled the session, JOINED or
 * REJECT from the other, and then what the two sides' programs send each other (docs/PROTOCOL.md, 4.7).
 *
 * The arbiter never hears of it.
 */
import { Deferred, Effect, Result } from "effect"
import * as Frame from "../../protocol/link/Frame.ts"
import * as LinkMessage from "../../protocol/link/LinkMessage.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Alarm } from "./Alarms.ts"
import type { Gate } from "./BanGate.ts"
import type { Connection, Owner } from "./Connection.ts"
import { type Ended, ended } from "./Ended.ts"
import type { Ground } from "./Ground.ts"
import { type Frames, Inbox } from "./Inbox.ts"
import { goodbye, reject } from "./LastWord.ts"
import { nothing, type Outcome } from "./Outcome.ts"
import type { Known, Registry } from "./Registry.ts"
import type { Home, Joiner } from "./SessionLanes.ts"
import type { Channel } from "./Wire.ts"

export interface Office extends Ground {
  readonly registry: Registry["Service"]
  readonly gate: Gate
  /** The connection is a lane from now on. */
  readonly joined: (connection: Connection) => void
}

export class LaneLink implements Known, Owner, Joiner {
  readonly number: number
  readonly connection: Connection
  readonly lost: Effect.Effect<void>
  readonly #office: Office
  readonly #home: Home
  readonly #inbox: Inbox
  readonly #deadline: Alarm
  /** This side has asked. */
  readonly #asks: boolean
  #greeted = false
  #opened = false
  #reason: Ended = ended("internal", "it has not ended")
  readonly #onOpen: () => void

  /** Lane `number`, over the connection that `connect` gives; by `deadline`, monotonic milliseconds, it must be open. */
  constructor(
    office: Office,
    home: Home,
    number: number,
    connect: (owner: Owner) => Connection,
    deadline: number,
    onOpen: () => void = () => {}
  ) {
    this.#onOpen = onOpen
    this.#office = office
    this.#home = home
    this.number = number
    this.connection = connect(this)
    this.#asks = this.connection.direction === "outbound"
    this.lost = Effect.asVoid(Deferred.await(this.connection.ended))
    // All lanes together take as much room as lane 0.
    this.#inbox = new Inbox(office.config.sessionQueue / (home.lanes.count - 1))
    this.#deadline = office.alarms.set(deadline, () => this.#tooLate())
    office.registry.asLane(this)
  }

  get peer(): NodeKey {
    return this.#home.peer
  }

  /** From JOIN to the end, for the side that asks; `letGo` comes after it, or when it is interrupted. */
  converse<E extends Error>(channel: Channel<E>, describe: (error: E) => Ended): Effect.Effect<Ended> {
    const { peer, session } = this.#home
    return Effect.suspend(() => {
      this.#office.registry.note(this.connection, { peer, from: "opening", to: "candidate" })
      const body = LinkMessage.join.encode({ session, lane: this.number })
      this.connection.control(Frame.encode(Frame.Kind.Join, body))
      return this.connection.run(channel, describe)
    })
  }

  /** Cuts the connection if it is still there. */
  get letGo(): Effect.Effect<void> {
    return Effect.sync(() => this.connection.end(ended("shutdown", "this node closes the connection")))
  }

  /** Of no consequence for the next session. */
  get outcome(): Outcome {
    return { ...nothing(this.#reason), peer: this.#home.peer }
  }

  // For the session's handler

  get frames(): Frames {
    return this.#inbox
  }

  readonly send = (body: Uint8Array): Effect.Effect<void> =>
    this.connection.bulk(Frame.encodeInPlace(Frame.Kind.Stream, body))

  readonly sendAll = (bodies: ReadonlyArray<Uint8Array>): Effect.Effect<void> =>
    this.connection.bulkAll(bodies.map((body) => Frame.encodeInPlace(Frame.Kind.Stream, body)))

  // What the connection tells

  handle(frame: Frame.Frame): Effect.Effect<void> | undefined {
    if (this.#opened && frame.kind === Frame.Kind.Stream) return this.#inbox.deliver(frame)
    this.#hear(frame)
    return undefined
  }

  caughtUp(): void {
    this.#inbox.wake()
  }

  violated(reason: Ended, cause?: Error): void {
    if (cause instanceof Frame.FrameInvalid && cause.reason === "oversized") {
      this.#office.gate.offended(
        "oversized-frame",
        { peer: this.#home.peer, host: this.connection.host },
        reason.detail
      )
    }
    this.#finish("violation", reason)
  }

  /** Its lane is free from now on, however long it takes to say so. */
  onFinishing(_: Ended, close: () => void): void {
    this.#home.lanes.leaves(this.connection.id)
    close()
  }

  onEnded(reason: Ended): void {
    this.#reason = reason
    this.#deadline.cancel()
    const { lanes, peer, session } = this.#home
    const from = this.#opened ? "lane" : "candidate"
    this.#office.registry.note(this.connection, { peer, from, to: "closed", ...reason, session })
    this.#office.registry.leave(peer, this.connection.id)
    lanes.left(this.connection.id)
  }

  // What the session decides

  open(): boolean {
    const { peer, session } = this.#home
    // It may have waited for this.
    const kept = this.#office.gate.keptOut(peer, this.connection.host)
    if (kept !== undefined) {
      this.keepOut(kept.reason, kept.forMillis)
      return false
    }
    this.#opened = true
    this.#deadline.cancel()
    this.#office.joined(this.connection)
    const detail = `lane ${this.number}`
    this.#office.registry.note(this.connection, { peer, from: "candidate", to: "lane", session, detail })
    if (!this.#asks) {
      const body = LinkMessage.joined.encode({ session, lane: this.number })
      this.connection.control(Frame.encode(Frame.Kind.Joined, body))
    }
    this.connection.established()
    this.#onOpen()
    return true
  }

  refuse(detail: string): void {
    this.#finish("lane", ended("refused", `lane: ${detail}`), detail)
  }

  replace(): void {
    this.connection.end(ended("silent", "it did not answer when another connection asked for its lane"))
  }

  /** Its session ends, or this node stops: says so and ends. */
  leave(reason: Ended): void {
    this.#finish("shutdown", reason, "the session ends")
  }

  keepOut(reason: string, forMillis: number): void {
    const detail = `banned: ${reason}`
    if (this.#opened) this.connection.finish(ended("shutdown", detail), goodbye("unwanted", 0, detail))
    else this.connection.finish(ended("refused", detail), reject("banned", 0n, reason, forMillis))
  }

  // Within

  #tooLate(): void {
    const why = ended("handshake-timeout", `no lane within ${this.#office.config.handshakeTimeout} ms`)
    this.#finish("busy", why)
  }

  /** Says why and ends: with REJECT as long as it is no lane, with GOODBYE after. */
  #finish(reason: "violation" | "lane" | "busy" | "shutdown", why: Ended, detail = why.detail): void {
    const leaving = reason === "violation" ? "violation" : "shutdown"
    this.connection.finish(why, this.#opened ? goodbye(leaving, 0, detail) : reject(reason, 0n, detail))
  }

  /** Whatever is not for the session's handler. */
  #hear(frame: Frame.Frame): void {
    const decoded = LinkMessage.decode(frame.kind, frame.body)
    if (decoded === undefined) {
      if (Frame.mayBeIgnored(frame.kind)) this.connection.framesIgnored++
      else this.#wrong(`${Frame.nameOf(frame.kind)} came on lane ${this.number}`)
    } else if (Result.isFailure(decoded)) this.#wrong(decoded.failure.message)
    else this.#told(decoded.success)
  }

  #told(message: LinkMessage.LinkMessage): void {
    switch (message._tag) {
      case "Goodbye":
        return this.connection.end(ended("goodbye", `${message.goodbye.reason}: ${message.goodbye.detail}`))
      case "Reject":
        return this.connection.end(ended("rejected", `${message.reject.reason}: ${message.reject.detail}`))
      case "Hello":
        return this.#heardHello(message.hello)
      case "Joined":
        return this.#heardJoined(message.joined)
      case "Commit":
      case "Join":
        return this.#wrong(`${message._tag.toUpperCase()} came on lane ${this.number}`)
    }
  }

  /** The other side greets whoever dials before it knows what for. */
  #heardHello({ instance }: LinkMessage.Hello): void {
    if (!this.#asks || this.#opened || this.#greeted) return this.#wrong(`HELLO came on lane ${this.number}`)
    this.#greeted = true
    if (instance !== this.#home.instance) this.refuse("another process of the peer has answered")
  }

  #heardJoined({ lane, session }: LinkMessage.Join): void {
    const awaited = this.#asks && this.#greeted && !this.#opened
    const asked = awaited && session === this.#home.session && lane === this.number
    if (!asked)
      return this.#wrong(`JOINED came on lane ${this.number} and speaks of lane ${lane} of session ${session}`)
    this.#home.lanes.ask(this)
  }

  #wrong(detail: string): void {
    this.violated(ended("violation", detail))
  }
}
