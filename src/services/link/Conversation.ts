/**
 * One connection whose peer is known, from its HELLO to its end. It is negotiated about until it is the session with
 * that peer, or a lane of one, or refused; whatever it is then has its frames, and ends with it.
 */
import { Effect } from "effect"
import type * as Ban from "../../protocol/link/Ban.ts"
import * as Frame from "../../protocol/link/Frame.ts"
import * as LinkMessage from "../../protocol/link/LinkMessage.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Alarm } from "./Alarms.ts"
import { Connection, type Options, type Owner } from "./Connection.ts"
import { type Ended, ended } from "./Ended.ts"
import * as Joining from "./Joining.ts"
import type { Again } from "./LaneKeeper.ts"
import { LaneLink } from "./LaneLink.ts"
import { Negotiation, type Subject } from "./Negotiation.ts"
import type { Office } from "./Office.ts"
import type { Outcome } from "./Outcome.ts"
import { Parting, type Told } from "./Parting.ts"
import type { Member } from "./Registry.ts"
import { RunningSession } from "./RunningSession.ts"
import type { Channel } from "./Wire.ts"

export interface Parties extends Omit<Options, "peer"> {
  readonly peer: NodeKey
  /** Dials the other end once more, if this node has dialled it. */
  readonly again?: Again | undefined
}

/** How soon a peer shall dial again that had to make room, in milliseconds. */
const afterEviction = 60_000
/** How soon it may ask again whose session has ended by a ban, to hear how long that lasts, in milliseconds. */
const afterBan = 1_000

export class Conversation implements Member, Owner, Subject {
  readonly peer: NodeKey
  readonly host: string
  readonly connection: Connection
  readonly #again: Again | undefined
  readonly #office: Office
  readonly #deadline: Alarm
  readonly #negotiation: Negotiation
  readonly #parting: Parting
  #session: RunningSession | undefined
  /** It is, or asks to be, a lane of another connection's session. */
  #lane: LaneLink | undefined
  #proven: boolean

  /** With `deadline` in monotonic milliseconds: when it must be a session. */
  constructor(office: Office, parties: Parties, deadline: number) {
    this.#office = office
    this.peer = parties.peer
    this.host = parties.host
    this.#again = parties.again
    this.#proven = parties.direction === "outbound"
    this.connection = new Connection(office, this, parties)
    this.#negotiation = new Negotiation(office, this)
    this.#parting = new Parting(this.connection)
    this.#deadline = office.alarms.set(deadline, () => this.#tooLate())
  }

