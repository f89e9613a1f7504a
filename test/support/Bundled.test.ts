import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { bundled } from "./Bundled.ts"
import { root } from "./ProjectFiles.ts"

const entry = "src/programs/cli.ts"
const bundle = await bundled(entry)

/** What a program prints, and how it ends. */
const end = (program: string, ...words: ReadonlyArray<string>) => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [program, ...words], { encoding: "utf8" })
  return { status, stderr, stdout }
}

describe("a program in few files", () => {
  it("says and does what its sources do", () => {
    for (const words of [["--help"], ["--version"], ["strat"], ["status", "--data", "/nonexistent/holdfast"]])
      assert.deepStrictEqual(end(bundle, ...words), end(join(root, entry), ...words))
  })

  it("has a copy of effect with everything that needs it, and no second one", () => {
    for (const name of readdirSync(dirname(bundle))) {
      const text = readFileSync(join(dirname(bundle), name), "utf8")
      assert.notMatch(text, /^import .* from "(?:effect|@effect)\b/m, name)
    }
  })

  it("is made once", async () => {
    const made = statSync(bundle).mtimeMs
    assert.strictEqual(await bundled(entry), bundle)
    assert.strictEqual(statSync(bundle).mtimeMs, made)
  })
})
