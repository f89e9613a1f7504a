/** Programs of tests in a simulated world: each test has a world of its own, and is one process of it. */
import { Clock, Effect, Exit, type Scope } from "effect"
import type { SecureRandom } from "effect/crypto"
import { Process } from "../../src/testing/world/Process.ts"
import { fifo, type Schedule } from "../../src/testing/world/Schedule.ts"
import { World } from "../../src/testing/world/World.ts"

export interface Options {
  readonly seed?: string | number
  readonly schedule?: Schedule
  /** The name of the node that the program runs at. */
  readonly node?: string
}

/** The process that runs the program; its world is in it. */
export const thisProcess: Effect.Effect<Process> = Effect.clockWith((clock: Clock.Clock) =>
  clock instanceof Process ? Effect.succeed(clock) : Effect.die(new Error("this program does not run in a world"))
)

/** Runs a program to its end in a world of its own; fails as the program fails, or as the world stops. */
export const runInWorld = async <A, E>(
  effect: Effect.Effect<A, E, Scope.Scope | SecureRandom.SecureRandom>,
  { node = "a", schedule = fifo, seed = 1 }: Options = {}
): Promise<A> => {
  const world = new World({ seed, schedule })
  let ended: Exit.Exit<A, E> | undefined
  new Process(world, node, 1).fork(Effect.scoped(effect), (exit) => {
    ended = exit
  })
  const stop = await world.run(() => ended !== undefined)
  if (ended === undefined) throw new Error(`the world stopped: ${JSON.stringify(stop)}`, { cause: stop })
  return Effect.runSync(ended)
}