  /** Whether the peer has proven its key. A dialled node has at once, one that dialled us with its first frame. */
  proven(): boolean {
    return this.#proven
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

  /** Cuts the connection if it is still there, and waits for what runs on it. */
  get letGo(): Effect.Effect<void> {
    return Effect.suspend(() => {
      // The connection is over before anything waits for the end of its handler.
      this.connection.end(ended("shutdown", "this node closes the connection"))
      return this.#session?.letGo ?? Effect.void
    })
  }

  /** How it went, once it is over. */
  get outcome(): Outcome {
    return this.#parting.outcome(this.#proven ? this.peer : undefined, this.#session?.outcome)
  }

  /** This node stops: says so and ends. */
  leave(retryAfterMillis: number): void {
    const detail = "this node stops"
    if (this.#lane !== undefined) return this.#lane.leave(ended("shutdown", detail))
    if (this.#session === undefined) return this.refuse("shutdown", 0n, detail)
    this.#parting.goodbye("shutdown", ended("shutdown", detail), { detail, retryAfterMillis })
  }

  // What the connection tells

  handle(frame: Frame.Frame): Effect.Effect<void> | undefined {
    this.#proven = true
    const session = this.#session
    if (session !== undefined && this.#negotiation.passes(frame.kind)) return session.inbox.deliver(frame)
    return this.#lane === undefined ? this.#negotiation.hear(frame) : this.#lane.handle(frame)
  }

  caughtUp(): void {
    this.#session?.inbox.wake()
    this.#lane?.caughtUp()
  }

  violated(reason: Ended, cause?: Error): void {
    if (this.#lane !== undefined) return this.#lane.violated(reason, cause)
    // What is wrong came in records that have opened.
    if (cause !== undefined) this.#proven = true
    const oversized = cause instanceof Frame.FrameInvalid && cause.reason === "oversized"
    this.#refuse("violation", 0n, reason)
    if (oversized) this.offended("oversized-frame", reason.detail)
  }

  /** Whoever is told of its end has had what waits on its lanes, unless that takes too long. */
  onFinishing(reason: Ended, close: () => void): void {
    if (this.#lane !== undefined) return this.#lane.onFinishing(reason, close)
    const { config, entrance } = this.#office
    // A node that stops has no more time than `Links.close` gives it.
    const patience = entrance.closed ? config.lingerTimeout : config.writeTimeout
    if (this.#session === undefined) close()
    else this.#session.finishes(reason, close, patience)
  }

  onEnded(reason: Ended): void {
    const { entrance, registry } = this.#office
    const session = this.#session
    this.#parting.ended(reason)
    this.#deadline.cancel()
    this.#negotiation.answered()
    entrance.left(this.connection.id)
    this.#office.closed(this)
    session?.ended(reason)
    if (this.#lane !== undefined) return this.#lane.onEnded(reason)
    const from = session === undefined ? "candidate" : "active"
    const numbered = session === undefined ? {} : { session: session.number }
    registry.note(this.connection, { peer: this.peer, from, to: "closed", ...reason, ...numbered })
    registry.leave(this.peer, this.connection.id)
  }

  // What the arbiter decides

  activate(number: bigint, send: boolean): void {
    const { connection, peer } = this
    const office = this.#office
    // It may have waited for this.
    const kept = office.gate.keptOut(peer, this.host)
    if (kept !== undefined) return this.turnAway("banned", kept.reason, kept.forMillis)
    const hello = connection.finishing ? undefined : this.#negotiation.activate()
    if (hello === undefined) return
    const session = new RunningSession(office, connection, { peer, number, hello })
    this.#session = session
    this.#deadline.cancel()
    office.entrance.activated(this)
    office.activated(session)
    office.registry.note(connection, { peer, from: "candidate", to: "active", session: number })
    // Before anything that the session's handler may send.
    if (send) connection.control(Frame.encode(Frame.Kind.Commit, LinkMessage.commit.encode({ number })))
    connection.established()
    const handler = office.handle(session.live, connection)
    session.runs(handler, this.#again === undefined ? undefined : office.keep(session, this.#again))
  }

  replace(): void {
    this.connection.end(ended("replaced", "a newer connection with the same peer is the session"))
  }

  keepOut(reason: string, forMillis: number): void {
    if (this.#session === undefined) return this.turnAway("banned", reason, forMillis)
    const detail = `banned: ${reason}`
    this.#parting.goodbye("unwanted", ended("shutdown", detail), { detail, retryAfterMillis: afterBan })
  }

  // What the entrance decides

  get listens(): number | undefined {
    return this.#negotiation.candidate?.listen?.port
  }

  admit(): void {
    this.#negotiation.admit()
  }

  turnAway(reason: LinkMessage.RejectReason, detail: string, retryAfterMillis?: number): void {
    this.refuse(reason, 0n, detail, retryAfterMillis)
    this.#negotiation.answered()
  }

  makeRoom(detail: string): void {
    if (this.#session === undefined) return this.turnAway("busy", detail)
    this.#parting.goodbye("unwanted", ended("shutdown", detail), { detail, retryAfterMillis: afterEviction })
  }

  // What comes of the negotiation

  /** Says why and ends: with REJECT as long as there is no session, with GOODBYE after. */
  refuse(reason: LinkMessage.RejectReason, known: bigint, detail: string, retryAfterMillis?: number): void {
    const why = reason === "violation" ? ended("violation", detail) : ended("refused", `${reason}: ${detail}`)
    this.#refuse(reason, known, why, { detail, retryAfterMillis })
  }

  offended(offence: Ban.Offence, detail: string): void {
    if (this.#proven) this.#office.gate.offended(offence, { peer: this.peer, host: this.host }, detail)
  }

  /** From now on it is a lane, or asks to be one. */
  join(join: LinkMessage.Join): void {
    const decision = Joining.decide(this.#office, this, join)
    if (decision._tag === "Refuse") return this.refuse(decision.reason, 0n, decision.detail, decision.retryAfterMillis)
    this.#deadline.cancel()
    this.#lane = new LaneLink(this.#office, decision.home, join.lane, () => this.connection, this.#deadline.due)
    decision.home.lanes.ask(this.#lane)
  }

  rejected(reject: LinkMessage.Reject): void {
    this.#parting.rejected(reject)
  }

  left(goodbye: LinkMessage.Goodbye): void {
    this.#parting.left(goodbye)
  }

  // Within

  #refuse(reason: LinkMessage.RejectReason, known: bigint, why: Ended, told: Told = why): void {
    if (this.connection.finishing) return
    // Its place is free from now on, however long it takes to say so.
    this.#office.entrance.left(this.connection.id)
    this.#negotiation.close()
    if (this.#session === undefined) this.#parting.reject(reason, known, why, told)
    else this.#parting.goodbye("violation", why, { detail: told.detail })
  }

  #tooLate(): void {
    const why = ended("handshake-timeout", `no session within ${this.#office.config.handshakeTimeout} ms`)
    this.#refuse(this.#negotiation.silent ? "violation" : "busy", 0n, why)
  }
}
