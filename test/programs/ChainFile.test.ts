import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Result } from "effect"
import { interpret, read } from "../../src/programs/ChainFile.ts"
import { load } from "../../src/programs/Config.ts"

const key = "ab".repeat(32)
const good = { id: "orders", time: 1_700_000_000_000 }

const problems = (contents: unknown): ReadonlyArray<string> => {
  const found = interpret(typeof contents === "string" ? contents : JSON.stringify(contents))
  return Result.isFailure(found) ? found.failure : []
}
const refuses = (contents: unknown, ...parts: ReadonlyArray<string>) => {
  const [only, ...more] = problems(contents)
  assert.deepStrictEqual(more, [])
  for (const part of parts) assert.include(only, part)
}

describe("the file of a chain", () => {
  it("is taken with all it may say", () => {
    const all = { ...good, producers: [key], intervalMillis: 5_000, maxBlockBytes: 65_536, reorganisationLimit: 100 }
    for (const contents of [good, all]) assert.deepStrictEqual(problems(contents), [])
  })

  it("is refused by the key that is wrong, with what may stand there", () => {
    refuses({ ...good, id: "two words" }, '"id" is "two words"', "ASCII")
    refuses({ time: 1 }, '"id" is missing', "ASCII")
    refuses({ ...good, time: "now" }, '"time" is "now"', "milliseconds since 1970")
    refuses({ ...good, time: -1 }, '"time" is -1')
    refuses({ ...good, producers: [] }, '"producers" is []', "node keys")
    refuses({ ...good, producers: ["self"] }, '"producers"', "64 lower-case hex digits")
    refuses({ ...good, producers: [key, key] }, '"producers"', "different")
    refuses({ ...good, intervalMillis: 0 }, '"intervalMillis" is 0', "from 1 to 86400000")
    refuses({ ...good, maxBlockBytes: 3_000_000 }, '"maxBlockBytes"', "from 1024 to 2097152")
    refuses({ ...good, reorganisationLimit: 1.5 }, '"reorganisationLimit" is 1.5', "from 1 to 10000")
  })

  it("is refused for keys that mean nothing: a misspelt one would change nothing silently", () => {
    refuses({ ...good, producer: [key] }, '"producer" is none of its keys', 'did you mean "producers"?')
    refuses({ ...good, colour: "red" }, '"colour"', "they are id, time, producers")
  })

  it("has all that is wrong told at once", () => {
    assert.lengthOf(problems({ id: "", producers: [key, key], intervalmillis: 1 }), 4)
  })

  it("is one JSON object", () => {
    for (const text of ["", "{", "[]", "3", '"x"', "null"]) refuses(text, "not a JSON object", "holdfast chain init")
  })
})

const withFile = <A, E>(text: string, use: (file: string) => Effect.Effect<A, E, FileSystem.FileSystem>) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const file = `${yield* fs.makeTempDirectoryScoped({ prefix: "holdfast-chain-" })}/chain.json`
    yield* fs.writeFileString(file, text)
    return yield* use(file)
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

const nowhere = { data: "/nonexistent/holdfast", env: {} }

describe("the configuration of a node", () => {
  it.effect("has what the file of its chain says", () =>
    withFile(JSON.stringify(good), (file) =>
      Effect.gen(function* () {
        const config = yield* load({ ...nowhere, flags: { chain: file, produce: "true", chainKeep: "100" } })
        assert.deepStrictEqual(config.chainSettings, good)
        assert.deepInclude(config, { produce: true, chainKeep: 100 })
        assert.isUndefined((yield* load({ ...nowhere, flags: {} })).chainSettings)
      })
    )
  )

  it.effect("tells what is wrong with that file beside all else, and names it", () =>
    withFile(JSON.stringify({ ...good, time: 1.5 }), (file) =>
      Effect.gen(function* () {
        const { problems } = yield* Effect.flip(load({ ...nowhere, flags: { chain: file, chainKeep: "0" } }))
        assert.lengthOf(problems, 2)
        assert.isTrue(problems.some((problem) => problem.startsWith(`${file}: "time" is 1.5`)))
      })
    )
  )

  it.effect("needs the file, and a file that is one", () =>
    withFile("x".repeat(2_000_000), (file) =>
      Effect.gen(function* () {
        const gone = yield* Effect.flip(load({ ...nowhere, flags: { chain: `${file}.gone` } }))
        assert.include(gone.message, `${file}.gone: there is no such file`)
        const folder = yield* Effect.flip(load({ ...nowhere, flags: { chain: file.replace("/chain.json", "") } }))
        assert.include(folder.message, "there is no such file")
        const large = yield* read(file)
        assert.isTrue(Result.isFailure(large) && large.failure[0]?.includes("2000000 bytes"))
      })
    )
  )

  it.effect("says that a node without a chain has nothing to produce or to keep", () =>
    Effect.gen(function* () {
      const flags = { produce: "true", chainKeep: "5" }
      const { problems } = yield* Effect.flip(load({ ...nowhere, flags }))
      assert.lengthOf(problems, 2)
      for (const problem of problems) assert.include(problem, "--chain <file>")
    }).pipe(Effect.provide(NodeServices.layer))
  )
})
