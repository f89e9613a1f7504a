/**
 * One connection whose peer is known, from its HELLO to its end: the handshake's machine decides what a frame means, the
 * registry's arbiter whether this becomes the session, and the session's handler has it from then on.
 */
import { Effect, Fiber, Result } from "effect"
import type * as Ban from "../../protocol/link/Ban.ts"
import * as Frame from "../../protocol/link/Frame.ts"
import * as Handshake from "../../protocol/link/Handshake.ts"
import * as Lanes from "../../protocol/link/Lanes.ts"
import * as LinkMessage from "../../protocol/link/LinkMessage.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Alarm } from "./Alarms.ts"
import type { Gate } from "./BanGate.ts"
import { Connection, type Options, type Owner } from "./Connection.ts"
import { type Ended, ended } from "./Ended.ts"
import type { Entrance, Guest } from "./Entrance.ts"
import type { Ground } from "./Ground.ts"
import { Inbox } from "./Inbox.ts"
import type { Again } from "./LaneKeeper.ts"
import { type Home, LaneLink } from "./LaneLink.ts"
import { goodbye, reject } from "./LastWord.ts"
import { LiveSession } from "./LiveSession.ts"
import type { Outcome } from "./Outcome.ts"
import type { Member, Registry } from "./Registry.ts"
import type { Channel } from "./Wire.ts"

/** What all conversations of a node have in common. */
export interface Office extends Ground {
  readonly registry: Registry["Service"]
  readonly self: Handshake.Self
  /** The HELLO to a peer, as it is now. */
  readonly greeting: (peer: NodeKey) => Uint8Array
  readonly entrance: Entrance
  readonly gate: Gate
  /** The conversation is a session from now on. */
  readonly activated: (conversation: Conversation) => void
  /** It has ended. */
  readonly closed: (conversation: Conversation) => void
  /** The live session with this peer, as the home of a lane over a connection from `host`. */
  readonly home: (peer: NodeKey, session: bigint, host: string) => Home | undefined
  /** A connection is a lane of a session from now on. */
  readonly joined: (connection: Connection) => void
  /** Keeps the lanes of a session open that this node has dialled. */
  readonly keep: (conversation: Conversation, session: LiveSession) => Fiber.Fiber<void> | undefined
  /** Runs the handler of a session, after the peer's last one. */
  readonly handle: (session: LiveSession, connection: Connection) => Fiber.Fiber<void>
}

/** Session numbers end here, so that there is always a next one: a peer that claims a higher one is lying. */
const maxSessionNumber = 2n ** 63n - 1n

export interface Parties extends Omit<Options, "peer"> {
  readonly peer: NodeKey
  /** Dials the other end once more, if this node has dialled it. */
  readonly again?: Again | undefined
}

/** How soon a peer shall dial again that had to make room, in milliseconds. */
const afterEviction = 60_000

export class Conversation implements Member, Owner, Guest {
  readonly peer: NodeKey
  readonly host: string
  readonly connection: Connection
  readonly again: Again | undefined
  readonly #office: Office
  readonly #deadline: Alarm
  #state: Handshake.State = Handshake.initial
  #number: bigint | undefined
  #startedAt = 0
  #inbox: Inbox | undefined
  #session: LiveSession | undefined
  #handler: Fiber.Fiber<void> | undefined
  #reason: Ended = ended("internal", "it has not ended")
  #keeper: Fiber.Fiber<void> | undefined
  /** It is, or asks to be, a lane of another connection's session. */
  #lane: LaneLink | undefined
  #rejected: Outcome["reject"]
  #left: LinkMessage.Goodbye | undefined
  #proven: boolean
  /** Whether it may come in is being found out, and what to do when it is known. */
  #asking = false
  #answered: (() => void) | undefined

  /** With `deadline` in monotonic milliseconds: when it must be a session. */
  constructor(office: Office, parties: Parties, deadline: number) {
    this.#office = office
    this.peer = parties.peer
    this.host = parties.host
    this.again = parties.again
    this.#proven = parties.direction === "outbound"
    this.connection = new Connection(office, this, parties)
    this.#deadline = office.alarms.set(deadline, () => this.#tooLate())
  }

