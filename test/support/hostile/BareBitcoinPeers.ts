/**
 * Bitcoin peers over channels that give what a test has ready and end there, one after the other: the real connection, with
 * nothing of the network beneath. What a peer that has been heard out did is given back as data.
 */
import { Effect, FiberSet, type Scope } from "effect"
import type { Kind } from "../../../src/protocol/bitcoin/ConnectionState.ts"
import type { Network } from "../../../src/protocol/bitcoin/Network.ts"
import * as PayloadLimits from "../../../src/protocol/bitcoin/PayloadLimits.ts"
import type { Ending } from "../../../src/protocol/bitcoin/Restarts.ts"
import { Service } from "../../../src/protocol/bitcoin/Version.ts"
import * as Heartbeat from "../../../src/protocol/link/Heartbeat.ts"
import { BitcoinPeer, type Place } from "../../../src/services/bitcoin/Peer.ts"
import * as BitcoinWire from "../../../src/services/bitcoin/Wire.ts"
import { none } from "../../../src/services/Buggify.ts"
import { Alarms } from "../../../src/services/link/Alarms.ts"
import { ended } from "../../../src/services/link/Ended.ts"
import * as LinkConfig from "../../../src/services/link/LinkConfig.ts"
import type { Channel } from "../../../src/services/link/Wire.ts"
import { own } from "../BitcoinPeerLab.ts"

export { own }

export interface Outcome {
  /** Why it ended: once, or something is wrong. */
  readonly ends: ReadonlyArray<Ending>
  /** How often the handshake was over. */
  readonly connected: number
  /** Messages that whoever watches was given. */
  readonly heard: number
  readonly score: number
  readonly written: ReadonlyArray<Uint8Array>
}

/** The peer has said everything. One for all: to make an error costs more than many a connection. */
const silence = new Error("the peer has said everything")

/** The pieces, which are the reader's from then on, in their order, each in a turn of its own, and the end two turns after the last. */
const channel = (pieces: ReadonlyArray<Uint8Array>, written: Array<Uint8Array>): Channel<Error> => {
  let at = 0
  const turn = Effect.andThen(Effect.yieldNow, Effect.yieldNow)
  return {
    pull: (take) =>
      Effect.flatMap(turn, () => {
        const piece = pieces[at++]
        if (piece === undefined) return Effect.fail(silence)
        take(piece)
        return Effect.void
      }),
    write: (chunks) => Effect.sync(() => void written.push(...chunks)),
    end: Effect.void
  }
}

export class BareBitcoinPeers {
  readonly #alarms: Alarms
  readonly #fork: Place["fork"]
  #last = 0

  private constructor(alarms: Alarms, fork: Place["fork"]) {
    this.#alarms = alarms
    this.#fork = fork
  }

  static readonly make: Effect.Effect<BareBitcoinPeers, never, Scope.Scope> = Effect.gen(function* () {
    return new BareBitcoinPeers(yield* Alarms.make, yield* FiberSet.makeRuntime<never, void>())
  })

  /** A peer of this kind that says these bytes and closes. */
  serve(network: Network, kind: Kind, pieces: ReadonlyArray<Uint8Array>): Effect.Effect<Outcome> {
    return Effect.suspend(() => {
      const ends: Array<Ending> = []
      const written: Array<Uint8Array> = []
      let connected = 0
      let heard = 0
      const peer = new BitcoinPeer(
        this.#place(network),
        {
          introduced: () => {},
          connected: () => void connected++,
          received: () => void heard++,
          caughtUp: () => {},
          rejected: () => {},
          misbehaved: () => {},
          ending: () => {},
          ended: (_, ending) => void ends.push(ending)
        },
        {
          id: ++this.#last,
          kind,
          direction: kind === "Outbound" ? "outbound" : "inbound",
          remote: "test:1",
          host: "127.0.0.1",
          port: 1,
          nonce: 1n,
          phase: 0.5,
          own
        }
      )
      const run = peer.run(channel(pieces, written), ({ message }) => ended("closed", message))
      return Effect.map(run, () => ({ ends, connected, heard, score: peer.score, written }))
    })
  }

  #place(network: Network): Place {
    return {
      wire: BitcoinWire.framing(network, PayloadLimits.limits(PayloadLimits.defaults)),
      config: { ...LinkConfig.defaults, heartbeat: Heartbeat.profiles.relaxed, lingerTimeout: 0 },
      points: none,
      alarms: this.#alarms,
      fork: this.#fork,
      network,
      terms: {
        services: Service.network,
        agent: (agent) => (agent.includes("ABC") ? "its agent has ABC" : undefined),
        isOwn: (nonce) => nonce === own.nonce
      }
    }
  }
}
