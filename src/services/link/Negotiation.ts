/**
 * What the peer of a connection says about the link itself, from its HELLO on, and what comes of it: the handshake's
 * machine knows what is legal when, the entrance who comes in, and the registry's arbiter which connection is the session
 * (docs/PROTOCOL.md, 4).
 */
import { type Effect, Result } from "effect"
import type * as Ban from "../../protocol/link/Ban.ts"
import type { Frame } from "../../protocol/link/Frame.ts"
import * as Handshake from "../../protocol/link/Handshake.ts"
import * as LinkMessage from "../../protocol/link/LinkMessage.ts"
import { Answer } from "./Answer.ts"
import type { Guest } from "./Entrance.ts"
import type { Office } from "./Office.ts"
import type { Registry } from "./Registry.ts"

/** The connection that is talked about, and what may be done with it. */
export interface Subject extends Guest {
  /** Tell the peer why not, and end. */
  readonly refuse: (reason: LinkMessage.RejectReason, known: bigint, detail: string) => void
  /** The peer did what nobody honest does. */
  readonly offended: (offence: Ban.Offence, detail: string) => void
  /** The peer asks for a lane. */
  readonly join: (join: LinkMessage.Join) => void
  /** The peer has refused. */
  readonly rejected: (reject: LinkMessage.Reject) => void
  /** The peer has ended the session. */
  readonly left: (goodbye: LinkMessage.Goodbye) => void
}

/** Session numbers end here, so that there is always a next one: a peer that claims a higher one is lying. */
const maxSessionNumber = 2n ** 63n - 1n

export class Negotiation {
  readonly #office: Office
  readonly #subject: Subject
  /** Whether it may come in. */
  readonly #admission = new Answer()
  #state: Handshake.State = Handshake.initial

  constructor(office: Office, subject: Subject) {
    this.#office = office
    this.#subject = subject
  }

  /** Nothing has been said yet. */
  get silent(): boolean {
    return this.#state.phase === "greeting"
  }

  /** What the peer says of itself, while the arbiter's word is awaited. */
  get candidate(): LinkMessage.Hello | undefined {
    return this.#state.phase === "candidate" ? this.#state.hello : undefined
  }

  /** Whether a frame of this kind is not for `hear` but for the session. */
  passes(kind: number): boolean {
    return Handshake.isForSession(this.#state, kind)
  }

  /** Does what follows from a frame, which may have to be waited for before the next one. */
  hear({ body, kind }: Frame): Effect.Effect<void> | undefined {
    const message = LinkMessage.decode(kind, body)
    if (message !== undefined && Result.isFailure(message)) {
      this.#subject.refuse("violation", 0n, message.failure.message)
      return undefined
    }
    const action = this.#step(
      message === undefined ? { _tag: "Frame", kind } : { _tag: "Message", message: message.success }
    )
    return action === undefined ? undefined : this.#perform(action)
  }

  /** The entrance lets it in. */
  admit(): void {
    const claim = this.candidate
    const { connection } = this.#subject
    if (claim !== undefined && !connection.finishing) this.#tell({ _tag: "Hello", connection: connection.id, claim })
    this.answered()
  }

  /** Whether it may come in is known now, or of no interest any more. */
  answered(): void {
    this.#admission.given()
  }

  /** The arbiter makes it the session. Gives what its peer says of itself, if it can be one. */
  activate(): LinkMessage.Hello | undefined {
    this.#step({ _tag: "Activated" })
    return this.#state.phase === "active" ? this.#state.hello : undefined
  }

  /** Whatever still comes in is not looked at. */
  close(): void {
    this.#state = { phase: "closed" }
  }

  #step(event: Handshake.Event): Handshake.Action | undefined {
    const { action, state } = Handshake.step(this.#office.self, this.#subject.peer, this.#state, event)
    this.#state = state
    return action
  }

  #perform(action: Handshake.Action): Effect.Effect<void> | undefined {
    const subject = this.#subject
    switch (action._tag) {
      case "Propose":
        return this.#propose(action.hello)
      case "Obey":
        return void this.#obey(action.hello, action.number)
      case "Join":
        return void subject.join(action.join)
      case "Rejected":
        return void this.#rejected(action.reject)
      case "Left":
        return void subject.left(action.goodbye)
      case "Refuse":
        return void subject.refuse(action.reason, 0n, action.detail)
      case "Ignore":
        return void subject.connection.framesIgnored++
      case "Deliver":
        return undefined
    }
  }

  /** Asks to come in. Nothing that came behind the HELLO is looked at before the answer. */
  #propose({ knows }: LinkMessage.Hello): Effect.Effect<void> | undefined {
    if (knows <= maxSessionNumber) return this.#admission.to(() => this.#office.entrance.ask(this.#subject))
    this.#overclaimed("HELLO", knows)
    return undefined
  }

  #obey(claim: LinkMessage.Hello, number: bigint): void {
    const { connection, host, peer } = this.#subject
    const kept = this.#office.gate.keptOut(peer, host)
    if (number > maxSessionNumber) this.#overclaimed("COMMIT", number)
    else if (kept !== undefined) this.#subject.turnAway("banned", kept.reason, kept.forMillis)
    else this.#tell({ _tag: "Commit", connection: connection.id, claim, number })
  }

  #rejected(reject: LinkMessage.Reject): void {
    const { connection, peer } = this.#subject
    const { number, reason } = reject
    const alone = this.#office.registry.alone(peer, connection.id)
    if (reason === "duplicate") this.#tell({ _tag: "Duplicate", number, alone })
    this.#subject.rejected(reject)
  }

  #overclaimed(message: string, claimed: bigint): void {
    const detail = `${message} claims session number ${claimed}, ${maxSessionNumber} is the last`
    this.#subject.refuse("violation", 0n, detail)
    this.#subject.offended("impossible-number", detail)
  }

  #tell(event: Parameters<Registry["Service"]["event"]>[1]): void {
    this.#office.registry.event(this.#subject.peer, event)
  }
}
