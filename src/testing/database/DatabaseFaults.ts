/**
 * How long a simulated database takes, and what is wrong with it at the moment: how much slower it is, what share of its
 * transactions fails, until when it does not answer. Whatever the database is made of, it asks here.
 */
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import type { Rng } from "../world/Rng.ts"
import type { World } from "../world/World.ts"

export type FailingWhen = "before-commit" | "after-commit"

interface Failing {
  readonly when: FailingWhen
  readonly draw: () => boolean
}

const failure = (message: string, code?: string): SqlError =>
  new SqlError({
    reason: new ConnectionError({
      cause: Object.assign(new Error(message), code === undefined ? {} : { code }),
      message
    })
  })

/** As the driver reports a connection that ended without an answer. */
export const connectionLost = (): SqlError => failure("The connection to the simulated database was lost")

/** As a server answers that does not accept connections yet. */
const startingUp = (): SqlError => failure("The simulated database is starting up", "57P03")

/** Microseconds that a statement takes of itself, and each half of a commit. */
const statementTakes = [50, 250] as const
const halfCommitTakes = [100, 1_000] as const

export class DatabaseFaults {
  commits = 0
  onCommit: ((commits: number) => void) | undefined
  readonly #world: World
  readonly #node: string
  readonly #latency: Rng
  readonly #slow = new Set<{ readonly sample: () => number }>()
  readonly #failing = new Set<Failing>()
  readonly #down = new Set<{ readonly until: number }>()

  constructor(world: World, node: string) {
    this.#world = world
    this.#node = node
    this.#latency = world.rng(`database/${node}/latency`)
  }

  slow(sample: () => number): () => void {
    const entry = { sample }
    this.#slow.add(entry)
    return () => void this.#slow.delete(entry)
  }

  /** Unless it is given one, every period has a stream of its own: others begin and end without changing it. */
  failing(share: number, when: FailingWhen, random?: Rng): () => void {
    const rng = random ?? this.#world.rng(`database/${this.#node}/${when}/${this.#world.now}`)
    const perMillion = Math.round(share * 1_000_000)
    const entry: Failing = { when, draw: () => rng.chance(perMillion) }
    this.#failing.add(entry)
    return () => void this.#failing.delete(entry)
  }

  /** New transactions and statements fail for so many milliseconds. */
  down(forMillis: number): () => void {
    const entry = { until: this.#world.now + forMillis * 1_000 }
    this.#down.add(entry)
    return () => void this.#down.delete(entry)
  }

  /** Milliseconds until the database carries out a statement. */
  untilStatement(): number {
    return this.#latency.between(...statementTakes) / 1_000 + this.#delay()
  }

  /** Milliseconds until it carries out a commit. */
  untilCommit(): number {
    return this.#latency.between(...halfCommitTakes) / 1_000 + this.#delay()
  }

  /** Milliseconds from a commit to its answer. Never 0: what is to happen right after the commit happens before. */
  afterCommit(): number {
    return this.#latency.between(...halfCommitTakes) / 1_000
  }

  /** What a statement that is asked for now fails with. */
  refusal(): SqlError | undefined {
    for (const entry of this.#down) {
      if (this.#world.now < entry.until) return startingUp()
      this.#down.delete(entry)
    }
    return undefined
  }

  /** What this transaction fails with. To be asked once for each. */
  failure(when: FailingWhen): SqlError | undefined {
    let fails = false
    for (const entry of this.#failing) if (entry.when === when && entry.draw()) fails = true
    return fails ? connectionLost() : undefined
  }

  /** A transaction that changed something has been committed. */
  committed(): void {
    this.commits++
    this.#world.trace.mix(this.commits)
    this.onCommit?.(this.commits)
  }

  #delay(): number {
    let millis = 0
    for (const { sample } of this.#slow) millis += sample()
    return millis
  }
}
