/**
 * A scenario on its stage: a world, a network, a database and a node for each name, and the plan that disturbs them.
 *
 * It is what the fault engine acts on, and the one place where properties are reported to.
 */
import { Cause } from "effect"
import { Kind, nameOf as nameOfKind } from "../../protocol/link/Frame.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import * as NodeSecret from "../../protocol/NodeSecret.ts"
import type { Site } from "../../services/Buggify.ts"
import { fromSecret } from "../../services/link/Identity.ts"
import type { Transition } from "../../services/link/Transition.ts"
import type { DialReason } from "../../services/link/Transport.ts"
import type { SimulatedDatabase } from "../database/SimulatedDatabase.ts"
import { FaultEngine } from "../faults/FaultEngine.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import type { Stage, Touched } from "../faults/Stage.ts"
import { SimulatedNetwork } from "../network/SimulatedNetwork.ts"
import type { TraceEvent } from "../world/Trace.ts"
import { World } from "../world/World.ts"
import { Beats } from "./Beats.ts"
import { Conduct } from "./Conduct.ts"
import { Dials } from "./Dials.ts"
import { Farewells } from "./Farewells.ts"
import { nodeNames } from "./NodeNames.ts"
import type { Keep } from "./Result.ts"
import type { NodeView, Scenario, View, Watcher, Watching } from "./Scenario.ts"
import { Sessions } from "./Sessions.ts"
import { failureOf, SimulatedNode } from "./SimulatedNode.ts"
import type { Verdict } from "./Verdict.ts"

export const noDefects = "no defects"
export const nothingLeft = "nothing is left after a stop"

export class Cluster<R> implements Stage {
  readonly world: World
  readonly network: SimulatedNetwork
  readonly nodes: ReadonlyArray<string>
  readonly members: ReadonlyArray<SimulatedNode<R>>
  readonly engine: FaultEngine
  readonly view: View
  readonly scenario: Scenario<R>
  /** The first thing that was found wrong. */
  failure: Verdict | undefined
  readonly figures: Record<string, number> = {}
  readonly sometimes: Record<string, number> = {}
  readonly #byName = new Map<string, SimulatedNode<R>>()
  readonly #byKey = new Map<NodeKey, SimulatedNode<R>>()
  readonly #sessions: Sessions
  readonly #conduct: Conduct
  readonly #beats: Beats
  readonly #farewells: Farewells
  readonly #dials: Dials
  readonly #watcher: Watcher | undefined
  #windingUp = false

