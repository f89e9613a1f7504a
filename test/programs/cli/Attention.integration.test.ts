/**
 * What needs attention, at the command line of a node that runs, over its API, and in its feed when it starts.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Exit, FileSystem, Layer, Schema } from "effect"
import { TestConsole } from "effect/testing"
import { DataFolder } from "../../../src/layers/DataFolder.ts"
import { services } from "../../../src/programs/cli/CommandLine.ts"
import { run } from "../../../src/programs/cli/Holdfast.ts"
import { load } from "../../../src/programs/Config.ts"
import { ExitCode, foreseen } from "../../../src/programs/ExitCode.ts"
import { AttentionList } from "../../../src/programs/http/Models.ts"
import * as Start from "../../../src/programs/Start.ts"
import { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { AttentionStore } from "../../../src/services/delivery/AttentionStore.ts"
import { Feed } from "../../../src/services/delivery/Feed.ts"
import * as Reminder from "../../../src/services/delivery/Reminder.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import { message, uuid } from "../../support/Messages.ts"

const [one, two] = [NodeKey.make("1a".repeat(32)), NodeKey.make("2b".repeat(32))]

const node = Layer.unwrap(
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const data = yield* fs.makeTempDirectoryScoped({ prefix: "holdfast-attention-" })
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
    const text = [...(yield* TestConsole.logLines), said?.message ?? ""].map(String).join("\n").trim()
    return { code: said?.code ?? ExitCode.ok, text }
  }).pipe(Effect.provide([services, TestConsole.layer]))
})

const items = Schema.decodeUnknownSync(Schema.fromJsonString(AttentionList))

layer(node, { excludeTestServices: true })("what needs attention", (it) => {
  it.effect("is shown to the operator, as a table and as JSON, until it is ended", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* type("attention"), { code: 0, text: "Nothing needs attention." })
      const store = yield* RetryStore
      const [parked, owed, untold] = [message(one), message(two), message(one)]
      yield* store.enqueue([owed], 1_000)
      yield* store.park(one, parked, "Error: boom\n  at somewhere", 2_000)
      yield* AttentionStore.use((attention) =>
        attention.keep({ ...untold, end: { _tag: "Settled", outcome: { _tag: "Ok" } }, at: 3_000 })
      )
      const table = yield* type("attention")
      assert.strictEqual(table.code, 0)
      for (const part of [
        "peer.overdue",
        "peer.no-address",
        "message.parked",
        "message.untold",
        parked.id,
        untold.id
      ]) {
        assert.include(table.text, part)
      }
      const json = items((yield* type("attention", "--json")).text)
      assert.deepStrictEqual(
        json.items.map(({ kind, since }) => [kind, since]),
        [
          ["peer.overdue", 1_000],
          ["peer.no-address", 1_000],
          ["message.parked", 2_000],
          ["message.untold", 3_000]
        ]
      )
      assert.lengthOf(items((yield* type("attention", "list", "--limit", "2", "--json")).text).items, 2)
      assert.lengthOf(items((yield* type("attention", "--for", "anna", "--json")).text).items, 0)
      yield* Reminder.run
      const [reminder] = yield* Feed.use((feed) => feed.read({ limit: 1 }))
      assert.deepInclude(reminder?._tag === "Event" ? reminder.event : {}, { kind: "attention", audience: "" })
      const dropped = yield* type("attention", "drop", untold.id)
      assert.include(dropped.text, "will not be told")
      const again = yield* type("attention", "drop", untold.id)
      assert.strictEqual(again.code, ExitCode.refused)
      assert.include(again.text, untold.id)
      assert.notInclude((yield* type("attention")).text, "message.untold")
      const last = yield* Feed.use((feed) => feed.read({ limit: 10 }))
      assert.isTrue(last.some((item) => item._tag === "Event" && item.event.kind === "message.untold-dropped"))
    })
  )

  it.effect("comes with the reset of a reader whose cursor is of another database", () =>
    Effect.gen(function* () {
      const read = yield* type("events", "--after", `${uuid()}:7`)
      assert.include(read.text, "see what needs attention with: holdfast attention")
      const json = yield* type("events", "--after", `${uuid()}:7`, "--json")
      assert.include(json.text.split("\n")[0], '"kind":"peer.overdue"')
    })
  )

  it.effect("is no id of nothing", () =>
    Effect.gen(function* () {
      const refused = yield* type("attention", "drop", "x")
      assert.strictEqual(refused.code, ExitCode.usage)
      assert.include(refused.text, "as holdfast attention shows it")
    })
  )
})
