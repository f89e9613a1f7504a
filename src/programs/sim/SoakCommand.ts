/**
 * `holdfast sim soak`: one long world.
 */
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { duration } from "../SettingValue.ts"
import * as SimFlags from "./SimFlags.ts"

const day = 86_400_000

export const SoakCommand = Command.make(
  "soak",
  {
    virtual: Flag.String("virtual").pipe(
      Flag.withMetavar("<duration>"),
      Flag.withDescription("Virtual time under faults, 1m to 365d (default 24h)"),
      Flag.withSchema(duration(60_000, 365 * day)),
      Flag.optional
    ),
    seed: SimFlags.whole("seed", 0, Number.MAX_SAFE_INTEGER, "The seed (default 1)"),
    profile: SimFlags.profileOr("swarm"),
    scenario: SimFlags.scenario,
    ...SimFlags.drawing,
    failures: SimFlags.failures,
    preload: SimFlags.preload
  },
  Effect.fnUntraced(function* (given) {
    const { soak } = yield* Effect.promise(() => import("./Soak.ts"))
    yield* soak({
      millis: Option.getOrElse(given.virtual, () => day),
      seed: Option.getOrElse(given.seed, () => 1),
      scenario: given.scenario,
      drawing: SimFlags.drawingOf(given),
      folder: given.failures,
      preload: Option.getOrUndefined(given.preload),
      screen: process.stderr
    })
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Run one world for a long time under faults that never stop, with its properties checked throughout, and measure\n" +
      "  whether the heap grows: by 1 MB for 10,000 sessions at most, which is judged if there were 3,000. Users do 4\n" +
      "  operations an hour at each node unless --operations says how many they do in all."
  ),
  Command.withExamples([{ command: "holdfast sim soak --virtual 24h" }]),
  Command.withShortDescription("Run one long world, and measure the heap")
)
