/**
 * Hears what nodes, their databases and the network tell, at the moment it happens: writes it down, and passes it on to
 * those who judge it and to the triggers of the fault engine.
 */
import { Cause, Context, Effect, Exit } from "effect"
import { Kind, nameOf as nameOfKind } from "../../protocol/link/Frame.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Supervisor } from "../../services/link/Supervisor.ts"
import type { Transition } from "../../services/link/Transition.ts"
import type { DialReason } from "../../services/link/Transport.ts"
import type { FaultEngine } from "../faults/FaultEngine.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import { Beats } from "./Beats.ts"
import { Conduct } from "./Conduct.ts"
import { Dials } from "./Dials.ts"
import { failureOf } from "./ExitWords.ts"
import { Farewells } from "./Farewells.ts"
import { LinkRules } from "./LinkRules.ts"
import type { Line } from "./Line.ts"
import type { Members } from "./Members.ts"
import type { Scenario, Watcher, Watching } from "./Scenario.ts"
import { connectionsWith, Sessions } from "./Sessions.ts"
import type { Events, Remains, SimulatedNode } from "./SimulatedNode.ts"

export const noDefects = "no defects"
export const nothingLeft = "nothing is left after a stop"

export class Witness<R> implements Omit<Events, "told"> {
  readonly #members: Members<R>
  readonly #watching: Watching
  readonly #engine: FaultEngine
  readonly #watcher: Watcher | undefined
  readonly #sessions: Sessions
  readonly #conduct: Conduct
  readonly #beats: Beats
  readonly #farewells: Farewells
  readonly #dials: Dials
  readonly #links: LinkRules

  constructor(
    members: Members<R>,
    watching: Watching,
    engine: FaultEngine,
    plan: FaultPlan,
    watcher: Watcher | undefined,
    misbehaves: Scenario["misbehaves"]
  ) {
    this.#members = members
    this.#watching = watching
    this.#engine = engine
    this.#watcher = watcher
    this.#sessions = new Sessions(watching)
    this.#conduct = new Conduct(watching, plan, misbehaves)
    this.#beats = new Beats(watching)
    this.#farewells = new Farewells(watching, plan)
    this.#dials = new Dials(watching, plan)
    this.#links = new LinkRules(watching, plan)
  }

  // What is done to nodes.

  /** A node is about to be asked to stop. */
  stops(node: string): void {
    this.#farewells.stops(node, connectionsWith(this.#watching.view, node), this.#engine)
  }

  /** A node's database is what it once was, or empty. */
  restored(node: string): void {
    this.#beats.restored(node)
    this.#links.restored(node)
    this.#watcher?.restored?.(node)
  }

  /** A node stands still from now on. */
  paused(node: string): void {
    this.#links.paused(node)
  }

  /** A node is about to go on. */
  resumed(node: string): void {
    this.#links.resumed(this.#members.named(node))
  }

  // What nodes tell.

  opened(line: Line): void {
    this.#links.listening.opened(line)
  }

  over(line: Line): void {
    this.#links.listening.over(line)
  }

  closed(line: Line): void {
    this.#links.listening.closed(line)
  }

