/**
 * Takes a peer file of the Rust crate `bitcoinsv` over into a data folder, without any connection.
 */
import { Effect, Schema } from "effect"
import type { Network } from "../../protocol/bitcoin/Network.ts"
import { fromFile, type Imported } from "../../services/bitcoin/PeerImport.ts"

/** The file is not there, or may not be read. */
export class PeerFileUnreadable extends Schema.TaggedError<PeerFileUnreadable>()("BitcoinPeerFileUnreadable", {
  path: Schema.String,
  cause: Schema.optional(Schema.Defect())
}) {
  readonly fix = "Give --import the path of a peer file."
  override get message(): string {
    return `${this.path} cannot be read: ${this.cause instanceof Error ? this.cause.message : "for an unknown reason"}`
  }
}

/** `--import` without a folder, or with what it does not go with. */
export class ImportOnly extends Schema.TaggedError<ImportOnly>()("BitcoinImportOnly", { problem: Schema.String }) {
  override get message(): string {
    return `--import takes a peer file over into a folder: ${this.problem}`
  }
}

export const run = (network: Network, path: string) =>
  fromFile(network, path).pipe(
    Effect.catchTag("PlatformError", (cause) => Effect.fail(new PeerFileUnreadable({ path, cause })))
  )

export const text = ({ changed, fresh, left }: Imported): string =>
  `Imported: ${fresh} new, ${changed} changed, ${left} left as they were`
