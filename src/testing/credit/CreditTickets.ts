/**
 * Drafting tallies and handing tickets for them to others, as the users of the scenario `credit` do.
 */
import { Effect } from "effect"
import { SecureRandom } from "effect/crypto"
import type { Side, TallyId } from "../../protocol/credit/TallyDocument.ts"
import { Credit } from "../../services/credit/Credit.ts"
import { Delivery } from "../../services/delivery/Delivery.ts"
import { Identity } from "../../services/link/Identity.ts"
import { Transactions } from "../../services/Transactions.ts"
import type { Member } from "./CreditCast.ts"
import { Handover } from "./Handover.ts"

export interface Wanted {
  readonly tally?: TallyId
  readonly side: Side
  /** Milli-CHIP that the drafter grants the other one, and asks to be granted. */
  readonly limit: bigint
  readonly asks: bigint
}

export const draft = Effect.fnUntraced(function* ({ cuid }: Member, { asks, limit, side, tally }: Wanted) {
  return yield* (yield* Credit).run(cuid, {
    _tag: "DraftTally",
    side,
    terms: { limit },
    partnerTerms: { limit: asks },
    ...(tally === undefined ? {} : { tally })
  })
})

/** Makes a ticket for the draft and gives it to somebody, who shows it. */
export const hand = Effect.fnUntraced(function* (from: Member, tally: TallyId, to: Member, reuse = false) {
  const { run } = yield* Credit
  const { within } = yield* Transactions
  const { key } = yield* Identity
  const delivery = yield* Delivery
  const random = yield* SecureRandom.SecureRandom
  yield* within(
    Effect.gen(function* () {
      const { invitation } = yield* run(from.cuid, { _tag: "IssueTicket", tally, reuse })
      if (invitation === undefined) return
      const request = yield* random.uuidV7()
      if (to.agent === key) return yield* run(to.cuid, { _tag: "ShowTicket", invitation, request })
      // Handed over twice now and then, as people do: the same request is one.
      yield* delivery.send(to.agent, Handover, { _tag: "Handed", user: to.cuid, request, invitation })
    })
  )
})