  transition(node: string, life: number, transition: Transition): void {
    const { from, peer: key, to } = transition
    if (key === undefined) return
    const peer = this.#nameOf(key)
    this.#sessions.transition(node, life, peer, transition)
    const stopping = this.#members.all.some((member) => member.stopping)
    this.#conduct.transition(node, peer, transition, stopping)
    if (!this.#members.named(node).stopping) this.#farewells.transition(node, peer, transition, this.#engine.begun)
    this.#watcher?.transition?.(node, life, peer, transition)
    const way = { node, life, to: peer }
    this.#links.transition(way, transition)
    if (to === "active") this.#dials.connected(way)
    else if (from === "active") this.#dials.ended(way, this.#millis)
  }

  frame(kind: number, bytes: number, from: string, to: NodeKey | undefined): void {
    const name = nameOfKind(kind)
    this.#watching.count(`frames: ${name}`)
    const peer = to === undefined ? "" : (this.#members.nameOf(to) ?? "")
    if (kind !== Kind.Ping && kind !== Kind.Pong) this.#watching.note(from, "frame", { kind: name, to: peer, bytes })
    if (kind === Kind.Resume && to !== undefined) this.#resumes(from, to)
    if (peer === "") return
    this.#links.frame(this.#members.named(from), this.#members.named(peer), kind)
    this.#engine.frame(name, from, peer)
  }

  heard(node: string, peer: NodeKey | undefined): void {
    const { life, registry } = this.#members.named(node)
    const live = peer === undefined ? undefined : registry?.session(peer)
    if (live === undefined) return
    const who = this.#nameOf(live.session.peer)
    this.#beats.heard({ node, who }, live.connection.heartbeat)
    this.#links.heard({ node, life, to: who }, live.connection)
  }

  site(node: string, site: string): void {
    this.#engine.site(node, site)
  }

  logged(node: string, level: string, message: string, cause: Cause.Cause<unknown>): void {
    this.#watching.count(`logged: ${level}`)
    this.#watching.note(node, "log", { level, message })
    this.#conduct.logged(node, message)
    this.#died(`${node}: ${message}`, cause)
  }

  left(node: string, exit: Exit.Exit<unknown, unknown>): void {
    if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return
    this.#watching.count("users who failed")
    this.#watching.note(node, "users failed", { words: failureOf(exit) ?? "" })
    this.#died(`the users of ${node}`, exit.cause)
  }

  ended(node: string, life: number, exit: Exit.Exit<unknown, unknown>, left: Remains): void {
    const words = failureOf(exit)
    this.#watching.note(node, "ended", { life, ...(words === undefined ? {} : { words }) })
    if (Exit.isFailure(exit)) this.#died(node, exit.cause)
    const { fibers, sockets, timers } = left
    if (fibers + timers + sockets === 0) return
    this.#watching.violated(nothingLeft, `${node}: ${fibers} fibers, ${timers} timers, ${sockets} sockets`)
  }

  // What databases and the network tell.

  /** A node's database has made its nth commit. */
  committed(node: string, n: number): void {
    this.#watching.count("commits")
    this.#watching.note(node, "commit", { n })
    this.#watcher?.committed?.(node, this.#members.named(node).database)
    this.#engine.commit(node, n)
  }

  /** A host has begun to dial an endpoint, or a dial of it has failed. */
  dialled(from: string, to: string, failed: DialReason | undefined): void {
    const [member, peer] = [this.#members.find(from), this.#members.at(to)]
    if (peer === undefined || member === undefined) return
    const way = { node: from, life: member.life, to: peer.name }
    if (failed === undefined) this.#links.dial(way, () => failuresOf(member, peer.key))
    if (failed === undefined) this.#watcher?.dialled?.(from, member.life, peer.name)
    if (failed === undefined) this.#dials.dial(way, this.#millis)
    else this.#dials.failed(way, failed, this.#millis)
  }

  /** Nothing can run before time moves. */
  look(): void {
    this.#links.look()
    this.#watcher?.look?.()
  }

  #died(who: string, cause: Cause.Cause<unknown>): void {
    if (Cause.hasDies(cause)) this.#watching.violated(noDefects, `${who}: ${Cause.pretty(cause)}`)
  }

  get #millis(): number {
    return this.#watching.view.now / 1_000
  }

  #nameOf(key: NodeKey): string {
    return this.#members.nameOf(key) ?? "somebody else"
  }

  #resumes(node: string, peer: NodeKey): void {
    const { database, life, registry } = this.#members.named(node)
    const live = registry?.session(peer)
    if (live === undefined) return
    this.#beats.resumes({ node, who: this.#nameOf(peer) }, `${life}/${live.connection.id}`, peer, database)
  }
}

/** Failures of a peer that a node's supervisor counts. */
const failuresOf = <R>({ services }: SimulatedNode<R>, key: NodeKey): number => {
  if (services === undefined) return 0
  const watches = Effect.runSync(Context.get(services, Supervisor).watches)
  return watches.find(({ peer }) => peer === key)?.failures ?? 0
}
