/**
 * One dial: a name looked up, a packet there, a packet back, each sent again after 1, 3 and 7 seconds if it is lost.
 *
 * The host that is dialled accepts by itself, whatever its programs do, as long as the port has room for another
 * connection. Giving up in time is up to whoever dials.
 */
import type { Endpoint } from "../../protocol/Address.ts"
import type { DialReason } from "../../services/link/Transport.ts"
import type { Fate } from "./DialRules.ts"
import { End } from "./End.ts"
import type { Fabric } from "./Fabric.ts"
import type { Host } from "./Host.ts"
import type { Path } from "./Path.ts"
import * as Patience from "./Patience.ts"
import { type Half, Port } from "./Port.ts"
import { type Dialling, Stack } from "./Stack.ts"
import type { Scheduled } from "../world/EventHeap.ts"

export type Outcome = End | DialReason

/** Microseconds until the first packet is sent again; each time it is twice as long. */
const firstRetry = 1_000_000
const mostRetries = 6
/** Until the system finds that nobody has an address, in microseconds. */
const noSuchHost = 3_055_000

export class Attempt implements Dialling, Half {
  readonly #fabric: Fabric
  readonly #stack: Stack
  readonly #endpoint: Endpoint
  readonly #number: number
  #outcome: Outcome | undefined
  #onOutcome: ((outcome: Outcome) => void) | undefined
  #local = 0
  /** The address that it is made from. */
  #from = ""
  #there: Path | undefined
  #retry: Scheduled | undefined
  /** The other end, until it has heard of the connection. */
  #far: End | undefined

  constructor(fabric: Fabric, stack: Stack, endpoint: Endpoint) {
    this.#fabric = fabric
    this.#stack = stack
    this.#endpoint = endpoint
    this.#number = fabric.nextDial()
    stack.record("dial", { dial: this.#number, to: endpoint.toString() })
    fabric.onDial?.(stack.host.name, endpoint.toString(), undefined)
    this.#begin()
  }

  /** It will not come to a connection that is accepted. */
  get stale(): boolean {
    if (this.#outcome === undefined) return false
    return !(this.#outcome instanceof End) || this.#outcome.out.over || this.#outcome.out.silent
  }

  /** The host that was dialled forgets it. */
  forget(): void {
    this.#far?.giveUp()
  }

  /** Tells what comes of it, once; at once if that is known. */
  listen(onOutcome: (outcome: Outcome) => void): void {
    if (this.#outcome === undefined) this.#onOutcome = onOutcome
    else onOutcome(this.#outcome)
  }

  /** It has taken too long. */
  giveUp(): void {
    this.#settle("timed-out")
  }

  /** Nobody wants to know any more. */
  readonly cancel = (): void => {
    this.#settle("other")
  }

  /** Ends it, or the connection that came of it. */
  close(): void {
    if (this.#outcome instanceof End) this.#outcome.close()
    else this.cancel()
  }

  #begin(): void {
    const { host } = this.#stack
    if (!host.mayOpen()) return this.#settle("exhausted")
    const local = host.takePort()
    if (local === undefined) return this.#settle("unreachable")
    this.#local = local
    this.#stack.dials.add(this)
    host.open++
    const { after, to } = this.#fabric.names.resolve(this.#endpoint.host, host)
    if (to === "unknown") this.#in(after, () => this.#settle("unknown-host"))
    else if (to === "nowhere") this.#in(after + noSuchHost, () => this.#settle("unreachable"))
    else if (after === 0) this.#approach(to)
    else this.#in(after, () => this.#approach(to))
  }

  #approach(to: Host): void {
    this.#from = this.#stack.host.address
    this.#there = this.#fabric.paths.get(this.#stack.host.name, to.name)
    this.#there.tally.dials++
    const fate = this.#fabric.dialRules.decide(this.#stack.host.name, to.name)
    const send = () => this.#send(this.#there!, to, to.address, fate.how, 0)
    if (fate.late > 0) this.#in(fate.late, send)
    else send()
  }

  #send(there: Path, to: Host, address: string, how: Fate["how"], retries: number): void {
    if (retries === mostRetries) return this.#settle("timed-out")
    this.#retry = this.#in(firstRetry * 2 ** retries, () => this.#send(there, to, address, how, retries + 1))
    if (how === "hang" || there.loses()) return
    this.#in(there.latency(), () => {
      // Nobody is there, or no longer.
      if (to.dark || to.address !== address) return
      this.#arrive(to, how)
    })
  }

  /** At the host that was dialled. */
  #arrive(to: Host, how: Fate["how"]): void {
    const bound = to.ports.get(this.#endpoint.port)
    const port = bound instanceof Port ? bound : undefined
    if (how === "accept-then-reset") return this.#reply(to, () => this.#resetAtOnce(to))
    if (how === "refuse" || port === undefined) return this.#reply(to, () => this.#settle("refused"))
    if (port.admits(this)) this.#reply(to, () => this.#establish(to, port))
  }

  #reply(from: Host, heard: () => void): void {
    const back = this.#fabric.paths.get(from.name, this.#stack.host.name)
    if (back.loses()) return
    this.#in(back.latency(), () => {
      // Who dialled may have moved.
      if (this.#stack.host.address === this.#from) heard()
    })
  }

  #establish(to: Host, port: Port): void {
    const [near, far] = this.#connect(to, port.stack)
    this.#far = far
    const { world } = this.#stack
    const tooLate = Patience.after(world, Patience.halfOpen, () => port.forget(this))
    far.onEstablished = () => {
      world.cancel(tooLate)
      this.#far = undefined
      port.arrived(this, far)
    }
    near.out.open()
    this.#settle(near)
  }

  #resetAtOnce(to: Host): void {
    const [near, far] = this.#connect(to, new Stack(this.#stack.world, to, undefined))
    far.drop("rst")
    this.#settle(near)
  }

  #connect(to: Host, stack: Stack): readonly [End, End] {
    const local = { host: this.#from, port: this.#local }
    return this.#fabric.connect(this.#stack, local, stack, { host: to.address, port: this.#endpoint.port })
  }

  #in(micros: number, run: () => void): Scheduled {
    const { world } = this.#stack
    return world.at(world.now + micros, () => {
      if (this.#outcome === undefined) run()
    })
  }

  #settle(outcome: Outcome): void {
    if (this.#outcome !== undefined) return
    this.#outcome = outcome
    this.#count(outcome)
    const { host, world } = this.#stack
    if (this.#retry !== undefined) world.cancel(this.#retry)
    const began = this.#stack.dials.delete(this)
    if (outcome instanceof End) {
      host.open--
      outcome.hold()
    } else if (began) {
      host.givePort(this.#local)
      this.#stack.freed()
    }
    const told = this.#onOutcome
    if (told !== undefined) this.#stack.enter(() => told(outcome))
  }

  #count(outcome: Outcome): void {
    const tally = this.#there?.tally
    if (outcome instanceof End) {
      this.#stack.record("connected", { dial: this.#number, connection: outcome.connection })
      if (tally !== undefined) tally.connected++
      return
    }
    this.#stack.record("dial-failed", { dial: this.#number, reason: outcome })
    this.#fabric.onDial?.(this.#stack.host.name, this.#endpoint.toString(), outcome)
    if (tally !== undefined && outcome === "refused") tally.refused++
    if (tally !== undefined && outcome === "timed-out") tally.timedOut++
  }
}
