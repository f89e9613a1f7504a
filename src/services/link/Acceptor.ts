/**
 * Takes the connections that come in, within limits: so many without a session at once, fewer per host.
 */
import { Effect } from "effect"
import { isLoopback } from "../../protocol/Address.ts"
import { hostOf } from "../../protocol/HostNetwork.ts"
import { Buggify } from "../Buggify.ts"
import { LinkConfig } from "./LinkConfig.ts"
import { Links } from "./Links.ts"
import type { Outcome } from "./Outcome.ts"
import { Supervisor } from "./Supervisor.ts"
import type { Accepted, Listener } from "./Transport.ts"

/** Serves everything that `listener` accepts, for ever. */
export const run = Effect.fnUntraced(function* (listener: Listener) {
  const config = yield* LinkConfig
  const buggify = yield* Buggify
  const links = yield* Links
  const supervisor = yield* Supervisor

  const overLimit = (host: string): string | undefined => {
    let all = 0
    let ofHost = 0
    const counted = hostOf(host)
    for (const { direction, host: other } of links.pending()) {
      if (direction === "outbound") continue
      all++
      if (hostOf(other) === counted) ofHost++
    }
    if (all >= config.maxHandshakes) return `${config.maxHandshakes} handshakes are under way`
    if (!isLoopback(host) && ofHost >= config.maxHandshakesPerHost) {
      return `${config.maxHandshakesPerHost} handshakes with ${counted} are under way`
    }
    return undefined
  }

  const serve = ({ remote, socket }: Accepted): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (buggify.fires("link.accepted-and-dropped")) return Effect.void
      const at = remoteOf(remote)
      const limit = overLimit(remote.host)
      if (limit !== undefined) {
        return Effect.logInfo("Connection not taken").pipe(Effect.annotateLogs({ remote: at, limit }))
      }
      return Effect.flatMap(
        links.serve(socket, { direction: "inbound", remote: at, host: remote.host }),
        (outcome: Outcome) => supervisor.report(outcome)
      )
    })

  return yield* listener.run(serve)
})

const remoteOf = ({ host, port }: Accepted["remote"]): string => `${host.includes(":") ? `[${host}]` : host}:${port}`
