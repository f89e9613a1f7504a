/**
 * Runs a contract suite, which is written for `layer` of `@effect/vitest`, in a world instead: every test is a program of
 * one process there, with the time, the scheduler and the randomness of the world.
 */
import { Context, Effect, Layer, Logger, Scope } from "effect"
import type { SecureRandom } from "effect/crypto"
import { inspect } from "node:util"
import { afterAll, beforeAll, describe, it } from "vitest"
import * as MemoryDatabases from "../../../src/testing/database/MemoryDatabases.ts"
import * as PgliteDatabases from "../../../src/testing/database/PgliteDatabases.ts"
import type { SimulatedDatabase } from "../../../src/testing/database/SimulatedDatabase.ts"
import { Process } from "../../../src/testing/world/Process.ts"
import type { World } from "../../../src/testing/world/World.ts"
import { Reopen, type Stores } from "../../support/Stores.ts"
import { newWorld, shuffled, until } from "./Program.ts"

/** The process that a suite runs in. */
class Here extends Context.Service<
  Here,
  {
    readonly world: World
    readonly process: Process
    /** Something to do once the suite is over. */
    readonly afterwards: (work: () => Promise<void>) => void
  }
>()("test/testing/database/LayerInWorld/Here") {}

/** Work of the real world, as a program in this one sees it. */
const external = <A>(here: Here["Service"], work: () => Promise<A>): Effect.Effect<A> =>
  Effect.callback((resume) =>
    here.world.external(work, 0, (result) => here.process.enter(() => resume(Effect.succeed(result))))
  )

const databaseOf = Effect.fnUntraced(function* (
  kind: "memory" | "PGlite"
): Effect.fn.Return<SimulatedDatabase, never, Here> {
  const here = yield* Here
  if (kind === "memory") return MemoryDatabases.make(here.world, "a")
  const { of, release } = yield* external(here, () => PgliteDatabases.acquire(["a"]))
  here.afterwards(release)
  return of(here.world, "a")
})

const inWorld = (kind: "memory" | "PGlite"): Layer.Layer<Stores | Reopen, never, Here> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { process } = yield* Here
      const database = yield* databaseOf(kind)
      const stores = Layer.orDie(database.layer(process))
      return Layer.merge(stores, Layer.succeed(Reopen, { reopen: Layer.build(Layer.fresh(stores)) }))
    })
  )

/** The stores of a simulated database, for a contract suite that is run by `layer` of this module and no other. */
export const stores = (kind: "memory" | "PGlite"): Layer.Layer<Stores | Reopen> =>
  Layer.unwrap(
    Effect.map(Effect.serviceOption(Here), (here) => {
      if (here._tag === "None") throw new Error("the suite does not run in a world")
      return Layer.provide(inWorld(kind), Layer.succeed(Here, here.value))
    })
  )

/** Runs a program to its success. */
const run = async <A, E>(process: Process, program: Effect.Effect<A, E, SecureRandom.SecureRandom>): Promise<A> => {
  let ended: { readonly value: A } | { readonly cause: unknown } | undefined
  // A console reads the real clock.
  process.fork(Effect.provideService(program, Logger.CurrentLoggers, new Set()), (exit) => {
    ended = exit._tag === "Success" ? { value: exit.value } : { cause: exit.cause }
  })
  await until(process.world, () => ended !== undefined)
  if (ended !== undefined && "value" in ended) return ended.value
  throw new Error(inspect(ended?.cause, { depth: 8 }))
}

interface Suite<R> {
  readonly effect: <A, E>(name: string, program: () => Effect.Effect<A, E, R | Scope.Scope>) => void
}

export const layer =
  <R, E>(services: Layer.Layer<R, E>) =>
  (name: string, suite: (it: Suite<R>) => void): void => {
    describe(`${name}, in a world`, () => {
      const world = newWorld(name, shuffled)
      const process = new Process(world, "a", 1)
      const after: Array<() => Promise<void>> = []
      let context: Context.Context<R> | undefined
      beforeAll(async () => {
        const here = Here.of({ world, process, afterwards: (work) => void after.push(work) })
        const build = Effect.flatMap(Scope.make(), (scope) => Layer.buildWithScope(services, scope))
        context = await run(process, Effect.provideService(build, Here, here))
      })
      afterAll(async () => {
        for (const work of after) await work()
      })
      suite({
        effect: (title, program) =>
          it(title, async () => {
            if (context === undefined) throw new Error("the stores have not been built")
            await run(process, Effect.scoped(Effect.provide(program(), context)))
          })
      })
    })
  }
