/**
 * Nodes that keep one chain, made by producers in turns or by anybody, under everything that goes wrong, and in most worlds beside one
 * that misbehaves. In the end all honest ones have one chain that verifies, their programs have made the same of it, and it goes on.
 *
 * A node whose clock is more than a minute wrong, or whose chain is ahead of time because its clock was, is not judged: it and the
 * others refuse each other's blocks, as they must. Nor are tips, where no judged node has the body of the best header: its maker was set back to
 * an older database after it had told of the block, and the chain waits for a body that nobody gives.
 */
import { Clock, Effect, Stream } from "effect"
import { Chain } from "../../services/chain/Chain.ts"
import { Place } from "../cluster/Place.ts"
import * as Scenario from "../cluster/Scenario.ts"
import { ChainBook, createTable } from "./ChainBook.ts"
import { castOf, misbehaves, wants } from "./ChainCast.ts"
import { ChainStack } from "./ChainStack.ts"
import { users } from "./ChainUsers.ts"
import { ChainWatch } from "./ChainWatch.ts"
import { layer } from "./SimulatedChain.ts"

export const agree = "honest nodes have one chain"

/** Milliseconds: by which a clock may be wrong, and within which the next block comes beside the turns of all producers. */
const [wrongClock, patience] = [60_000, 10_000]
/** Blocks that are compared. */
const compared = 200

/** What a node says of its chain. */
interface Account {
  /** Whether it is judged with the others. */
  readonly isJudged: boolean
  readonly tip: { readonly id: string; readonly height: number }
  /** Ids of the last blocks, by height. */
  readonly ids: ReadonlyMap<number, string>
  /** What is wrong with its chain by itself. */
  readonly wrong: string | undefined
  /** That the last block is old. */
  readonly old: string | undefined
  /** The id of the best header that it knows. */
  readonly best: string
  /** How far tips may lie apart: a block may be on its way where they are made all the time. */
  readonly slack: number
}

/** What the book of a node says that its chain is, and what is wrong with it. */
const bookkeeping = Effect.fnUntraced(function* (genesis: string) {
  const stack = new ChainStack(genesis)
  for (const entry of yield* (yield* ChainBook).entries) {
    const wrong = stack.read(entry)
    if (wrong !== undefined) return { top: stack.top, wrong }
  }
  return { top: stack.top, wrong: undefined }
})

const broken = Effect.fnUntraced(function* () {
  return yield* Stream.runDrain((yield* Chain).verify).pipe(
    Effect.as(undefined),
    Effect.catchTag("ChainBroken", ({ message }) => Effect.succeed(message))
  )
})

const account = Effect.fnUntraced(function* ({ name }: Scenario.Self) {
  const place = yield* Place
  const chain = yield* Chain
  const cast = castOf(place.nodes)
  const wrongBy = Math.abs((yield* Clock.currentTimeMillis) - place.trueMillis())
  const { best, genesis } = chain.status()
  const unverified = yield* broken()
  const tip = chain.tip()
  const blocks = yield* chain.blocks(Math.max(-1, tip.height - compared), compared + 2)
  const book = yield* bookkeeping(genesis)
  const last = blocks.at(-1)?.header
  const age = place.trueMillis() - (last?.time ?? 0)
  const longest = (cast.interval ?? 0) * (1 + place.nodes.length) + patience
  const wrong =
    unverified ??
    book.wrong ??
    (book.top.id === last?.id ? undefined : `its program is at ${book.top.height}, and its chain at ${last?.height}`)
  const isHonest = cast.partOf(name) === "honest"
  const found: Account = {
    isJudged: isHonest && wrongBy < wrongClock && age > -wrongClock,
    tip,
    ids: new Map(blocks.map(({ header }) => [header.height, header.id])),
    wrong,
    old: cast.interval !== undefined && age > longest ? `its last block is ${age} ms old` : undefined,
    best: best.id,
    slack: cast.interval === undefined ? 0 : 1
  }
  return found
})

/** What keeps the chains from being one. */
const compare = (answers: ReadonlyMap<string, Account>): string | undefined => {
  const judged = [...answers].filter(([, { isJudged }]) => isJudged)
  const [lowest] = judged.toSorted(([, one], [, other]) => one.tip.height - other.tip.height)
  if (lowest === undefined) return undefined
  for (const [name, { wrong }] of judged) if (wrong !== undefined) return `${name}: ${wrong}`
  const all = new Set(judged.flatMap(([, { ids }]) => [...ids.values()]))
  // Nobody gives the body of the best block: its maker has lost it with its database.
  if (judged.some(([, { best }]) => !all.has(best))) return undefined
  const [name, { tip }] = lowest
  for (const [other, { ids, old, slack, tip: highest }] of judged) {
    const there = ids.get(tip.height)
    if (there !== tip.id) return `${name} has block ${tip.id} at ${tip.height}, and ${other} has ${there}`
    if (highest.height - tip.height > slack) return `${name} is at ${tip.height}, and ${other} at ${highest.height}`
    if (old !== undefined) return `${other}: ${old}`
  }
  return undefined
}

export const chain = Scenario.make({
  name: "chain",
  protocols: [],
  services: layer,
  tables: createTable,
  wants,
  misbehaves,
  users,
  watch: (watching, plan) => new ChainWatch(watching, plan),
  properties: [Scenario.together(agree, account, compare)]
})
