/**
 * What needs attention, as the API shows it, and as an operator ends what no protocol will ever take in.
 */
import { Effect } from "effect"
import type { MessageId } from "../../protocol/delivery/Message.ts"
import { Attention } from "../../services/delivery/Attention.ts"
import { AttentionStore } from "../../services/delivery/AttentionStore.ts"
import { Feed } from "../../services/delivery/Feed.ts"
import { Transactions } from "../../services/Transactions.ts"
import { NotFound } from "./ApiErrors.ts"
import { reachable } from "./Reachable.ts"

const standardPage = 100

export const make = Effect.gen(function* () {
  const attention = yield* Attention
  const feed = yield* Feed
  const store = yield* AttentionStore
  const transactions = yield* Transactions

  const forget = Effect.fnUntraced(function* (id: MessageId) {
    if ((yield* store.take(id)) === undefined) return false
    const event = { audience: "", protocol: "", subject: id, kind: "message.untold-dropped", body: { id } }
    yield* feed.append([event])
    return true
  })

  return {
    list: Effect.fn("Api.attention")(function* (query: {
      readonly audience?: string | undefined
      readonly limit?: number | undefined
    }) {
      const items = yield* reachable(attention.list({ audience: query.audience, limit: query.limit ?? standardPage }))
      return { items }
    }),

    drop: Effect.fn("Api.dropUntold")(function* (id: MessageId) {
      if (yield* reachable(transactions.within(forget(id)))) return { id }
      return yield* new NotFound({
        message: `no message ${id} waits for its protocol to take in how it has ended`,
        fix: "Its protocol may have taken that in when the node started.",
        see: "GET /attention"
      })
    })
  }
})
