/**
 * Takes the nodes over that another program knew, from its file (`PeerFile`), into the store of a network. All of the file or, where
 * an entry of it is wrong, nothing. To import a file again changes nothing.
 *
 * What this node has found out itself stays: a ban always, everything else unless the file knows of a newer change. A node that is
 * banned in the file is not dialled; to keep its host out as well is the operator's decision.
 */
import { Clock, Effect, FileSystem, type PlatformError } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Network } from "../../protocol/bitcoin/Network.ts"
import * as PeerFile from "../../protocol/bitcoin/PeerFile.ts"
import { type KnownPeer, PeerStore } from "./PeerStore.ts"

export interface Imported {
  /** Nodes that nobody knew. */
  readonly fresh: number
  /** Nodes that were known, and of which the file knew more. */
  readonly changed: number
  /** Nodes that were known, and stay as they are. */
  readonly left: number
}

/** Whether what the file says is worth more than what is known. */
const isNews = (entry: PeerFile.Entry, known: KnownPeer): boolean =>
  known.status !== "Banned" && known.status !== entry.status && known.since < entry.since

const take = Effect.fnUntraced(function* (network: string, entries: ReadonlyArray<PeerFile.Entry>) {
  const store = yield* PeerStore
  const now = yield* Clock.currentTimeMillis
  let fresh = 0
  let changed = 0
  for (const entry of entries) {
    if (entry.status === "Unknown") continue
    const known = yield* store.find(network, entry.endpoint)
    // Another clock may have been ahead of this one.
    const peer: KnownPeer = { ...entry, since: Math.min(entry.since, now) }
    if (known !== undefined && !isNews(peer, known)) continue
    yield* store.mark(network, peer)
    if (known === undefined) fresh++
    else changed++
  }
  // Last, because it makes room where there are too many.
  const heardOf = entries.filter(({ status }) => status === "Unknown").map(({ endpoint }) => endpoint)
  fresh += yield* store.learn(network, heardOf, now)
  return { fresh, changed, left: entries.length - fresh - changed } satisfies Imported
})

/** The text of such a file. */
export const fromText: (
  network: Network,
  text: string
) => Effect.Effect<Imported, PeerFile.PeerFileInvalid | SqlError, PeerStore> = Effect.fn("PeerImport.fromText")(
  function* ({ name }, text) {
    return yield* take(name, yield* Effect.fromResult(PeerFile.decode(text)))
  }
)

/** The file itself, which is not read where it is too long. */
export const fromFile: (
  network: Network,
  path: string
) => Effect.Effect<
  Imported,
  PeerFile.PeerFileInvalid | PlatformError.PlatformError | SqlError,
  PeerStore | FileSystem.FileSystem
> = Effect.fn("PeerImport.fromFile")(function* (network, path) {
  const files = yield* FileSystem.FileSystem
  const { size } = yield* files.stat(path)
  if (size > BigInt(PeerFile.mostBytes)) return yield* Effect.fail(PeerFile.tooLong)
  return yield* fromText(network, yield* files.readFileString(path))
})
