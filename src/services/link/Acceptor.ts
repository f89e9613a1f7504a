/**
 * Takes the connections that come in, within limits: so many without a session at once, fewer per host.
 */
import { Effect } from "effect"
import { isLoopback } from "../../protocol/Address.ts"
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
    const network = networkOf(host)
    for (const { direction, host: other } of links.pending()) {
      if (direction === "outbound") continue
      all++
      if (networkOf(other) === network) ofHost++
    }
    if (all >= config.maxHandshakes) return `${config.maxHandshakes} handshakes are under way`
    if (!isLoopback(host) && ofHost >= config.maxHandshakesPerHost) {
      return `${config.maxHandshakesPerHost} handshakes with ${network} are under way`
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

/** What the limits count as one host: an IPv4 address, or the /64 that an IPv6 address is of. */
export const networkOf = (host: string): string => {
  if (!host.includes(":")) return host
  const [head = "", tail] = host.split("::")
  const before = head === "" ? [] : head.split(":")
  const after = tail === undefined || tail === "" ? [] : tail.split(":")
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  const groups = [...before, ...Array<string>(zeros).fill("0"), ...after]
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`
}
