/**
 * The heartbeat of one connection: pings when nothing comes, notices when nothing comes back, and answers whoever doubts
 * the peer.
 */
import * as Heartbeat from "../../protocol/link/Heartbeat.ts"
import type { Alarm } from "./Alarms.ts"
import type { Ground } from "./Ground.ts"

export interface Options {
  /** Where its ping nonces start. */
  readonly nonce: bigint
  /** When it first looks, as a part of a tick, so that many peers are not pinged in one turn. */
  readonly phase: number
}

/** What it asks for. */
export interface Body {
  readonly ping: (nonce: bigint) => void
  readonly dead: (silentMillis: number) => void
}

const nobody: ReadonlyArray<(answered: boolean) => void> = []

export class Heart {
  state: Heartbeat.State
  /** The reader waits for the handler of a frame, so that silence says nothing about the peer. */
  held = false
  readonly #ground: Ground
  readonly #body: Body
  #alarm: Alarm
  #stopped = false
  /** Parts of frames have come since the last tick. */
  #hears = false
  #nonce: bigint
  #asking = nobody

  constructor(ground: Ground, body: Body, options: Options) {
    const { now } = ground.alarms
    this.#ground = ground
    this.#body = body
    this.#nonce = options.nonce
    this.state = Heartbeat.initial(now)
    this.#alarm = this.#tickAt(now + options.phase * this.#every)
  }

  /** Beats no more; whoever waits for an answer gets none. */
  stop(): void {
    this.#stopped = true
    this.#alarm.cancel()
    this.#answer(false)
  }

  /** A frame has come, of whatever kind. */
  alive(): void {
    this.#beat({ _tag: "Frame", now: this.#ground.alarms.now })
  }

  /**
   * A part of a frame has come. The peer lives, and says so as fast as the network takes it; nothing that it could answer
   * gets through before the rest, so it must hear from us.
   */
  partly(): void {
    this.#hears = true
    this.alive()
  }

  pong(nonce: bigint): void {
    this.#beat({ _tag: "Pong", now: this.#ground.alarms.now, nonce })
  }

  /** Asks now, whatever the interval says. */
  ping(): void {
    this.#beat({ _tag: "Probe", now: this.#ground.alarms.now, nonce: this.#nonce++ })
  }

  /**
   * Asks for a sign of life now. `report` hears `true` at the next frame, `false` at the end or after `millis` of
   * silence, whoever else asks meanwhile.
   */
  probe(millis: number, report: (answered: boolean) => void): void {
    const { alarms } = this.#ground
    this.#asking = [...this.#asking, report]
    this.ping()
    alarms.set(alarms.now + millis, () => {
      if (!this.#asking.includes(report)) return
      this.#asking = this.#asking.filter((other) => other !== report)
      // While the reader is held nobody can say that the peer is silent.
      report(this.held)
    })
  }

  /** A frame is about to be handled. */
  answered(): void {
    if (this.#asking.length > 0) this.#answer(true)
  }

  #answer(answered: boolean): void {
    const asking = this.#asking
    this.#asking = nobody
    for (const report of asking) report(answered)
  }

  get #every(): number {
    return Heartbeat.tickMillis(this.#ground.config.heartbeat)
  }

  #tickAt(due: number): Alarm {
    return this.#ground.alarms.set(due, (now) => this.#tick(now))
  }

  #tick(now: number): void {
    const { points } = this.#ground
    const putOff = points.fires("link.tick-put-off")
    if (!putOff && !this.held) this.#beat({ _tag: "Tick", now, nonce: this.#nonce++ })
    if (this.#hears || points.fires("link.pinged-without-need")) this.ping()
    this.#hears = false
    if (!this.#stopped) this.#alarm = this.#tickAt(now + this.#every / (putOff ? 4 : 1))
  }

  #beat(event: Heartbeat.Event): void {
    const { state, actions } = Heartbeat.step(this.#ground.config.heartbeat, this.state, event)
    this.state = state
    for (const action of actions) {
      if (action._tag === "Ping") this.#body.ping(action.nonce)
      else this.#body.dead(action.silentMillis)
    }
  }
}
