/**
 * Users who send at the same time and share commits: whatever `sendNow` has acknowledged takes effect, once and in the
 * order of its sender, beside messages of transactions to the same subjects.
 *
 * Without restored databases, which forget what was acknowledged: see `without` of `check`.
 */
import { Effect } from "effect"
import { SecureRandom } from "effect/crypto"
import { Delivery } from "../../services/delivery/Delivery.ts"
import { RetryStore } from "../../services/delivery/RetryStore.ts"
import { Transactions } from "../../services/Transactions.ts"
import * as Scenario from "../cluster/Scenario.ts"
import type { Rng } from "../world/Rng.ts"
import { GroupedProtocol } from "./GroupedProtocol.ts"
import { type Account, createTable, Ledger } from "./Ledger.ts"
import { arrives } from "./LedgerWatch.ts"

export const kept = "what was acknowledged takes effect once, in order"

/** Users of a node at the same time, each with a subject of its own. */
const users = 4
/** In a million. */
const [puts, transacts] = [100_000, 300_000]
/** Messages of one life and one user at the most. */
const most = 100_000

/** Sends and, once that is acknowledged, writes it down. */
const say = Effect.fnUntraced(function* (random: Rng, to: Scenario.Self["peers"][number], subject: string, n: number) {
  const delivery = yield* Delivery
  const transactions = yield* Transactions
  const ledger = yield* Ledger
  const id = yield* (yield* SecureRandom.SecureRandom).uuidV4()
  const wish = random.chance(puts) ? ("later" as const) : ("plain" as const)
  const message = { id, n, subject, wish, again: false, padding: "x".repeat(random.below(64)) }
  const messageId = yield* random.chance(transacts)
    ? transactions.within(delivery.send(to.key, GroupedProtocol, message))
    : delivery.sendNow(to.key, GroupedProtocol, message)
  yield* transactions.within(ledger.sent({ ...message, to: to.key, messageId }))
})

const user = Effect.fnUntraced(function* ({ duration, life, operations, peers, random }: Scenario.Self, name: number) {
  const pause = duration / (operations + 1)
  for (let done = 0; done < operations; done++) {
    yield* Effect.sleep(random.exponential(pause * 1_000) / 1_000)
    const to = random.pick(peers)
    // Several in a row: what was just committed must not be overtaken.
    for (let more = random.between(1, 4); to !== undefined && more > 0; more--) {
      yield* Effect.ignore(say(random, to, `user ${name}`, life * most + done * 4 + (4 - more)))
    }
  }
})

/** What is wrong with the ledgers of all nodes, by their keys. */
const judge = (accounts: ReadonlyMap<string, Account>): string | undefined => {
  for (const { effects } of accounts.values()) {
    const last = new Map<string, number>()
    const ids = new Set<string>()
    for (const { from, id, n, subject } of effects) {
      if (ids.has(id)) return `message ${n} of "${subject}" took effect twice`
      ids.add(id)
      const line = `${from} ${subject}`
      const before = last.get(line) ?? 0
      if (n < before) return `message ${n} of "${subject}" took effect after ${before}`
      last.set(line, n)
    }
  }
  for (const { sent } of accounts.values()) {
    for (const { id, n, subject, to } of sent) {
      const there = accounts.get(to)?.effects.some((effect) => effect.id === id)
      if (there !== true) return `message ${n} of "${subject}" was acknowledged and has no effect`
    }
  }
  return undefined
}

export const grouped = Scenario.make({
  name: "grouped",
  protocols: [GroupedProtocol.handled],
  services: Ledger.layer,
  tables: createTable,
  users: (self: Scenario.Self) =>
    Effect.forEach(
      Array.from({ length: users }, (_, name) => name),
      (name) => user(self, name),
      { concurrency: "unbounded", discard: true }
    ),
  properties: [
    Scenario.eventually(arrives, () =>
      Effect.map(
        Effect.flatMap(RetryStore, (store) => store.debtors(1)),
        ([peer]) => (peer === undefined ? undefined : `something is still owed to ${peer.slice(0, 8)}`)
      )
    ),
    Scenario.together(
      kept,
      ({ key }) =>
        Effect.map(
          Effect.flatMap(Ledger, (own) => own.account),
          (account) => [key, account] as const
        ),
      (answers) => judge(new Map(answers.values()))
    )
  ]
})
