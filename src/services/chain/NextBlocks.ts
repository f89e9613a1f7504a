/**
 * What comes next: the last block that is both applied and on the best chain of headers, and the headers behind it. Where these are not
 * among the newest ones it reads both stores, which may change meanwhile.
 */
import { Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Wanted } from "../../protocol/chain/BlockWindow.ts"
import type { Linked } from "../../protocol/chain/HeaderTree.ts"
import { DeliveryConfig } from "../delivery/DeliveryConfig.ts"
import { persist } from "../delivery/Persist.ts"
import type { Applied, Applying } from "./Applying.ts"
import type { HeaderChain } from "./HeaderChain.ts"
import { HeaderStore } from "./HeaderStore.ts"

export interface NextBlocks<H extends Linked> {
  /** The height of the last block that is both applied and on the best chain. */
  readonly base: number
  readonly wanted: ReadonlyArray<Wanted<H>>
}

/** Reads them, at most so many, waiting for the database as long as that takes. */
export const make = Effect.fnUntraced(function* <H extends Linked, Fault>(
  { behind, rules }: Pick<HeaderChain<H, Fault>, "behind" | "rules">,
  { isApplied }: Pick<Applying<H>, "isApplied">,
  most: number
) {
  const headers = yield* HeaderStore
  const config = yield* DeliveryConfig
  const { name } = rules

  /** The block at a height that is both applied and on the best chain, if it is one. */
  const onChain = (height: number): Effect.Effect<Applied | undefined, SqlError> =>
    Effect.gen(function* () {
      const [id] = yield* headers.ids(name, [height])
      return id !== undefined && (yield* isApplied(height, id)) ? { id, height } : undefined
    }).pipe(persist("blocks of a chain", config))

  /** Both are chains, so halving finds where they part. */
  const lastCommon = Effect.fnUntraced(function* (applied: Applied) {
    const tip = yield* onChain(applied.height)
    if (tip !== undefined) return tip
    let low: Applied = { id: rules.genesis.id, height: 0 }
    for (let high = applied.height; high - low.height > 1;) {
      const middle = (low.height + high) >> 1
      const found = yield* onChain(middle)
      if (found === undefined) high = middle
      else low = found
    }
    return low
  })

  /** Nothing if the best chain has become another one meanwhile: what is read must follow what is applied. */
  return Effect.fnUntraced(function* (applied: Applied) {
    const known = behind(applied.id, most)
    if (known !== undefined) return { base: applied.height, wanted: known }
    const from = yield* lastCommon(applied)
    const [parent, ...next] = yield* headers
      .above(name, from.height - 1, most + 1)
      .pipe(persist("headers of a chain", config))
    if (parent?.id !== from.id) return undefined
    const wanted: Array<Wanted<H>> = []
    for (const { bytes } of next) {
      const header = rules.decode(bytes)
      if (header === undefined) break
      wanted.push({ header, height: from.height + wanted.length + 1 })
    }
    const found: NextBlocks<H> = { base: from.height, wanted }
    return found
  })
})
