/**
 * Nodes that keep one chain, made by producers in turns or by anybody, under everything that goes wrong, and in most worlds beside one
 * that misbehaves. In the end all honest ones have one chain that verifies, their programs have made the same of it, and it goes on.
 *
 * A node whose clock is more than a minute wrong, or whose chain is ahead of time because its clock was, is not judged: it and the
 * others refuse each other's blocks, as they must. Nor are tips, where no judged node has the body of the best header: its maker was set back to
 * an older database after it had told of the block, and the chain waits for a body that nobody gives. That a chain goes on each judged node
 * says by its own clock (`ChainAccount.ts`).
 */
import { Clock, Effect, Stream } from "effect"
import { Chain } from "../../services/chain/Chain.ts"
import { Place } from "../cluster/Place.ts"
import * as Scenario from "../cluster/Scenario.ts"
import { type ChainAccount, compare, isTimely, oldOf } from "./ChainAccount.ts"
import { ChainBook, createTable } from "./ChainBook.ts"
import { castOf, misbehaves, wants } from "./ChainCast.ts"
import { ChainStack } from "./ChainStack.ts"
import { users } from "./ChainUsers.ts"
import { ChainWatch } from "./ChainWatch.ts"
import { layer } from "./SimulatedChain.ts"

export const agree = "honest nodes have one chain"

/** Blocks that are compared. */
const compared = 200

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
  const { best, genesis } = chain.status()
  const unverified = yield* broken()
  const tip = chain.tip()
  const blocks = yield* chain.blocks(Math.max(-1, tip.height - compared), compared + 2)
  const book = yield* bookkeeping(genesis)
  const last = blocks.at(-1)?.header
  const times = { clock: yield* Clock.currentTimeMillis, truth: place.trueMillis(), block: last?.time ?? 0 }
  const wrong =
    unverified ??
    book.wrong ??
    (book.top.id === last?.id ? undefined : `its program is at ${book.top.height}, and its chain at ${last?.height}`)
  const found: ChainAccount = {
    isJudged: cast.partOf(name) === "honest" && isTimely(times),
    tip,
    ids: new Map(blocks.map(({ header }) => [header.height, header.id])),
    wrong,
    old: oldOf(times, cast.interval, place.nodes.length),
    best: best.id,
    slack: cast.interval === undefined ? 0 : 1
  }
  return found
})

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
