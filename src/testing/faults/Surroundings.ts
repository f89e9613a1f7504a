/**
 * What a swarm draws besides faults: the network as it is when nothing is wrong with it, the order of tasks, and the
 * figures of the nodes. Every figure of theirs is spiked apart from the others.
 */
import { calm, type NetModel } from "../network/NetModel.ts"
import type { Schedule } from "../world/Schedule.ts"
import type { Dice } from "./Dice.ts"
import type { Knobs } from "./Knobs.ts"

/** Bytes a second that the window of a connection lets through at least, so that a whole session gets its work done. */
const leastRate = 32 * 1024

/** Bytes of a packet: it is packets that are late now and then, however small the chunks that they are read in. */
const packet = 1_448

/** Every figure in an eighth of the plans: rare enough for most plans to have one or none. */
const spike = (dice: Dice): boolean => dice.percent(12.5)

export const networkOf = (dice: Dice): NetModel => {
  const latency = latencyOf(dice)
  const roundTrip = 2 * (latency.floor + latency.mean)
  const window = spike(dice) ? dice.log(512, 4_096) : dice.log(4_096, 1024 * 1024)
  const chunk = dice.percent(60) ? 0 : spike(dice) ? dice.log(8, 64) : dice.log(64, 2_000)
  return {
    latency: chunk === 0 ? latency : { ...latency, tailShare: latency.tailShare * Math.min(1, chunk / packet) },
    bandwidth: dice.percent(70) ? 0 : spike(dice) ? dice.log(256_000, 1_000_000) : dice.log(1_000_000, 1_000_000_000),
    window: Math.max(window, Math.ceil((leastRate * roundTrip) / 1_000)),
    loss: dice.percent(60) ? 0 : dice.share(0.001, spike(dice) ? 0.2 : 0.05),
    chunk,
    backlog: spike(dice) ? dice.rng.between(1, 4) : dice.log(4, 128),
    connections: spike(dice) ? 4 * dice.nodes.length : calm.connections
  }
}

/** The same for everything, exponential, or exponential with a tail, each in a third of the plans. */
const latencyOf = (dice: Dice): NetModel["latency"] => {
  const floor = dice.log(200, spike(dice) ? 300_000 : 30_000) / 1_000
  const shape = dice.rng.below(3)
  const mean = shape === 0 ? 0 : Math.round(floor * dice.rng.between(500, 3_000)) / 1_000
  return shape === 2
    ? { floor, mean, tailShare: dice.share(0.001, 0.01), tail: dice.rng.between(5, 20) }
    : { floor, mean, tailShare: 0, tail: 1 }
}

/** 70 % of plans pick any task, 30 % go by priorities that change now and then. */
export const scheduleOf = (dice: Dice): Schedule => {
  const preemptEvery = dice.percent(50) ? 0 : dice.log(20, 5_000)
  return dice.percent(70)
    ? { order: "uniform", preemptEvery, demoteEvery: 0 }
    : { order: "priorities", preemptEvery, demoteEvery: dice.log(8, 1_024) }
}

/** Half of the nodes find out soon that a link is dead; of all other figures few are unusual. */
export const knobsOf = (dice: Dice): { readonly knobs?: Knobs } => {
  const drawn = {
    heartbeat: dice.percent(60) ? ("fast" as const) : spike(dice) ? ("relaxed" as const) : undefined,
    handshakeTimeout: spike(dice) ? dice.log(5_000, 60_000) : undefined,
    writeTimeout: spike(dice) ? dice.log(5_000, 60_000) : undefined,
    probeTimeout: spike(dice) ? dice.log(500, 10_000) : undefined,
    firstDialDelay: spike(dice) ? dice.log(0, 5_000) : undefined,
    redialBase: spike(dice) ? dice.log(50, 10_000) : undefined,
    writeBytes: spike(dice) ? dice.log(64, 65_536) : undefined,
    sessionQueue: spike(dice) ? dice.log(1, 16) : undefined,
    window: spike(dice) ? dice.log(1, 64) : undefined,
    batch: spike(dice) ? dice.log(1, 16) : undefined,
    receiptTimeout: spike(dice) ? dice.log(10_000, 120_000) : undefined,
    batchTime: spike(dice) ? dice.log(10, 5_000) : undefined,
    sweep: spike(dice) ? dice.log(500, 120_000) : undefined,
    windowBytes: spike(dice) ? dice.log(1, 65_536) : undefined,
    batchBytes: spike(dice) ? dice.log(1, 16_384) : undefined
  }
  const set = Object.entries(drawn).filter(([, value]) => value !== undefined)
  return set.length === 0 ? {} : { knobs: Object.fromEntries(set) }
}
