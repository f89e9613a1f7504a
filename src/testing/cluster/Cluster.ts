/**
 * A scenario on its stage: a world, a network, a database and a node for each name, the plan that disturbs them, and
 * those who watch.
 */
import * as NodeSecret from "../../protocol/NodeSecret.ts"
import { fromSecret } from "../../services/link/Identity.ts"
import type { SimulatedDatabase } from "../database/SimulatedDatabase.ts"
import { FaultEngine } from "../faults/FaultEngine.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import { SimulatedNetwork } from "../network/SimulatedNetwork.ts"
import { World } from "../world/World.ts"
import { ClusterStage } from "./ClusterStage.ts"
import { Evidence } from "./Evidence.ts"
import { Members } from "./Members.ts"
import { nodeNames } from "./NodeNames.ts"
import type { Keep } from "./Result.ts"
import type { Scenario, Watching } from "./Scenario.ts"
import { SimulatedNode } from "./SimulatedNode.ts"
import { Witness } from "./Witness.ts"

/** How long the quiet end of a run may last, in milliseconds: a breaker that is open at its begin closes within it. */
export const quietLimit = 30 * 60_000

/** How old a ghost is, in milliseconds, in words of which there are few. */
const ageOf = (age: number): string =>
  age >= 30 * 86_400_000 ? "thirty days" : age >= 3_600_000 ? "an hour" : age >= 1_000 ? "a second" : "a moment"

export class Cluster<R> {
  readonly scenario: Scenario<R>
  readonly world: World
  readonly network: SimulatedNetwork
  readonly members: Members<R>
  readonly evidence: Evidence
  readonly engine: FaultEngine
  readonly #stage: ClusterStage<R>
  readonly #witness: Witness<R>
  #windingUp = false

  constructor(
    scenario: Scenario<R>,
    seed: number,
    plan: FaultPlan,
    keep: Keep,
    databases: (world: World, node: string) => SimulatedDatabase
  ) {
    const { duration, schedule } = plan
    this.scenario = scenario
    this.world = new World({ seed, schedule, budget: duration + quietLimit, trace: { kept: keep.events } })
    this.network = new SimulatedNetwork(this.world, plan.network)
    const nodes = nodeNames(plan.nodes).map((name) => this.#node(name, plan, databases(this.world, name)))
    this.members = new Members(this.world, nodes)
    this.#stage = new ClusterStage(this.world, this.network, this.members, {
      stops: (node) => this.#witness.stops(node),
      restored: (node) => this.#witness.restored(node),
      paused: (node) => this.#witness.paused(node),
      resumed: (node) => this.#witness.resumed(node)
    })
    this.engine = new FaultEngine(this.#stage, plan)
    this.evidence = new Evidence(this.world, scenario.properties ?? [])
    const watching = this.#watching()
    this.#witness = new Witness(
      this.members,
      watching,
      this.engine,
      plan,
      scenario.watch?.(watching, plan),
      scenario.misbehaves
    )
    this.network.onDial = (from, to, failed) => this.#witness.dialled(from, to, failed)
    this.network.onGhost = (age) => this.evidence.count(`ghosts of ${ageOf(age / 1_000)}`)
    this.world.onQuiet = () => this.#lookAround()
  }

  /** Stops every node, for good: whatever was still to start one does not any more. */
  windUp(): void {
    this.#windingUp = true
    this.#stage.close()
    for (const member of this.members.all) member.stop()
  }

  #node(name: string, plan: FaultPlan, database: SimulatedDatabase): SimulatedNode<R> {
    const secret = NodeSecret.fromSeed(this.world.rng(`identity/${name}`).bytes(NodeSecret.seedSize))
    database.onCommit = (n) => this.#witness.committed(name, n)
    return new SimulatedNode<R>({
      world: this.world,
      network: this.network,
      scenario: this.scenario,
      name,
      identity: fromSecret(secret),
      database,
      operations: plan.operations,
      knobs: plan.knobs ?? {},
      duration: plan.duration,
      peers: () => this.members.all.filter((other) => other.name !== name),
      events: {
        told: {
          violated: (...said) => this.evidence.violated(...said),
          count: (...said) => this.evidence.count(...said)
        },
        transition: (...said) => this.#witness.transition(...said),
        frame: (...said) => this.#witness.frame(...said),
        heard: (...said) => this.#witness.heard(...said),
        site: (...said) => this.#witness.site(...said),
        logged: (...said) => this.#witness.logged(...said),
        left: (...said) => this.#witness.left(...said),
        ended: (...said) => this.#witness.ended(...said),
        opened: (line) => this.#witness.opened(line),
        over: (line) => this.#witness.over(line),
        closed: (line) => this.#witness.closed(line)
      }
    })
  }

  #watching(): Watching {
    const { count, violated } = this.evidence
    const { trace } = this.world
    return {
      view: this.members.view,
      violated,
      note: (node, kind, detail) => trace.record(this.world.now, node, kind, detail),
      count
    }
  }

  /** Nothing can run before time moves. That everybody is gone in the end was not seen: it is so in every run. */
  #lookAround(): void {
    const { view } = this.members
    this.engine.event(this.world.events)
    this.#witness.look()
    this.evidence.judge(view)
    if (!this.#windingUp) this.evidence.notice(view)
  }
}
