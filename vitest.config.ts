import { globSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"
import { LongestFirst, seconds } from "./test/support/LongestFirst.ts"

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Real processes, sockets and signals. Where nothing else is said their times count, so each has the machine to itself. */
const processes = ["test/**/*.integration.test.ts"]
/** Those of them that wait for what they expect and measure no time: two of them share the machine. */
const patient = [
  "test/integration/BsvP2p.integration.test.ts",
  "test/integration/BadInput.integration.test.ts",
  "test/integration/ChainForks.integration.test.ts",
  "test/integration/ChainKills.integration.test.ts",
  "test/integration/ChainSync.integration.test.ts",
  "test/integration/DatabaseLoss.integration.test.ts",
  "test/integration/ExplainPage.integration.test.ts",
  "test/integration/FaultProxy.integration.test.ts",
  "test/integration/FewFiles.integration.test.ts",
  "test/integration/KillRounds.integration.test.ts",
  "test/integration/Lanes.integration.test.ts",
  "test/integration/MovedPeer.integration.test.ts",
  "test/integration/Observability.integration.test.ts",
  "test/integration/Pack.integration.test.ts",
  "test/programs/**/*.integration.test.ts"
]
/**
 * Tests of pure code, which leaves nothing behind, but for those that take long: they share processes, since loading modules
 * takes most of their time.
 */
const pure = globSync("test/protocol/**/*.test.ts", { cwd: here("./") }).filter((file) => !(file in seconds))
/** The same with nodes that others have written and npm does not bring: `npm run test:interop` installs them first. */
const interop = ["test/interop/**/*.interop.test.ts"]

export default defineConfig({
  // The examples import the package by its name, as its users do; here that is the source.
  resolve: {
    alias: [
      { find: /^holdfast$/, replacement: here("src/index.ts") },
      { find: /^holdfast\/migrations$/, replacement: here("migrations/index.ts") },
      { find: /^holdfast\/testing$/, replacement: here("src/testing/index.ts") },
      { find: /^holdfast\/(.*)$/, replacement: here("src/$1.ts") }
    ]
  },
  test: {
    globalSetup: ["test/support/globalSetup.ts"],
    setupFiles: ["test/support/properties/setup.ts"],
    sequence: { sequencer: LongestFirst },
    // They end what hangs, and nothing else: a slow or busy machine must never reach them.
    testTimeout: 900_000,
    hookTimeout: 900_000,
    teardownTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "together",
          include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
          exclude: [...processes, ...interop, ...pure],
          maxWorkers: "100%",
          sequence: { groupOrder: 0 }
        }
      },
      {
        extends: true,
        test: { name: "pure", include: pure, isolate: false, maxWorkers: "100%", sequence: { groupOrder: 0 } }
      },
      {
        extends: true,
        test: { name: "pairs", include: patient, maxWorkers: 2, sequence: { groupOrder: 1 } }
      },
      {
        extends: true,
        test: {
          name: "alone",
          include: processes,
          exclude: patient,
          maxWorkers: 1,
          sequence: { groupOrder: 2 }
        }
      },
      {
        extends: true,
        test: { name: "interop", include: interop, maxWorkers: 1, sequence: { groupOrder: 3 } }
      }
    ]
  }
})
