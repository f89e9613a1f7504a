/**
 * What is wrong with the ways between nodes, and what comes of several such things at once: of each figure the worst
 * holds, the model's own among them, so that taking one away leaves the others as they were, whatever their order.
 */
import type { Rng } from "../world/Rng.ts"
import { type Delay, delayOf } from "./Delay.ts"
import type { Latency, NetModel } from "./NetModel.ts"
import { type Loss, lossOf } from "./Retransmission.ts"

/** Ordered pairs of node names: what goes from the first to the second. */
export type Select = (from: string, to: string) => boolean

export interface Impairment {
  /** No byte moves, and nothing that a dial sends; none is lost. */
  readonly stalled?: boolean | undefined
  /** Added to the latency there is. */
  readonly latency?: Latency | undefined
  /** Bits a second in each direction of a connection, at most; 0 is without limit. */
  readonly bandwidth?: number | undefined
  /** Share of packets lost, from 0 to 1: they come later. */
  readonly loss?: number | undefined
  /** Bytes of a chunk, at most; 0 keeps them as they were written. */
  readonly chunk?: number | undefined
  /** Bytes that may be under way or unread, at most; 0 closes the window. */
  readonly window?: number | undefined
  /** Share of chunks that have 1 to 32 bits turned over, from 0 to 1. */
  readonly bitFlips?: number | undefined
}

export type Aspect = keyof Impairment

/** An impairment at work. */
export class Disturbance {
  readonly select: Select
  readonly what: Impairment
  /** Where its own dice come from; those of each pair without it. */
  readonly random: Rng | undefined
  /** Chunks, packets of dials and waiting writers that have felt it. */
  touched = 0

  constructor(select: Select, what: Impairment, random: Rng | undefined) {
    this.select = select
    this.what = what
    this.random = random
  }
}

/** A figure that dice go with, and whose. */
interface Diced<A> {
  readonly value: A
  readonly random: Rng | undefined
}

/** What holds for one ordered pair now. */
export interface Conditions {
  readonly stalled: boolean
  readonly added: Diced<Delay> | undefined
  readonly bandwidth: number
  readonly loss: Diced<Loss> | undefined
  readonly chunk: Diced<number>
  readonly window: number
  /** Chances in a million. */
  readonly flips: Diced<number> | undefined
}

const expected = ({ floor, mean, tail, tailShare }: Latency): number => (floor + mean) * (1 + tailShare * (tail - 1))
const more = (one: number, other: number): boolean => one > other
const less = (one: number, other: number): boolean => one < other
/** 0 is without limit. */
const narrower = (one: number, other: number): boolean => one !== 0 && (other === 0 || one < other)
const slower = (one: Latency, other: Latency): boolean => expected(one) > expected(other)

/** The worst value that any of them gives to an aspect. */
const worst = <K extends Aspect>(
  at: ReadonlyArray<Disturbance>,
  aspect: K,
  isWorse: (one: NonNullable<Impairment[K]>, other: NonNullable<Impairment[K]>) => boolean
): Diced<NonNullable<Impairment[K]>> | undefined => {
  let found: Diced<NonNullable<Impairment[K]>> | undefined
  for (const { random, what } of at) {
    const value = what[aspect]
    if (value !== undefined && value !== null && (found === undefined || isWorse(value, found.value)))
      found = { value, random }
  }
  return found
}

const overModel = (
  found: Diced<number> | undefined,
  model: number,
  isWorse: (one: number, other: number) => boolean
): Diced<number> => (found !== undefined && isWorse(found.value, model) ? found : { value: model, random: undefined })

const mapped = <A, B>(diced: Diced<A>, map: (value: A) => B): Diced<B> => ({
  value: map(diced.value),
  random: diced.random
})

export const conditionsOf = (model: NetModel, at: ReadonlyArray<Disturbance>): Conditions => {
  const added = worst(at, "latency", slower)
  const loss = overModel(worst(at, "loss", more), model.loss, more)
  const flips = worst(at, "bitFlips", more)
  return {
    stalled: at.some(({ what }) => what.stalled === true),
    added: added === undefined ? undefined : mapped(added, delayOf),
    bandwidth: overModel(worst(at, "bandwidth", narrower), model.bandwidth, narrower).value,
    loss: loss.value === 0 ? undefined : mapped(loss, lossOf),
    chunk: overModel(worst(at, "chunk", narrower), model.chunk, narrower),
    window: overModel(worst(at, "window", less), model.window, less).value,
    flips: flips === undefined ? undefined : mapped(flips, (share) => Math.round(share * 1e6))
  }
}
