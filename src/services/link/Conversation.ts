/**
 * One connection whose peer is known, from its HELLO to its end: the handshake's machine decides what a frame means, the
 * registry's arbiter whether this becomes the session, and the session's handler has it from then on.
 */
import { Effect, Fiber, Result } from "effect"
import * as Frame from "../../protocol/link/Frame.ts"
import * as Handshake from "../../protocol/link/Handshake.ts"
import * as LinkMessage from "../../protocol/link/LinkMessage.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Alarm } from "./Alarms.ts"
import { Connection, type Options, type Owner } from "./Connection.ts"
import { type Ended, ended } from "./Ended.ts"
import type { Ground } from "./Ground.ts"
import { Inbox } from "./Inbox.ts"
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
  /** Why no session can come of a connection with this peer now, if so. */
  readonly objection: (
    peer: NodeKey
  ) => { readonly reason: LinkMessage.RejectReason; readonly detail: string } | undefined
  /** The conversation is a session from now on. */
  readonly activated: (conversation: Conversation) => void
  /** It has ended. */
  readonly closed: (conversation: Conversation) => void
  /** Runs the handler of a session, after the peer's last one. */
  readonly handle: (session: LiveSession, connection: Connection) => Fiber.Fiber<void>
}

/** Session numbers end here, so that there is always a next one: a peer that claims a higher one is lying. */
const maxSessionNumber = 2n ** 63n - 1n

export class Conversation implements Member, Owner {
  readonly peer: NodeKey
  readonly connection: Connection
  readonly #office: Office
  readonly #deadline: Alarm
  #state: Handshake.State = Handshake.initial
  #number: bigint | undefined
  #startedAt = 0
  #inbox: Inbox | undefined
  #handler: Fiber.Fiber<void> | undefined
  #rejected: Outcome["reject"]
  #left: LinkMessage.Goodbye | undefined
  #proven: boolean

  /** With `deadline` in monotonic milliseconds: when it must be a session. */
  constructor(office: Office, peer: NodeKey, options: Omit<Options, "peer">, deadline: number) {
    this.#office = office
    this.peer = peer
    this.#proven = options.direction === "outbound"
    this.connection = new Connection(office, this, { ...options, peer })
    this.#deadline = office.alarms.set(deadline, () => this.#tooLate())
  }

  /** Whether the peer has proven its key. A dialled node has at once, one that dialled us with its first frame. */
  proven(): boolean {
    return this.#proven
  }

  /** It is the session, or was. */
  get isSession(): boolean {
    return this.#number !== undefined
  }

