import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { afterEach, vi } from "vitest"
import { check } from "../../../src/testing/campaign/Check.ts"
import * as FailureFile from "../../../src/testing/campaign/FailureFile.ts"
import { temporaryFolder } from "../../programs/HoldfastProcess.ts"
import oneLife, { stuck } from "../../support/BrokenScenario.ts"

const tiny = { profile: "calm", nodes: 2, duration: 1_000, operations: 1 } as const

const failureOf = (run: Promise<unknown>): Promise<string> =>
  run.then(
    () => assert.fail("it held"),
    (error: unknown) => String(error)
  )

afterEach(() => void vi.unstubAllEnvs())

describe("a check", () => {
  for (const seeds of [0, -1, Number.NaN, 1.5, Number.POSITIVE_INFINITY])
    it(`of ${seeds} seeds is refused: it would be green whatever the code does`, async () => {
      assert.include(await failureOf(check(oneLife, { ...tiny, seeds })), `seeds is ${seeds}: give a number from 1 on`)
    })

  it("does not begin below seed 0", async () => {
    assert.include(await failureOf(check(oneLife, { ...tiny, seeds: 1, from: -1 })), "from is -1")
  })

  for (const asked of [" ", "-1", "0x10", "1e3", "1.5", "seven", "99999999999999999999"])
    it(`refuses SIM_SEED="${asked}"`, async () => {
      vi.stubEnv("SIM_SEED", asked)
      assert.include(await failureOf(check(oneLife, { ...tiny, seeds: 1 })), "give one seed such as 123")
    })

  it("runs the seed alone that SIM_SEED names", async () => {
    vi.stubEnv("SIM_SEED", "41")
    assert.strictEqual((await check(oneLife, { ...tiny, seeds: 100 })).runs, 1)
  })

  it("says how to have a failure explained, and keeps its file where SIM_FAILURES says", async () => {
    const run = () => check(stuck, { ...tiny, seeds: 1, from: 7 })
    assert.include(await failureOf(run()), "SIM_FAILURES=.holdfast-sim")

    const folder = await temporaryFolder()
    vi.stubEnv("SIM_FAILURES", `${folder.path}/new`)
    const said = await failureOf(run())
    const [, at = ""] = /holdfast sim explain (\S+)/.exec(said) ?? []
    const file = FailureFile.decode(readFileSync(at, "utf8"), at)
    assert.deepStrictEqual(file._tag === "Success" ? [file.success.seed, file.success.verdict._tag] : file, [
      7,
      "Stuck"
    ])
    await folder.remove()
  })
})
