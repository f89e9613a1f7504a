/**
 * The users of a node in the ledger scenario: they send to everybody, a few messages a transaction, of every kind, and
 * now and then think better of it and roll back.
 */
import { Effect, Schema } from "effect"
import type { SendOptions } from "../../services/delivery/Delivery.ts"
import { Transactions } from "../../services/Transactions.ts"
import type { Self } from "../cluster/Scenario.ts"
import type { Rng } from "../world/Rng.ts"
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

/** How long a message may take, drawn for each; for ever if there is none. */
type Within = (random: Rng) => SendOptions | undefined

const operation = Effect.fnUntraced(function* ({ peers, random }: Self, within: Within) {
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
        yield* LedgerProtocol.send(peer.key, message, within(random))
      }
      if (random.chance(rollbacks)) return yield* new ThoughtBetter()
    })
  )
})

/** As many operations as the plan says, spread over the time there is; what fails is not tried again. */
export const usersWith = (within: Within) =>
  Effect.fnUntraced(function* (self: Self) {
    const pause = self.duration / (self.operations + 1)
    for (let done = 0; done < self.operations; done++) {
      yield* Effect.sleep(self.random.exponential(pause * 1_000) / 1_000)
      yield* Effect.ignore(operation(self, within))
    }
  })

export const users = usersWith(() => undefined)
