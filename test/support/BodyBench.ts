/** A schedule of blocks with a clock, whose actions are read as text. Blocks are named by branch and height: "a7". */
import { assert } from "@effect/vitest"
import { BodySchedule, defaults, type Policy } from "../../src/protocol/chain/BodySchedule.ts"

/** Small numbers: chunks of 4 blocks of 100 bytes, a window of 16, late after a second. */
export const small: Policy = { ...defaults, window: 16, chunk: { least: 4, most: 4, bytes: 400 } }

export const id = (height: number, branch = "a") => `${branch}${height}`
export const chain = (from: number, to: number, branch = "a") =>
  Array.from({ length: to - from + 1 }, (_, i) => id(from + i, branch))

/** A schedule with a clock; what each look has led to, as "1: a1 a2", "slow 1" or "stalled since 0". */
export class Bench {
  now = 0
  readonly schedule: BodySchedule

  constructor(policy: Partial<Policy> = {}) {
    this.schedule = new BodySchedule({ ...small, ...policy })
  }

  look(after = 0): ReadonlyArray<string> {
    this.now += after
    return this.schedule.look(this.now).map((action) => {
      if (action._tag === "Ask") return `${action.peer}: ${action.ids.join(" ")}`
      return action._tag === "Slow" ? `slow ${action.peer}` : `stalled since ${action.since}`
    })
  }

  joins(peer: number, height: number): ReadonlyArray<string> {
    this.schedule.joined(peer, height, this.now)
    return this.look()
  }

  /** It gives these, of 100 bytes each. */
  gives(peer: number, ...ids: ReadonlyArray<string>): ReadonlyArray<string> {
    for (const one of ids) assert.strictEqual(this.schedule.got(peer, one, 100, this.now), "wanted", one)
    return this.look()
  }
}

/** Blocks 1 to `to` are wanted, and these peers have them all; nothing was looked at. */
export const wanting = (to: number, peers: ReadonlyArray<number>, policy: Partial<Policy> = {}): Bench => {
  const bench = new Bench(policy)
  bench.schedule.want(1, chain(1, to))
  for (const peer of peers) bench.schedule.joined(peer, to, bench.now)
  return bench
}
