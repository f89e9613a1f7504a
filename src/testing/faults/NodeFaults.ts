/**
 * How the faults of processes, clocks, databases and the code itself strike, and what of them has to be remembered for
 * each node: overlapping pauses, late timers that add up, backups.
 */
import { delayOf, sample as sampleDelay } from "../network/Delay.ts"
import type { Rng } from "../world/Rng.ts"
import { type Hand, lasting, once } from "./Blow.ts"
import type { FaultOf } from "./FaultPlan.ts"
import type { Stage } from "./Stage.ts"

type Sample = () => number

interface Backup {
  readonly snapshot: number
  /** Faults that have not restored it yet. */
  awaited: number
}

export class NodeFaults {
  readonly #stage: Stage
  readonly #pauses = new Map<string, number>()
  readonly #late = new Map<string, Set<Sample>>()
  /** Those at work, the latest last. */
  readonly #drifts = new Map<string, Array<FaultOf<"ClockDrift">>>()
  readonly #backups = new Map<string, Backup>()

  constructor(stage: Stage) {
    this.#stage = stage
  }

  /** Takes a backup that a later fault restores; one for all that want the same. */
  takeBackup({ node, takenAt }: FaultOf<"RestoreBackup">): void {
    const key = backupKey(node, takenAt)
    const backup = this.#backups.get(key) ?? { snapshot: this.#stage.database(node).snapshot(), awaited: 0 }
    backup.awaited++
    this.#backups.set(key, backup)
  }

  faults({ random }: Hand) {
    const stage = this.#stage
    return {
      Kill: ({ down, end, node, wipe }: FaultOf<"Kill">) => stage.kill(node, { down, end, wipe }),
      Restart: ({ down, node }: FaultOf<"Restart">) => stage.restart(node, down),
      Pause: (fault: FaultOf<"Pause">) => lasting(fault.for, this.#pause(fault.node)),
      ClockStep: ({ by, node }: FaultOf<"ClockStep">) => {
        stage.clock(node).step(by)
        return by === 0 ? 0 : 1
      },
      ClockDrift: (fault: FaultOf<"ClockDrift">) => lasting(fault.for ?? Number.POSITIVE_INFINITY, this.#drift(fault)),
      LateTimers: (fault: FaultOf<"LateTimers">) => lasting(fault.for, this.#delay(fault, random)),
      SlowDatabase: (fault: FaultOf<"SlowDatabase">) => {
        const latency = delayOf(fault.latency)
        let slowed = 0
        const undo = stage.database(fault.node).slow(() => {
          slowed++
          return sampleDelay(latency, random) / 1_000
        })
        return lasting(fault.for, () => {
          undo()
          return slowed
        })
      },
      FailingDatabase: (fault: FaultOf<"FailingDatabase">) =>
        lasting(fault.for, stage.database(fault.node).failing(fault.share, fault.when, random)),
      DatabaseRestart: (fault: FaultOf<"DatabaseRestart">) =>
        lasting(fault.for, stage.database(fault.node).restart(fault.for)),
      RestoreBackup: (fault: FaultOf<"RestoreBackup">) => this.#restore(fault),
      Buggify: (fault: FaultOf<"Buggify">) =>
        lasting(fault.for, stage.buggify(fault.node, fault.site, fault.share, random))
    }
  }

  #restore({ down, node, takenAt }: FaultOf<"RestoreBackup">) {
    const key = backupKey(node, takenAt)
    const backup = this.#backups.get(key)
    if (backup === undefined) return 0
    const touched = this.#stage.restoreBackup(node, backup.snapshot, down)
    if (--backup.awaited > 0) return touched
    this.#backups.delete(key)
    this.#stage.database(node).drop(backup.snapshot)
    return touched
  }

  /** It stands still until the last of its pauses is over. */
  #pause(node: string) {
    const touched = this.#stage.pause(node)
    this.#pauses.set(node, (this.#pauses.get(node) ?? 0) + 1)
    return once(() => {
      const left = (this.#pauses.get(node) ?? 1) - 1
      this.#pauses.set(node, left)
      if (left === 0) this.#stage.resume(node)
      return touched
    })
  }

  /** Its clocks go as the latest of its drifts says. */
  #drift(fault: FaultOf<"ClockDrift">) {
    const { node, partsPerMillion } = fault
    const drifts = this.#drifts.get(node) ?? []
    this.#drifts.set(node, drifts)
    drifts.push(fault)
    const clock = this.#stage.clock(node)
    clock.drift(partsPerMillion)
    return () => {
      drifts.splice(drifts.lastIndexOf(fault), 1)
      clock.drift(drifts.at(-1)?.partsPerMillion ?? 0)
      return partsPerMillion === 0 ? 0 : 1
    }
  }

  /** Timers are late by the sum of what each such fault adds. */
  #delay({ most, node, share }: FaultOf<"LateTimers">, random: Rng) {
    let delayed = 0
    const sample = () => {
      const late = random.chance(Math.round(share * 1_000_000)) ? sampleLateness(most, random) : 0
      if (late > 0) delayed++
      return late
    }
    const samples = this.#late.get(node) ?? new Set()
    this.#late.set(node, samples.add(sample))
    const clock = this.#stage.clock(node)
    const sum = () => {
      let late = 0
      for (const one of samples) late += one()
      return late
    }
    clock.lateness(sum)
    return () => {
      samples.delete(sample)
      if (samples.size === 0) clock.lateness(undefined)
      return delayed
    }
  }
}

const backupKey = (node: string, takenAt: number): string => `${node} ${takenAt}`

/** Microseconds up to `most` milliseconds, of which most are few: the 16th power of a uniform draw. */
const sampleLateness = (most: number, random: Rng): number => {
  let draw = random.next()
  for (let squared = 0; squared < 4; squared++) draw *= draw
  return Math.ceil(draw * most * 1_000)
}
