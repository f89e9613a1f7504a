/**
 * Blocks of chains in a `MemoryDatabase`: for tests and simulations, rule for rule what the SQL store does.
 */
import { Effect, Layer, Result } from "effect"
import { BlockStore, type KeptBlock, misfit, type StoredBlock } from "../services/chain/BlockStore.ts"
import { MemoryDatabase, MemorySlot } from "./MemoryDatabase.ts"
import { MemoryTable } from "./MemoryTable.ts"

interface Tip {
  readonly id: string
  readonly height: number
  /** The lowest height whose body was not pruned. */
  readonly bodiesFrom: number
}

/** The rows of a database: chains by their names, and within one by height and by id. */
export const blocksIn = new MemorySlot((log) => ({
  byHeight: new MemoryTable<string, KeptBlock>(log),
  heights: new MemoryTable<string, number>(log),
  tips: new MemoryTable<string, Tip>(log)
}))

type Tables = ReturnType<(typeof blocksIn)["of"]>

/** The key of the block at a height of a chain. */
export const at = (chain: string, height: number): string => `${chain} ${String(height).padStart(10, "0")}`
const named = (chain: string, id: string): string => `${chain} ${id}`

/** Bytes of the caller's may change, or be part of something larger. */
const rowOf = ({ body, header, height, id }: StoredBlock): KeptBlock => ({
  id,
  height,
  header: new Uint8Array(header),
  body: new Uint8Array(body)
})

/** Whether one more body of a size may come to those of so many bytes: the first one may always. */
const fits = (bytes: number, size: number, mostBytes: number, isFirst: boolean): boolean =>
  isFirst || bytes + size <= mostBytes

const replace = (
  { byHeight, heights, tips }: Tables,
  chain: string,
  tip: string | undefined,
  above: number,
  blocks: ReadonlyArray<StoredBlock>
): boolean => {
  const last = tips.get(chain)
  if (last?.id !== tip) return last !== undefined && last.id === blocks.at(-1)?.id
  const problem = misfit(last?.height ?? -1, above, blocks)
  if (problem !== undefined) throw new Error(problem)
  for (let height = above + 1; height <= (last?.height ?? -1); height++) {
    const id = byHeight.get(at(chain, height))?.id
    byHeight.delete(at(chain, height))
    if (id !== undefined) heights.delete(named(chain, id))
  }
  for (const block of blocks) {
    byHeight.set(at(chain, block.height), rowOf(block))
    heights.set(named(chain, block.id), block.height)
  }
  const now = blocks.at(-1) ?? byHeight.get(at(chain, above))
  if (now === undefined) tips.delete(chain)
  else {
    const bodiesFrom = Math.min(last?.bodiesFrom ?? 0, above + 1)
    tips.set(chain, { id: now.id, height: now.height, bodiesFrom })
  }
  return true
}

const blocksAbove = (
  { byHeight }: Tables,
  chain: string,
  height: number,
  limit: number,
  mostBytes: number
): ReadonlyArray<KeptBlock> => {
  const out: Array<KeptBlock> = []
  let bytes = 0
  for (let next = Math.max(0, height + 1); out.length < limit; next++) {
    const row = byHeight.get(at(chain, next))
    const size = row?.body?.length ?? 0
    if (row === undefined || !fits(bytes, size, mostBytes, out.length === 0)) break
    bytes += size
    out.push(row)
  }
  return out
}

const bodiesOf = (
  { byHeight, heights }: Tables,
  chain: string,
  ids: ReadonlyArray<string>,
  mostBytes: number
): ReadonlyArray<Uint8Array | undefined> => {
  const out: Array<Uint8Array | undefined> = []
  let bytes = 0
  let found = 0
  for (const id of ids) {
    const body = byHeight.get(at(chain, heights.get(named(chain, id)) ?? -1))?.body
    if (body !== undefined && !fits(bytes, body.length, mostBytes, found === 0)) break
    if (body !== undefined) found++
    bytes += body?.length ?? 0
    out.push(body)
  }
  return out
}

const prune = ({ byHeight, tips }: Tables, chain: string, below: number, limit: number): number => {
  const tip = tips.get(chain)
  if (tip === undefined) return 0
  const end = Math.min(below, tip.height + 1, tip.bodiesFrom + limit)
  if (end <= tip.bodiesFrom) return 0
  for (let height = tip.bodiesFrom; height < end; height++) {
    const row = byHeight.get(at(chain, height))
    if (row !== undefined) byHeight.set(at(chain, height), { ...row, body: undefined })
  }
  tips.set(chain, { ...tip, bodiesFrom: end })
  return end - tip.bodiesFrom
}

export const layer: Layer.Layer<BlockStore, never, MemoryDatabase> = Layer.effect(
  BlockStore,
  Effect.gen(function* () {
    const database = yield* MemoryDatabase
    const tables = blocksIn.of(database)
    const attempt = <A>(body: () => A) => database.attempt(() => Result.succeed(body()))

    return BlockStore.of({
      tip: (chain) =>
        attempt(() => {
          const tip = tables.tips.get(chain)
          return tip === undefined ? undefined : { id: tip.id, height: tip.height }
        }),
      replace: (chain, tip, above, blocks) => attempt(() => replace(tables, chain, tip, above, blocks)),
      above: (chain, height, limit, mostBytes) => attempt(() => blocksAbove(tables, chain, height, limit, mostBytes)),
      bodies: (chain, ids, mostBytes) => attempt(() => bodiesOf(tables, chain, ids, mostBytes)),
      ids: (chain, heights) =>
        attempt(() =>
          [...new Set(heights)]
            .sort((a, b) => b - a)
            .flatMap((height) => tables.byHeight.get(at(chain, height)) ?? [])
            .map(({ height, id }) => ({ height, id }))
        ),
      prune: (chain, below, limit) => attempt(() => prune(tables, chain, below, limit))
    })
  })
)
