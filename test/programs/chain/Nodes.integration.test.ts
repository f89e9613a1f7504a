/**
 * Two nodes with one chain as processes: one makes blocks, the other fetches them. Commands are typed in this process, but for one that
 * a signal ends.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Schema } from "effect"
import { TestConsole } from "effect/testing"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, onTestFinished } from "vitest"
import { services } from "../../../src/programs/cli/CommandLine.ts"
import { run } from "../../../src/programs/cli/Holdfast.ts"
import { foreseen } from "../../../src/programs/ExitCode.ts"
import { HoldfastProcess, type ReadyNode, startNode, temporaryFolder } from "../HoldfastProcess.ts"

const folder = await temporaryFolder()
const [one, two] = [join(folder.path, "one"), join(folder.path, "two")]
const file = join(folder.path, "chain.json")
const running: Array<ReadyNode> = []

/** Types a command in this process: what it prints, and what it fails with. */
const type = (...words: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const exit = yield* Effect.exit(run(words))
    const stdout = (yield* TestConsole.logLines).join("\n")
    return { stdout, failure: Exit.isFailure(exit) ? foreseen(exit.cause) : undefined, exit }
  }).pipe(Effect.provide([services, TestConsole.layer]), Effect.runPromise)

const succeeding = async (...words: ReadonlyArray<string>): Promise<string> => {
  const { exit, failure, stdout } = await type(...words)
  assert.isTrue(Exit.isSuccess(exit), failure?.message ?? String(exit))
  return stdout
}
const chain = (data: string, command: string, ...more: ReadonlyArray<string>): Promise<string> =>
  succeeding("chain", command, "--data", data, ...more)

const Line = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))
const lastLine = (text: string) => Schema.decodeSync(Line)(text.trimEnd().split("\n").at(-1) ?? "")

const start = async (data: string, ...more: ReadonlyArray<string>): Promise<ReadyNode> => {
  const node = await startNode(data, ["--listen", "127.0.0.1:0", "--chain", file, ...more])
  running.push(node)
  return node
}

beforeAll(async () => {
  await succeeding("init", "--data", one)
  await writeFile(file, await chain(one, "init", "--id", "demo", "--producer", "self", "--interval", "1d"))
})

afterAll(async () => {
  await Promise.all(running.map(({ process }) => process.stop()))
  await folder.remove()
})

describe("a chain of two nodes", () => {
  it("is made by one, fetched by the other, and shown by both", async () => {
    const maker = await start(one)
    await chain(one, "submit", "hello there")
    assert.include(await chain(one, "produce"), "Made block 1: ")
    await chain(one, "produce")

    await start(two, "--connect", maker.address)
    const synced = lastLine(await chain(two, "sync", "--json"))
    assert.deepInclude(synced, { _tag: "CaughtUp", height: 2 })
    assert.include(await chain(two, "blocks", "--above", "0"), "hello there")
    assert.deepInclude(lastLine(await chain(two, "verify", "--json")), { _tag: "Sound", height: 2, pruned: 0 })
    assert.match(await chain(two, "status"), /Behind +nothing/)
    assert.match(await succeeding("status", "--data", two), /Chain +demo, height 2$/m)
    const { failure } = await type("chain", "produce", "--data", two)
    assert.strictEqual(failure?.code, 4)
    assert.include(failure?.message, "producers")
  })

  it("is waited for until it is told to stop, which changes nothing", async () => {
    await running[1]?.process.stop()
    const waiting = new HoldfastProcess(["chain", "sync", "--data", one])
    onTestFinished(async () => void (await waiting.stop()))
    await waiting.said("no connected peer keeps this chain yet")
    waiting.signal("SIGINT")
    const { code, stderr, stdout } = await waiting.ended
    assert.strictEqual(code, 130, stderr)
    assert.include(stderr, "Stopped looking at height 2 of 2")
    assert.strictEqual(stdout, "")
  })
})
