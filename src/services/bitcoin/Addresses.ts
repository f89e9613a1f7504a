/**
 * How nodes tell each other where others are. Addresses are taken only from nodes that this one has dialled and asked, once
 * each, and from any node its own; who has dialled is answered once. So nobody fills the store unasked, and nobody draws
 * all of it out.
 */
import { Clock, Effect, Result } from "effect"
import { Endpoint } from "../../protocol/Address.ts"
import * as Command from "../../protocol/bitcoin/Command.ts"
import * as NetworkAddress from "../../protocol/bitcoin/NetworkAddress.ts"
import { Service } from "../../protocol/bitcoin/Version.ts"
import { ipOf } from "../../protocol/HostNetwork.ts"
import { ipv6Groups, isIpv4 } from "../../protocol/IpAddress.ts"
import type { Frame } from "../../protocol/link/Frame.ts"
import type { Config } from "./Config.ts"
import type { BitcoinPeer } from "./Peer.ts"
import { PeerStore } from "./PeerStore.ts"

export interface Options {
  readonly config: () => Config
  /** Runs what has to be waited for beside the reading. */
  readonly fork: (effect: Effect.Effect<void>) => void
  /** There are nodes that were not known before. */
  readonly learnt: () => void
}

const nothing = new Uint8Array(0)
const kinds = { getaddr: Command.kindOf("getaddr"), addr: Command.kindOf("addr") } as const

/** The addresses that stand for none. */
const nowhere: ReadonlySet<string> = new Set(["0.0.0.0", "::"].map(ipOf))

/** Names cannot be told. */
const isAddress = (host: string): boolean => isIpv4(host) || ipv6Groups(host) !== undefined

const isSomewhere = ({ host, port, services }: NetworkAddress.Heard): boolean =>
  port !== 0 && !nowhere.has(ipOf(host)) && (services & Service.network) !== 0n

export const make = Effect.fnUntraced(function* ({ config, fork, learnt }: Options) {
  const store = yield* PeerStore
  const clock = yield* Clock.Clock
  /** Connections that have been asked, and have not answered. */
  const asked = new Set<number>()
  const answered = new Set<number>()

  const learn = Effect.fnUntraced(
    function* (heard: ReadonlyArray<NetworkAddress.Heard>) {
      const endpoints = heard.filter(isSomewhere).map(({ host, port }) => new Endpoint({ host: ipOf(host), port }))
      const fresh = yield* store.learn(config().network.name, endpoints, clock.currentTimeMillisUnsafe())
      if (fresh > 0) learnt()
    },
    Effect.catch((error) => Effect.logWarning("Addresses that a peer has told could not be kept", error))
  )

  /** Nodes with which a handshake was completed, as many as one message may have. */
  const answer = Effect.fnUntraced(
    function* (peer: BitcoinPeer) {
      const { network } = config()
      const known = yield* store.list(network.name, { status: "Valid", limit: NetworkAddress.mostAddresses })
      const time = Math.floor(clock.currentTimeMillisUnsafe() / 1_000)
      const heard = known.flatMap(({ endpoint: { host, port } }) =>
        isAddress(host) ? [{ time, services: Service.network, host, port }] : []
      )
      if (heard.length > 0) yield* peer.send("addr", NetworkAddress.addr.encode(heard))
    },
    Effect.catch((error) => Effect.logWarning("The known Bitcoin nodes cannot be read", error))
  )

  const told = (peer: BitcoinPeer, { body }: Frame): void => {
    const addresses = NetworkAddress.addr.decode(body)
    if (Result.isFailure(addresses)) {
      const isTooMany = addresses.failure.reason === "too-many"
      return peer.charge(isTooMany ? "addresses-many" : "payload-malformed", addresses.failure.message)
    }
    const heard = addresses.success
    // What it says of itself is no answer.
    const isOwn = heard.length === 1 && heard.every(({ host }) => ipOf(host) === ipOf(peer.host))
    if (isOwn || asked.delete(peer.connection.id)) fork(learn(heard))
  }

  return {
    /** Asks a node that was dialled, where this one looks for others. */
    connected: (peer: BitcoinPeer): void => {
      if (peer.kind !== "Outbound" || config().peers._tag !== "Known") return
      asked.add(peer.connection.id)
      fork(Effect.asVoid(peer.send("getaddr", nothing)))
    },
    /** Whether the message was about addresses. */
    received: (peer: BitcoinPeer, frame: Frame): boolean => {
      const { id } = peer.connection
      if (frame.kind === kinds.addr) told(peer, frame)
      else if (frame.kind !== kinds.getaddr) return false
      else if (peer.kind === "Inbound" && !answered.has(id)) {
        answered.add(id)
        fork(answer(peer))
      }
      return true
    },
    ended: ({ connection: { id } }: BitcoinPeer): void => {
      asked.delete(id)
      answered.delete(id)
    }
  }
})
