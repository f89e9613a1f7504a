/** The node of the scenario `bitcoin` that runs this project's manager, unchanged, with what it needs in memory. */
import { Context, Effect, Layer, type Scope, Stream } from "effect"
import type { SecureRandom } from "effect/crypto"
import * as StoresMemory from "../../layers/StoresMemory.ts"
import { Endpoint } from "../../protocol/Address.ts"
import * as AgentPolicy from "../../protocol/bitcoin/AgentPolicy.ts"
import * as Restarts from "../../protocol/bitcoin/Restarts.ts"
import * as Config from "../../services/bitcoin/Config.ts"
import { Manager } from "../../services/bitcoin/Manager.ts"
import { LookupFailed, Resolver } from "../../services/bitcoin/Resolver.ts"
import { Bans, make as makeBans } from "../../services/link/Bans.ts"
import type { Transport } from "../../services/link/Transport.ts"
import { type Cast, chain, endpointOf, markOf, network, type Side } from "./SimulatedSide.ts"

/** Times are shorter than in production, for runs of half a minute. */
const configOf = ({ dialling, listening }: Cast): Config.Config => {
  const defaults = Config.defaults(network)
  const honest = dialling.length + listening.length
  return {
    ...defaults,
    peers: { _tag: "Fixed", endpoints: listening.map(endpointOf) },
    listen: new Endpoint({ host: "0.0.0.0", port: network.port }),
    agents: AgentPolicy.everybody,
    pool: { ...defaults.pool, target: honest, most: honest },
    restarts: { ...Restarts.defaults, backoff: { baseMillis: 500, capMillis: 10_000 } },
    fixedAgain: 15_000,
    listenAgain: 2_000,
    heartbeat: { interval: 5_000, timeout: 15_000, missed: 1, stable: 20_000 }
  }
}

const resolver = Layer.succeed(Resolver, { addresses: (name) => Effect.fail(new LookupFailed({ name })) })
const bans = Layer.effect(
  Bans,
  makeBans(() => [])
)

export const make = Effect.fnUntraced(function* (
  cast: Cast
): Effect.fn.Return<Side, Error, Transport | SecureRandom.SecureRandom | Scope.Scope> {
  const config = configOf(cast)
  const ground = Layer.mergeAll(resolver, bans).pipe(Layer.provideMerge(Layer.fresh(StoresMemory.layer)))
  const manager = Context.get(yield* Layer.build(Layer.provide(Manager.layer(config), ground)), Manager)
  const { most } = config.pool
  const dialled = new Set(cast.listening.map((name) => endpointOf(name).toString()))
  let wrong: string | undefined

  const look = (): void => {
    const counted = manager.connections().filter(({ kind }) => kind !== "OverCapacity")
    if (counted.length > most) wrong ??= `${counted.length} connections, ${most} at the most`
  }
  yield* manager.events.pipe(
    Stream.runForEach((event) =>
      Effect.sync(() => {
        look()
        if (event._tag === "Banned" && dialled.has(event.remote)) wrong ??= `${event.remote} is banned: ${event.reason}`
      })
    ),
    Effect.forkScoped({ startImmediately: true })
  )

  return {
    disturb: Effect.void,
    wrong: () => wrong,
    check: Effect.sync(() => {
      look()
      const agents = manager.connections().flatMap(({ peer, state }) => {
        return state === "Connected" && peer?.isConnected === true ? [peer.version?.agent ?? ""] : []
      })
      const missing = [...cast.listening, ...cast.dialling].find(
        (name) => !agents.some((agent) => agent.endsWith(markOf(name)))
      )
      if (missing !== undefined) return `${missing} is not connected`
      const height = manager.headers?.best().height
      return height === chain.height ? undefined : `it knows ${height} headers of ${chain.height}`
    })
  }
})
