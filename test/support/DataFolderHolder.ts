/**
 * A program that takes a data folder and says how that went, for tests of the lock between processes.
 *
 * Usage: `DataFolderHolder.ts <folder>`. Sends its parent `ready`, waits for a message, tries, and sends the outcome:
 * `held`, or the error's tag and process id. It keeps the folder until it is killed or its parent goes away.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import { Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import * as DataFolder from "../../src/layers/DataFolder.ts"

/** What the parent is told. */
export interface Outcome {
  readonly tag: "held" | "DataFolderLocked" | "DataFolderNotWritable"
  readonly pid?: number | undefined
}

const say = (message: "ready" | Outcome): void => {
  process.send?.(message)
}

const hold = Layer.build(DataFolder.layer(process.argv[2] ?? "")).pipe(
  Effect.matchEffect({
    onFailure: (error) => Effect.sync(() => say({ tag: error._tag, ...("pid" in error ? { pid: error.pid } : {}) })),
    onSuccess: () =>
      Effect.andThen(
        Effect.sync(() => say({ tag: "held" })),
        Effect.never
      )
  }),
  Effect.scoped,
  Effect.provide([NodeFileSystem.layer, NodePath.layer, SecureRandom.layerWebCrypto])
)

process.on("disconnect", () => process.exit(0))
process.once("message", () => void Effect.runPromise(hold))
say("ready")
