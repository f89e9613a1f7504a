/**
 * Reads a stored chain from its first block and checks all of it again: headers by the rules, links, bodies, heights, the tip.
 */
import { Effect, Option, Schema, Stream } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { ChainRules } from "../../protocol/chain/ChainRules.ts"
import { HeaderTree, type Linked } from "../../protocol/chain/HeaderTree.ts"
import { BlockStore, type KeptBlock } from "./BlockStore.ts"

/** How far the check is. */
export interface Verified {
  /** Of the last block that was checked. */
  readonly height: number
  /** Of the tip, when the check began. */
  readonly of: number
  /** Blocks whose items were pruned: of those only the headers were checked. */
  readonly pruned: number
}

/** The first block that is not as it must be. Stop the node, and restore its database or let it sync anew. */
export class ChainBroken extends Schema.TaggedError<ChainBroken>()("ChainBroken", {
  height: Schema.Int,
  problem: Schema.String
}) {
  override get message(): string {
    return `the stored chain is broken at height ${this.height}: ${this.problem}`
  }
}

const pageSize = 256
const pageBytes = 8 * 1024 * 1024

interface Options<H extends Linked, Fault> {
  readonly rules: ChainRules<H, Fault>
  readonly objection: (header: H, body: Uint8Array) => string | undefined
}

/** Checks blocks one after the other, from the first. */
class Walk<H extends Linked, Fault> {
  readonly #options: Options<H, Fault>
  readonly #tree: HeaderTree<H>
  height = 0
  pruned = 0

  constructor(options: Options<H, Fault>) {
    const { genesis, prefers, weight } = options.rules
    this.#options = options
    const limits = { depth: options.rules.depth, mostBeside: 0, prefers }
    this.#tree = new HeaderTree({ header: genesis, height: 0, weight: weight(genesis) }, limits)
  }

  /** The last block that was checked. */
  get last() {
    return this.#tree.best
  }

  /** What is wrong with the block that comes next. */
  next({ body, header, height, id }: KeptBlock): string | undefined {
    const { objection, rules } = this.#options
    if (height !== this.height + 1) return `block ${this.height + 1} is missing`
    const decoded = rules.decode(header)
    if (decoded === undefined) return "its header cannot be read"
    if (decoded.id !== id) return `it is stored as ${id}, and is ${decoded.id}`
    const parent = this.#tree.best
    if (decoded.previous !== parent.header.id) return `it follows ${decoded.previous}, and not ${parent.header.id}`
    // It was in time when it was taken.
    const wrong = rules.objection(this.#tree, parent, decoded, Number.MAX_SAFE_INTEGER)
    if (wrong !== undefined) return wrong.detail
    if (body === undefined) this.pruned++
    this.#tree.add(decoded, rules.weight(decoded))
    this.height = height
    return body === undefined ? undefined : objection(decoded, body)
  }
}

export const verify = <H extends Linked, Fault>(
  store: BlockStore["Service"],
  options: Options<H, Fault>
): Stream.Stream<Verified, ChainBroken | SqlError> => {
  const { genesis, name } = options.rules
  const begin = Effect.gen(function* () {
    const [first] = yield* store.ids(name, [0])
    if (first?.id !== genesis.id) {
      return yield* new ChainBroken({ height: 0, problem: `it begins with ${first?.id ?? "nothing"}` })
    }
    const tip = yield* store.tip(name)
    return { walk: new Walk(options), of: tip?.height ?? 0 }
  })
  const page = Effect.fnUntraced(function* (walk: Walk<H, Fault>, of: number) {
    const blocks = yield* store.above(name, walk.height, pageSize, pageBytes)
    const from = walk.last
    let height = walk.height + 1
    let problem = blocks.length === 0 && walk.height < of ? "it is missing" : undefined
    for (const block of blocks) {
      height = walk.height + 1
      problem = walk.next(block)
      if (problem !== undefined) break
    }
    if (problem !== undefined) {
      const [at] = yield* store.ids(name, [from.height])
      if (at?.id === from.header.id) return yield* new ChainBroken({ height, problem })
      // The chain was reorganised meanwhile: what was checked is not on it any more.
      return [{ height: 0, of, pruned: 0 }, false, yield* begin] as const
    }
    const isOver = walk.height >= of
    return [{ height: walk.height, of, pruned: walk.pruned }, isOver, { walk, of }] as const
  })
  return Stream.unwrap(
    Effect.map(begin, ({ of, walk }) =>
      Stream.paginate({ of, walk }, (at) =>
        Effect.map(page(at.walk, at.of), ([verified, isOver, next]) => [
          [verified],
          isOver ? Option.none() : Option.some(next)
        ])
      )
    )
  )
}
