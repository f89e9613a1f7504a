/**
 * One connection with a Bitcoin node, from its open socket to its end: the handshake, what the peer asks for itself, its
 * faults, and whatever else it says, for whoever watches. The same for whoever dialled.
 */
import { Effect, Result } from "effect"
import * as Command from "../../protocol/bitcoin/Command.ts"
import type { Kind } from "../../protocol/bitcoin/ConnectionState.ts"
import * as Handshake from "../../protocol/bitcoin/Handshake.ts"
import * as MessageFrame from "../../protocol/bitcoin/MessageFrame.ts"
import { ChecksumFlood, type Fault, Score } from "../../protocol/bitcoin/Misbehaviour.ts"
import * as Reject from "../../protocol/bitcoin/Reject.ts"
import type { Ending } from "../../protocol/bitcoin/Restarts.ts"
import * as Settings from "../../protocol/bitcoin/Settings.ts"
import * as Version from "../../protocol/bitcoin/Version.ts"
import type { Frame } from "../../protocol/link/Frame.ts"
import type { Alarm } from "../link/Alarms.ts"
import { Connection, type Options, type Owner } from "../link/Connection.ts"
import { type Ended, ended } from "../link/Ended.ts"
import type { Channel } from "../link/Wire.ts"
import type { Ground } from "../link/Ground.ts"
import type { Network } from "../../protocol/bitcoin/Network.ts"
import * as PeerEnding from "./PeerEnding.ts"
import { Wishes } from "./Wishes.ts"

/** What all peers of a node have in common. */
export interface Place extends Ground {
  readonly network: Network
  readonly terms: Handshake.Terms
}

/** Whoever hears of it. Called in the turn in which it happens. */
export interface Watcher {
  /** It has said who it is, and nothing speaks against it. */
  readonly introduced: (peer: BitcoinPeer, version: Version.Version) => void
  /** The handshake is over. */
  readonly connected: (peer: BitcoinPeer) => void
  /** Takes a message; an effect that is returned is waited for before the next one is looked at. */
  readonly received: (peer: BitcoinPeer, message: Frame) => Effect.Effect<void> | undefined
  /** All that came together has been handed over. */
  readonly caughtUp: (peer: BitcoinPeer) => void
  /** The peer has refused something. */
  readonly rejected: (peer: BitcoinPeer, reject: Reject.Reject) => void
  readonly misbehaved: (peer: BitcoinPeer, fault: Fault, detail: string) => void
  /** This node has begun to end it. */
  readonly ending: (peer: BitcoinPeer, ending: Ending) => void
  readonly ended: (peer: BitcoinPeer, ending: Ending, reason: Ended) => void
}

export interface Parties extends Options {
  readonly kind: Kind
  /** The port at the other end. */
  readonly port: number
  /** What this node says of itself on this connection. */
  readonly own: Version.Version
}

const kinds = {
  version: Command.kindOf("version"),
  verack: Command.kindOf("verack"),
  ping: Command.kindOf("ping"),
  pong: Command.kindOf("pong"),
  reject: Command.kindOf("reject")
} as const

const nothing = new Uint8Array(0)

export class BitcoinPeer implements Owner {
  readonly connection: Connection
  readonly kind: Kind
  readonly host: string
  readonly port: number
  /** What it has asked for since the handshake. */
  readonly wishes = new Wishes()
  /** What this node has said of itself. */
  readonly own: Version.Version
  readonly #place: Place
  readonly #watcher: Watcher
  readonly #deadline: Alarm
  readonly #score = new Score()
  readonly #checksums = new ChecksumFlood()
  #handshake: Handshake.State
  #ending: Ending | undefined
  /** It has said that it will not have this node. */
  #isUnwanted = false

