/**
 * Bans in a `MemoryDatabase`: for tests and simulations, rule for rule what the SQL store does.
 */
import { Effect, Layer, Result } from "effect"
import type { Ban, Subject } from "../protocol/link/Ban.ts"
import { BanStore } from "../services/link/BanStore.ts"
import { MemoryDatabase, MemorySlot } from "./MemoryDatabase.ts"
import { MemoryTable } from "./MemoryTable.ts"

const bansIn = new MemorySlot((log) => new MemoryTable<Subject, Ban>(log))

const end = ({ until }: Ban): number => until ?? Infinity
const compare = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0)
const byImportance = (a: Ban, b: Ban): number =>
  compare(a.by === "rule" ? 1 : 0, b.by === "rule" ? 1 : 0) || compare(end(b), end(a))

export const layer: Layer.Layer<BanStore, never, MemoryDatabase> = Layer.effect(
  BanStore,
  Effect.gen(function* () {
    const database = yield* MemoryDatabase
    const bans = bansIn.of(database)
    return BanStore.of({
      all: (limit) => database.attempt(() => Result.succeed([...bans].toSorted(byImportance).slice(0, limit))),
      put: (some) =>
        database.attempt(() => {
          for (const ban of some) bans.set(ban.subject, ban)
          return Result.succeed(undefined)
        }),
      remove: (subjects) =>
        database.attempt(() => {
          for (const subject of subjects) bans.delete(subject)
          return Result.succeed(undefined)
        })
    })
  })
)