  /** From HELLO to the end. Interrupting it cuts the connection. */
  converse<E extends Error>(channel: Channel<E>, describe: (error: E) => Ended): Effect.Effect<Outcome> {
    const { points, registry } = this.#office
    const cut = () => Effect.sync(() => this.connection.end(ended("shutdown", "this node closes the connection")))
    return Effect.suspend(() => {
      registry.note(this.connection, { peer: this.peer, from: "opening", to: "candidate" })
      registry.enter(this)
      const greeting = this.#office.greeting(this.peer)
      return Effect.andThen(points.pass("link.hello-before-sent"), () => {
        this.connection.control(greeting)
        return this.connection.run(channel, describe)
      })
    }).pipe(
      // The connection is over before anything waits for the end of its handler.
      Effect.onExit(cut),
      Effect.onExit(() => (this.#handler === undefined ? Effect.void : Fiber.interrupt(this.#handler))),
      Effect.map((reason) => this.#outcome(reason))
    )
  }

  /** This node stops: says so and ends. */
  leave(retryAfterMillis: number): void {
    if (this.#number === undefined) return this.refuse("shutdown", 0n, "this node stops")
    this.connection.finish(ended("shutdown", stops), goodbye("shutdown", retryAfterMillis, stops))
  }

  // What the connection tells

  handle(frame: Frame.Frame): Effect.Effect<void> | undefined {
    this.#proven = true
    if (this.#inbox !== undefined && Handshake.isForSession(this.#state, frame.kind)) return this.#deliver(frame)
    const message = LinkMessage.decode(frame.kind, frame.body)
    if (message !== undefined && Result.isFailure(message)) {
      this.refuse("violation", 0n, message.failure.message)
      return undefined
    }
    const event: Handshake.Event =
      message === undefined ? { _tag: "Frame", kind: frame.kind } : { _tag: "Message", message: message.success }
    const step = Handshake.step(this.#office.self, this.peer, this.#state, event)
    this.#state = step.state
    if (step.action !== undefined) this.#perform(step.action)
    return undefined
  }

  caughtUp(): void {
    this.#inbox?.wake()
  }

  violated(reason: Ended): void {
    this.#refuseFor("violation", 0n, reason)
  }

  onEnded(reason: Ended): void {
    this.#deadline.cancel()
    const { registry } = this.#office
    this.#office.closed(this)
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
    this.#office.activated(this)
    registry.note(this.connection, { peer: this.peer, from: "candidate", to: "active", session: given })
    // Before anything that the session's handler may send.
    if (send) this.connection.control(Frame.encode(Frame.Kind.Commit, LinkMessage.commit.encode({ number: given })))
    this.connection.established()
    const session = new LiveSession(this.connection, this.peer, given, this.#state.hello, this.#inbox)
    this.#handler = this.#office.handle(session, this.connection)
  }

  /** Says why and ends: with REJECT as long as there is no session, with GOODBYE after. */
  refuse(reason: LinkMessage.RejectReason, known: bigint, detail: string): void {
    this.#refuseFor(
      reason,
      known,
      reason === "violation" ? ended("violation", detail) : ended("refused", `${reason}: ${detail}`),
      detail
    )
  }

  replace(): void {
    this.connection.end(ended("replaced", "a newer connection with the same peer is the session"))
  }

  // Within

  #refuseFor(reason: LinkMessage.RejectReason, known: bigint, why: Ended, detail = why.detail): void {
    if (this.connection.finishing) return
    this.#state = { phase: "closed" }
    const live = this.#number !== undefined
    if (!live) this.#rejected = { by: "us", reason }
    this.connection.finish(why, live ? goodbye("violation", 0, detail) : reject(reason, known, detail))
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

  #perform(action: Handshake.Action): void {
    switch (action._tag) {
      case "Propose": {
        const objection = this.#office.objection(this.peer)
        if (action.hello.knows > maxSessionNumber) this.#overclaimed("HELLO", action.hello.knows)
        else if (objection !== undefined) this.refuse(objection.reason, 0n, objection.detail)
        else this.#ask({ _tag: "Hello", connection: this.connection.id, claim: action.hello })
        return
      }
      case "Obey": {
        const { hello: claim, number } = action
        if (number > maxSessionNumber) this.#overclaimed("COMMIT", number)
        else this.#ask({ _tag: "Commit", connection: this.connection.id, claim, number })
        return
      }
      case "Rejected": {
        const { detail, number, reason } = action.reject
        this.#rejected = { by: "peer", reason }
        const alone = this.#office.registry.alone(this.peer, this.connection.id)
        if (reason === "duplicate") this.#ask({ _tag: "Duplicate", number, alone })
        return this.connection.end(ended("rejected", `${reason}: ${detail}`))
      }
      case "Left":
        this.#left = action.goodbye
        return this.connection.end(ended("goodbye", `${this.#left.reason}: ${this.#left.detail}`))
      case "Refuse":
        return this.refuse(action.reason, 0n, action.detail)
      case "Ignore":
        this.connection.framesIgnored++
        return
      case "Deliver":
        return
    }
  }

  #ask(event: Parameters<Registry["Service"]["event"]>[1]): void {
    this.#office.registry.event(this.peer, event)
  }

  #overclaimed(message: string, claimed: bigint): void {
    this.refuse("violation", 0n, `${message} claims session number ${claimed}, ${maxSessionNumber} is the last`)
  }

  #outcome(reason: Ended): Outcome {
    const session = {
      lifetimeMillis: this.#office.alarms.now - this.#startedAt,
      pongs: this.connection.heartbeat.matched,
      startedAt: this.#startedAt
    }
    return {
      ended: reason,
      peer: this.#proven ? this.peer : undefined,
      reject: this.#rejected,
      goodbye: this.#left,
      session: this.#number === undefined ? undefined : session
    }
  }
}

const stops = "this node stops"
