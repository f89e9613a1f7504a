/**
 * Before each test file: the inputs of properties are made from the sources, as the seeds of `.ci/run` are. Every commit has
 * others, and who runs the tests of the same commit again sees the same. Without git, and in long runs, they are fresh.
 */
import * as Arbitrary from "effect/Arbitrary"
import { inject } from "vitest"
import { areRepeated, inputs } from "./Inputs.ts"

const sources = inject("sources")

Arbitrary.configureGlobal({
  check: { runs: inputs(100), ...(areRepeated && sources !== "" ? { seed: sources } : {}) }
})