  constructor(place: Place, watcher: Watcher, parties: Parties) {
    this.#place = place
    this.#watcher = watcher
    this.kind = parties.kind
    this.host = parties.host
    this.port = parties.port
    this.own = parties.own
    this.#handshake = Handshake.initial(parties.direction)
    const beat: Ground["wire"]["beat"] = (frame) => (this.#isOver ? place.wire.beat(frame) : undefined)
    this.connection = new Connection({ ...place, wire: { ...place.wire, beat } }, this, parties)
    const { handshakeTimeout } = place.config
    const late = ended("handshake-timeout", `no handshake within ${handshakeTimeout} ms`)
    this.#deadline = place.alarms.set(place.alarms.now + handshakeTimeout, () => this.#end("handshake", late))
  }

  /** What it has said of itself, once it has. */
  get version(): Version.Version | undefined {
    return this.#handshake.version
  }

  get isConnected(): boolean {
    return this.#isOver && !this.connection.finishing
  }

  get score(): number {
    return this.#score.points
  }

  /** To the end of the connection; why it ended. */
  run<E extends Error>(channel: Channel<E>, describe: (error: E) => Ended): Effect.Effect<Ended> {
    return Effect.suspend(() => {
      this.#step({ _tag: "Connected" })
      return this.connection.run(channel, describe)
    }).pipe(Effect.onExit(() => Effect.sync(() => this.connection.end(ended("shutdown", "this node stops")))))
  }

  /** Queues a message, waiting for room; false if nobody takes it, before the handshake and after the end. */
  send(command: Command.Command, payload: Uint8Array): Effect.Effect<boolean> {
    return Effect.suspend(() => {
      if (!this.isConnected) return Effect.succeed(false)
      const header = MessageFrame.header(this.#place.network, command, payload)
      return Effect.as(this.connection.bulk([header, payload]), true)
    })
  }

  /** It has done what it must not; enough of that, and it is cut off. */
  charge(fault: Fault, detail: string): void {
    const isEnough = this.#score.charge(fault)
    this.#watcher.misbehaved(this, fault, detail)
    if (isEnough) this.#end("misbehaved", ended("violation", detail))
  }

  /** Closes it behind what was queued. */
  close(ending: Ending, detail: string): void {
    this.#end(ending, ended("shutdown", detail))
  }

  /** Tells it why something was not taken, and closes it behind that. */
  refuse(refusal: Reject.Reject, detail: string): void {
    if (this.connection.finishing) return
    this.#say(Reject.reject.encode(refusal), "reject")
    this.#end("unsuitable", ended("violation", detail))
  }

  // What the connection tells

  handle(frame: Frame): Effect.Effect<void> | undefined {
    if (frame.kind === Command.spoiled.checksum) return this.#spoiled()
    if (frame.kind === Command.spoiled.command) return this.#skip()
    this.#checksums.good()
    if (frame.kind === kinds.version) return this.#introduced(frame.body)
    if (frame.kind === kinds.verack) return this.#step({ _tag: "Verack" })
    if (frame.kind === kinds.reject) return this.#refused(frame.body)
    if (!this.#isOver) return this.#step({ _tag: "Other", command: Command.nameOf(frame.kind) })
    return frame.kind === Command.unknown ? this.#skip() : this.#hear(frame)
  }

  caughtUp(): void {
    if (this.#isOver) this.#watcher.caughtUp(this)
  }

  violated(reason: Ended, cause?: Error): void {
    if (cause instanceof MessageFrame.MessageInvalid) return this.#end(PeerEnding.ofInvalid(cause), reason)
    // Who says too much is no more than that, and who was cut off in the midst of a message was cut off.
    this.#end(reason.reason === "truncated" ? this.#meaning(reason) : "unsuitable", reason)
  }

  onEnded(reason: Ended): void {
    this.#deadline.cancel()
    this.#watcher.ended(this, this.#ending ?? this.#meaning(reason), reason)
  }

  // Within

  /** The handshake is. */
  get #isOver(): boolean {
    return this.#handshake.phase === "done"
  }

  /** A wrong checksum costs that message only, unless there is no end of them. */
  #spoiled(): undefined {
    if (this.#checksums.spoiled(this.#place.alarms.now)) this.charge("checksum-flood", "wrong checksums without end")
    return undefined
  }

  #skip(): undefined {
    this.connection.framesIgnored++
    return undefined
  }

  #introduced(body: Uint8Array): undefined {
    const { network } = this.#place
    // Whatever it says the second time.
    const known = this.#handshake.version
    if (known !== undefined) return this.#step({ _tag: "Version", version: known })
    const version = (network.extended ? Version.withAssociation : Version.version).decode(body)
    if (Result.isSuccess(version)) return this.#step({ _tag: "Version", version: version.success })
    const reason = version.failure.message
    this.#say(Reject.reject.encode({ command: "version", code: Reject.Code.malformed, reason }), "reject")
    this.#end("unsuitable", ended("refused", reason))
    return undefined
  }

  #hear(frame: Frame): Effect.Effect<void> | undefined {
    if (frame.kind === kinds.ping || frame.kind === kinds.pong) {
      return this.#malformed(`${Command.nameOf(frame.kind)} without a nonce`)
    }
    const heard = this.wishes.hear(frame, this.#place.network.extended)
    switch (heard._tag) {
      case "Other":
        return this.#watcher.received(this, frame)
      case "Noted":
        return undefined
      case "Malformed":
        return this.#malformed(heard.detail)
      case "Fault":
        return void this.charge(heard.fault, heard.detail)
      case "Close":
        return void this.#end("unsuitable", ended("violation", heard.detail))
    }
  }

  #malformed(detail: string): undefined {
    this.charge("payload-malformed", detail)
    return undefined
  }

