/**
 * `holdfast chain status`, `blocks`, `submit` and `produce`: the chain of the node, and what it is to carry.
 */
import { Clock, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { ask } from "../cli/Client.ts"
import { print } from "../cli/Root.ts"
import * as Flags from "../cli/ValueFlags.ts"
import { ExitCode } from "../ExitCode.ts"
import { mostBlocks } from "../http/ChainApi.ts"
import type { NewItem } from "../http/ChainModels.ts"
import { fromText } from "../SettingValue.ts"
import * as BlockText from "./BlockText.ts"
import * as ChainText from "./ChainText.ts"

export const ChainStatusCommand = Command.make(
  "status",
  {},
  Effect.fnUntraced(function* () {
    const chain = yield* ask((client) => client.chain.status())
    yield* print(chain, ChainText.status(yield* Clock.currentTimeMillis))
  })
).pipe(
  Command.withDescription(
    "Show how the chain stands: height, best header, how far behind and how fast, the peers that keep it, what this node produces"
  ),
  Command.withShortDescription("Show how the chain stands"),
  Command.withExamples([{ command: "holdfast chain status" }])
)

const standardLimit = 20

export const BlocksCommand = Command.make(
  "blocks",
  {
    above: Flags.optionally(
      Flags.count("above", "Show blocks above this height (default: the last ones)", 0, 0xffff_ffff)
    ),
    limit: Flag.withDefault(
      Flags.count(
        "limit",
        `How many to show at the most, 1 to ${mostBlocks} (default ${standardLimit})`,
        1,
        mostBlocks
      ),
      standardLimit
    )
  },
  Effect.fnUntraced(function* ({ above, limit }) {
    const query = above === undefined ? { limit } : { above, limit }
    const page = yield* ask((client) => client.chain.blocks({ query }))
    yield* print(page, BlockText.blocks(yield* Clock.currentTimeMillis))
  })
).pipe(
  Command.withDescription(
    "Show blocks, the lowest first, with the beginning of their items: as text where they are printable text, else as hex"
  ),
  Command.withShortDescription("Show blocks and their items"),
  Command.withExamples([
    { command: "holdfast chain blocks" },
    {
      command: "holdfast chain blocks --above 1000 --limit 50 --json",
      description: "With all bytes of the items, as hex"
    }
  ])
)

/** Neither a text nor bytes, or both. */
export class ItemUnclear extends Schema.TaggedError<ItemUnclear>()("ChainItemUnclear", {}) {
  readonly exitCode = ExitCode.usage
  override get message(): string {
    return 'give a text or bytes, one of the two: holdfast chain submit "<text>", or holdfast chain submit --hex <digits>'
  }
}

const hex = fromText(
  "bytes as pairs of hex digits, such as 00ff",
  (text) => (/^(?:[0-9A-Fa-f]{2})+$/.test(text) ? text.toLowerCase() : undefined),
  (text) => text
)

const itemOf = (text: Option.Option<string>, bytes: string | undefined): NewItem | undefined => {
  if (Option.isSome(text)) return bytes === undefined ? { text: text.value } : undefined
  return bytes === undefined ? undefined : { hex: bytes }
}

export const SubmitCommand = Command.make(
  "submit",
  {
    text: Argument.String("text").pipe(Argument.withDescription("A text, as UTF-8"), Argument.optional),
    hex: Flags.optionally(
      Flag.String("hex").pipe(
        Flag.withMetavar("<digits>"),
        Flag.withDescription("Bytes as hex digits, instead of a text"),
        Flag.withSchema(hex)
      )
    )
  },
  Effect.fnUntraced(function* (given) {
    const payload = itemOf(given.text, given.hex)
    if (payload === undefined) return yield* new ItemUnclear()
    const waiting = yield* ask((client) => client.chain.submit({ payload }))
    yield* print(
      waiting,
      ({ waiting }) =>
        `It waits for a block of this node, ${ChainText.counted(waiting, "item")} in all. Make one with: holdfast chain produce`
    )
  })
).pipe(
  Command.withDescription(
    "Have an item wait for the next block that this node makes. It waits in memory: who must not lose it gives it again after a " +
      "restart of the node, unless a block has it."
  ),
  Command.withShortDescription("Have an item wait for a block of this node"),
  Command.withExamples([
    { command: 'holdfast chain submit "hello"' },
    { command: "holdfast chain submit --hex 00ff10" }
  ])
)

export const ProduceCommand = Command.make(
  "produce",
  {},
  Effect.fnUntraced(function* () {
    const made = yield* ask((client) => client.chain.produce())
    yield* print(made, ({ height, id }) => `Made block ${height}: ${id}`)
  })
).pipe(
  Command.withDescription(
    "Make a block now, of the items that wait, whoever's turn it is. In a chain with producers this node must be one of them."
  ),
  Command.withShortDescription("Make a block now"),
  Command.withExamples([{ command: "holdfast chain produce" }])
)
