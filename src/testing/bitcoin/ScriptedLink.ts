/** A connection of a scripted Bitcoin node, in the hands of a test. */
import { Deferred, Effect, Schema } from "effect"
import type { Socket } from "effect/socket/Socket"
import * as Beat from "../../protocol/bitcoin/Beat.ts"
import type * as Command from "../../protocol/bitcoin/Command.ts"
import * as MessageFrame from "../../protocol/bitcoin/MessageFrame.ts"
import type { Network } from "../../protocol/bitcoin/Network.ts"
import * as PayloadLimits from "../../protocol/bitcoin/PayloadLimits.ts"
import type * as Version from "../../protocol/bitcoin/Version.ts"
import type { Said } from "./NodeFamily.ts"
import type { ScriptedPeer } from "./ScriptedPeer.ts"
import { type HandshakeName, type StimulusName, stimuli } from "./Stimulus.ts"

/** The connection is over, and what was waited for has not come. */
export class LinkClosed extends Schema.TaggedError<LinkClosed>()("BitcoinLinkClosed", {
  remote: Schema.String,
  awaited: Schema.String
}) {
  override get message(): string {
    return `the connection with ${this.remote} ended before ${this.awaited}`
  }
}

export interface Options {
  readonly network: Network
  readonly peer: ScriptedPeer
  readonly dialled: boolean
  readonly version: Version.Version
  readonly remote: string
  readonly handshake: HandshakeName | undefined
  readonly nonce: () => bigint
}

/** Messages that are kept; the oldest go first. */
const mostHeard = 1_000

interface Waiting {
  readonly isIt: (message: MessageFrame.Message) => boolean
  readonly done: Deferred.Deferred<MessageFrame.Message, LinkClosed>
}

export class ScriptedLink {
  /** Where the other end is. */
  readonly remote: string
  /** Completes when the connection is over, whoever has closed it. */
  readonly closed: Effect.Effect<void>
  /** Waits for the end of the handshake. */
  readonly connected: Effect.Effect<void, LinkClosed>
  readonly #options: Options
  readonly #closed = Deferred.makeUnsafe<void>()
  readonly #connected = Deferred.makeUnsafe<void, LinkClosed>()
  readonly #heard: Array<MessageFrame.Message> = []
  readonly #waiting = new Set<Waiting>()
  #write: (bytes: Uint8Array) => Effect.Effect<void> = () => Effect.void
  #played = false

