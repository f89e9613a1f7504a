/**
 * Plans by the thousand, each from its seed: which families of faults there are (a coin for each), how strong they are,
 * which of them are extreme, and what the network, the schedule and the nodes are like. Many plans that each leave
 * something out find more than one that has everything.
 *
 * Everything is drawn from a stream of its own, so that a family that is left out moves none of the others.
 */
import { nodeNames } from "../cluster/NodeNames.ts"
import { calm } from "../network/NetModel.ts"
import { Rng } from "../world/Rng.ts"
import { Dice } from "./Dice.ts"
import { keysOf } from "./EntryKey.ts"
import { haunted } from "./Haunted.ts"
import { families, type Family, familyNames } from "./Families.ts"
import type { Entry, FaultPlan } from "./FaultPlan.ts"
import { knobsOf, networkOf, scheduleOf } from "./Surroundings.ts"

interface Scope {
  readonly families: ReadonlyArray<Family>
  /** Whether a plan leaves families out. */
  readonly coins: boolean
  /** Percent of plans that have a network and nodes of their own. */
  readonly unusual: number
  /** Whether whatever goes wrong is wrong at one node, a different one in each plan. */
  readonly atOne?: boolean
  /** Whether the ghosts of some plans come when everybody has been away for long. */
  readonly late?: boolean
}

const network: ReadonlyArray<Family> = [
  ...(["latency", "throughput", "loss", "stall", "partition", "close", "silence", "corruption", "ghost"] as const),
  ...(["dials", "resources", "names"] as const)
]

/** What plans there are. */
export const profiles = {
  /** Nothing goes wrong: no session may end. */
  calm: { families: [], coins: false, unusual: 0 },
  /** Any of everything. */
  swarm: { families: familyNames, coins: true, unusual: 75, late: true },
  network: { families: network, coins: true, unusual: 75 },
  crash: { families: ["crash", "pause", "disk", "buggify"], coins: false, unusual: 50 },
  database: { families: ["slow-database", "database", "disk", "buggify"], coins: false, unusual: 50 },
  clock: { families: ["clock", "timers", "pause"], coins: false, unusual: 50 },
  /** Nothing breaks, everything takes its time. */
  slow: {
    families: ["latency", "throughput", "loss", "stall", "pause", "timers", "slow-database"],
    coins: false,
    unusual: 75
  },
  /** All of everything in every plan. */
  "all-faults": { families: familyNames, coins: false, unusual: 100 },
  /** One node is down, stands still or has no database: the others must not feel it. */
  "one-node": {
    families: ["crash", "pause", "slow-database", "database", "disk", "clock", "timers", "buggify"],
    coins: true,
    unusual: 0,
    atOne: true
  }
} as const satisfies Record<string, Scope>

export type Profile = keyof typeof profiles
export const profileNames = Object.keys(profiles) as ReadonlyArray<Profile>

export interface Options {
  /** 3 to 5 unless it is given, mostly 3: a cluster costs as much as it has pairs. */
  readonly nodes?: number | undefined
  /** Milliseconds; 10 to 40 s unless it is given. */
  readonly duration?: number | undefined
  /** At each node; 5 to 30 unless it is given. */
  readonly operations?: number | undefined
  /** "memory" unless it is given; "mixed" is PGlite in 5 % of plans. */
  readonly database?: "memory" | "pglite" | "mixed" | undefined
  /** What the scenario cannot stand, such as "disk" where data must not be lost. */
  readonly without?: ReadonlyArray<Family> | undefined
}

const sizes = [3, 3, 3, 4, 4, 5] as const

/** The plan of a seed. */
export const generate = (seed: number, profile: Profile, options: Options = {}): FaultPlan => {
  const size = new Rng(seed, "swarm/size")
  const [nodes, duration, operations] = [size.pick(sizes), size.between(10, 40) * 1_000, size.between(5, 30)]
  const pglite = options.database === "mixed" ? size.chance(50_000) : options.database === "pglite"
  const names = nodeNames(options.nodes ?? nodes)
  const diceOf = (label: string, spiked = false, among = names) =>
    new Dice(new Rng(seed, `swarm/${label}`), among, options.duration ?? duration, spiked)

  const { atOne = false, late = false, unusual }: Scope = profiles[profile]
  const odd = diceOf("odd")
  const [ownNetwork, ownKnobs] = [odd.percent(unusual), odd.percent(unusual)]
  const plan: FaultPlan = {
    version: 1,
    nodes: names.length,
    duration: options.duration ?? duration,
    schedule: scheduleOf(diceOf("schedule")),
    network: ownNetwork ? networkOf(diceOf("network")) : calm,
    ...(ownKnobs ? knobsOf(diceOf("knobs")) : {}),
    operations: options.operations ?? operations,
    database: pglite ? "pglite" : "memory",
    faults: faultsOf(seed, profile, options.without ?? [], (label, spiked) =>
      diceOf(label, spiked, atOne ? [diceOf("one").node()] : names)
    )
  }
  if (!late || options.duration !== undefined) return plan
  const later = haunted(plan, diceOf("haunted"))
  return { ...later, faults: inOrder(later.faults) }
}

const faultsOf = (
  seed: number,
  profile: Profile,
  without: ReadonlyArray<Family>,
  diceOf: (label: string, spiked: boolean) => Dice
): ReadonlyArray<Entry> => {
  const spikes = new Rng(seed, "swarm/spikes")
  const spiked = new Map(familyNames.map((family) => [family, spikes.chance(125_000)]))
  const entries = chosen(seed, profile)
    .filter((family) => !without.includes(family))
    .flatMap((family) => families[family](diceOf(`family/${family}`, spiked.get(family) === true)))
  return inOrder(distinct(entries))
}

/** A coin for every family there is, whether the profile has it or not; one of them if all fell on the same side. */
const chosen = (seed: number, profile: Profile): ReadonlyArray<Family> => {
  const { coins, families: all } = profiles[profile]
  const mask = new Rng(seed, "swarm/mask")
  const heads = new Set(familyNames.filter(() => mask.chance(500_000)))
  if (!coins) return all
  const some = all.filter((family) => heads.has(family))
  return some.length > 0 ? some : [mask.pick(all)!]
}

/** Without those that strike the same at the same moment as another: which of them draws what would depend on both. */
const distinct = (entries: ReadonlyArray<Entry>): ReadonlyArray<Entry> => {
  const keys = keysOf(entries)
  return entries.filter((_, index) => keys[index]!.endsWith("}"))
}

/** By time, and what waits for something else at the end. */
const inOrder = (entries: ReadonlyArray<Entry>): ReadonlyArray<Entry> => {
  const time = ({ when }: Entry) => ("at" in when ? when.at : Number.POSITIVE_INFINITY)
  return entries.toSorted((a, b) => (time(a) === time(b) ? 0 : time(a) - time(b)))
}
