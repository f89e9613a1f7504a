/**
 * What can go wrong, in families that a plan has or has not, and how strong and how often each of them strikes: the
 * ranges of the catalogue of faults, for runs of half a minute and more.
 */
import { sites } from "../../services/Buggify.ts"
import type { Latency } from "../network/NetModel.ts"
import type { Dice } from "./Dice.ts"
import type { Entry, Fault, FaultOf } from "./FaultPlan.ts"

interface Place {
  readonly _tag: string
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly node?: string | undefined
}

type Draw = (dice: Dice) => ReadonlyArray<Entry>

/** An entry for a fault, at a moment that matters to it. */
const entry = (dice: Dice, fault: Fault): Entry => {
  const { from, node, to }: Place = fault
  return { when: dice.when({ from, node, to }), fault }
}

const latency = (dice: Dice, floor: number, mean: number): Latency => ({
  floor: dice.log(0, floor),
  mean: dice.log(0, mean),
  tailShare: dice.percent(50) ? dice.share(0.001, 0.01) : 0,
  tail: dice.rng.between(5, 20)
})

const several =
  (most: number, draw: (dice: Dice) => Fault): Draw =>
  (dice) =>
    dice.times(most, () => entry(dice, draw(dice)))

const partition = (dice: Dice): FaultOf<"Partition"> => {
  const shapes: ReadonlyArray<FaultOf<"Partition">["shape"]> =
    dice.nodes.length < 3 ? ["split", "isolate"] : ["split", "isolate", "ring", "bridge"]
  const shape = dice.rng.pick(shapes) ?? "split"
  const side = shape === "split" ? dice.some() : shape === "ring" ? [] : [dice.node()]
  const oneWay = shape !== "ring" && dice.percent(50) ? { oneWay: true } : {}
  return { _tag: "Partition", shape, side, ...oneWay, ...dice.lasts(200, dice.upTo(15_000, 60_000)) }
}

/** Some pairs are slow for good. */
const slowPairs: Draw = (dice) => {
  const pairs = dice.nodes.flatMap((from) => dice.nodes.filter((to) => to !== from).map((to) => ({ from, to })))
  const slow = dice.rng.shuffle(pairs).slice(0, dice.rng.below(Math.floor(pairs.length * 0.3) + 1))
  return slow.map((pair) => ({
    when: { at: 0 },
    fault: { _tag: "Slow", ...pair, oneWay: true, for: dice.duration, latency: latency(dice, 150, 50) }
  }))
}

const swizzle = (dice: Dice): ReadonlyArray<Entry> => {
  if (dice.percent(70)) return []
  const heal = dice.rng.pick(["forward", "reverse", "random"] as const)
  return [{ when: dice.at(), fault: { _tag: "Swizzle", nodes: dice.some(), heal, ...dice.lasts(1_000, 30_000) } }]
}

const dials = (dice: Dice): FaultOf<"Dials"> => {
  const how = dice.rng.pick(["refuse", "hang", "slow", "accept-then-reset"] as const)
  const takes = how === "slow" ? { takes: dice.log(1, 3_000) } : {}
  return { _tag: "Dials", ...dice.link(), how, share: dice.share(0.1, 1), ...takes, ...dice.lasts(100, 20_000) }
}

/** Half of them while the nodes find each other: later there are dials only if something else went wrong. */
const whileConnecting = (dice: Dice, fault: Fault): Entry =>
  dice.percent(50) ? { when: { at: dice.rng.below(1_000) }, fault } : entry(dice, fault)

const ends = ["rst", "fin", "silence"] as const

/** The data of a node are lost, or those of a while ago come back. */
const disk: Draw = (dice) =>
  dice.times(1, (): Entry => {
    const [node, down] = [dice.node(), dice.log(0, 5_000)]
    if (dice.percent(40)) return entry(dice, { _tag: "Kill", node, down, end: dice.rng.pick(ends), wipe: true })
    const when = dice.at()
    return { when, fault: { _tag: "RestoreBackup", node, down, takenAt: dice.rng.below(when.at + 1) } }
  })

const clock = (dice: Dice): Fault => {
  const node = dice.node()
  if (dice.percent(40)) {
    const most = dice.upTo(200, 10_000)
    return { _tag: "ClockDrift", node, partsPerMillion: dice.rng.between(-most, most) }
  }
  const by = dice.percent(70) ? dice.log(1, 1_000) : dice.log(1_000, 3_600_000)
  return { _tag: "ClockStep", node, by: dice.percent(50) ? by : -by }
}

const buggify: Draw = (dice) => {
  const active = sites.filter(() => dice.percent(25))
  return (active.length > 0 ? active : [dice.rng.pick(sites)]).map((site) => ({
    when: dice.at(),
    fault: { _tag: "Buggify", node: dice.node(), site, share: dice.share(0.01, 0.5), ...dice.lasts(1_000, 60_000) }
  }))
}

