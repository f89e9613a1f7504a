/**
 * The endpoints of the chain, each joined to what answers it.
 */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "./Api.ts"
import * as Chains from "./Chains.ts"
import * as ChainStreams from "./ChainStreams.ts"

export const layer = HttpApiBuilder.group(
  Api,
  "chain",
  Effect.fn(function* (handlers) {
    const chains = yield* Chains.make
    const streams = ChainStreams.make(chains.kept)
    return handlers.handleAll({
      status: () => chains.status,
      blocks: ({ query }) => chains.blocks(query),
      submit: ({ payload }) => chains.submit(payload),
      produce: () => chains.produce,
      events: () => streams.events(),
      verify: () => streams.verify()
    })
  })
)
