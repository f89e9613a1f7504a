/**
 * Headers of chains in a `MemoryDatabase`: for tests and simulations, rule for rule what the SQL store does.
 */
import { Effect, Layer, Result } from "effect"
import { HeaderStore, type StoredHeader } from "../services/chain/HeaderStore.ts"
import { MemoryDatabase, MemorySlot } from "./MemoryDatabase.ts"
import { MemoryTable } from "./MemoryTable.ts"

const slot = new MemorySlot((log) => ({
  byHeight: new MemoryTable<string, StoredHeader>(log),
  heights: new MemoryTable<string, number>(log),
  tips: new MemoryTable<string, number>(log)
}))

/** In the order of heights, within a chain. */
const at = (chain: string, height: number): string => `${chain} ${String(height).padStart(10, "0")}`
const named = (chain: string, id: string): string => `${chain} ${id}`

export const layer: Layer.Layer<HeaderStore, never, MemoryDatabase> = Layer.effect(
  HeaderStore,
  Effect.gen(function* () {
    const database = yield* MemoryDatabase
    const { byHeight, heights, tips } = slot.of(database)

    const range = (chain: string, from: number, limit: number): ReadonlyArray<StoredHeader> => {
      const last = Math.min(tips.get(chain) ?? -1, from + limit - 1)
      const out: Array<StoredHeader> = []
      for (let height = Math.max(0, from); height <= last; height++) {
        const row = byHeight.get(at(chain, height))
        if (row !== undefined) out.push(row)
      }
      return out
    }

    const lastOf = (chain: string): string | undefined => byHeight.get(at(chain, tips.get(chain) ?? -1))?.id

    const replace: HeaderStore["Service"]["replace"] = (chain, tip, above, headers) =>
      database.attempt(() => {
        const last = lastOf(chain)
        if (last !== tip) return Result.succeed(last === headers.at(-1)?.id)
        put(chain, above, headers)
        return Result.succeed(true)
      })

    const put = (chain: string, above: number, headers: ReadonlyArray<StoredHeader>): void => {
      for (const { height, id } of range(chain, above + 1, Number.POSITIVE_INFINITY)) {
        byHeight.delete(at(chain, height))
        heights.delete(named(chain, id))
      }
      for (const header of headers) {
        byHeight.set(at(chain, header.height), header)
        heights.set(named(chain, header.id), header.height)
      }
      tips.set(chain, above + headers.length)
    }

    return HeaderStore.of({
      tail: (chain, limit) =>
        database.attempt(() => {
          const tip = tips.get(chain) ?? -1
          return Result.succeed(range(chain, tip - limit + 1, limit))
        }),
      highest: (chain, ids) =>
        database.attempt(() => {
          const found = ids.flatMap((id) => heights.get(named(chain, id)) ?? [])
          return Result.succeed(found.length === 0 ? undefined : Math.max(...found))
        }),
      above: (chain, height, limit) => database.attempt(() => Result.succeed(range(chain, height + 1, limit))),
      ids: (chain, wanted) =>
        database.attempt(() => {
          const found = wanted.toSorted((a, b) => b - a).flatMap((height) => byHeight.get(at(chain, height)) ?? [])
          return Result.succeed(found.map(({ id }) => id))
        }),
      replace
    })
  })
)
