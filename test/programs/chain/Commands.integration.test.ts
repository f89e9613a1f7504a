/**
 * `holdfast chain` at the command line, with a node whose chain a test sets: each command as it is typed, what it prints, and the exit
 * code.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, FileSystem, Layer, Schema } from "effect"
import { TestConsole } from "effect/testing"
import { join } from "node:path"
import { DataFolder } from "../../../src/layers/DataFolder.ts"
import { services } from "../../../src/programs/cli/CommandLine.ts"
import { run } from "../../../src/programs/cli/Holdfast.ts"
import { load } from "../../../src/programs/Config.ts"
import { ExitCode, foreseen } from "../../../src/programs/ExitCode.ts"
import { files } from "../../../src/programs/FolderFiles.ts"
import { BlockPage } from "../../../src/programs/http/ChainModels.ts"
import * as Start from "../../../src/programs/Start.ts"
import { Chain } from "../../../src/services/chain/Chain.ts"
import { ChainBroken } from "../../../src/services/chain/Verifying.ts"
import { copyTo } from "../../support/EmbeddedDatabase.ts"
import { peerAt, StandInChain } from "../../support/StandInChain.ts"

const standIn = new StandInChain()

const nodeWith = <A>(chain: Layer.Layer<A>) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const data = yield* fs.makeTempDirectoryScoped({ prefix: "holdfast-chain-" })
      yield* copyTo(join(data, files.database))
      const config = yield* load({ flags: { listen: "127.0.0.1:0", logLevel: "error" }, data, env: {} })
      return Layer.provideMerge(Start.node(config), Layer.merge(Start.standing(config), chain))
    })
  ).pipe(Layer.provide(NodeServices.layer))

/** Types a command: its exit code, and all that it prints, what is wrong among it. */
const type = Effect.fnUntraced(function* (...words: ReadonlyArray<string>) {
  const { path } = yield* DataFolder
  return yield* Effect.gen(function* () {
    const exit = yield* Effect.exit(run([words[0]!, "--data", path, ...words.slice(1)]))
    const said = Exit.isFailure(exit) ? foreseen(exit.cause) : undefined
    if (Exit.isFailure(exit)) assert.isDefined(said, `${words.join(" ")} failed in a way that nobody foresaw`)
    const lines = (yield* TestConsole.logLines).map(String)
    const errors = (yield* TestConsole.errorLines).map(String)
    return { code: said?.code ?? ExitCode.ok, text: [...lines, ...errors, said?.message ?? ""].join("\n"), lines }
  }).pipe(Effect.provide([services, TestConsole.layer]))
})

const prints = (typed: { readonly code: number; readonly text: string }, code: number, ...parts: Array<string>) => {
  assert.strictEqual(typed.code, code, typed.text)
  for (const part of parts) assert.include(typed.text, part)
}

const read = <A, I>(schema: Schema.Codec<A, I>, line: string | undefined): A =>
  Schema.decodeUnknownSync(Schema.fromJsonString(schema))(line)
const Line = Schema.Record(Schema.String, Schema.Unknown)

