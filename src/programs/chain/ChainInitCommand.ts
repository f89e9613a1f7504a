/**
 * `holdfast chain init`: prints the configuration of a new chain. Every node that shall keep it needs the same file.
 */
import { Clock, Console, Effect, FileSystem, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { SecureRandom } from "effect/crypto"
import * as path from "node:path"
import * as IdentityFile from "../../layers/IdentityFile.ts"
import { ChainName } from "../../protocol/chain/ChainClaim.ts"
import { type ChainSettings, mostProducers } from "../../protocol/chain/Genesis.ts"
import { NodeKey } from "../../protocol/NodeKey.ts"
import { Identity } from "../../services/link/Identity.ts"
import { folder, json, Root } from "../cli/Root.ts"
import { dim } from "../cli/Style.ts"
import * as Flags from "../cli/ValueFlags.ts"
import { ExitCode } from "../ExitCode.ts"
import { files } from "../FolderFiles.ts"
import { fromText } from "../SettingValue.ts"

/** Milliseconds between blocks unless another time is given. */
const standardInterval = 5_000

/** `--producer self`, where no node is. */
export class NoIdentity extends Schema.TaggedError<NoIdentity>()("ChainNoIdentity", { folder: Schema.String }) {
  readonly exitCode = ExitCode.folder
  override get message(): string {
    return (
      `There is no node in ${this.folder} whose key could be the producer's. Make one with: holdfast init --data ${this.folder}` +
      ` - or give the key of a node instead of self.`
    )
  }
}

const name = fromText(
  "1 to 64 ASCII characters without spaces, such as orders-2025",
  (text) => Option.getOrUndefined(Schema.decodeUnknownOption(ChainName)(text)),
  (text) => text
)

const producer = fromText<NodeKey | "self">(
  "the key of a node, 64 hex digits, or self",
  (text) => (text === "self" ? text : Option.getOrUndefined(Schema.decodeUnknownOption(NodeKey)(text.toLowerCase()))),
  (text) => text
)

/** The key of the node in the data folder, which is not made if there is none. */
const ownKey = Effect.gen(function* () {
  const data = yield* folder
  const fs = yield* FileSystem.FileSystem
  const file = path.join(data, files.identity)
  if (!(yield* fs.exists(file))) return yield* new NoIdentity({ folder: data })
  const { key } = yield* Effect.provide(Identity, IdentityFile.layer(file))
  return key
}).pipe(Effect.provide(SecureRandom.layerWebCrypto))

const open =
  "Nobody signs the blocks of this chain: whoever reaches one of its nodes can extend it. Name producers to prevent that."

export const ChainInitCommand = Command.make(
  "init",
  {
    id: Flag.String("id").pipe(
      Flag.withMetavar("<name>"),
      Flag.withDescription("The name of the chain, 1 to 64 characters"),
      Flag.withSchema(name)
    ),
    producers: Flag.String("producer").pipe(
      Flag.withMetavar("<key|self>"),
      Flag.withDescription(
        "A node that makes and signs blocks, in its turn; self: the node of the data folder; may be given several times"
      ),
      Flag.withSchema(producer),
      Flag.between(0, mostProducers)
    ),
    interval: Flag.withDefault(
      Flags.duration("interval", "From one block to the next (default 5s)", 1),
      standardInterval
    )
  },
  Effect.fnUntraced(function* ({ id, interval, producers: given }) {
    const root = yield* Root
    const own = given.includes("self") ? [yield* ownKey] : []
    const producers = [...new Set(given.flatMap((key) => (key === "self" ? own : [key])))]
    const settings: ChainSettings = {
      id,
      time: yield* Clock.currentTimeMillis,
      ...(producers.length === 0 ? {} : { producers }),
      intervalMillis: Math.max(1, Math.round(interval))
    }
    yield* Console.log(root.json ? json(settings) : JSON.stringify(settings, undefined, 2))
    if (producers.length === 0 && !root.json) yield* Console.error(dim(open))
  })
).pipe(
  Command.withDescription(
    "Print the configuration of a new chain, which begins now. Give the same file to every node that shall keep it: those whose files " +
      "differ in id, time, producers or size of blocks keep different chains and do not mix."
  ),
  Command.withShortDescription("Print the configuration of a new chain"),
  Command.withExamples([
    { command: "holdfast chain init --id orders --producer self > chain.json" },
    { command: "holdfast start --chain chain.json --produce", description: "Keep it, and make its blocks" }
  ])
)