  /** Whether the peer has proven its key. A dialled node has at once, one that dialled us with its first frame. */
  proven(): boolean {
    return this.#proven
  }

  /** The session that it is, or was. */
  get session(): LiveSession | undefined {
    return this.#session
  }

  /** It is the session, or was. */
  get isSession(): boolean {
    return this.#number !== undefined
  }

  /** From HELLO to the end; `letGo` comes after it, or when it is interrupted. */
  converse<E extends Error>(channel: Channel<E>, describe: (error: E) => Ended): Effect.Effect<Ended> {
    const { points, registry } = this.#office
    return Effect.suspend(() => {
      registry.note(this.connection, { peer: this.peer, from: "opening", to: "candidate" })
      registry.enter(this)
      const greeting = this.#office.greeting(this.peer)
      return Effect.flatMap(points.pass("link.hello-before-sent"), () => {
        this.connection.control(greeting)
        return this.connection.run(channel, describe)
      })
    })
  }

  /** Cuts the connection if it is still there, and waits for its lanes and its handler. */
  get letGo(): Effect.Effect<void> {
    return Effect.suspend(() => {
      // The connection is over before anything waits for the end of its handler.
      this.connection.end(ended("shutdown", "this node closes the connection"))
      const gone = this.#handlerGone
      return this.#keeper === undefined ? gone : Effect.andThen(Fiber.interrupt(this.#keeper), gone)
    })
  }

