/**
 * The users of a node in the ledger scenario: they send to everybody, a few messages a transaction, of every kind, and
 * now and then think better of it and roll back. In some scenarios they also take back what has been sent.
 */
import { Effect, Schema } from "effect"
import { Delivery, type SendOptions } from "../../services/delivery/Delivery.ts"
import { Transactions } from "../../services/Transactions.ts"
import type { Self } from "../cluster/Scenario.ts"
import type { Rng } from "../world/Rng.ts"
import { Ledger } from "./Ledger.ts"
import type { Wish } from "./LedgerMessage.ts"
import * as LedgerProtocol from "./LedgerProtocol.ts"

/** In a hundred. */
const wishes: ReadonlyArray<readonly [Wish, number]> = [
  ["plain", 70],
  ["echo", 12],
  ["refuse", 6],
  ["stale", 4],
  ["later", 8]
]
const rollbacks = 50_000
const large = 30_000

const wishOf = (random: Rng): Wish => {
  let left = random.below(100)
  for (const [wish, share] of wishes) if ((left -= share) < 0) return wish
  return "plain"
}

/** A user rolls back what it has just sent. */
class ThoughtBetter extends Schema.TaggedError<ThoughtBetter>()("ThoughtBetter", {}) {}

interface Habits {
  /** How long a message may take, drawn for each; for ever if there is none. */
  readonly within?: (random: Rng) => SendOptions | undefined
  /** After how many of a million operations one of the last messages is taken back. */
  readonly takesBack?: number
}

const operation = Effect.fnUntraced(function* ({ peers, random }: Self, { within }: Habits) {
  const transactions = yield* Transactions
  yield* transactions.within(
    Effect.gen(function* () {
      for (let messages = random.between(1, 3); messages > 0; messages--) {
        const peer = random.pick(peers)
        if (peer === undefined) return
        const message = {
          subject: `subject ${random.below(3)}`,
          wish: wishOf(random),
          padding: random.chance(large) ? random.below(40_000) : random.below(64)
        }
        yield* LedgerProtocol.send(peer.key, message, within?.(random))
      }
      if (random.chance(rollbacks)) return yield* new ThoughtBetter()
    })
  )
})

/** Of so many messages that have no outcome yet, the last ones, one is taken back. */
const recent = 6

/** Takes a message back and writes down what became of it, in one transaction. */
const takeBack = Effect.fnUntraced(function* ({ random }: Self) {
  const transactions = yield* Transactions
  const ledger = yield* Ledger
  const delivery = yield* Delivery
  yield* transactions.within(
    Effect.gen(function* () {
      const { cancellations, conclusions, sent } = yield* ledger.account
      const over = new Set([...conclusions, ...cancellations].map(({ id }) => id))
      const message = random.pick(sent.filter(({ id }) => !over.has(id)).slice(-recent))
      if (message === undefined) return
      const outcome = yield* delivery.cancel(message.messageId)
      if (outcome !== undefined) yield* ledger.cancelled({ id: message.id, to: message.to, outcome })
    })
  )
})

/** As many operations as the plan says, spread over the time there is; what fails is not tried again. */
export const usersWith = (habits: Habits) =>
  Effect.fnUntraced(function* (self: Self) {
    const pause = self.duration / (self.operations + 1)
    for (let done = 0; done < self.operations; done++) {
      yield* Effect.sleep(self.random.exponential(pause * 1_000) / 1_000)
      yield* Effect.ignore(operation(self, habits))
      if (habits.takesBack !== undefined && self.random.chance(habits.takesBack)) yield* Effect.ignore(takeBack(self))
    }
  })

export const users = usersWith({})