export const families = {
  latency: (dice) => [
    ...slowPairs(dice),
    ...several(2, () => ({
      _tag: "Slow",
      ...dice.link(),
      ...dice.lasts(200, 15_000),
      latency: latency(dice, dice.upTo(300, 3_000), 200)
    }))(dice)
  ],
  throughput: several(3, (dice) => {
    const where = { ...dice.link(), ...dice.lasts(200, 15_000) }
    if (dice.percent(33)) return { _tag: "Bandwidth", ...where, bitsPerSecond: dice.log(8_000, 10_000_000) }
    if (dice.percent(50)) return { _tag: "Chunks", ...where, most: dice.log(1, 2_000) }
    return { _tag: "Window", ...where, bytes: dice.percent(25) ? 0 : dice.log(1, 65_536) }
  }),
  loss: several(2, (dice) => ({
    _tag: "Loss",
    ...dice.link(),
    share: dice.share(0.01, dice.upTo(0.2, 0.6)),
    ...dice.lasts(500, 20_000)
  })),
  stall: (dice) => [
    ...several(4, () => ({ _tag: "Stall", ...dice.link(), ...dice.lasts(50, dice.upTo(5_000, 20_000)) }))(dice),
    ...swizzle(dice)
  ],
  partition: several(3, partition),
  close: (dice) =>
    several(dice.upTo(4, 16), () =>
      dice.percent(35)
        ? { _tag: "CloseAfter", ...dice.link(), bytes: dice.log(0, 100_000) }
        : { _tag: "Close", ...dice.link(), how: dice.rng.pick(["fin", "rst", "rst-as-end"]) }
    )(dice),
  silence: several(2, (dice) => ({ _tag: "Silence", ...dice.link() })),
  corruption: several(2, (dice) => ({
    _tag: "BitFlips",
    ...dice.link(),
    share: dice.share(0.005, dice.upTo(0.1, 0.5)),
    ...dice.lasts(500, 20_000)
  })),
  ghost: several(2, (dice) => ({ _tag: "Ghost", ...dice.pair(), after: dice.lasts(100, 3_600_000).for })),
  dials: (dice) => dice.times(3, () => whileConnecting(dice, dials(dice))),
  resources: several(2, (dice) => {
    const where = { node: dice.node(), ...dice.lasts(500, 20_000) }
    return dice.percent(50)
      ? { _tag: "Backlog", ...where, connections: dice.log(0, 8) }
      : { _tag: "Exhaustion", ...where, connections: dice.rng.below(dice.nodes.length) }
  }),
  names: several(2, (dice) =>
    dice.percent(35)
      ? { _tag: "Move", node: dice.node() }
      : {
          _tag: "Dns",
          node: dice.node(),
          how: dice.rng.pick(["unknown", "slow", "elsewhere"]),
          ...dice.lasts(500, 20_000)
        }
  ),
  crash: several(4, (dice) => {
    const [node, down] = [dice.node(), dice.log(0, dice.upTo(5_000, 30_000))]
    return dice.percent(70) ? { _tag: "Kill", node, down, end: dice.rng.pick(ends) } : { _tag: "Restart", node, down }
  }),
  pause: several(3, (dice) => ({
    _tag: "Pause",
    node: dice.node(),
    ...dice.lasts(100, dice.upTo(5_000, 30_000))
  })),
  clock: several(2, clock),
  timers: several(2, (dice) => ({
    _tag: "LateTimers",
    node: dice.node(),
    share: dice.share(0.05, 0.5),
    most: dice.log(1, dice.upTo(500, 5_000)),
    ...dice.lasts(1_000, 60_000)
  })),
  "slow-database": several(2, (dice) => ({
    _tag: "SlowDatabase",
    node: dice.node(),
    latency: latency(dice, dice.upTo(100, 1_000), dice.upTo(200, 1_000)),
    ...dice.lasts(500, 20_000)
  })),
  database: several(3, (dice) => {
    const node = dice.node()
    if (dice.percent(25)) return { _tag: "DatabaseRestart", node, ...dice.lasts(50, dice.upTo(3_000, 20_000)) }
    const when = dice.rng.pick(["before-commit", "after-commit"] as const)
    return {
      _tag: "FailingDatabase",
      node,
      when,
      share: dice.share(0.005, dice.upTo(0.05, 0.5)),
      ...dice.lasts(1_000, 30_000)
    }
  }),
  disk,
  buggify
} satisfies Record<string, Draw>

export type Family = keyof typeof families
export const familyNames = Object.keys(families) as ReadonlyArray<Family>
