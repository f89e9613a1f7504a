/**
 * Headers of Bitcoin networks in a `MemoryDatabase`: for tests and simulations, rule for rule what the SQL store does.
 */
import { Effect, Layer, Result } from "effect"
import type { BlockHeader } from "../protocol/bitcoin/BlockHeader.ts"
import type { Placed } from "../protocol/chain/HeaderTree.ts"
import { HeaderStore } from "../services/bitcoin/HeaderStore.ts"
import { MemoryDatabase, MemorySlot } from "./MemoryDatabase.ts"
import { MemoryTable } from "./MemoryTable.ts"

interface Row extends Placed<BlockHeader> {
  readonly network: string
}

const slot = new MemorySlot((log) => ({
  byHeight: new MemoryTable<string, Row>(log),
  heights: new MemoryTable<string, number>(log),
  tips: new MemoryTable<string, number>(log)
}))

/** In the order of heights, within a network. */
const at = (network: string, height: number): string => `${network} ${String(height).padStart(10, "0")}`
const named = (network: string, id: string): string => `${network} ${id}`

export const layer: Layer.Layer<HeaderStore, never, MemoryDatabase> = Layer.effect(
  HeaderStore,
  Effect.gen(function* () {
    const database = yield* MemoryDatabase
    const { byHeight, heights, tips } = slot.of(database)

    const range = (network: string, from: number, limit: number): ReadonlyArray<Row> => {
      const last = Math.min(tips.get(network) ?? -1, from + limit - 1)
      const out: Array<Row> = []
      for (let height = Math.max(0, from); height <= last; height++) {
        const row = byHeight.get(at(network, height))
        if (row !== undefined) out.push(row)
      }
      return out
    }

    const lastOf = (network: string): string | undefined =>
      byHeight.get(at(network, tips.get(network) ?? -1))?.header.id

    const replace: HeaderStore["Service"]["replace"] = (network, tip, above, placed) =>
      database.attempt(() => {
        const last = lastOf(network)
        if (last !== tip) return Result.succeed(last === placed.at(-1)?.header.id)
        put(network, above, placed)
        return Result.succeed(true)
      })

    const put = (network: string, above: number, placed: ReadonlyArray<Placed<BlockHeader>>): void => {
      for (const { header, height } of range(network, above + 1, Number.POSITIVE_INFINITY)) {
        byHeight.delete(at(network, height))
        heights.delete(named(network, header.id))
      }
      for (const { header, height, weight } of placed) {
        byHeight.set(at(network, height), { network, header, height, weight })
        heights.set(named(network, header.id), height)
      }
      tips.set(network, above + placed.length)
    }

    return HeaderStore.of({
      tail: (network, limit) =>
        database.attempt(() => {
          const tip = tips.get(network) ?? -1
          const rows = range(network, tip - limit + 1, limit)
          return Result.succeed(rows.map(({ header, height, weight }) => ({ header, height, weight })))
        }),
      highest: (network, ids) =>
        database.attempt(() => {
          const found = ids.flatMap((id) => heights.get(named(network, id)) ?? [])
          return Result.succeed(found.length === 0 ? undefined : Math.max(...found))
        }),
      above: (network, height, limit) =>
        database.attempt(() => Result.succeed(range(network, height + 1, limit).map(({ header }) => header))),
      ids: (network, wanted) =>
        database.attempt(() => {
          const found = wanted.toSorted((a, b) => b - a).flatMap((height) => byHeight.get(at(network, height)) ?? [])
          return Result.succeed(found.map(({ header }) => header.id))
        }),
      replace
    })
  })
)
