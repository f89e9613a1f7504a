/**
 * A process that simulates: what the benchmark of the simulator asks it for. Figures are of its own wall time.
 */
import * as Simulation from "../../src/testing/campaign/Simulation.ts"
import { ledger } from "../../src/testing/ledger/LedgerScenario.ts"
import * as Swarm from "../../src/testing/faults/Swarm.ts"
import { isFailure } from "../../src/testing/cluster/Verdict.ts"
import * as End from "../End.ts"
import { LinkWorld } from "./LinkWorld.ts"

const hour = 3_600_000_000
/** Worlds that a process runs before it is as fast as it gets. */
const warmUp = 10

const seconds = async (work: () => Promise<void>): Promise<number> => {
  const begun = performance.now()
  await work()
  return (performance.now() - begun) / 1_000
}

/** Every node dials those with a higher number. */
const mesh = (nodes: number) => (node: number) =>
  Array.from({ length: nodes }, (_, other) => other).filter((other) => other > node)

const allLive = async (links: LinkWorld, sessions: number): Promise<void> => {
  await links.until(() => links.sessions === sessions)
}

const functions = {
  /** Five nodes that flood each other with frames of this size for so many virtual milliseconds. */
  frames: async ({ millis, size }: { readonly millis: number; readonly size: number }) => {
    const links = new LinkWorld({ nodes: 5, dials: mesh(5), heartbeat: "default", flood: size })
    await allLive(links, 20)
    const [events, frames, until] = [links.world.events, links.frames, links.world.now + millis * 1_000]
    const took = await seconds(() => links.until(() => links.world.now >= until))
    return { frames: (links.frames - frames) / took, events: (links.world.events - events) / took }
  },
  /** Nodes of a mesh that have nothing to say, for so many virtual hours. */
  idle: async ({
    heartbeat,
    hours,
    nodes
  }: {
    readonly nodes: number
    readonly hours: number
    readonly heartbeat: "default" | "fast"
  }) => {
    const links = new LinkWorld({ nodes, dials: mesh(nodes), heartbeat })
    await allLive(links, nodes * (nodes - 1))
    const [events, until] = [links.world.events, links.world.now + hours * hour]
    const took = await seconds(() => links.until(() => links.world.now >= until))
    return { seconds: took, events: (links.world.events - events) / took, sessions: links.sessions }
  },
  /** A ring of many nodes, for one virtual hour. */
  many: async ({ nodes }: { readonly nodes: number }) => {
    const before = await End.memory()
    const links = new LinkWorld({ nodes, dials: (node) => [(node + 1) % nodes], heartbeat: "default" })
    const start = await seconds(() => allLive(links, 2 * nodes))
    const until = links.world.now + hour
    const idle = await seconds(() => links.until(() => links.world.now >= until))
    return { start, idle, kibPerNode: ((await End.memory()).heap - before.heap) / 1_024 / nodes }
  },
  /** Ledger worlds under a profile, after some that are not counted, while the code is still being compiled. */
  ledger: async ({
    from,
    nodes,
    profile,
    seeds
  }: {
    readonly from: number
    readonly seeds: number
    readonly profile: Swarm.Profile
    readonly nodes?: number
  }) => {
    const simulation = Simulation.make(ledger)
    const run = (seed: number) =>
      simulation.run(seed, Swarm.generate(seed, profile, nodes === undefined ? {} : { nodes }))
    const totals = { virtual: 0, events: 0, frames: 0, failed: 0 }
    for (let seed = from + seeds; seed < from + seeds + warmUp; seed++) await run(seed)
    const took = await seconds(async () => {
      for (let seed = from; seed < from + seeds; seed++) {
        const result = await run(seed)
        totals.virtual += result.virtualMillis / 1_000
        totals.events += result.events
        for (const [name, count] of Object.entries(result.figures)) {
          if (name.startsWith("frames: ")) totals.frames += count
        }
        if (isFailure(result.verdict)) totals.failed++
      }
    })
    return { seconds: took, ...totals }
  }
}
export type Functions = typeof functions

End.serve(functions)
