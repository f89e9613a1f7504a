import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Path, type PlatformError, Redacted, type Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import {
  DataFolder,
  DataFolderLocked,
  DataFolderNotWritable,
  layer,
  TokenUnusable
} from "../../src/layers/DataFolder.ts"
import type { Outcome } from "../support/DataFolderHolder.ts"

const Services = Layer.merge(NodeServices.layer, SecureRandom.layerWebCrypto)

type Failure = DataFolderLocked | DataFolderNotWritable | TokenUnusable | PlatformError.PlatformError

const test = (
  name: string,
  body: Effect.Effect<void, Failure, FileSystem.FileSystem | Path.Path | SecureRandom.SecureRandom | Scope.Scope>
): void => it.live(name, () => body.pipe(Effect.scoped, Effect.provide(Services)))

const temporary = Effect.flatMap(FileSystem.FileSystem, (fs) =>
  fs.makeTempDirectoryScoped({ prefix: "holdfast-folder-" })
)

/** A process that is about to take the folder, and ends with the scope. */
const holder = (folder: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const program = fileURLToPath(new URL("../support/DataFolderHolder.ts", import.meta.url))
      const child = fork(program, [folder], { execArgv: [], stdio: ["ignore", "ignore", "inherit", "ipc"] })
      await once(child, "message")
      return child
    }),
    (child) => kill(child)
  )

const kill = (child: ChildProcess) =>
  Effect.promise(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const over = once(child, "exit")
    child.kill("SIGKILL")
    await over
  })

/** Lets a holder try, and returns what came of it. */
const tryNow = (child: ChildProcess): Effect.Effect<Outcome> =>
  Effect.promise(async () => {
    const answered = once(child, "message")
    child.send("go")
    const [outcome] = await answered
    return outcome
  })

const refusal = (folder: string) => Effect.orDie(Effect.flip(Effect.scoped(Layer.build(layer(folder)))))

describe("the data folder", () => {
  test(
    "is made for its owner alone, with the folders above it, and is known by its absolute path",
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const folder = path.join(yield* temporary, "a", "b")
      yield* Effect.gen(function* () {
        const data = yield* DataFolder
        assert.strictEqual(data.path, folder)
        assert.strictEqual(data.file("x"), path.join(folder, "x"))
        assert.strictEqual((yield* fs.stat(folder)).mode & 0o777, 0o700)
      }).pipe(Effect.provide(layer(path.relative(process.cwd(), folder))))
    })
  )

  test(
    "cannot be taken twice, and can be taken again after it was given back",
    Effect.gen(function* () {
      const folder = yield* temporary
      yield* Effect.gen(function* () {
        const error = yield* refusal(folder)
        assert.instanceOf(error, DataFolderLocked)
        assert.strictEqual(error.pid, process.pid)
        assert.include(error.message, folder)
        assert.include(error.message, `process ${process.pid}`)
        assert.include(error.message, "--data")
      }).pipe(Effect.provide(layer(folder)))
      yield* Effect.provide(DataFolder, layer(folder))
    })
  )

  test(
    "is held by a process until that is killed, which leaves nothing that blocks the next",
    Effect.gen(function* () {
      const folder = yield* temporary
      const first = yield* holder(folder)
      assert.deepStrictEqual(yield* tryNow(first), { tag: "held" })
      const error = yield* refusal(folder)
      assert.instanceOf(error, DataFolderLocked)
      assert.strictEqual(error.pid, first.pid)
      yield* kill(first)
      const second = yield* holder(folder)
      assert.deepStrictEqual(yield* tryNow(second), { tag: "held" })
    })
  )

  test(
    "goes to exactly one of several processes that reach for it at once, round after round of killed owners",
    Effect.gen(function* () {
      const folder = yield* temporary
      for (let round = 0; round < 3; round++) {
        const racers = yield* Effect.forEach([1, 2, 3], () => holder(folder), { concurrency: "unbounded" })
        const outcomes = yield* Effect.forEach(racers, tryNow, { concurrency: "unbounded" })
        assert.deepStrictEqual(outcomes.map((it) => it.tag).sort(), ["DataFolderLocked", "DataFolderLocked", "held"])
        yield* Effect.forEach(racers, kill)
      }
    })
  )

  test(
    "is taken while others look whether it is free, so that of several who do at once one gets it",
    Effect.gen(function* () {
      const folder = yield* temporary
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          const looking = new DatabaseSync(`${folder}/lock`)
          looking.exec("BEGIN; SELECT * FROM sqlite_master")
          return looking
        }),
        (looking) => Effect.sync(() => looking.close())
      )
      yield* Effect.provide(DataFolder, layer(folder))
    })
  )

  test(
    "is not held back by the process id of a dead owner that now belongs to a living process",
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* temporary
      yield* fs.writeFileString(`${folder}/pid`, `${process.ppid}\n`)
      yield* fs.writeFileString(`${folder}/lock`, "")
      yield* Effect.provide(DataFolder, layer(folder))
    })
  )

  test(
    "names the folder, the reason and the way out when it cannot be written to",
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const file = `${yield* temporary}/file`
      yield* fs.writeFileString(file, "")
      for (const folder of [file, `${file}/below`, "/proc/holdfast"]) {
        const error = yield* refusal(folder)
        assert.instanceOf(error, DataFolderNotWritable, folder)
        assert.include(error.message, folder)
        assert.include(error.message, "--data")
        assert.notInclude(error.message, "unknown reason")
      }
    })
  )
})

describe("a token", () => {
  test(
    "is made once, readable by its owner alone, and stays the same",
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* temporary
      const read = Effect.flatMap(DataFolder, (data) => data.token("api.token")).pipe(Effect.provide(layer(folder)))
      const token = Redacted.value(yield* read)
      assert.match(token, /^[A-Za-z0-9_-]{43}$/)
      assert.strictEqual(Redacted.value(yield* read), token)
      assert.strictEqual((yield* fs.stat(`${folder}/api.token`)).mode & 0o777, 0o600)
      assert.strictEqual(yield* fs.readFileString(`${folder}/api.token`), `${token}\n`)
      assert.deepStrictEqual((yield* fs.readDirectory(folder)).sort(), ["api.token", "lock"])
      const other = yield* Effect.flatMap(DataFolder, (data) => data.token("other")).pipe(Effect.provide(layer(folder)))
      assert.notStrictEqual(Redacted.value(other), token)
    })
  )

  test(
    "is refused, not replaced, when others can read it or it is damaged; the message never shows it",
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* temporary
      yield* Effect.gen(function* () {
        const data = yield* DataFolder
        const text = Redacted.value(yield* data.token("exposed"))
        yield* fs.chmod(data.file("exposed"), 0o644)
        yield* fs.writeFileString(data.file("damaged"), "s3cret", { mode: 0o600 })
        yield* fs.writeFileString(data.file("empty"), "", { mode: 0o600 })
        yield* fs.makeDirectory(data.file("folder"), { mode: 0o700 })
        for (const name of ["exposed", "damaged", "empty", "folder"]) {
          const error = yield* Effect.orDie(Effect.flip(data.token(name)))
          assert.instanceOf(error, TokenUnusable)
          assert.include(error.message, data.file(name))
          assert.notInclude(error.message, text)
          assert.notInclude(error.message, "s3cret")
        }
        assert.strictEqual(yield* fs.readFileString(data.file("exposed")), `${text}\n`)
      }).pipe(Effect.provide(layer(folder)))
    })
  )
})