  get #handlerGone(): Effect.Effect<void> {
    return this.#handler === undefined ? Effect.void : Fiber.interrupt(this.#handler)
  }

  /** This node stops: says so and ends. */
  leave(retryAfterMillis: number): void {
    if (this.#lane !== undefined) return this.#lane.leave(stops)
    if (this.#number === undefined) return this.refuse("shutdown", 0n, stops)
    this.connection.finish(ended("shutdown", stops), goodbye("shutdown", retryAfterMillis, stops))
  }

  // What the connection tells

  handle(frame: Frame.Frame): Effect.Effect<void> | undefined {
    this.#proven = true
    if (this.#inbox !== undefined && Handshake.isForSession(this.#state, frame.kind)) return this.#deliver(frame)
    if (this.#lane !== undefined) return this.#lane.handle(frame)
    const message = LinkMessage.decode(frame.kind, frame.body)
    if (message !== undefined && Result.isFailure(message)) {
      this.refuse("violation", 0n, message.failure.message)
      return undefined
    }
    const event: Handshake.Event =
      message === undefined ? { _tag: "Frame", kind: frame.kind } : { _tag: "Message", message: message.success }
    const step = Handshake.step(this.#office.self, this.peer, this.#state, event)
    this.#state = step.state
    return step.action === undefined ? undefined : this.#perform(step.action)
  }

  caughtUp(): void {
    this.#lane?.caughtUp()
    this.#inbox?.wake()
  }

  violated(reason: Ended, cause?: Error): void {
    if (this.#lane !== undefined) return this.#lane.violated(reason, cause)
    // What is wrong came in records that have opened.
    if (cause !== undefined) this.#proven = true
    const oversized = cause instanceof Frame.FrameInvalid && cause.reason === "oversized"
    this.#refuseFor("violation", 0n, reason)
    if (oversized) this.#offended("oversized-frame", reason.detail)
  }

  onEnded(reason: Ended): void {
    this.#reason = reason
    this.#deadline.cancel()
    const { entrance, registry } = this.#office
    this.#goOn()
    entrance.left(this.connection.id)
    this.#office.closed(this)
    this.#session?.joined?.end(reason)
    if (this.#lane !== undefined) return this.#lane.onEnded(reason)
    const from = this.#number === undefined ? "candidate" : "active"
    const numbered = this.#number === undefined ? {} : { session: this.#number }
    registry.note(this.connection, { peer: this.peer, from, to: "closed", ...reason, ...numbered })
    registry.leave(this.peer, this.connection.id)
  }

  // What the arbiter decides

  activate(given: bigint, send: boolean): void {
    if (this.connection.finishing) return
    const { alarms, registry, self } = this.#office
    this.#state = Handshake.step(self, this.peer, this.#state, { _tag: "Activated" }).state
    if (this.#state.phase !== "active") return
    this.#number = given
    this.#startedAt = alarms.now
    this.#deadline.cancel()
    this.#inbox = new Inbox(this.#office.config.sessionQueue)
    this.#office.entrance.activated(this)
    this.#office.activated(this)
    registry.note(this.connection, { peer: this.peer, from: "candidate", to: "active", session: given })
    // Before anything that the session's handler may send.
    if (send) this.connection.control(Frame.encode(Frame.Kind.Commit, LinkMessage.commit.encode({ number: given })))
    this.connection.established()
    this.#session = this.#live(given, this.#state.hello, this.#inbox)
    this.#handler = this.#office.handle(this.#session, this.connection)
    this.#keeper = this.#office.keep(this, this.#session)
  }

  // What the entrance decides

  get listens(): number | undefined {
    return this.#state.phase === "candidate" ? this.#state.hello.listen?.port : undefined
  }

  admit(): void {
    if (this.#state.phase === "candidate" && !this.connection.finishing) {
      this.#tell({ _tag: "Hello", connection: this.connection.id, claim: this.#state.hello })
    }
    this.#goOn()
  }

  turnAway(reason: LinkMessage.RejectReason, detail: string, retryAfterMillis?: number): void {
    this.#refuseFor(reason, 0n, ended("refused", `${reason}: ${detail}`), { detail, retryAfterMillis })
    this.#goOn()
  }

  makeRoom(detail: string): void {
    if (!this.isSession) return this.turnAway("busy", detail)
    this.connection.finish(ended("shutdown", detail), goodbye("unwanted", afterEviction, detail))
  }

  /** Says why and ends: with REJECT as long as there is no session, with GOODBYE after. */
  refuse(reason: LinkMessage.RejectReason, known: bigint, detail: string): void {
    const why = reason === "violation" ? ended("violation", detail) : ended("refused", `${reason}: ${detail}`)
    this.#refuseFor(reason, known, why, { detail })
  }

  replace(): void {
    this.connection.end(ended("replaced", "a newer connection with the same peer is the session"))
  }

  // Within

  #live(number: bigint, hello: LinkMessage.Hello, frames: Inbox): LiveSession {
    const { lanes, probeTimeout } = this.#office.config
    const session = { peer: this.peer, number, hello, frames, lanes: Lanes.agreed(lanes, hello.lanes), probeTimeout }
    return new LiveSession(this.connection, session)
  }

  /** This connection shall be a lane of a session that is live already: of this peer, who has dialled that as well. */
  #join({ lane, session }: LinkMessage.Join): void {
    const { entrance, gate, home } = this.#office
    if (this.connection.direction === "outbound") return this.refuse("violation", 0n, "JOIN is for who has dialled")
    if (entrance.closed) return this.turnAway("shutdown", stops)
    const kept = gate.keptOut(this.peer, this.host)
    if (kept !== undefined) return this.turnAway("banned", kept.reason, kept.forMillis)
    const joined = home(this.peer, session, this.host)
    if (joined === undefined) return this.turnAway("lane", `you have dialled no session ${session} that has lanes here`)
    this.#deadline.cancel()
    this.#lane = new LaneLink(this.#office, joined, lane, () => this.connection, this.#deadline.due)
    joined.lanes.ask(this.#lane)
  }

  #refuseFor(
    reason: LinkMessage.RejectReason,
    known: bigint,
    why: Ended,
    told: { readonly detail: string; readonly retryAfterMillis?: number | undefined } = why
  ): void {
    if (this.connection.finishing) return
    // Its place is free from now on, however long it takes to say so.
    this.#office.entrance.left(this.connection.id)
    this.#state = { phase: "closed" }
    if (!this.isSession) this.#rejected = { by: "us", reason }
    const last = this.isSession
      ? goodbye("violation", 0, told.detail)
      : reject(reason, known, told.detail, told.retryAfterMillis)
    this.connection.finish(why, last)
  }

  #tooLate(): void {
    const why = ended("handshake-timeout", `no session within ${this.#office.config.handshakeTimeout} ms`)
    this.#refuseFor(this.#state.phase === "greeting" ? "violation" : "busy", 0n, why)
  }

  #deliver(frame: Frame.Frame): Effect.Effect<void> | undefined {
    const inbox = this.#inbox!
    inbox.put(frame)
    if (!inbox.full) return undefined
    inbox.wake()
    return inbox.full ? inbox.room : undefined
  }

  #perform(action: Handshake.Action): Effect.Effect<void> | undefined {
    switch (action._tag) {
      case "Propose":
        return this.#propose(action.hello)
      case "Obey":
        this.#obey(action.hello, action.number)
        return undefined
      case "Join":
        this.#join(action.join)
        return undefined
      case "Rejected":
        this.#heardReject(action.reject)
        return undefined
      case "Left":
        this.#left = action.goodbye
        this.connection.end(ended("goodbye", `${this.#left.reason}: ${this.#left.detail}`))
        return undefined
      case "Refuse":
        this.refuse(action.reason, 0n, action.detail)
        return undefined
      case "Ignore":
        this.connection.framesIgnored++
        return undefined
      case "Deliver":
        return undefined
    }
  }

  /** Asks to come in. Nothing that came behind the HELLO is looked at before the answer. */
  #propose({ knows }: LinkMessage.Hello): Effect.Effect<void> | undefined {
    if (knows > maxSessionNumber) {
      this.#overclaimed("HELLO", knows)
      return undefined
    }
    this.#asking = true
    this.#office.entrance.ask(this)
    if (!this.#asking) return undefined
    return Effect.callback((resume) => {
      this.#answered = () => resume(Effect.void)
    })
  }

  #goOn(): void {
    this.#asking = false
    this.#answered?.()
    this.#answered = undefined
  }

  #obey(claim: LinkMessage.Hello, number: bigint): void {
    const kept = this.#office.gate.keptOut(this.peer, this.host)
    if (number > maxSessionNumber) this.#overclaimed("COMMIT", number)
    else if (kept !== undefined) this.turnAway("banned", kept.reason, kept.forMillis)
    else this.#tell({ _tag: "Commit", connection: this.connection.id, claim, number })
  }

  #heardReject({ detail, number, reason, ...rest }: LinkMessage.Reject): void {
    this.#rejected = { by: "peer", reason, ...rest }
    const alone = this.#office.registry.alone(this.peer, this.connection.id)
    if (reason === "duplicate") this.#tell({ _tag: "Duplicate", number, alone })
    this.connection.end(ended("rejected", `${reason}: ${detail}`))
  }

  #tell(event: Parameters<Registry["Service"]["event"]>[1]): void {
    this.#office.registry.event(this.peer, event)
  }

  #overclaimed(message: string, claimed: bigint): void {
    const detail = `${message} claims session number ${claimed}, ${maxSessionNumber} is the last`
    this.refuse("violation", 0n, detail)
    this.#offended("impossible-number", detail)
  }

  #offended(offence: Ban.Offence, detail: string): void {
    if (this.#proven) this.#office.gate.offended(offence, { peer: this.peer, host: this.host }, detail)
  }

  /** How it went, once it is over. */
  get outcome(): Outcome {
    const session = {
      lifetimeMillis: this.#office.alarms.now - this.#startedAt,
      pongs: this.connection.heartbeat.matched,
      startedAt: this.#startedAt
    }
    return {
      ended: this.#reason,
      peer: this.#proven ? this.peer : undefined,
      reject: this.#rejected,
      goodbye: this.#left,
      session: this.#number === undefined ? undefined : session
    }
  }
}

const stops = "this node stops"
