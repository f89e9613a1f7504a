/**
 * `holdfast start`: runs a node until it is told to stop.
 */
import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as Config from "../Config.ts"
import { meaning } from "../ExitCode.ts"
import * as Logging from "../Logging.ts"
import { untilSignal } from "../Main.ts"
import type * as Start from "../Start.ts"
import { path } from "./Given.ts"
import { json, Root } from "./Root.ts"
import { settingFlags } from "./SettingFlags.ts"
import { bold } from "./Style.ts"
import { list } from "./Table.ts"

const banner = (start: typeof Start, ready: Start.Ready, isCredit: boolean): string => {
  const second = start.secondNode(ready, process.env)
  const address = ready.address ?? "none: this node does not listen"
  const lines = list([
    ["Node", bold(ready.node)],
    ["Address", start.isVague(address) ? `${address}  (say what others shall dial with --advertise)` : address],
    ["Data", ready.data],
    ["Database", ready.database],
    ["API", `${ready.api}  (token in ${ready.token})`],
    ["Credit", isCredit ? "kept for the node's users  (add one with holdfast user add <cuid>)" : "not kept"]
  ])
  return second === undefined ? lines : `${lines}\n\nConnect a second node from another terminal:\n  ${second}\n`
}

export const StartCommand = Command.make(
  "start",
  {
    config: Flag.String("config").pipe(
      Flag.withMetavar("<file>"),
      Flag.withDescription(
        "A configuration file to read instead of holdfast.json in the data folder [HOLDFAST_CONFIG]"
      ),
      Flag.withSchema(path("a file")),
      Flag.optional
    ),
    flags: settingFlags
  },
  Effect.fnUntraced(function* ({ config: file, flags }) {
    const root = yield* Root
    const config = yield* Config.load({
      flags,
      data: Option.getOrUndefined(root.data),
      config: Option.getOrUndefined(file),
      env: process.env
    })
    // Loaded now: the commands that only ask a node need not wait for a database engine to load.
    const start = yield* Effect.promise(() => import("../Start.ts"))
    const logging = Logging.make(config)
    const onReady = (ready: Start.Ready) =>
      Effect.andThen(Console.log(root.json ? json(ready) : banner(start, ready, config.credit)), logging.open)
    return yield* start
      .run(config, { onReady, onStandby: logging.open })
      .pipe(Effect.provide(logging.layer), Effect.ensuring(logging.open), untilSignal)
  })
).pipe(
  Command.withDescription(
    "Run a node until it is told to stop. Its users give each other credit (holdfast user add), unless --no-credit says not to.\n\n" +
      "  Every setting is taken from its flag, else from the environment variable in brackets, else from holdfast.json\n" +
      "  in the data folder (its name in camel case: heartbeat, dialTimeout, peers, databaseUrl), else it has its default.\n\n" +
      `  ${meaning}`
  ),
  Command.withShortDescription("Run a node"),
  Command.withExamples([
    { command: "holdfast start", description: "Start a node in ./.holdfast, with its embedded database" },
    {
      command: "holdfast start --data ./second --connect holdfast://<key>@127.0.0.1:4001",
      description: "Start a second node on the same machine and connect it to the first"
    },
    {
      command: "DATABASE_URL=postgres://me@localhost/holdfast holdfast start",
      description: "Use a PostgreSQL database"
    },
    {
      command: "holdfast start --listen 0.0.0.0:4001 --advertise node.example.org:4001 --log-format json",
      description: "Listen to the world"
    }
  ])
)