  constructor(options: Options) {
    this.#options = options
    this.remote = options.remote
    this.closed = Deferred.await(this.#closed)
    this.connected = Deferred.await(this.#connected)
  }

  /** What has come, oldest first; the last thousand. Bodies are copies. */
  get heard(): ReadonlyArray<MessageFrame.Message> {
    return this.#heard
  }

  get isConnected(): boolean {
    return this.#options.peer.connected && !this.isClosed
  }

  get isClosed(): boolean {
    return Deferred.isDoneUnsafe(this.#closed)
  }

  /** What the other side has said of itself, once it has. */
  get theirs(): Version.Version | undefined {
    return this.#options.peer.theirs
  }

  /** Says a message whatever the state of the connection; what is said after its end goes nowhere. */
  say(command: Command.Command | (string & {}), payload: Uint8Array = new Uint8Array(0)): Effect.Effect<void> {
    return this.bytes(MessageFrame.encode(this.#options.network, command, payload))
  }

  /** Writes bytes as they are. */
  bytes(bytes: Uint8Array): Effect.Effect<void> {
    return Effect.suspend(() => this.#write(bytes))
  }

  /** Plays a row of the table of stimuli; what was said is on its way when it returns. */
  play(name: StimulusName): Effect.Effect<void> {
    return Effect.forEach(stimuli[name].pieces(this.#options), (piece) => this.bytes(piece), { discard: true })
  }

  /** Waits for the next message of this command. */
  next(command: Command.Command): Effect.Effect<MessageFrame.Message, LinkClosed> {
    return this.#next(command, (message) => message.command === command && message.spoiled === undefined)
  }

  /** Sends a ping and waits for its answer. */
  readonly ping: Effect.Effect<void, LinkClosed> = Effect.suspend(() => {
    const payload = Beat.ping.encode(this.#options.nonce())
    const answered = this.#next("pong", ({ body, command }) => command === "pong" && isSame(body, payload))
    return Effect.asVoid(Effect.all([answered, this.say("ping", payload)], { concurrency: 2 }))
  })

  #next(awaited: string, isIt: Waiting["isIt"]): Effect.Effect<MessageFrame.Message, LinkClosed> {
    return Effect.suspend(() => {
      const { remote } = this
      if (this.isClosed) return Effect.fail(new LinkClosed({ remote, awaited }))
      const waiting: Waiting = { isIt, done: Deferred.makeUnsafe() }
      this.#waiting.add(waiting)
      const over = Effect.andThen(this.closed, Effect.fail(new LinkClosed({ remote, awaited })))
      return Effect.raceFirst(Deferred.await(waiting.done), over).pipe(
        Effect.ensuring(Effect.sync(() => void this.#waiting.delete(waiting)))
      )
    })
  }

  /** The connection is there: what is said goes there from now on. */
  begin(write: (bytes: Uint8Array) => Effect.Effect<void>): Effect.Effect<void> {
    this.#write = write
    const { dialled, peer } = this.#options
    return Effect.andThen(this.#sayAll(peer.start()), dialled ? this.#shake() : Effect.void)
  }

  /** A message has come: answers it, and tells whoever waits. */
  take(message: MessageFrame.Message): Effect.Effect<void> {
    const { peer } = this.#options
    const kept = { ...message, body: message.body.slice() }
    this.#heard.push(kept)
    if (this.#heard.length > mostHeard) this.#heard.shift()
    const said = peer.hear(kept)
    if (peer.connected) Deferred.doneUnsafe(this.#connected, Effect.void)
    for (const { done, isIt } of this.#waiting) if (isIt(kept)) Deferred.doneUnsafe(done, Effect.succeed(kept))
    return Effect.andThen(this.#sayAll(said), message.command === "version" ? this.#shake() : Effect.void)
  }

  /** It has had enough of the other side. */
  get hasEnough(): boolean {
    return this.#options.peer.closed
  }

  end(): void {
    this.#write = () => Effect.void
    Deferred.doneUnsafe(this.#closed, Effect.void)
    const { remote } = this
    Deferred.doneUnsafe(this.#connected, Effect.fail(new LinkClosed({ remote, awaited: "the end of the handshake" })))
  }

  #sayAll(said: ReadonlyArray<Said>): Effect.Effect<void> {
    return Effect.forEach(said, ([command, payload]) => this.say(command, payload), { discard: true })
  }

  /** Once: what it does in place of the handshake. */
  #shake(): Effect.Effect<void> {
    const { handshake } = this.#options
    if (handshake === undefined || this.#played) return Effect.void
    this.#played = true
    return this.play(handshake)
  }
}

const isSame = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0

/** Runs the connection to its end. */
export const serve = (socket: Socket, link: ScriptedLink, network: Network): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { pull } = yield* socket.reader
    const writer = yield* socket.writer
    const decoder = new MessageFrame.Decoder(network, PayloadLimits.limits(PayloadLimits.defaults))
    yield* link.begin((bytes) => Effect.ignore(writer.write(bytes)))
    for (let isOpen = true; isOpen;) {
      const messages: Array<MessageFrame.Message> = []
      for (const chunk of yield* pull) {
        if (typeof chunk !== "string") isOpen = decoder.feed(chunk, messages) === undefined && isOpen
      }
      for (const message of messages) yield* link.take(message)
      isOpen &&= !link.hasEnough
    }
  }).pipe(Effect.scoped, Effect.ignore, Effect.ensuring(Effect.sync(() => link.end())))
