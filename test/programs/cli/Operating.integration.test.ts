/**
 * What an operator does about delivery at the command line, with a node that runs: each command as it is typed, what it
 * prints, and the exit code.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Exit, FileSystem, Layer } from "effect"
import { TestConsole } from "effect/testing"
import { DataFolder } from "../../../src/layers/DataFolder.ts"
import { services } from "../../../src/programs/cli/CommandLine.ts"
import { run } from "../../../src/programs/cli/Holdfast.ts"
import { load } from "../../../src/programs/Config.ts"
import { ExitCode, foreseen } from "../../../src/programs/ExitCode.ts"
import { Note } from "../../../src/programs/NoteProtocol.ts"
import * as Start from "../../../src/programs/Start.ts"
import { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { Feed } from "../../../src/services/delivery/Feed.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import { message, uuid } from "../../support/Messages.ts"

const [one, two] = [NodeKey.make("1a".repeat(32)), NodeKey.make("2b".repeat(32))]

const node = Layer.unwrap(
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const data = yield* fs.makeTempDirectoryScoped({ prefix: "holdfast-operating-" })
    const config = yield* load({ flags: { listen: "127.0.0.1:0", logLevel: "error" }, data, env: {} })
    return Layer.provideMerge(Start.node(config), Start.standing(config))
  })
).pipe(Layer.provide(NodeServices.layer))

/** Types a command: its exit code, and all that it prints, what is wrong among it. */
const type = Effect.fnUntraced(function* (...words: ReadonlyArray<string>) {
  const { path } = yield* DataFolder
  return yield* Effect.gen(function* () {
    const exit = yield* Effect.exit(run([...words, "--data", path]))
    const said = Exit.isFailure(exit) ? foreseen(exit.cause) : undefined
    if (Exit.isFailure(exit)) assert.isDefined(said, `${words.join(" ")} failed in a way that nobody foresaw`)
    const lines = [...(yield* TestConsole.logLines), ...(yield* TestConsole.errorLines)].map(String)
    return { code: said?.code ?? ExitCode.ok, text: [...lines, said?.message ?? ""].join("\n"), lines }
  }).pipe(Effect.provide([services, TestConsole.layer]))
})

const prints = (typed: { readonly code: number; readonly text: string }, code: number, ...parts: Array<string>) => {
  assert.strictEqual(typed.code, code, typed.text)
  for (const part of parts) assert.include(typed.text, part)
}

const unknown = "00000000-0000-7000-8000-0000000000ff"

layer(node, { excludeTestServices: true })("at the command line", (it) => {
  it.effect("what is owed is shown page by page, of all peers or of one, and as JSON", () =>
    Effect.gen(function* () {
      const store = yield* RetryStore
      const sent = [message(one), message(two), message(one)].map((it) => ({ ...it, protocol: "note" }))
      yield* store.enqueue(sent, 1_000)
      const [first, second, third] = sent.map(({ id }) => id)
      prints(yield* type("outbox"), 0, first!, second!, third!, "not connected")
      const page = yield* type("outbox", "--limit", "2")
      prints(page, 0, first!, second!, `There is more: holdfast outbox --limit 2 --after ${second}`)
      const mine = yield* type("outbox", "list", "--peer", one, "--limit", "1")
      prints(mine, 0, first!, `There is more: holdfast outbox --peer ${one} --limit 1 --after ${first}`)
      const rest = yield* type("outbox", "--peer", one, "--after", first!, "--json")
      const { items } = JSON.parse(rest.text)
      assert.deepStrictEqual(
        items.map(({ id }: { readonly id: string }) => id),
        [third]
      )
      for (const id of [first!, second!, third!]) prints(yield* type("outbox", "drop", id), 0, "will not see it")
      prints(yield* type("outbox"), 0, "Nothing is owed")
    })
  )

  it.effect("a message that is not there is an error that says where to look", () =>
    Effect.gen(function* () {
      for (const act of ["retry", "drop"]) {
        prints(yield* type("outbox", act, unknown), ExitCode.refused, unknown, "See: holdfast outbox")
        prints(yield* type("inbox", act, unknown), ExitCode.refused, unknown, "See: holdfast inbox parked")
      }
    })
  )

  it.effect("what was parked is shown with why, handled once more, or dropped; an audit tells of it", () =>
    Effect.gen(function* () {
      const store = yield* RetryStore
      const ids = [uuid(), uuid()].toSorted()
      const [good = "", bad = ""] = ids
      const { body } = Note.prepare({ text: "late" })
      yield* store.claim(one)
      yield* store.park(one, { id: good, protocol: "note", subject: "", body }, "it broke\n    at line 7", 1_000)
      yield* store.park(one, { id: bad, protocol: "gone", subject: "", body }, "it broke", 1_000)
      const list = yield* type("inbox", "parked", "--limit", "1")
      prints(
        list,
        0,
        good,
        "1a1a1a1a",
        "it broke",
        `There is more: holdfast inbox parked --limit 1 --after ${good}:${one}`
      )
      assert.notInclude(list.text, "line 7")
      prints(yield* type("inbox", "parked", "--after", `${good}:${one}`, "--peer", one), 0, bad)
      prints(yield* type("inbox", "parked", "--peer", two), 0, "No message is parked")
      const audit = yield* type("audit")
      prints(audit, ExitCode.findings, "message-parked", good, bad, `holdfast inbox retry ${good}`, "2 findings")
      const { findings } = JSON.parse((yield* type("audit", "--json")).lines[0] ?? "")
      assert.lengthOf(findings, 2)
      prints(yield* type("inbox", "retry", good), 0, "It was handled")
      prints(yield* type("inbox"), 0, "late")
      prints(yield* type("inbox", "retry", bad), ExitCode.refused, 'does not run "gone"', "drop it")
      prints(yield* type("inbox", "drop", bad, "--json"), 0, JSON.stringify({ id: bad, peer: one }))
      prints(yield* type("audit"), 0, "Nothing found")
    })
  )

  it.effect("events go on after the cursor that was printed last", () =>
    Effect.gen(function* () {
      const feed = yield* Feed
      const append = (kind: string) =>
        feed.append([{ audience: "", protocol: "test", subject: "", kind, body: { kind } }])
      yield* append("first")
      const begin = yield* type("events")
      prints(begin, 0, "first", "Go on from here with: holdfast events --after ")
      const cursor = /--after (\S+)/.exec(begin.text)?.[1] ?? ""
      yield* append("second")
      const next = yield* type("events", "--after", cursor, "--json")
      assert.deepStrictEqual(
        next.lines.map((line) => JSON.parse(line).kind),
        ["second"]
      )
      const other = `00000000-0000-4000-8000-000000000000:${7}`
      prints(yield* type("events", "--after", other), 0, "belongs to another database", "second")
    })
  )
})
