/**
 * What `holdfast sim` says to arguments that it cannot use: one sentence that says what is wrong, and the exit code of wrong usage.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { TestConsole } from "effect/testing"
import { fileURLToPath } from "node:url"
import { services } from "../../../src/programs/cli/CommandLine.ts"
import { run } from "../../../src/programs/cli/Holdfast.ts"
import { ExitCode, foreseen } from "../../../src/programs/ExitCode.ts"

const scenarioFile = fileURLToPath(new URL("../../support/BrokenScenario.ts", import.meta.url))

describe("sim with arguments that it cannot use", () => {
  const cases: ReadonlyArray<readonly [args: ReadonlyArray<string>, said: string]> = [
    [["run", "--seeds", "5..1"], "the range 5..1 has no seed in it"],
    [["run", "--seeds", "0..3", "--from-commit", "4f1c0de"], "with --from-commit seeds are fresh"],
    [["run", "--from-commit", "HEAD"], "7 to 64 hexadecimal digits"],
    [["run", "--profile", "chaos"], "all-faults"],
    [["run", "--profil", "swarm"], "did you mean --profile?"],
    [["run", "--jobs", "0"], "--jobs"],
    [["run", "--nodes", "three"], "--nodes"],
    [["run", "--seeds", "1", "--scenario", "leger"], "did you mean ledger?"],
    [["run", "--seeds", "1", "--scenario", "./nowhere.ts"], "the file cannot be loaded"],
    [["run", "--seeds", "1", "--scenario", `${scenarioFile}#stick`], 'exports no "stick", but broken, default'],
    [["replay", "./nowhere.json"], "cannot be read"],
    [["replay", "1", "--log", "b"], "node=b"],
    [["shrink", scenarioFile], "it is not a JSON object"],
    [["shrink", "./nowhere.json", "--time", "soon"], "--time"],
    [["explain", "./nowhere.json", "--node", "b"], "add --text"],
    [["soak", "--virtual", "1s"], "1m to 365d"],
    [["determinism", "--processes", "99"], "--processes"]
  ]
  for (const [args, said] of cases)
    it.effect(`says what is wrong with ${args.join(" ").replaceAll(scenarioFile, "<file>")}`, () =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(run(["sim", ...args]))
        const failure = Exit.isFailure(exit) ? foreseen(exit.cause) : undefined
        assert.include(failure?.message, said)
        assert.strictEqual(failure?.code, ExitCode.simulation)
        assert.deepStrictEqual(yield* TestConsole.logLines, [])
      }).pipe(Effect.provide(services))
    )
})
