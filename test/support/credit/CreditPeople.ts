/** Users at whole nodes who give credit, as tests tell them what to do. */
import { Effect } from "effect"
import type { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import { Cuid, type Person } from "../../../src/protocol/credit/Chad.ts"
import type { TallyId } from "../../../src/protocol/credit/TallyDocument.ts"
import type { Command, Done } from "../../../src/services/credit/Command.ts"
import type { Config } from "../../../src/services/credit/CreditConfig.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import { pass } from "../VirtualTime.ts"
import * as CreditNode from "./CreditNode.ts"

/** Long enough for what nodes have to say to each other. */
export const soon = pass("1 second")

/** What came of a command that must not be refused. */
export const doneOf = (answer: Done | string): Done => {
  if (typeof answer === "string") throw new Error(`refused: ${answer}`)
  return answer
}

/** Somebody at a node of their own. */
export interface Somebody {
  readonly node: CreditNode.CreditNode
  readonly user: Cuid
  readonly person: Person
  /** Must be done. */
  readonly does: (command: Command, key?: string) => Effect.Effect<Done>
  /** Why it is refused, or what came of it. */
  readonly tries: (command: Command, key?: string) => Effect.Effect<Done | string>
}

export const at = (node: CreditNode.CreditNode, name: string): Somebody => ({
  node,
  user: Cuid.make(name),
  person: { cuid: Cuid.make(name), agent: node.key },
  does: (command, key) => Effect.map(node.tell(name, command, key), doneOf),
  tries: (command, key) => node.tell(name, command, key)
})

export interface Joining {
  readonly network: MemoryNetwork
  readonly seed: number
  readonly name: string
  /** Connected to by hand. */
  readonly to?: ReadonlyArray<Somebody>
  readonly database?: MemoryDatabase["Service"]
  readonly config?: Partial<Config>
}

/** A new node with one user, who is there already where its database says so. */
export const join = Effect.fnUntraced(function* ({ config, database, name, network, seed, to = [] }: Joining) {
  const node = yield* CreditNode.start({ network, seed, ...(database && { database }), ...(config && { config }) })
  for (const other of to) yield* node.connect(other.node)
  yield* soon
  const somebody = at(node, name)
  if ((yield* Effect.orDie(node.credit.user(somebody.user))) === undefined) {
    yield* somebody.does({ _tag: "PutUser", type: "person", name })
  }
  return somebody
})

/** Somebody of each name at a node of their own, each node connected to each. */
export const joined = Effect.fnUntraced(function* (...names: ReadonlyArray<string>) {
  const network = new MemoryNetwork()
  const all: Array<Somebody> = []
  for (const [index, name] of names.entries()) all.push(yield* join({ network, seed: index + 1, name, to: all }))
  return all
})

export const draft: Extract<Command, { readonly _tag: "DraftTally" }> = {
  _tag: "DraftTally",
  side: "stock",
  terms: { limit: 1_000n },
  partnerTerms: { limit: 0n }
}

/** Opens a tally by a ticket of stock's: foil may owe stock so much. */
export const open = Effect.fnUntraced(function* (stock: Somebody, foil: Somebody, limit = 1_000n) {
  const drafted = yield* stock.does({ ...draft, terms: { limit } })
  const tally = drafted.tally!
  const { invitation } = yield* stock.does({ _tag: "IssueTicket", tally, reuse: false })
  yield* foil.does({ _tag: "ShowTicket", invitation: invitation! })
  yield* soon
  yield* stock.does({ _tag: "OfferTally", tally })
  yield* soon
  yield* foil.does({ _tag: "AcceptTally", tally, revision: 1 })
  yield* soon
  return tally
})

/** The status of somebody's half, what foil owes stock on it, and what promised lifts may move. */
export const stand = ({ node, user }: Somebody, tally: TallyId) =>
  Effect.map(Effect.orDie(node.credit.tally(user, tally)), (half) => {
    const { down, net, up } = half?.sums ?? { net: 0n, up: 0n, down: 0n }
    return [half?.status, net, up + down] as const
  })