layer(nodeWith(Layer.succeed(Chain, standIn.service)), { excludeTestServices: true })("with a chain", (it) => {
  it.effect("status shows how it stands, and the status of the node its height", () =>
    Effect.gen(function* () {
      standIn.over = { peers: [peerAt(7)], behind: 7, perSecond: 2, secondsLeft: 3.5 }
      prints(yield* type("chain", "status"), 0, "Behind", "7 blocks, 2.0 a second", "abababab", "10.0.0.1:4001")
      prints(yield* type("status"), 0, "Chain", "test, height 0 of 0")
      const status = read(Line, (yield* type("chain", "status", "--json")).lines[0])
      assert.strictEqual(status.secondsLeft, 3.5)
      assert.deepStrictEqual(status.peers, [peerAt(7)])
      standIn.over = {}
      assert.notInclude((yield* type("chain", "status", "--json")).text, "secondsLeft")
    })
  )

  it.effect("items wait for a block, which is made and shown with them", () =>
    Effect.gen(function* () {
      prints(yield* type("chain", "submit", "hello there"), 0, "1 item in all", "holdfast chain produce")
      prints(yield* type("chain", "submit", "--hex", "00FF", "--json"), 0, '{"waiting":2}')
      prints(yield* type("chain", "submit", "--", "-dash"), 0, "3 items")
      prints(
        yield* type("chain", "submit", "more"),
        ExitCode.refused,
        "3 items wait already",
        "wait for the next block"
      )
      const { height, id } = standIn.tip
      prints(yield* type("chain", "produce"), 0, `Made block ${height + 1}: `)
      prints(yield* type("chain", "blocks"), 0, "hello there | 0x00ff | -dash", id.slice(0, 16))
      const page = read(BlockPage, (yield* type("chain", "blocks", "--above", String(height), "--json")).lines[0])
      assert.deepStrictEqual(
        page.items.map(({ items }) => items?.[1]),
        ["00ff"]
      )
      standIn.problem = "this node is none of the chain's producers"
      prints(
        yield* type("chain", "produce"),
        ExitCode.refused,
        "none of the chain's producers",
        "holdfast chain status"
      )
      standIn.problem = undefined
    })
  )

  it.effect("blocks are shown page by page", () =>
    Effect.gen(function* () {
      for (let count = 0; count < 10; count++) standIn.add(undefined)
      const { height } = standIn.tip
      const page = yield* type("chain", "blocks", "--above", "2", "--limit", "3")
      prints(page, 0, "not kept", "There is more: holdfast chain blocks --above 5")
      const last = yield* type("chain", "blocks", "--limit", "2")
      assert.notInclude(last.text, "There is more")
      assert.match(last.lines[0] ?? "", new RegExp(`^${height - 1} [^]*\\n${height} `, "m"))
      prints(yield* type("chain", "blocks", "--above", String(height)), 0, "No blocks there")
    })
  )

  it.effect("an item is one of text and bytes", () =>
    Effect.gen(function* () {
      prints(yield* type("chain", "submit"), ExitCode.usage, "give a text or bytes")
      prints(yield* type("chain", "submit", "x", "--hex", "00"), ExitCode.usage, "one of the two")
    })
  )

  it.effect("verify says that all is well, or names the first block that is not", () =>
    Effect.gen(function* () {
      standIn.pages = [
        { height: 256, of: 300, pruned: 10 },
        { height: 300, of: 300, pruned: 10 }
      ]
      prints(yield* type("chain", "verify"), 0, "Sound: 301 blocks", "the items of 10 are not kept")
      const sound = yield* type("chain", "verify", "--json")
      assert.deepStrictEqual(read(Line, sound.lines[0]), { _tag: "Sound", height: 300, pruned: 10 })
      standIn.broken = new ChainBroken({ height: 257, problem: "it is missing" })
      prints(yield* type("chain", "verify"), ExitCode.findings, "Broken at height 257: it is missing", "Stop the node")
      const broken = yield* type("chain", "verify", "--json")
      assert.deepStrictEqual(read(Line, broken.lines[0]), { _tag: "Broken", height: 257, problem: "it is missing" })
    })
  )

  it.effect("sync ends once nothing is missing, and tells before the block that the chain stands before", () =>
    Effect.gen(function* () {
      const refused = { height: 12, id: "aa".repeat(32), reason: "no money" }
      standIn.over = { peers: [peerAt(0)], behind: 1, refused }
      const looked = Deferred.makeUnsafe<void>()
      let looks = 0
      const status = standIn.status.bind(standIn)
      standIn.status = () => {
        if (++looks === 3) Deferred.doneUnsafe(looked, Exit.void)
        return status()
      }
      const typed = yield* Effect.forkChild(type("chain", "sync", "--json"))
      yield* Deferred.await(looked)
      standIn.over = { peers: [peerAt(0)] }
      const { code, lines } = yield* Fiber.join(typed)
      standIn.status = status
      assert.strictEqual(code, ExitCode.ok)
      const said = lines.map((line) => read(Line, line))
      assert.deepStrictEqual(said[0], { _tag: "Refused", ...refused })
      assert.deepInclude(said[1], { _tag: "CaughtUp", height: standIn.tip.height, id: standIn.tip.id })
      assert.lengthOf(said, 2)
    })
  )

  it.effect("sync tells what happens meanwhile", () =>
    Effect.gen(function* () {
      standIn.over = { peers: [peerAt(0)], behind: 1 }
      const event = { _tag: "Reorganised", fork: 3, left: 1, joined: 2 } as const
      const status = standIn.status.bind(standIn)
      // Again and again until it has been heard: who has just come may not listen yet.
      standIn.status = () => {
        standIn.tell(event)
        return status()
      }
      const { path } = yield* DataFolder
      const heard = Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(run(["chain", "sync", "--json", "--data", path]))
        while ((yield* TestConsole.logLines).length === 0) yield* Effect.sleep("10 millis")
        yield* Fiber.interrupt(fiber)
        return (yield* TestConsole.logLines).map(String)
      }).pipe(Effect.provide([services, TestConsole.layer]))
      assert.deepStrictEqual(read(Line, (yield* heard)[0]), event)
      standIn.status = status
    })
  )

  it.effect("sync gives up after as long as it was told to wait, and never without", () =>
    Effect.gen(function* () {
      standIn.over = {}
      const given = yield* type("chain", "sync", "--timeout", "100ms")
      prints(given, ExitCode.noNode, "nothing new has come for 100 ms", "0 connected peers", "holdfast chain status")
    })
  )
})

layer(nodeWith(Layer.empty), { excludeTestServices: true })("without a chain", (it) => {
  it.effect("every command says how to get one", () =>
    Effect.gen(function* () {
      const commands = [["status"], ["sync"], ["blocks"], ["submit", "x"], ["produce"], ["verify"]]
      for (const words of commands)
        prints(
          yield* type("chain", ...words),
          ExitCode.refused,
          "keeps no chain",
          "--chain <file>",
          "holdfast chain init"
        )
      assert.notInclude((yield* type("status")).text, "Chain")
    })
  )

  it.effect("the configuration of a new one is printed, with the key of the node of the folder", () =>
    Effect.gen(function* () {
      const own = yield* type("chain", "init", "--id", "orders", "--producer", "self", "--interval", "2s", "--json")
      const health = yield* type("status", "--json")
      const { node } = read(Line, health.lines[0])
      const made = read(Line, own.lines[0])
      assert.deepInclude(made, { id: "orders", producers: [node], intervalMillis: 2_000 })
      const open = yield* type("chain", "init", "--id", "orders")
      prints(open, 0, '"intervalMillis": 5000', "whoever reaches one of its nodes can extend it")
      assert.notInclude(open.text, 'producers"')
    })
  )
})
