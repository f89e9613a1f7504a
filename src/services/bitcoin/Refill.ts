/**
 * Calls nodes while connections are missing: those of the list, or known ones until there are as many as are wanted.
 */
import { Effect, Latch } from "effect"
import type { Endpoint } from "../../protocol/Address.ts"
import type { Calls } from "./Calls.ts"
import type { Config } from "./Config.ts"
import { PeerStore } from "./PeerStore.ts"
import type { Roster } from "./Roster.ts"

export interface Options {
  readonly config: () => Config
  readonly roster: Roster
  readonly calls: Calls
  readonly isBanned: (host: string) => boolean
}

/** How often it looks whether there are enough connections, should nobody have said so, in milliseconds. */
const lookAgain = 30_000
/** Nodes that are called at once, those that wait to be dialled again among them, for each that is wanted. */
const mostCalled = 4
/** Candidates that are looked at beside those that are called already. */
const spare = 16

export const make = Effect.fnUntraced(function* ({ calls, config, isBanned, roster }: Options) {
  const store = yield* PeerStore
  const changed = Latch.makeUnsafe(false)

  const isFree = (endpoint: Endpoint): boolean =>
    !calls.isSettled(endpoint) && !isBanned(endpoint.host) && !roster.isEngaged(endpoint.host, endpoint.port)

  const known = Effect.fnUntraced(function* () {
    const { network, pool } = config()
    const wanted = Math.min(roster.missing, mostCalled * pool.target - calls.size())
    if (wanted <= 0) return
    const candidates = yield* store.candidates(network.name, calls.size() + roster.entries.length + wanted + spare)
    for (const endpoint of candidates.filter(isFree).slice(0, wanted)) yield* calls.call(endpoint)
  })

  const once = Effect.suspend(() => {
    const { peers } = config()
    return peers._tag === "Fixed"
      ? Effect.forEach(peers.endpoints.filter(isFree), calls.call, { discard: true })
      : known()
  })
  const logged = Effect.catch(once, (error) => Effect.logWarning("The known Bitcoin nodes cannot be read", error))

  return {
    /** For ever. */
    run: Effect.suspend(() => {
      changed.closeUnsafe()
      return Effect.andThen(logged, Effect.timeoutOption(changed.await, lookAgain))
    }).pipe(Effect.forever),
    /** Connections may be missing, or there are more nodes to call. */
    look: (): void => void changed.openUnsafe()
  }
})
