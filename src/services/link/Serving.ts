/**
 * One connection from its open socket to its end, as a sequence of transitions that always ends with `closed`: the
 * channel is made, its peer is talked to, and what either of them has acquired is let go of.
 */
import { Effect, Exit, Fiber, Scope } from "effect"
import type { Socket } from "effect/socket/Socket"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Alarm } from "./Alarms.ts"
import { Conversation, type Parties } from "./Conversation.ts"
import { type Ended, ended } from "./Ended.ts"
import type { Again } from "./LaneKeeper.ts"
import type { Office } from "./Office.ts"
import { nothing, type Outcome } from "./Outcome.ts"
import type { Channel, Direction, Opened, Speech } from "./Wire.ts"

/** Where a socket came from. */
export interface From {
  readonly direction: Direction
  /** The other end, for people. */
  readonly remote: string
  /** The IP address at the other end, for limits and bans. */
  readonly host: string
  /** The key that must answer; the peer's own word counts without it. */
  readonly expected?: NodeKey | undefined
  /** How to get there again, for further lanes of the session: without it there are none. */
  readonly again?: Again | undefined
}

/** Talks with a peer that is known. */
export interface Talk {
  /** To the end of the connection. */
  readonly converse: (channel: Channel<Error>, describe: (error: Error) => Ended) => Effect.Effect<unknown>
  /** Comes after it, or when it is interrupted. */
  readonly letGo: Effect.Effect<void>
  /** Asked for after that. */
  readonly outcome: Outcome
}

/** What is talked about, of a connection that must be something by `deadline`. */
export type Begin = (parties: Parties, deadline: number) => Talk

/** A connection that is not a session, or not yet. */
export interface Pending {
  readonly direction: Direction
  readonly host: string
}

/** What all connections of a node are served with. */
export interface Service {
  readonly office: Office
  readonly wire: Speech<Error>
  /** Connections whose peer is not known yet, or that are no session yet, by their names. */
  readonly pending: Map<number, Pending>
  readonly conversations: Map<number, Conversation>
  /** Uniform in [0, 1). */
  readonly random: () => number
}

export class Serving {
  readonly id: number
  readonly direction: Direction
  readonly remote: string
  readonly host: string
  readonly #service: Service
  readonly #expected: NodeKey | undefined
  readonly #again: Again | undefined
  readonly #begin: Begin | undefined
  readonly #deadline: number
  readonly #scope = Scope.makeUnsafe()
  #late: Alarm | undefined
  #isLate = false
  #talk: Talk | undefined
  #failed: Ended | undefined

  /** Talks about a session, unless `begin` knows better. */
  constructor(service: Service, from: From, begin?: Begin) {
    const { alarms, config, registry } = service.office
    this.id = registry.nextId()
    this.direction = from.direction
    this.remote = from.remote
    this.host = from.host
    this.#service = service
    this.#expected = from.expected
    this.#again = from.again
    this.#begin = begin
    this.#deadline = alarms.now + config.handshakeTimeout
  }

  /** Interrupting it cuts the connection. */
  run(socket: Socket): Effect.Effect<Outcome> {
    return Effect.map(
      Effect.onExit(
        Effect.suspend(() => this.#open(socket)),
        (exit) => this.#letGo(exit)
      ),
      () => this.#outcome()
    )
  }

  #open(socket: Socket): Effect.Effect<unknown> {
    const { office, pending, wire } = this.#service
    office.registry.note(this, { to: "opening", peer: this.#expected })
    if (office.entrance.closed) return Effect.sync(() => this.#fail(ended("shutdown", "this node stops")))
    pending.set(this.id, this)
    // Closing the scope ends an opening that takes too long.
    this.#late = office.alarms.set(this.#deadline, () => {
      this.#isLate = true
      office.fork(Scope.close(this.#scope, Exit.void))
    })
    const opening = Scope.provide(wire.open(socket, this.direction, this.#expected), this.#scope)
    return Effect.forkIn(opening, this.#scope, { startImmediately: true }).pipe(
      Effect.flatMap(Fiber.await),
      Effect.flatMap((exit) => this.#opened(exit))
    )
  }

  #opened(exit: Exit.Exit<Opened<Error>, Error>): Effect.Effect<unknown> {
    const { office } = this.#service
    if (this.#isLate) {
      const { handshakeTimeout } = office.config
      this.#fail(ended("handshake-timeout", `no secure channel within ${handshakeTimeout} ms`))
      return Effect.void
    }
    if (Exit.isSuccess(exit)) return this.#converse(exit.value)
    return Effect.catch(Effect.asVoid(exit), (error) => Effect.sync(() => this.#refused(error)))
  }

  #refused(error: Error): void {
    const { office, wire } = this.#service
    const meaning = wire.describe(error)
    const offence = this.direction === "inbound" ? wire.offence(error) : undefined
    if (offence !== undefined) office.gate.offended(offence, { host: this.host }, meaning.detail)
    this.#fail(meaning)
  }

  #converse({ channel, peer }: Opened<Error>): Effect.Effect<unknown> {
    const { random, wire } = this.#service
    this.#late?.cancel()
    const parties = {
      id: this.id,
      direction: this.direction,
      remote: this.remote,
      host: this.host,
      peer,
      again: this.#again,
      nonce: BigInt(Math.floor(random() * 0xffff_ffff)) << 16n,
      phase: random()
    }
    const talk = this.#begin?.(parties, this.#deadline) ?? this.#session(parties)
    this.#talk = talk
    return talk.converse(channel, wire.describe)
  }

  #session(parties: Parties): Talk {
    const { conversations, office } = this.#service
    const conversation = new Conversation(office, parties, this.#deadline)
    conversations.set(this.id, conversation)
    return conversation
  }

  #fail(reason: Ended): void {
    this.#failed = reason
    this.#service.office.registry.note(this, { peer: this.#expected, from: "opening", to: "closed", ...reason })
  }

  #letGo(exit: Exit.Exit<unknown>): Effect.Effect<void> {
    this.#late?.cancel()
    this.#service.pending.delete(this.id)
    const talk = this.#talk
    if (talk !== undefined) return Effect.andThen(talk.letGo, Scope.close(this.#scope, exit))
    if (this.#failed === undefined) this.#fail(ended("shutdown", "this node closes the connection"))
    return Scope.close(this.#scope, exit)
  }

  #outcome(): Outcome {
    return this.#talk?.outcome ?? nothing(this.#failed ?? ended("internal", "nobody said why"))
  }
}
