/**
 * What changes the headers of a chain: those that peers give are put in memory and then written, those of this node's own are written
 * with what belongs to them. `HeaderChain` sees to it that there is one at a time.
 */
import { Clock, Effect, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { ChainRules, Objection } from "../../protocol/chain/ChainRules.ts"
import { HeaderTree, type Linked, type Node, type Placed } from "../../protocol/chain/HeaderTree.ts"
import { DeliveryConfig } from "../delivery/DeliveryConfig.ts"
import { persist } from "../delivery/Persist.ts"
import { Transactions } from "../Transactions.ts"
import { HeaderStore, type StoredHeader } from "./HeaderStore.ts"

/** The store has headers of another chain under this name. */
export class ChainMismatch extends Schema.TaggedError<ChainMismatch>()("ChainMismatch", {
  chain: Schema.String,
  stored: Schema.String,
  genesis: Schema.String
}) {
  override get message(): string {
    const { chain, genesis, stored } = this
    return `the database has headers of ${chain} that begin with ${stored}, and ${chain} begins with ${genesis}: use another database`
  }
}

/** A header of this node's own may not come where it should. */
export class HeaderRefused extends Schema.TaggedError<HeaderRefused>()("HeaderRefused", {
  id: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `the header ${this.id} is not taken: ${this.detail}`
  }
}

/** A header of this node's own does not follow the best one, which another process may have changed. */
export class ChainMoved extends Schema.TaggedError<ChainMoved>()("ChainMoved", {
  id: Schema.String,
  previous: Schema.String,
  best: Schema.String
}) {
  override get message(): string {
    return `the header ${this.id} follows ${this.previous}, and the best one known was ${this.best}`
  }
}

/** What has come of headers that were given. */
export interface Taken<H extends Linked, Fault> {
  /** Whether some were not known. */
  readonly isNews: boolean
  /** The place of the last one that was taken. */
  readonly last: Node<H>
  /** What is wrong with the one after it. */
  readonly objection: Objection<Fault> | undefined
}

/** The best chain has changed; nothing has joined it where another process has changed it. */
export interface Change<H extends Linked> {
  readonly tip: Node<H>
  /** The greatest height at which both have the same header, as far as is known. */
  readonly fork: number
  /** Headers that are not on it any more. */
  readonly left: number
  /** Those that are now, in their order. */
  readonly joined: ReadonlyArray<Node<H>>
}

/** What only who has the chain alone may do. */
export interface Turn<H extends Linked, Fault> {
  /**
   * Takes headers that follow each other, the first of them one that is known, until one may not come there. Lets other fibers run
   * between every `atOnce` of them.
   */
  readonly take: (headers: ReadonlyArray<H>, from: Node<H>) => Effect.Effect<Taken<H, Fault>>
  /** Writes the best chain, waiting for the database as long as that takes; how it has changed. */
  readonly save: Effect.Effect<Change<H> | undefined, ChainMismatch | SqlError>
  /**
   * Checks a header of this node's own, which follows the best one, and writes it in the transaction that is open; one in each. It
   * counts for nothing until that has committed: then the chain has it, and `committed` is called.
   */
  readonly extend: (
    header: H,
    committed: (change: Change<H>) => void
  ) => Effect.Effect<void, HeaderRefused | ChainMoved | SqlError>
  /** Holds a header back, or releases it (`HeaderTree`); `save` writes what that changes. False if there was nothing to release. */
  readonly hold: (id: string) => void
  readonly release: (id: string) => boolean
  /** Nobody knows whether what was written is stored: the next `save` reads it again. */
  readonly doubt: () => void
}

/** What the store has was encoded by the same rules; anything else is a defect. */
export const read = <H extends Linked, Fault>(rules: ChainRules<H, Fault>, { bytes, id }: StoredHeader): H => {
  const header = rules.decode(bytes)
  if (header?.id !== id) throw new Error(`the stored header ${id} of ${rules.name} cannot be read`)
  return header
}

/** What is stored, or the first header alone, which is stored then. */
const load = Effect.fnUntraced(function* <H extends Linked, Fault>(
  rules: ChainRules<H, Fault>,
  store: HeaderStore["Service"]
) {
  const { genesis, name, weight } = rules
  const [stored] = yield* store.ids(name, [0])
  const first: StoredHeader = { id: genesis.id, height: 0, bytes: rules.encode(genesis), weight: weight(genesis) }
  if (stored === undefined) yield* store.replace(name, undefined, -1, [first])
  else if (stored !== genesis.id) return yield* new ChainMismatch({ chain: name, stored, genesis: genesis.id })
  const [oldest = first, ...newer] = yield* store.tail(name, rules.depth)
  const tree = new HeaderTree<H>({ header: read(rules, oldest), height: oldest.height, weight: oldest.weight }, rules)
  for (const one of newer) {
    const header = read(rules, one)
    tree.add(header, weight(header))
  }
  return tree
})

export const make = Effect.fnUntraced(function* <H extends Linked, Fault>(rules: ChainRules<H, Fault>) {
  const store = yield* HeaderStore
  const transactions = yield* Transactions
  const config = yield* DeliveryConfig
  const clock = yield* Clock.Clock
  const { atOnce, mostBeside, name, weight } = rules
  let tree = yield* load(rules, store)
  /** The tip that the store has. */
  let saved = tree.best
  /** The store has another tip. */
  let isStale = false

  const stored = ({ header, height, weight }: Placed<H>): StoredHeader => ({
    id: header.id,
    height,
    bytes: rules.encode(header),
    weight
  })

  const objectionTo = (header: H, parent: Node<H>, now: number): Objection<Fault> | undefined =>
    tree.makeRoom(parent)
      ? rules.objection(tree, parent, header, now)
      : { fault: undefined, detail: `there are ${mostBeside} headers beside the best chain` }

  const take: Turn<H, Fault>["take"] = Effect.fnUntraced(function* (headers, from) {
    const now = clock.currentTimeMillisUnsafe()
    let isNews = false
    let last = from
    for (const [at, header] of headers.entries()) {
      if (at > 0 && at % atOnce === 0) yield* Effect.yieldNow
      const known = tree.get(header.id)
      const objection = known === undefined ? objectionTo(header, last, now) : undefined
      const next = objection === undefined ? tree.add(header, weight(header)) : undefined
      if (next === undefined) return { isNews, last, objection }
      isNews ||= known === undefined
      last = next
    }
    return { isNews, last, objection: undefined }
  })

  const reload = Effect.gen(function* () {
    yield* Effect.logWarning("The stored headers may have been changed by another process: they are read again")
    const before = saved
    tree = yield* load(rules, store)
    saved = tree.best
    isStale = false
    let fork: Node<H> | undefined = before
    while (fork !== undefined && tree.get(fork.header.id) === undefined) fork = fork.parent
    const change: Change<H> = { tip: saved, fork: fork?.height ?? 0, left: 0, joined: [] }
    return change
  })

  const save: Turn<H, Fault>["save"] = Effect.gen(function* () {
    if (isStale) return yield* reload
    const { best } = tree
    if (best === saved) return undefined
    const fork = tree.fork(saved, best)
    const joined = tree.between(fork, best)
    if (!(yield* store.replace(name, saved.header.id, fork.height, joined.map(stored)))) return yield* reload
    const change: Change<H> = { tip: best, fork: fork.height, left: saved.height - fork.height, joined }
    saved = best
    return change
  }).pipe(persist(`headers of ${name}`, config))

  /** The transaction in which a header was written has committed. */
  const extended = (header: H, { height }: Node<H>): Change<H> | undefined => {
    const tip = tree.add(header, weight(header))
    isStale = tip === undefined
    if (tip === undefined) return undefined
    saved = tip
    return { tip, fork: height, left: 0, joined: [tip] }
  }

  const extend: Turn<H, Fault>["extend"] = Effect.fnUntraced(function* (header, committed) {
    const { id, previous } = header
    const parent = saved
    const moved = new ChainMoved({ id, previous, best: parent.header.id })
    if (previous !== parent.header.id) return yield* moved
    const objection = objectionTo(header, parent, clock.currentTimeMillisUnsafe())
    if (objection !== undefined) return yield* new HeaderRefused({ id, detail: objection.detail })
    const placed = { header, height: parent.height + 1, weight: parent.weight + weight(header) }
    isStale = !(yield* store.replace(name, parent.header.id, parent.height, [stored(placed)]))
    if (isStale) return yield* moved
    yield* transactions.afterCommit(
      Effect.sync(() => {
        const change = extended(header, parent)
        if (change !== undefined) committed(change)
      })
    )
  })

  const doubt = (): void => {
    isStale = true
  }

  return {
    tree: () => tree,
    saved: () => saved,
    take,
    save,
    extend,
    doubt,
    hold: (id: string) => tree.hold(id),
    release: (id: string) => tree.release(id)
  }
})
