/**
 * The peer book in a `MemoryDatabase`: for tests and simulations, rule for rule what the SQL book does.
 */
import { Effect, Layer, Result } from "effect"
import type { NodeKey } from "../protocol/NodeKey.ts"
import { Alternatives } from "../services/link/Alternatives.ts"
import { type BookEntry, PeerBook, type Source, sources, StrangersKept } from "../services/link/PeerBook.ts"
import { MemoryDatabase, MemorySlot } from "./MemoryDatabase.ts"
import { MemoryTable } from "./MemoryTable.ts"
import { rowsIn } from "./retry/MemoryRows.ts"

export const bookIn = new MemorySlot((log) => new MemoryTable<NodeKey, BookEntry>(log))

const blank = (peer: NodeKey): BookEntry => ({
  peer,
  endpoint: undefined,
  source: undefined,
  wanted: false,
  lastConnectedAt: undefined
})

const atLeastAsGood = (source: Source, known: Source | undefined): boolean =>
  known === undefined || sources.indexOf(source) <= sources.indexOf(known)

export const layer: Layer.Layer<PeerBook, never, MemoryDatabase> = Layer.effect(
  PeerBook,
  Effect.gen(function* () {
    const database = yield* MemoryDatabase
    const kept = yield* StrangersKept
    const book = bookIn.of(database)
    const owed = rowsIn.of(database)
    const alternatives = new Alternatives()
    const forget = (unless: NodeKey) => {
      const strangers = [...book].filter((entry) => !entry.wanted)
      const idle = strangers.filter(({ peer }) => peer !== unless && owed.of(peer).outbox.size === 0)
      idle.sort((a, b) => (a.lastConnectedAt ?? -1) - (b.lastConnectedAt ?? -1))
      for (const { peer } of idle.slice(0, Math.max(0, strangers.length - kept))) book.delete(peer)
    }
    const change = (peer: NodeKey, f: (entry: BookEntry) => BookEntry) =>
      database.attempt(() => {
        const known = book.get(peer)
        book.set(peer, f(known ?? blank(peer)))
        if (known === undefined) forget(peer)
        return Result.succeed(undefined)
      })
    return PeerBook.of({
      find: (peer) =>
        database.attempt(() => {
          const entry = book.get(peer)
          return Result.succeed(entry && { ...entry, ...alternatives.of(peer, entry.endpoint) })
        }),
      list: (limit) => database.attempt(() => Result.succeed([...book].slice(0, limit))),
      wanted: (limit) =>
        database.attempt(() => Result.succeed([...book].filter((entry) => entry.wanted).slice(0, limit))),
      want: (peer, endpoint) =>
        change(peer, (entry) => ({
          ...entry,
          wanted: true,
          ...(endpoint === undefined ? {} : { endpoint, source: "configured" as const })
        })),
      unwant: (peer) =>
        database.attempt(() => {
          const entry = book.get(peer)
          if (entry !== undefined) book.set(peer, { ...entry, wanted: false })
          return Result.succeed(undefined)
        }),
      learn: (peer, endpoint, source) =>
        change(peer, (entry) => {
          const taken = atLeastAsGood(source, entry.source)
          if (taken) alternatives.forget(peer)
          else alternatives.note(peer, endpoint)
          return taken ? { ...entry, endpoint, source } : entry
        }),
      connected: (peer, now) => change(peer, (entry) => ({ ...entry, lastConnectedAt: now }))
    })
  })
)
