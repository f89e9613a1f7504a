/**
 * Takes the connections that come in, within limits (docs/PROTOCOL.md, 4.5): nobody who is banned, so many a second of
 * one host, so many of it without a session at once, and so many of all. What is too much is closed without a word.
 */
import { Clock, Effect } from "effect"
import { isLoopback } from "../../protocol/Address.ts"
import { hostOf } from "../../protocol/HostNetwork.ts"
import { TokenBuckets } from "../../protocol/link/TokenBuckets.ts"
import { Buggify } from "../Buggify.ts"
import { monotonic } from "../Monotonic.ts"
import { Complaints } from "./Complaints.ts"
import { type Config, LinkConfig } from "./LinkConfig.ts"
import { Links } from "./Links.ts"
import type { Pending } from "./Serving.ts"
import type { Outcome } from "./Outcome.ts"
import { Supervisor } from "./Supervisor.ts"
import type { Accepted, Listener } from "./Transport.ts"

/** Hosts whose rate is remembered. */
const maxHosts = 4_096

/** Who is let in: why a connection is not taken, if so. Plain and synchronous. */
export class Door {
  readonly #config: Config
  readonly #isBanned: (ip: string) => boolean
  readonly #pending: () => Iterable<Pending>
  readonly #rates: TokenBuckets

  constructor(config: Config, pending: () => Iterable<Pending>, isBanned: (ip: string) => boolean) {
    this.#config = config
    this.#pending = pending
    this.#isBanned = isBanned
    this.#rates = new TokenBuckets(config.acceptRate, maxHosts)
  }

  objection(ip: string, now: number): string | undefined {
    const { acceptRate, maxHandshakes, maxHandshakesPerHost } = this.#config
    if (this.#isBanned(ip)) return "the host is banned"
    const host = hostOf(ip)
    const isLocal = isLoopback(ip)
    if (!isLocal && !this.#rates.take(host, now)) return `more than ${acceptRate.perSecond} a second of ${host}`
    const [all, ofHost] = this.#count(host)
    if (all >= maxHandshakes) return `${maxHandshakes} handshakes are under way`
    if (!isLocal && ofHost >= maxHandshakesPerHost) {
      return `${maxHandshakesPerHost} handshakes with ${host} are under way`
    }
    return undefined
  }

  /** Handshakes that others have begun: all, and of this host. */
  #count(host: string): readonly [all: number, ofHost: number] {
    let all = 0
    let ofHost = 0
    for (const pending of this.#pending()) {
      if (pending.direction === "outbound") continue
      all++
      if (hostOf(pending.host) === host) ofHost++
    }
    return [all, ofHost]
  }
}

const nobody = (): boolean => false

/** Serves everything that `listener` accepts, for ever. `isBanned` is asked for the IP address of each. */
export const run = Effect.fnUntraced(function* (listener: Listener, isBanned: (ip: string) => boolean = nobody) {
  const buggify = yield* Buggify
  const clock = yield* Clock.Clock
  const links = yield* Links
  const supervisor = yield* Supervisor
  const door = new Door(yield* LinkConfig, links.pending, isBanned)
  const complaints = new Complaints("Connection not taken")

  const serve = ({ remote, socket }: Accepted): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (buggify.fires("link.accepted-and-dropped")) return Effect.void
      const at = remoteOf(remote)
      const now = monotonic(clock)
      const objection = door.objection(remote.host, now)
      if (objection !== undefined) return complaints.say({ remote: at, limit: objection }, now)
      return Effect.flatMap(
        links.serve(socket, { direction: "inbound", remote: at, host: remote.host }),
        (outcome: Outcome) => supervisor.report(outcome)
      )
    })

  return yield* listener.run(serve)
})

const remoteOf = ({ host, port }: Accepted["remote"]): string => `${host.includes(":") ? `[${host}]` : host}:${port}`
