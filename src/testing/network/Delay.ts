/** How long one thing takes to get across, drawn from a `Latency` of the model. */
import type { Rng } from "../world/Rng.ts"
import type { Latency } from "./NetModel.ts"

/** A `Latency` in microseconds, and its chance in a million. */
export interface Delay {
  readonly floor: number
  readonly mean: number
  readonly tailChance: number
  readonly tail: number
}

export const delayOf = ({ floor, mean, tail, tailShare }: Latency): Delay => ({
  floor: Math.round(floor * 1_000),
  mean: Math.round(mean * 1_000),
  tailChance: Math.round(tailShare * 1e6),
  tail
})

/** Microseconds. */
export const sample = ({ floor, mean, tail, tailChance }: Delay, rng: Rng): number => {
  const usual = mean === 0 ? floor : floor + rng.exponential(mean)
  return rng.chance(tailChance) ? Math.round(usual * tail) : usual
}
