/**
 * `holdfast init`: makes a data folder with its identity and the secret of its users' keys, and a configuration file from the settings that are given.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, FileSystem, Layer, Schema } from "effect"
import { Command } from "effect/cli"
import { SecureRandom } from "effect/crypto"
import * as path from "node:path"
import { DataFolder, layer as dataFolder } from "../../layers/DataFolder.ts"
import * as IdentityFile from "../../layers/IdentityFile.ts"
import * as KeyringFile from "../../layers/KeyringFile.ts"
import { Identity } from "../../services/link/Identity.ts"
import * as Config from "../Config.ts"
import { files } from "../FolderFiles.ts"
import * as Logging from "../Logging.ts"
import { type Key, keys } from "../Settings.ts"
import { folder, print } from "./Root.ts"
import { settingFlags } from "./SettingFlags.ts"
import { list } from "./Table.ts"

/** There is a configuration already, which is not overwritten. */
export class ConfigExists extends Schema.TaggedError<ConfigExists>()("ConfigExists", { path: Schema.String }) {
  override get message(): string {
    return `${this.path} exists already. Change it with an editor, or give the settings to holdfast start.`
  }
}

/** A path that means the same wherever the node is started later. */
const lasting = (key: Key, value: Config.Raw): Config.Raw =>
  key === "chain" && typeof value === "string" ? path.resolve(value) : value

const chosen = (flags: Config.Sources["flags"]): Readonly<Record<string, Config.Raw>> =>
  Object.fromEntries(
    keys.flatMap((key) => {
      const value = flags[key]
      return value === undefined ? [] : [[key, lasting(key, value)]]
    })
  )

export const InitCommand = Command.make(
  "init",
  { flags: settingFlags },
  Effect.fnUntraced(function* ({ flags }) {
    const data = yield* folder
    const { credit } = yield* Config.load({ flags, data, env: {} })
    const given = chosen(flags)
    const make = Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const at = yield* DataFolder
      const { key } = yield* Identity
      yield* at.token(files.token)
      if (credit) yield* Effect.scoped(Layer.build(KeyringFile.layer(at.file(files.keyring))))
      const config = at.file(files.config)
      if (Object.keys(given).length > 0) {
        if (yield* fs.exists(config)) return yield* new ConfigExists({ path: config })
        yield* fs.writeFileString(config, `${JSON.stringify(given, undefined, 2)}\n`, { mode: 0o600 })
      }
      return { node: key, data: at.path, config: (yield* fs.exists(config)) ? config : null }
    })
    const made = yield* make.pipe(
      Effect.provide(
        Layer.unwrap(Effect.map(DataFolder, (at) => IdentityFile.layer(at.file(files.identity)))).pipe(
          Layer.provideMerge(dataFolder(data)),
          Layer.provideMerge(Layer.mergeAll(NodeServices.layer, SecureRandom.layerWebCrypto, Logging.quiet))
        )
      )
    )
    yield* print(made, ({ config, data, node }) =>
      list([
        ["Node", node],
        ["Data", data],
        ["Settings", config ?? "the defaults"],
        ["Next", `holdfast start --data ${data}`]
      ])
    )
  })
).pipe(
  Command.withDescription(
    "Make a data folder with a new identity, and its configuration from the settings that are given"
  ),
  Command.withShortDescription("Make a data folder with a new identity"),
  Command.withExamples([
    { command: "holdfast init" },
    { command: "holdfast init --data /var/lib/holdfast --listen 0.0.0.0:4001 --heartbeat relaxed" }
  ])
)