  #refused(body: Uint8Array): undefined {
    const reject = Reject.reject.decode(body)
    if (Result.isFailure(reject)) return this.#malformed(reject.failure.message)
    const { code, command } = reject.success
    this.#isUnwanted ||= command === "version" && code !== Reject.Code.duplicate
    this.#watcher.rejected(this, reject.success)
    return undefined
  }

  #step(event: Handshake.Event): undefined {
    const known = this.version
    const { actions, state } = Handshake.step(this.#place.terms, this.#handshake, event)
    this.#handshake = state
    if (known === undefined && state.version !== undefined && state.phase !== "closed")
      this.#watcher.introduced(this, state.version)
    for (const action of actions) if (!this.connection.over) this.#perform(action)
    return undefined
  }

  #perform(action: Handshake.Action): void {
    switch (action._tag) {
      case "SendVersion":
        return this.#say(Version.version.encode(this.own), "version")
      case "SendVerack":
        return this.#acknowledge()
      case "SendReject":
        return this.#say(Reject.reject.encode(action.reject), "reject")
      case "Complete":
        return this.#complete()
      case "Close":
        return this.#end(PeerEnding.ofObjection[action.objection], ended("refused", action.detail))
      case "Fault":
        return this.charge(action.fault, action.detail)
      case "Ignore":
        return void this.connection.framesIgnored++
    }
  }

  /** BSV's nodes want to know right after `verack` what they may send. */
  #acknowledge(): void {
    this.#say(nothing, "verack")
    if (!this.#place.network.extended) return
    const largestPayload = Settings.leastPayload * 2
    this.#say(Settings.protoconf.encode({ largestPayload, policies: "Default" }), "protoconf")
  }

  #complete(): void {
    this.#deadline.cancel()
    if (this.kind === "OverCapacity") return this.#turnAway()
    this.connection.established()
    if ((this.version?.version ?? 0) >= knowsHeaders) this.#say(nothing, "sendheaders")
    this.#watcher.connected(this)
  }

  #turnAway(): void {
    const reason = "this node has as many connections as it may"
    this.#say(Reject.reject.encode({ command: "version", code: Reject.Code.tooBusy, reason }), "reject")
    this.#end("closed", ended("refused", reason))
  }

  #say(payload: Uint8Array, command: Command.Command): void {
    this.connection.control(MessageFrame.encode(this.#place.network, command, payload))
  }

  #end(ending: Ending, reason: Ended): void {
    if (this.connection.finishing) return
    this.#ending = ending
    this.#handshake = { ...this.#handshake, phase: this.#handshake.phase === "done" ? "done" : "closed" }
    this.connection.finish(reason)
    this.#watcher.ending(this, ending)
  }

  /** Of an end that did not come from here. */
  #meaning({ reason }: Ended): Ending {
    return PeerEnding.ofReason(reason, {
      isOver: this.#isOver,
      isUnwanted: this.#isUnwanted,
      isKnown: this.version !== undefined
    })
  }
}

/** Since this version nodes may be asked for headers instead of ids. */
const knowsHeaders = 70_012
