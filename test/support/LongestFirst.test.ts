import { assert, describe, it } from "@effect/vitest"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { seconds } from "./LongestFirst.ts"

describe("the order of test files", () => {
  it("speaks of files that there are", () => {
    const root = new URL("../../", import.meta.url)
    const gone = Object.keys(seconds).filter((file) => !existsSync(fileURLToPath(new URL(file, root))))
    assert.deepStrictEqual(gone, [])
  })
})
