import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const here = fileURLToPath(new URL(".", import.meta.url))
const sources = readdirSync(here, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => readFileSync(`${here}/${name}`, "utf8"))

describe("the traps of delivery", () => {
  for (let trap = 1; trap <= 16; trap++) {
    it(`have a test, or a suite, that is named after them: ${trap}`, () => {
      const named = new RegExp(`\\((?:\\s*)["\`]trap ${trap}: `)
      assert.isTrue(
        sources.some((source) => named.test(source)),
        `no test begins with "trap ${trap}: "`
      )
    })
  }
})
