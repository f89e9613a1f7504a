/** A Bitcoin peer over a fake channel: a test says what comes in, and sees what is said and told. */
import { Effect, FiberSet } from "effect"
import { TestClock } from "effect/testing"
import type * as Command from "../../src/protocol/bitcoin/Command.ts"
import type { Kind } from "../../src/protocol/bitcoin/ConnectionState.ts"
import * as Handshake from "../../src/protocol/bitcoin/Handshake.ts"
import * as MessageFrame from "../../src/protocol/bitcoin/MessageFrame.ts"
import type { Fault } from "../../src/protocol/bitcoin/Misbehaviour.ts"
import * as PayloadLimits from "../../src/protocol/bitcoin/PayloadLimits.ts"
import type { Reject } from "../../src/protocol/bitcoin/Reject.ts"
import type { Ending } from "../../src/protocol/bitcoin/Restarts.ts"
import * as Version from "../../src/protocol/bitcoin/Version.ts"
import type { Frame } from "../../src/protocol/link/Frame.ts"
import * as Heartbeat from "../../src/protocol/link/Heartbeat.ts"
import { BitcoinPeer } from "../../src/services/bitcoin/Peer.ts"
import * as BitcoinWire from "../../src/services/bitcoin/Wire.ts"
import { none } from "../../src/services/Buggify.ts"
import { Alarms } from "../../src/services/link/Alarms.ts"
import { ended } from "../../src/services/link/Ended.ts"
import * as LinkConfig from "../../src/services/link/LinkConfig.ts"
import { networkNamed } from "./BitcoinVectors.ts"
import * as FakeChannel from "./FakeChannel.ts"

const somewhere = { services: 0n, host: "127.0.0.1", port: 0 }

/** As a peer might say it. */
export const version: Version.Version = {
  version: Version.current,
  services: Version.Service.network,
  time: 1_700_000_000n,
  receiver: somewhere,
  sender: somewhere,
  nonce: 7n,
  agent: "/test:1/",
  height: 0,
  relay: true
}

/** What the node under test says. */
export const own: Version.Version = { ...version, nonce: 99n, agent: "/Holdfast:0.1/" }

export interface Options {
  readonly network?: string
  readonly direction?: "inbound" | "outbound"
  readonly kind?: Kind
  readonly received?: (frame: Frame) => Effect.Effect<void> | undefined
}

export const start = Effect.fnUntraced(function* (options: Options = {}) {
  const { direction = "inbound", kind = direction === "inbound" ? "Inbound" : "Outbound" } = options
  const network = networkNamed(options.network ?? "bsv-regtest")
  const fake = yield* FakeChannel.make
  const alarms = yield* Alarms.make
  const fork = yield* FiberSet.makeRuntime<never, void>()
  const received: Array<Frame> = []
  const faults: Array<Fault> = []
  const rejects: Array<Reject> = []
  const ends: Array<Ending> = []
  let connected = 0
  const terms: Handshake.Terms = {
    services: Version.Service.network,
    agent: (agent) => (agent.includes("ABC") ? "its agent has ABC" : undefined),
    isOwn: (nonce) => nonce === own.nonce
  }
  const limits = PayloadLimits.limits(PayloadLimits.defaults)
  const peer = new BitcoinPeer(
    {
      wire: BitcoinWire.framing(network, limits),
      config: { ...LinkConfig.defaults, heartbeat: Heartbeat.profiles.relaxed },
      points: none,
      alarms,
      fork,
      network,
      terms
    },
    {
      introduced: () => {},
      connected: () => void connected++,
      received: (_, frame) => {
        received.push(frame)
        return options.received?.(frame)
      },
      caughtUp: () => {},
      rejected: (_, reject) => void rejects.push(reject),
      misbehaved: (_, fault) => void faults.push(fault),
      ending: () => {},
      ended: (_, ending) => void ends.push(ending)
    },
    { id: 1, direction, remote: "test:1", host: "127.0.0.1", port: 1, nonce: 1n, phase: 0.5, kind, own }
  )
  yield* Effect.forkChild(peer.run(fake.channel, (error) => ended(error.kind, error.message)))
  const settle = TestClock.adjust(0)
  yield* settle
  let read = 0
  return {
    peer,
    network,
    received,
    faults,
    rejects,
    ends,
    fail: fake.fail,
    connected: () => connected,
    /** Lets what came have its effect. */
    settle,
    bytes: (bytes: Uint8Array) =>
      Effect.andThen(
        Effect.sync(() => fake.feed(bytes)),
        settle
      ),
    says: (command: Command.Command | (string & {}), payload: Uint8Array = new Uint8Array(0)) =>
      Effect.andThen(
        Effect.sync(() => fake.feed(MessageFrame.encode(network, command, payload))),
        settle
      ),
    /** What the node has said since it was asked last. */
    said: (): ReadonlyArray<MessageFrame.Message> => {
      const decoder = new MessageFrame.Decoder(network, limits)
      const messages: Array<MessageFrame.Message> = []
      for (const piece of fake.writes.slice(read).flat()) decoder.feed(piece, messages)
      read = fake.writes.length
      return messages
    },
    ended: fake.ended
  }
})

export type Lab = Effect.Success<ReturnType<typeof start>>

/** A peer with which the handshake is over; what was said of it is forgotten. */
export const connected = Effect.fnUntraced(function* (options?: Options) {
  const lab = yield* start(options)
  yield* lab.says("version", Version.version.encode(version))
  yield* lab.says("verack")
  lab.said()
  return lab
})
