/** Where a node of the chain tests keeps what it has. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer, References } from "effect"
import { SecureRandom } from "effect/crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import * as IdentityFile from "../../../src/layers/IdentityFile.ts"
import { files } from "../../../src/programs/FolderFiles.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { Identity } from "../../../src/services/link/Identity.ts"

export interface Place {
  /** The data folder. */
  readonly data: string
  /** The database embedded there unless the URL of one is given. */
  readonly database?: string | undefined
}

/** Of the node whose data folder this is, made if there is none. */
export const identity = (data: string) =>
  Layer.suspend(() => {
    fs.mkdirSync(data, { recursive: true, mode: 0o700 })
    return IdentityFile.layer(path.join(data, files.identity))
  }).pipe(Layer.provide(Layer.merge(NodeServices.layer, SecureRandom.layerWebCrypto)))

/** The key of that node. */
export const keyOf = (data: string): Promise<NodeKey> =>
  Identity.use(({ key }) => Effect.succeed(key)).pipe(
    Effect.provide(identity(data)),
    Effect.provideService(References.MinimumLogLevel, "Warn"),
    Effect.runPromise
  )