  constructor(
    scenario: Scenario<R>,
    seed: number,
    plan: FaultPlan,
    keep: Keep,
    databases: (world: World, node: string) => SimulatedDatabase
  ) {
    this.scenario = scenario
    this.world = new World({
      seed,
      schedule: plan.schedule,
      budget: plan.duration + quietLimit,
      trace: { kept: keep.events }
    })
    this.network = new SimulatedNetwork(this.world, plan.network)
    this.nodes = nodeNames(plan.nodes)
    this.members = this.nodes.map((name) => this.#member(name, plan, databases(this.world, name)))
    this.view = this.#view()
    const watching: Watching = {
      view: this.view,
      violated: this.violated,
      note: (node, kind, detail) => this.world.trace.record(this.world.now, node, kind, detail),
      count: this.count
    }
    this.#sessions = new Sessions(watching, this.#nameOf)
    this.#conduct = new Conduct(watching, plan)
    this.#beats = new Beats(watching)
    this.#farewells = new Farewells(watching, plan)
    this.#dials = new Dials(watching, plan)
    this.network.onDial = (from, to, failed) => this.#dialled(from, to, failed)
    this.#watcher = scenario.watch?.(watching)
    this.engine = new FaultEngine(this, plan)
    for (const { name } of this.#sometimes()) this.sometimes[name] = 0
    this.world.onQuiet = () => this.#lookAround()
  }

  readonly violated = (property: string, detail: string): void => {
    if (this.failure !== undefined) return
    this.failure = { _tag: "Unsafe", property, detail }
    this.world.trace.record(this.world.now, "", "property", { name: property, verdict: "violated", words: detail })
  }

  readonly count = (name: string, by = 1): void => {
    this.figures[name] = (this.figures[name] ?? 0) + by
  }

  member(name: string): SimulatedNode<R> {
    const member = this.#byName.get(name)
    if (member === undefined) throw new RangeError(`there is no node "${name}"`)
    return member
  }

  // The stage of the fault engine.

  readonly database = (node: string): SimulatedDatabase => this.member(node).database

  kill(node: string, { down, end, wipe }: Parameters<Stage["kill"]>[1]): Touched {
    const member = this.member(node)
    const ran = member.state !== "dead"
    member.kill(end)
    if (wipe === true) {
      member.forgetDisk()
      this.#forgets(node)
    }
    this.#startIn(member, down)
    return ran ? 1 : 0
  }

  restart(node: string, down: number): Touched {
    const member = this.member(node)
    const ran = member.state !== "dead"
    this.#farewells.stops(node, this.engine)
    member.stop()
    this.#startIn(member, down)
    return ran ? 1 : 0
  }

  restoreBackup(node: string, snapshot: number, down: number): Touched {
    const member = this.member(node)
    member.kill("rst")
    member.database.restore(snapshot)
    this.#forgets(node)
    this.#startIn(member, down)
  }

  #forgets(node: string): void {
    this.#beats.restored(node)
    this.#watcher?.restored?.(node)
  }

  pause(node: string): Touched {
    const { process } = this.member(node)
    if (process?.state !== "running") return 0
    process.pause()
    this.#record(node, "pause", { life: process.life })
    return 1
  }

  resume(node: string): void {
    const { process } = this.member(node)
    if (process?.state !== "paused") return
    process.resume()
    this.#record(node, "resume", { life: process.life })
  }

  revive(node: string): void {
    this.member(node).start()
  }

  clock(node: string): ReturnType<Stage["clock"]> {
    const member = this.member(node)
    return {
      step: (millis) => member.process?.stepClock(millis),
      drift: (partsPerMillion) => member.process?.driftClock(partsPerMillion),
      lateness: (sample) => member.late(sample)
    }
  }

  buggify(node: string, site: Site, share: number): () => void {
    return this.member(node).activate(site, share)
  }

  #record(node: string, kind: string, detail: TraceEvent["detail"]): void {
    this.world.trace.record(this.world.now, node, kind, detail)
  }

  /** Stops every node, for good: whatever was still to start one does not any more. */
  windUp(): void {
    this.#windingUp = true
    for (const member of this.members) member.stop()
  }

  /** Keeps asking until it is down, then starts it again. */
  #startIn(member: SimulatedNode<R>, down: number): void {
    this.world.at(this.world.now + down * 1_000, () => {
      if (this.#windingUp) return
      if (member.state === "dead") member.start()
      else if (member.stopping) this.#startIn(member, Math.max(down, 10))
    })
  }

