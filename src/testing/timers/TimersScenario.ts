/**
 * Timers under everything that goes wrong: users set them, set them anew and take them back, in transactions with their
 * book, and now and then think better of it and roll back. Every one that was not taken back rings once, in its time.
 */
import { Clock, Effect, Schema } from "effect"
import { Transactions } from "../../services/Transactions.ts"
import { Timers } from "../../services/delivery/Timers.ts"
import * as Scenario from "../cluster/Scenario.ts"
import type { Rng } from "../world/Rng.ts"
import { BellProtocol, type Mood, set } from "./BellProtocol.ts"
import { createTable, TimerBook } from "./TimerBook.ts"
import { rings, TimerRules } from "./TimerRules.ts"
import { TimerWatcher } from "./TimerWatcher.ts"

/** In a million. */
const [rollbacks, takesBack, anew, atTime] = [100_000, 300_000, 200_000, 400_000]
const moods: ReadonlyArray<Mood> = ["plain", "plain", "fails", "again"]

/** A user rolls back what it has just done. */
class ThoughtBetter extends Schema.TaggedError<ThoughtBetter>()("ThoughtBetter", {}) {}

/** The longest wait, in milliseconds: less than a quiet end, however long a run is. */
const longest = (duration: number): number => Math.max(1, Math.min(Math.floor(duration / 2), 60_000))

/** Soon mostly, so that users meet timers that are just ringing. */
const waitOf = (random: Rng, duration: number): number => random.below(random.chance(500_000) ? 50 : longest(duration))

/** One of the timers that are there, or were a moment ago. */
const some = Effect.fnUntraced(function* (random: Rng) {
  const ids = (yield* (yield* TimerBook).entries).map(({ id }) => id)
  return random.pick(ids.slice(-8))
})

const step = Effect.fnUntraced(function* ({ duration, random }: Scenario.Self, id: string) {
  const book = yield* TimerBook
  const known = yield* some(random)
  if (known !== undefined && random.chance(takesBack)) {
    const found = yield* (yield* Timers).cancel(known)
    return yield* book.write({ _tag: "Cancelled", id: known, found })
  }
  const wait = waitOf(random, duration)
  const due = random.chance(atTime) ? { at: (yield* Clock.currentTimeMillis) + wait } : { in: wait }
  yield* set({ id: known !== undefined && random.chance(anew) ? known : id, mood: random.pick(moods)!, ...due })
})

const operation = Effect.fnUntraced(function* (self: Scenario.Self, name: string) {
  const transactions = yield* Transactions
  yield* transactions.within(
    Effect.gen(function* () {
      for (let n = self.random.between(1, 3); n > 0; n--) yield* step(self, `${name}.${n}`)
      if (self.random.chance(rollbacks)) return yield* new ThoughtBetter()
    })
  )
})

/** As many operations as the plan says, spread over the time there is; what fails is not tried again. */
const users = Effect.fnUntraced(function* (self: Scenario.Self) {
  const pause = self.duration / (self.operations + 1)
  for (let done = 0; done < self.operations; done++) {
    yield* Effect.sleep(self.random.exponential(pause * 1_000) / 1_000)
    yield* Effect.ignore(operation(self, `${self.life}.${done}`))
  }
})

/** Whatever the clock may have been set back by: how early a timer is, is judged by who watches. */
const anyEarly = Number.POSITIVE_INFINITY

/** What is still to ring at a node, as its book says. */
const left = Effect.fnUntraced(function* ({ duration }: Scenario.Self) {
  const rules = new TimerRules(anyEarly)
  for (const entry of yield* (yield* TimerBook).entries) {
    const wrong = rules.read(entry)
    if (wrong !== undefined) return wrong.detail
  }
  const now = yield* Clock.currentTimeMillis
  // After a clock was set back, a time may be so far away as no timer is set to.
  const missing = [...rules.pending.values()].find(({ dueAt }) => dueAt - now <= longest(duration))
  return missing === undefined
    ? undefined
    : `timer ${missing.id} has not rung, ${now - missing.dueAt} ms after its time`
})

export const timers = Scenario.make({
  name: "timers",
  protocols: [BellProtocol.handled],
  services: TimerBook.layer,
  tables: createTable,
  users,
  watch: (watching, plan) => new TimerWatcher(watching, plan),
  properties: [Scenario.eventually(rings, left)]
})
