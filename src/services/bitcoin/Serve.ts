/**
 * Runs one connection with a Bitcoin peer from its open socket to its end, whoever dialled.
 */
import { type Clock, Effect, type Random, type Scope } from "effect"
import type { Socket } from "effect/socket/Socket"
import { ipOf } from "../../protocol/HostNetwork.ts"
import type { Ending } from "../../protocol/bitcoin/Restarts.ts"
import * as Version from "../../protocol/bitcoin/Version.ts"
import * as Heartbeat from "../../protocol/link/Heartbeat.ts"
import { ended } from "../link/Ended.ts"
import * as PlainChannel from "../link/PlainChannel.ts"
import type { Config } from "./Config.ts"
import { BitcoinPeer, type Place, type Watcher } from "./Peer.ts"
import type { Entry, Roster } from "./Roster.ts"
import * as Wire from "./Wire.ts"

export interface Served {
  readonly ending: Ending
  readonly detail: string
  /** When the handshake was over, if it was, in monotonic milliseconds. */
  readonly connectedAt: number | undefined
}

export interface Remote {
  readonly entry: Entry
  readonly host: string
  readonly port: number
}

/** The place is given back by whoever has taken it. */
export type Serve = (socket: Socket, remote: Remote) => Effect.Effect<Served, never, Scope.Scope>

export interface Options {
  readonly config: () => Config
  readonly place: () => Place
  readonly roster: Roster
  readonly watcher: Watcher
  readonly clock: Clock.Clock
  readonly random: Random.Random
  /** The height of this node's best block, -1 if it has none. */
  readonly height: () => number
}

const uint32 = (random: Random.Random): bigint => BigInt(random.nextIntUnsafe() >>> 0)
/** Never 0, which some nodes take for none, and with room above it. */
const nonceOf = (random: Random.Random): bigint => (uint32(random) << 31n) | uint32(random) | 1n

const nobody = { services: 0n, host: "0:0:0:0:0:0:0:0", port: 0 }

export const make = ({ clock, config, height, place, random, roster, watcher }: Options): Serve => {
  const own = ({ host, port }: Remote): Version.Version => {
    const { agent, listen, services } = config()
    return {
      version: Version.current,
      services,
      time: BigInt(Math.floor(clock.currentTimeMillisUnsafe() / 1_000)),
      receiver: { services: 0n, host: ipOf(host), port },
      sender: { ...nobody, services, port: listen?.port ?? 0 },
      nonce: nonceOf(random),
      agent,
      height: height(),
      relay: true
    }
  }

  return Effect.fnUntraced(function* (socket: Socket, remote: Remote) {
    const { entry, host, port } = remote
    let connectedAt: number | undefined
    let served: Served = { ending: "closed", detail: "this node stops", connectedAt }
    const ground = place()
    const { handshakeTimeout, heartbeat } = ground.config
    const peer = new BitcoinPeer(
      ground,
      {
        ...watcher,
        connected: (peer) => {
          connectedAt = ground.alarms.now
          watcher.connected(peer)
        },
        ended: (peer, ending, reason) => {
          served = { ending, detail: reason.detail, connectedAt }
          watcher.ended(peer, ending, reason)
        }
      },
      {
        id: entry.id,
        kind: entry.kind,
        direction: entry.kind === "Outbound" ? "outbound" : "inbound",
        remote: entry.remote,
        host,
        port,
        nonce: nonceOf(random),
        // Nobody is pinged before the handshake is over.
        phase: handshakeTimeout / Heartbeat.tickMillis(heartbeat) + random.nextDoubleUnsafe(),
        own: own(remote)
      }
    )
    roster.speaks(entry.id, peer)
    yield* PlainChannel.open(socket).pipe(
      Effect.flatMap((channel) => peer.run(channel, Wire.describe)),
      Effect.catch((error) => Effect.sync(() => peer.connection.end(Wire.describe(error)))),
      Effect.onExit(() => Effect.sync(() => peer.connection.end(ended("shutdown", "this node stops"))))
    )
    return served
  })
}