  #member(name: string, plan: FaultPlan, database: SimulatedDatabase): SimulatedNode<R> {
    const identity = fromSecret(NodeSecret.fromSeed(this.world.rng(`identity/${name}`).bytes(NodeSecret.seedSize)))
    const member: SimulatedNode<R> = new SimulatedNode<R>({
      world: this.world,
      network: this.network,
      scenario: this.scenario,
      name,
      identity,
      database,
      operations: plan.operations,
      knobs: plan.knobs ?? {},
      duration: plan.duration,
      peers: () => this.members.filter((other) => other !== member),
      events: {
        transition: (node, life, transition) => this.#transition(node, life, transition),
        frame: (kind, bytes, from, to) => this.#frame(kind, bytes, from, to),
        heard: (node, peer) => this.#heard(node, peer),
        site: (node, site) => this.engine.site(node, site),
        logged: (node, level, message, cause) => this.#logged(node, level, message, cause),
        ended: (node, life, exit, left) => {
          const words = failureOf(exit)
          this.world.trace.record(this.world.now, node, "ended", { life, ...(words === undefined ? {} : { words }) })
          if (left.fibers + left.timers + left.sockets > 0) {
            this.violated(nothingLeft, `${node}: ${left.fibers} fibers, ${left.timers} timers, ${left.sockets} sockets`)
          }
        }
      }
    })
    database.onCommit = (n) => {
      this.count("commits")
      this.#record(name, "commit", { n })
      this.#watcher?.committed?.(name, database)
      this.engine.commit(name, n)
    }
    this.#byName.set(name, member)
    this.#byKey.set(member.key, member)
    return member
  }

  readonly #nameOf = (key: NodeKey): string => this.#byKey.get(key)?.name ?? "somebody else"

  #transition(node: string, life: number, transition: Transition): void {
    this.#sessions.transition(node, life, transition)
    if (transition.peer === undefined) return
    const peer = this.#nameOf(transition.peer)
    const stopping = this.members.some((member) => member.stopping)
    this.#conduct.transition(node, peer, transition, stopping)
    if (!this.member(node).stopping) this.#farewells.transition(node, peer, transition, this.engine.begun)
    if (transition.to === "active") this.#dials.connected(`${node}/${life}`, peer)
    else if (transition.from === "active") this.#dials.ended(`${node}/${life}`, peer, this.world.now / 1_000)
  }

  #dialled(from: string, to: string, failed: DialReason | undefined): void {
    const member = this.#byName.get(from)
    const peer = this.members.find(({ address }) => address.endpoint.toString() === to)
    if (peer === undefined || member === undefined) return
    const [life, millis] = [`${from}/${member.life}`, this.world.now / 1_000]
    if (failed === undefined) this.#dials.dial(life, peer.name, millis)
    else this.#dials.failed(life, peer.name, failed, millis)
  }

  #frame(kind: number, bytes: number, from: string, to: NodeKey | undefined): void {
    const name = nameOfKind(kind)
    this.count(`frames: ${name}`)
    const peer = to === undefined ? "" : (this.#byKey.get(to)?.name ?? "")
    if (kind !== Kind.Ping && kind !== Kind.Pong) {
      this.world.trace.record(this.world.now, from, "frame", { kind: name, to: peer, bytes })
    }
    if (kind === Kind.Resume && to !== undefined) this.#resumes(from, to)
    if (peer !== "") this.engine.frame(name, from, peer)
  }

  #heard(node: string, peer: NodeKey | undefined): void {
    const live = peer === undefined ? undefined : this.member(node).registry?.session(peer)
    if (live === undefined) return
    this.#beats.heard({ node, who: this.#nameOf(live.session.peer) }, live.connection.heartbeat)
  }

  #resumes(node: string, peer: NodeKey): void {
    const { database, life, registry } = this.member(node)
    const live = registry?.session(peer)
    if (live === undefined) return
    this.#beats.resumes({ node, who: this.#nameOf(peer) }, `${life}/${live.connection.id}`, peer, database)
  }

  #logged(node: string, level: string, message: string, cause: Cause.Cause<unknown>): void {
    this.count(`logged: ${level}`)
    this.world.trace.record(this.world.now, node, "log", { level, message })
    this.#conduct.logged(node, message)
    if (Cause.hasDies(cause)) this.violated(noDefects, `${node}: ${message}: ${Cause.pretty(cause)}`)
  }

  #sometimes() {
    return (this.scenario.properties ?? []).filter((property) => property._tag === "Sometimes")
  }

  #lookAround(): void {
    this.engine.event(this.world.events)
    for (const property of this.scenario.properties ?? []) {
      if (property._tag === "Always") {
        const wrong = property.check(this.view)
        if (wrong !== undefined) this.violated(property.name, wrong)
      } else if (property._tag === "Sometimes" && this.sometimes[property.name] === 0) {
        // Once is enough: a campaign counts the runs.
        if (property.check(this.view)) this.sometimes[property.name] = 1
      }
    }
  }

  #view(): View {
    const { world } = this
    const nodes = this.members.map((member): NodeView => ({
      name: member.name,
      key: member.key,
      get life() {
        return member.life
      },
      get state() {
        return member.state
      },
      get registry() {
        return member.registry
      }
    }))
    return {
      nodes,
      get now() {
        return world.now
      }
    }
  }
}

/** How long the quiet end of a run may last, in milliseconds: a breaker that is open at its begin closes within it. */
export const quietLimit = 30 * 60_000
