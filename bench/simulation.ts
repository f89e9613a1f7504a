/**
 * The benchmark of the simulator: how much virtual work the machine does, with one process a core where the work can be
 * split, as a campaign does it. The limit to compare with is real time: a world that is slower than that is of no use.
 */
import { availableParallelism } from "node:os"
import { type Area, type Options, orGap } from "./Area.ts"
import { End } from "./End.ts"
import { type Figure, Ledger } from "./Measurement.ts"
import type { Functions } from "./simulation/WorldEnd.ts"
import type { Profile } from "../src/testing/faults/Swarm.ts"

const file = new URL("simulation/WorldEnd.ts", import.meta.url)
const jobs = Math.min(2, availableParallelism())

/** The same call in every process at once. */
const everywhere = async <A>(call: (end: End<Functions>, job: number) => Promise<A>): Promise<ReadonlyArray<A>> => {
  const ends = Array.from({ length: jobs }, () => new End<Functions>(file))
  try {
    return await Promise.all(ends.map(call))
  } finally {
    await Promise.all(ends.map((end) => end.stop()))
  }
}

const sum = <A>(values: ReadonlyArray<A>, of: (value: A) => number): number =>
  values.reduce((total, value) => total + of(value), 0)

const more = (work: string, metric: string, unit: string, value: number): Figure => ({
  work,
  metric,
  unit,
  better: "more",
  value
})
const less = (work: string, metric: string, unit: string, value: number): Figure => ({
  work,
  metric,
  unit,
  better: "less",
  value
})

const meshOfFive = async (profile: Profile, seeds: number): Promise<ReadonlyArray<Figure>> => {
  const worlds = await everywhere((end, job) => end.call("ledger", { from: job * 1_000, seeds, profile, nodes: 5 }))
  const work = `5 nodes, ${profile}, ledger, ${jobs} processes`
  const rate = (metric: string, unit: string, of: (world: (typeof worlds)[number]) => number) =>
    more(
      work,
      metric,
      unit,
      sum(worlds, (world) => of(world) / world.seconds)
    )
  return [
    rate("times real time", "x", ({ virtual }) => virtual),
    rate("events", "1/s", ({ events }) => events),
    rate("frames sent", "1/s", ({ frames }) => frames)
  ]
}

const works: ReadonlyArray<readonly [string, (quick: boolean) => Promise<ReadonlyArray<Figure>>]> = [
  [
    "frames of 100 B between 5 nodes",
    async (quick) => {
      const rates = await everywhere((end) => end.call("frames", { size: 100, millis: quick ? 200 : 2_000 }))
      const work = `5 nodes flooding, 100 B, ${jobs} processes`
      return [
        more(
          work,
          "delivered frames",
          "1/s",
          sum(rates, ({ frames }) => frames)
        ),
        more(
          work,
          "events",
          "1/s",
          sum(rates, ({ events }) => events)
        )
      ]
    }
  ],
  [
    "idle meshes",
    async (quick) => {
      const nodes = 10
      const rates = await everywhere((end) => end.call("idle", { nodes, hours: quick ? 0.1 : 2, heartbeat: "fast" }))
      return [
        more(
          `${nodes} idle nodes, fast heartbeat, ${jobs} processes`,
          "events",
          "1/s",
          sum(rates, (r) => r.events)
        )
      ]
    }
  ],
  [
    "24 hours of three idle nodes",
    async (quick) => {
      const [day] = await everywhere((end, job) =>
        end.call("idle", { nodes: 3, hours: job > 0 ? 0 : quick ? 2.4 : 24, heartbeat: "default" })
      )
      return [less(quick ? "3 idle nodes, 2.4 h" : "3 idle nodes, 24 h", "wall time", "s", day?.seconds ?? Number.NaN)]
    }
  ],
  [
    "500 idle nodes",
    async (quick) => {
      const nodes = quick ? 50 : 500
      const [many] = await everywhere((end, job) => end.call("many", { nodes: job > 0 ? 3 : nodes }))
      const work = `${nodes} nodes in one world`
      return [
        less(work, "wall time until all are connected", "s", many?.start ?? Number.NaN),
        less(work, "wall time of an idle hour", "s", many?.idle ?? Number.NaN),
        less(work, "heap", "KiB/node", many?.kibPerNode ?? Number.NaN)
      ]
    }
  ],
  ["a mesh of five under the swarm", (quick) => meshOfFive("swarm", quick ? 3 : 40)],
  ["a mesh of five under all faults", (quick) => meshOfFive("all-faults", quick ? 3 : 40)],
  [
    "the swarm",
    async (quick) => {
      const seeds = quick ? 10 : 100
      const worlds = await everywhere((end, job) => end.call("ledger", { from: job * 1_000, seeds, profile: "swarm" }))
      const work = `swarm, ledger, ${jobs} processes`
      return [
        less(
          work,
          "wall time of 2,000 seeds at this rate",
          "s",
          (2_000 / jobs) * (sum(worlds, (w) => w.seconds) / (seeds * jobs))
        ),
        more(
          work,
          "events",
          "1/s",
          sum(worlds, ({ events, seconds }) => events / seconds)
        )
      ]
    }
  ]
]

const measure = async (options: Options) => {
  const found = new Ledger()
  for (let run = 0; run < options.runs; run++) {
    for (const [name, work] of works) {
      options.progress(`run ${run + 1} of ${options.runs}: ${name}`)
      await orGap(true, options, async () => found.add(run, "holdfast", await work(options.quick)))
    }
  }
  return { measurements: found.measurements }
}

export const simulation: Area = {
  title: "Simulation",
  notes: [
    "Production nodes in virtual time on the memory database; every record is really sealed.",
    "An event is one delivered chunk or one fired timer."
  ],
  measure,
  ours: ["holdfast"]
}
