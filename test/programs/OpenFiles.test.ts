import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as OpenFiles from "../../src/programs/OpenFiles.ts"
import { defaults } from "../../src/services/link/LinkConfig.ts"

const said = Effect.fnUntraced(function* (limit: number | undefined, need: number) {
  const lines: Array<string> = []
  const logger = Logger.make(({ message }) => void lines.push(String(message)))
  yield* Effect.provide(OpenFiles.check(limit, need), Logger.layer([logger]))
  return lines
})

describe("the files that a process may open", () => {
  it("have to be enough for every session, handshake and dial at once, and for the database", () => {
    const need = OpenFiles.needed(defaults, 10)
    assert.isAbove(need, defaults.maxSessions + defaults.maxHandshakes + defaults.maxDials + 10)
    assert.isBelow(need, defaults.maxSessions + 1_000)
    assert.strictEqual(OpenFiles.needed({ ...defaults, maxSessions: 10_000 }, 10) - need, 10_000 - defaults.maxSessions)
  })

  it.effect("are warned about when they are not, with the figure that would do", () =>
    Effect.gen(function* () {
      const [line, ...more] = yield* said(1_024, 5_000)
      assert.deepStrictEqual(more, [])
      for (const part of ["ulimit -n 5000", "--max-sessions"]) assert.include(line, part)
      for (const limit of [5_000, 1_048_576, undefined]) assert.deepStrictEqual(yield* said(limit, 5_000), [])
    })
  )

  it("are counted as the system has them", () => {
    const module = fileURLToPath(new URL("../../src/programs/OpenFiles.ts", import.meta.url))
    const program = `import { Effect } from "effect"
      import { allowed } from ${JSON.stringify(module)}
      console.log(Effect.runSync(allowed))`
    const { stdout } = spawnSync(
      "sh",
      ["-c", `ulimit -n 321 && exec "$0" --input-type=module --eval "$1"`, process.execPath, program],
      { cwd: fileURLToPath(new URL("../..", import.meta.url)), encoding: "utf8" }
    )
    assert.strictEqual(stdout.trim(), "321")
  })
})
