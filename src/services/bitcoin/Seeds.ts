/**
 * Looks up the names of a network's seeds, at the start and once in a while, where a node dials whom it knows: each address
 * that nobody knows is noted. That a name has none is told, and no more.
 */
import { Clock, Effect } from "effect"
import { Endpoint } from "../../protocol/Address.ts"
import type { Config } from "./Config.ts"
import type { PeerEvent } from "./PeerEvent.ts"
import { PeerStore } from "./PeerStore.ts"
import { Resolver } from "./Resolver.ts"

export interface Options {
  readonly config: () => Config
  readonly tell: (event: PeerEvent) => void
  /** There are nodes that were not known before. */
  readonly learnt: () => void
}

/** Addresses of one name; a seed that gives more is no help. */
const mostAddresses = 256

/** For ever. */
export const run = Effect.fnUntraced(function* ({ config, learnt, tell }: Options) {
  const resolver = yield* Resolver
  const store = yield* PeerStore
  const clock = yield* Clock.Clock

  const ask = Effect.fnUntraced(function* () {
    const { network, seeds } = config()
    const failed: Array<string> = []
    let fresh = 0
    for (const name of seeds) {
      const found = yield* Effect.catch(resolver.addresses(name), () => {
        failed.push(name)
        return Effect.succeed([])
      })
      const endpoints = found.slice(0, mostAddresses).map((host) => new Endpoint({ host, port: network.port }))
      fresh += yield* store.learn(network.name, endpoints, clock.currentTimeMillisUnsafe())
    }
    tell({ _tag: "Discovered", fresh, failed })
    if (fresh > 0) learnt()
  })

  const once = Effect.suspend(() => {
    const { peers, seeds } = config()
    return peers._tag === "Known" && seeds.length > 0 ? ask() : Effect.void
  })
  const logged = Effect.catch(once, (error) => Effect.logWarning("What the seeds told could not be kept", error))
  return yield* Effect.forever(
    Effect.andThen(
      logged,
      Effect.suspend(() => Effect.sleep(config().seedsEvery))
    )
  )
})
