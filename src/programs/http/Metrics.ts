/**
 * The metrics of a node in the text format of Prometheus. What comes from the database is read anew for every scrape.
 */
import { Effect } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { CreditMetrics } from "../../layers/CreditMetrics.ts"
import { DeliveryMetrics } from "../../layers/DeliveryMetrics.ts"
import { LinkMetrics } from "../../layers/LinkMetrics.ts"

export const make = Effect.gen(function* () {
  const delivery = yield* DeliveryMetrics
  const credit = yield* CreditMetrics
  const links = yield* LinkMetrics
  const context = yield* Effect.context<never>()
  const scrape = Effect.map(Effect.all([delivery.refresh, credit.refresh], { concurrency: 2 }), () => {
    links.refresh()
    return PrometheusMetrics.formatUnsafe(context)
  })
  return { scrape }
})
