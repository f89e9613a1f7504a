import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

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
    include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
    globalSetup: ["test/support/globalSetup.ts"],
    // They end what hangs, and nothing else: a slow or busy machine must never reach them.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000
  }
})
