/**
 * The chain of a node as the API shows it, or that there is none.
 */
import { Effect, Option, Result } from "effect"
import { Hex } from "effect/encoding"
import { Chain } from "../../services/chain/Chain.ts"
import { NotFound, Refused } from "./ApiErrors.ts"
import { blockView, type BlockPage, type NewItem } from "./ChainModels.ts"
import { reachable } from "./Reachable.ts"

/** Blocks that a request shows which does not say how many. */
const standardLimit = 20

const utf8 = new TextEncoder()

const noChain = new NotFound({
  message: "this node keeps no chain",
  fix: "Start it with --chain <file>; holdfast chain init makes such a file."
})

const bytesOf = (item: NewItem): Uint8Array =>
  "text" in item ? utf8.encode(item.text) : Result.getOrThrow(Hex.decode(item.hex))

/** The chain, for as long as the node lives: to be asked for anew by each request. */
export const make = Effect.gen(function* () {
  const chain = Option.getOrUndefined(yield* Effect.serviceOption(Chain))
  const kept = Effect.suspend(() => (chain === undefined ? Effect.fail(noChain) : Effect.succeed(chain)))

  return {
    kept,

    status: Effect.map(kept, (chain) => chain.status()),

    blocks: Effect.fn("Api.blocks")(function* (query: {
      readonly above?: number | undefined
      readonly limit?: number | undefined
    }) {
      const chain = yield* kept
      const { height } = chain.tip()
      const { limit = standardLimit } = query
      const above = query.above ?? Math.max(-1, height - limit)
      const items = (yield* reachable(chain.blocks(above, limit))).map(blockView)
      const last = items.at(-1)
      const page: BlockPage = last === undefined || last.height >= height ? { items } : { items, next: last.height }
      return page
    }),

    submit: Effect.fn("Api.submit")(function* (item: NewItem) {
      const chain = yield* kept
      yield* Effect.catchTag(chain.submit(bytesOf(item)), "ChainItemRefused", ({ message }) =>
        Effect.fail(new Refused({ message, fix: "Give a smaller one, or wait for the next block." }))
      )
      return { waiting: chain.status().waiting }
    }),

    produce: Effect.gen(function* () {
      const chain = yield* kept
      return yield* chain.produce.pipe(
        Effect.catchTag("ChainNotProduced", ({ message }) =>
          Effect.fail(new Refused({ message, fix: "See how the chain stands with: holdfast chain status" }))
        ),
        reachable
      )
    }).pipe(Effect.withSpan("Api.produce"))
  }
})
