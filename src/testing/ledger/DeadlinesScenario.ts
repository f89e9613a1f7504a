/**
 * The ledger with users who do not wait for ever: half of their messages have a deadline, and some are past it before
 * they are receipted. Each of those is told of by an event, or has come to its end all the same; it may have taken effect.
 *
 * Without restored databases, of which a message that is asked for again has no deadline any more. Its messages are
 * looked for in databases in memory.
 */
import { Effect } from "effect"
import { RetryStore } from "../../services/delivery/RetryStore.ts"
import * as Scenario from "../cluster/Scenario.ts"
import type { Rng } from "../world/Rng.ts"
import { createTable, Ledger } from "./Ledger.ts"
import { LedgerProtocol } from "./LedgerProtocol.ts"
import { usersWith } from "./LedgerUsers.ts"
import { LedgerWatch } from "./LedgerWatch.ts"

const share = 500_000
/** Milliseconds. */
const [soonest, latest] = [100, 10_000]

const within = (random: Rng) => (random.chance(share) ? { within: random.between(soonest, latest) } : undefined)

export const deadlines = Scenario.make({
  name: "deadlines",
  protocols: [LedgerProtocol.handled],
  services: Ledger.layer,
  tables: createTable,
  users: usersWith({ within }),
  watch: (watching, plan) => new LedgerWatch(watching, plan),
  properties: [
    Scenario.eventually("everything comes to an end", () =>
      Effect.map(
        Effect.flatMap(RetryStore, (store) => store.debtors(1)),
        ([peer]) => (peer === undefined ? undefined : `something is still owed to ${peer.slice(0, 8)}`)
      )
    )
  ]
})
