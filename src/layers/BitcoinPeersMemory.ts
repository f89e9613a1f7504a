/**
 * Known Bitcoin nodes in a `MemoryDatabase`: for tests and simulations, rule for rule what the SQL store does.
 */
import { Effect, Layer, Result } from "effect"
import type { Endpoint } from "../protocol/Address.ts"
import { type KnownPeer, PeersKept, PeerStore, type Status } from "../services/bitcoin/PeerStore.ts"
import { MemoryDatabase, MemorySlot } from "./MemoryDatabase.ts"
import { MemoryTable } from "./MemoryTable.ts"

interface Row {
  readonly network: string
  readonly peer: KnownPeer
}

const rowsIn = new MemorySlot((log) => new MemoryTable<string, Row>(log))

/** In the order of host and port, within a network. */
const keyOf = (network: string, { host, port }: Endpoint): string =>
  `${network} ${host} ${String(port).padStart(5, "0")}`

const newest = (a: KnownPeer, b: KnownPeer): number => b.since - a.since
const oldest = (a: KnownPeer, b: KnownPeer): number => a.since - b.since
/** Who goes first where there are too many. */
const goes = (a: KnownPeer, b: KnownPeer): number => a.status.localeCompare(b.status, "en") || oldest(a, b)

export const layer: Layer.Layer<PeerStore, never, MemoryDatabase> = Layer.effect(
  PeerStore,
  Effect.gen(function* () {
    const database = yield* MemoryDatabase
    const rows = rowsIn.of(database)
    const kept = yield* PeersKept

    const of = (network: string, status?: Status): ReadonlyArray<KnownPeer> =>
      [...rows].flatMap((row) =>
        row.network === network && (status === undefined || row.peer.status === status) ? [row.peer] : []
      )

    const put = (network: string, peer: KnownPeer): void => rows.set(keyOf(network, peer.endpoint), { network, peer })

    const crowdOut = (network: string): void => {
      const all = of(network)
      const weak = all.filter(({ status }) => status === "Inaccessible" || status === "Unknown").toSorted(goes)
      for (const { endpoint } of weak.slice(0, Math.max(0, all.length - kept))) rows.delete(keyOf(network, endpoint))
    }

    return PeerStore.of({
      find: (network, endpoint) => database.attempt(() => Result.succeed(rows.get(keyOf(network, endpoint))?.peer)),
      list: (network, { limit, status }) =>
        database.attempt(() => Result.succeed(of(network, status).toSorted(newest).slice(0, limit))),
      count: (network) =>
        database.attempt(() => {
          const counts = { Valid: 0, Unknown: 0, Inaccessible: 0, Banned: 0 }
          for (const { status } of of(network)) counts[status]++
          return Result.succeed(counts)
        }),
      candidates: (network, limit) =>
        database.attempt(() => {
          const all = [...of(network, "Valid").toSorted(newest), ...of(network, "Unknown").toSorted(oldest)]
          return Result.succeed(all.slice(0, limit).map(({ endpoint }) => endpoint))
        }),
      learn: (network, endpoints, now) =>
        database.attempt(() => {
          let fresh = 0
          for (const endpoint of endpoints) {
            if (rows.get(keyOf(network, endpoint)) !== undefined) continue
            put(network, { endpoint, status: "Unknown", since: now })
            fresh++
          }
          if (fresh > 0) crowdOut(network)
          return Result.succeed(fresh)
        }),
      mark: (network, peer) => database.attempt(() => Result.succeed(put(network, peer))),
      forget: (network, endpoint) => database.attempt(() => Result.succeed(rows.delete(keyOf(network, endpoint))))
    })
  })
)
