/**
 * A connection that has become the session with its peer, and what runs for it until it has ended: frames that wait for
 * its handler, the handler, and whoever keeps its lanes open.
 */
import { Effect, Fiber } from "effect"
import * as Lanes from "../../protocol/link/Lanes.ts"
import type { Hello } from "../../protocol/link/LinkMessage.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Alarm } from "./Alarms.ts"
import type { Connection } from "./Connection.ts"
import type { Ended } from "./Ended.ts"
import type { Ground } from "./Ground.ts"
import { Inbox } from "./Inbox.ts"
import { LiveSession } from "./LiveSession.ts"
import type { Outcome } from "./Outcome.ts"
import type { Home } from "./SessionLanes.ts"

/** Whose session it is, under which number, and what the peer has said of itself. */
export interface Agreement {
  readonly peer: NodeKey
  readonly number: bigint
  readonly hello: Hello
}

export class RunningSession {
  readonly connection: Connection
  /** Frames for the handler. */
  readonly inbox: Inbox
  /** As the handler sees it. */
  readonly live: LiveSession
  readonly #ground: Ground
  readonly #startedAt: number
  #handler: Fiber.Fiber<void> | undefined
  #keeper: Fiber.Fiber<void> | undefined
  #patience: Alarm | undefined

  constructor(ground: Ground, connection: Connection, { hello, number, peer }: Agreement) {
    const { alarms, config } = ground
    this.#ground = ground
    this.#startedAt = alarms.now
    this.connection = connection
    this.inbox = new Inbox(config.sessionQueue)
    const lanes = Lanes.agreed(config.lanes, hello.lanes)
    const { probeTimeout } = config
    this.live = new LiveSession(connection, { peer, number, hello, frames: this.inbox, lanes, probeTimeout })
  }

  get peer(): NodeKey {
    return this.live.peer
  }

  get number(): bigint {
    return this.live.number
  }

  /** What runs for it from now on, and is interrupted by `letGo`. */
  runs(handler: Fiber.Fiber<void>, keeper: Fiber.Fiber<void> | undefined): void {
    this.#handler = handler
    this.#keeper = keeper
  }

  /** Where lanes of it belong: nowhere if it may have none, or ends. */
  get home(): Home | undefined {
    const { connection, live } = this
    if (live.joined === undefined || connection.finishing) return undefined
    const { hello, joined, number, peer } = live
    return { peer, session: number, connection, instance: hello.instance, lanes: joined }
  }

  /** It brings nothing more. Calls `then` when its lanes have ended with all that waits on them, or after `patience`. */
  finishes(reason: Ended, then: () => void, patience: number): void {
    const { joined } = this.live
    if (joined === undefined) return then()
    const { alarms } = this.#ground
    this.#patience = alarms.set(alarms.now + patience, then)
    joined.finish(reason, () => {
      this.#patience?.cancel()
      then()
    })
  }

  /** Its connection is over, and so are its lanes. */
  ended(reason: Ended): void {
    this.#patience?.cancel()
    this.live.joined?.end(reason)
  }

  /** Waits for the end of its lanes, and then of its handler. */
  get letGo(): Effect.Effect<void> {
    const gone = this.#handlerGone
    return this.#keeper === undefined ? gone : Effect.andThen(Fiber.interrupt(this.#keeper), gone)
  }

  get #handlerGone(): Effect.Effect<void> {
    return this.#handler === undefined ? Effect.void : Fiber.interrupt(this.#handler)
  }

  /** How it went, up to now. */
  get outcome(): Outcome["session"] {
    const lifetimeMillis = this.#ground.alarms.now - this.#startedAt
    return { lifetimeMillis, pongs: this.connection.heartbeat.matched, startedAt: this.#startedAt }
  }
}
