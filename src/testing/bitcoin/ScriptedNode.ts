/**
 * A Bitcoin node for tests: shakes hands as one of five real nodes would, answers pings, gives headers and blocks of a chain
 * that it is given, and does what no node should on request. It runs over whatever `Transport` there is: a network in memory, a
 * simulated one, or real TCP.
 *
 * ```ts
 * const node = yield* ScriptedNode.make({ family: "bcoin", chain: RegtestChain.make({ seed: 1, blocks: 25 }) })
 * const endpoint = yield* node.listen({ host: "127.0.0.1", port: 0 })
 * // ... let your own code dial `endpoint` ...
 * const link = yield* node.accepted
 * yield* link.connected
 * yield* link.play("inv 50001")
 * yield* link.ping // fails if the connection does not outlive it
 * ```
 *
 * It judges nobody, keeps a limited number of messages, and ends with the scope in which it was made.
 */
import { Clock, Effect, Queue, Random, type Scope } from "effect"
import type { Socket } from "effect/socket/Socket"
import type { Endpoint } from "../../protocol/Address.ts"
import { type Network, networks } from "../../protocol/bitcoin/Network.ts"
import type * as Version from "../../protocol/bitcoin/Version.ts"
import { type DialFailed, type ListenFailed, Transport } from "../../services/link/Transport.ts"
import { families, type FamilyName } from "./NodeFamily.ts"
import type { RegtestChain } from "./RegtestChain.ts"
import { ScriptedLink, serve } from "./ScriptedLink.ts"
import { type Gives, ScriptedPeer } from "./ScriptedPeer.ts"
import type { HandshakeName } from "./Stimulus.ts"

export interface Options {
  /** As which node it speaks; "bsv" unless it is given. */
  readonly family?: FamilyName | undefined
  /** The chain's network if there is one, else BSV's regtest. */
  readonly network?: Network | undefined
  /** What it has; without it nobody gets a header. */
  readonly chain?: RegtestChain | undefined
  /** What it answers, in place of the block, to who asks for one that it has. */
  readonly gives?: Gives | undefined
  /** What it says of itself in place of what its family does. */
  readonly version?: Partial<Version.Version> | undefined
  /** Plays this on every connection instead of the handshake: at once if it has dialled, else to the peer's version. */
  readonly handshake?: HandshakeName | undefined
}

export interface ScriptedNode {
  readonly network: Network
  /** Connections that are open, oldest first. */
  readonly links: () => ReadonlyArray<ScriptedLink>
  /** Takes connections until the scope closes; port 0 takes a free one. */
  readonly listen: (at: {
    readonly host: string
    readonly port: number
  }) => Effect.Effect<Endpoint, ListenFailed, Scope.Scope>
  /** Waits for the next connection that comes in. Of those for which nobody waits the newest are kept. */
  readonly accepted: Effect.Effect<ScriptedLink>
  /** Connects; the handshake goes on by itself. Closed with the scope. */
  readonly dial: (endpoint: Endpoint) => Effect.Effect<ScriptedLink, DialFailed, Scope.Scope>
}

/** Connections at once; more that come in are closed. */
const mostLinks = 64

const nobody = { services: 0n, host: "0:0:0:0:0:0:0:0", port: 0 }

export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<ScriptedNode, never, Transport | Scope.Scope> {
  const transport = yield* Transport
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  const network = options.network ?? options.chain?.network ?? networks.get("bsv-regtest")!
  const family = families[options.family ?? "bsv"]
  const links = new Set<ScriptedLink>()
  const accepted = yield* Queue.sliding<ScriptedLink>(mostLinks)
  const nonce = (): bigint => BigInt(random.nextIntUnsafe() >>> 0) + 1n

  const version = (host: string, port: number): Version.Version => ({
    version: family.version,
    services: family.services,
    time: BigInt(Math.floor(clock.currentTimeMillisUnsafe() / 1_000)),
    receiver: { ...nobody, host, port },
    sender: { ...nobody, services: family.services },
    nonce: nonce(),
    agent: family.agent,
    height: options.chain?.height ?? 0,
    relay: true,
    ...options.version
  })

  const link = (host: string, port: number, dialled: boolean): ScriptedLink => {
    const own = version(host, port)
    const { chain, gives, handshake } = options
    const mute = handshake !== undefined
    const peer = new ScriptedPeer({ network, family, chain, gives, dialled, version: own, nonce: nonce(), mute })
    return new ScriptedLink({ network, peer, dialled, version: own, remote: `${host}:${port}`, handshake, nonce })
  }

  const run = (socket: Socket, one: ScriptedLink): Effect.Effect<void> =>
    Effect.suspend(() => {
      links.add(one)
      return serve(socket, one, network)
    }).pipe(Effect.ensuring(Effect.sync(() => void links.delete(one))))

  return {
    network,
    links: () => [...links],
    accepted: Queue.take(accepted),
    listen: Effect.fnUntraced(function* (at) {
      const listener = yield* transport.listen(at)
      const taking = listener.run(({ remote: { host, port }, socket }) => {
        if (links.size >= mostLinks) return Effect.void
        const one = link(host, port, false)
        Queue.offerUnsafe(accepted, one)
        return run(socket, one)
      })
      yield* Effect.forkScoped(taking, { startImmediately: true })
      return listener.endpoint
    }),
    dial: Effect.fnUntraced(function* (endpoint) {
      const socket = yield* transport.dial(endpoint)
      const one = link(socket.remoteHost, endpoint.port, true)
      yield* Effect.forkScoped(run(socket, one), { startImmediately: true })
      return one
    })
  }
})
