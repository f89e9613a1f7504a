/**
 * Code that reaches out of the simulated world, so that its runs cannot be replayed.
 */
import type { Mutant } from "./Mutant.ts"

const nothing = { property: "nothing leaks", profile: "calm" } as const
const same = { property: "same seed, same run", profile: "calm" } as const

export const leaks: ReadonlyArray<Mutant> = [
  {
    name: "real-clock",
    what: "A transition is stamped with the machine's clock.",
    file: "src/services/link/Registry.ts",
    find: `transitionOf(clock.currentTimeMillisUnsafe(), `,
    replace: `transitionOf(Date.now(), `,
    ...nothing
  },
  {
    name: "real-random",
    what: "The phase of a heartbeat is drawn by the engine's own generator.",
    file: "src/services/link/Serving.ts",
    find: `phase: random()`,
    replace: `phase: Math.random()`,
    ...nothing
  },
  {
    name: "real-timer",
    what: "A writer goes on after a timer of the machine.",
    file: "src/services/link/Writer.ts",
    find: `Effect.andThen(Effect.yieldNow, this.#drain())`,
    replace: `Effect.andThen(Effect.callback<void>((resume) => void setTimeout(() => resume(Effect.void))), this.#drain())`,
    ...nothing
  },
  {
    name: "real-uuid",
    what: "Message ids come from the machine's entropy.",
    file: "src/services/delivery/MessageIds.ts",
    find: `Effect.flatMap(random.randomBytes(bytesOfOne * drawnAtOnce), (drawn)`,
    replace: `Effect.flatMap(Effect.sync(() => crypto.getRandomValues(new Uint8Array(bytesOfOne * drawnAtOnce))), (drawn)`,
    ...nothing
  },
  {
    name: "fiber-number",
    what: "Ping nonces start at the number of a fiber, which counts on over the runs of a process.",
    file: "src/services/link/Serving.ts",
    find: `BigInt(Math.floor(random() * 0xffff_ffff)) << 16n`,
    replace: `BigInt(Fiber.getCurrent()?.id ?? 0) << 16n`,
    ...same
  },
  {
    name: "processor-time",
    what: "The follower's first dial waits by how busy the processor was.",
    file: "src/services/link/Supervisor.ts",
    find: `yield* Effect.sleep((yield* Random.next) * config.firstDialDelay)`,
    replace: `yield* Effect.sleep(((process.cpuUsage().user % 1_000) / 1_000) * config.firstDialDelay)`,
    ...same
  }
]
