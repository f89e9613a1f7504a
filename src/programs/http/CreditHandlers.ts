/**
 * The endpoints of credit, each joined to what answers it.
 */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "./Api.ts"
import * as Credits from "./Credits.ts"

export const layer = HttpApiBuilder.group(
  Api,
  "credit",
  Effect.fn(function* (handlers) {
    const credits = yield* Credits.make
    return handlers.handleAll({
      run: ({ headers, params, payload }) => credits.run(params.user, payload, headers["idempotency-key"]),
      users: ({ query }) => credits.users(query),
      user: ({ params }) => credits.user(params.user),
      tallies: ({ params, query }) => credits.tallies(params, query),
      tally: ({ params }) => credits.tally(params),
      chits: ({ params, query }) => credits.chits(params, query),
      chit: ({ params }) => credits.chit(params),
      moving: ({ params, query }) => credits.moving(params, query),
      evidence: ({ params, query }) => credits.evidence(params, query),
      tickets: ({ params, query }) => credits.tickets(params, query),
      requests: ({ params, query }) => credits.requests(params, query),
      route: ({ params }) => credits.route(params),
      payments: ({ params, query }) => credits.payments(params, query),
      payment: ({ params }) => credits.payment(params),
      lift: ({ params }) => credits.lift(params)
    })
  })
)
