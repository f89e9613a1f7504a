/**
 * The endpoints of the API, each joined to what answers it.
 */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "./Api.ts"
import * as Audits from "./Audits.ts"
import * as BanList from "./BanList.ts"
import * as Events from "./Events.ts"
import * as HealthCheck from "./HealthCheck.ts"
import * as Matters from "./Matters.ts"
import * as Messages from "./Messages.ts"
import * as Metrics from "./Metrics.ts"
import type { Health } from "./Models.ts"
import * as ParkedMessages from "./ParkedMessages.ts"
import * as Peers from "./Peers.ts"

export const layer = (database: Health["database"]) =>
  HttpApiBuilder.group(
    Api,
    "node",
    Effect.fn(function* (handlers) {
      const audits = yield* Audits.make
      const bans = yield* BanList.make
      const events = yield* Events.make
      const health = yield* HealthCheck.make(database)
      const matters = yield* Matters.make
      const messages = yield* Messages.make
      const metrics = yield* Metrics.make
      const parked = yield* ParkedMessages.make
      const peers = yield* Peers.make
      return handlers.handleAll({
        health: () => health.check,
        metrics: () => metrics.scrape,
        peers: () => peers.list,
        transitions: ({ params }) => peers.transitions(params.key),
        connect: ({ payload }) => peers.connect(payload.address),
        disconnect: ({ params }) => peers.disconnect(params.key),
        bans: () => bans.list,
        ban: ({ payload }) => bans.ban(payload),
        unban: ({ params }) => bans.unban(params.subject),
        send: ({ payload }) => messages.send(payload),
        outbox: ({ query }) => messages.outbox(query),
        retry: ({ params }) => messages.retry(params.id),
        drop: ({ params }) => messages.drop(params.id),
        inbox: ({ query }) => messages.inbox(query),
        parked: ({ query }) => parked.list(query),
        retryParked: ({ params, query }) => parked.retry(params.id, query.peer),
        dropParked: ({ params, query }) => parked.drop(params.id, query.peer),
        attention: ({ query }) => matters.list(query),
        dropUntold: ({ params }) => matters.drop(params.id),
        audit: () => audits.stream(),
        events: ({ headers, query }) =>
          events.stream({
            after: headers["last-event-id"] ?? query.after,
            follow: query.follow !== "false",
            audience: query.audience
          })
      })
    })
  )
