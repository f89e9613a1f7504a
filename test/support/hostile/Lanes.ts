/**
 * One connection whose peer takes nothing for as long as a test wants, in virtual time: what is queued for it, what is
 * written when it takes again, and what becomes of it.
 */
import { Effect, FiberSet, type Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import { none } from "../../../src/services/Buggify.ts"
import { Alarms } from "../../../src/services/link/Alarms.ts"
import { Connection } from "../../../src/services/link/Connection.ts"
import { type Ended, ended } from "../../../src/services/link/Ended.ts"
import * as HoldfastWire from "../../../src/services/link/HoldfastWire.ts"
import * as LinkConfig from "../../../src/services/link/LinkConfig.ts"
import type * as SendQueue from "../../../src/services/link/SendQueue.ts"
import * as FakeChannel from "../FakeChannel.ts"

export const limits: SendQueue.Limits = { controlBytes: 1_000, gossipBytes: 600, bulkBytes: 2_000, writeBytes: 500 }
export const writeTimeout = 10_000

export interface Stuck {
  readonly connection: Connection
  readonly channel: FakeChannel.FakeChannel
  /** Kind and first byte of every frame that was written, write by write. */
  readonly written: () => ReadonlyArray<ReadonlyArray<readonly [kind: number, name: number]>>
  readonly ended: () => Ended | undefined
  /** Lets everything happen that needs no time. */
  readonly settle: Effect.Effect<void>
}

const namesOf = (frames: ReadonlyArray<Uint8Array>): ReadonlyArray<readonly [number, number]> =>
  frames.map((frame) => [frame[5]!, frame[Frame.headerSize] ?? 0])

const make = Effect.fnUntraced(function* (pull: Pull | undefined) {
  const channel = yield* FakeChannel.make
  const alarms = yield* Alarms.make
  const fork = yield* FiberSet.makeRuntime<never, void>()
  const config = { ...LinkConfig.defaults, queue: limits, writeTimeout }
  let reason: Ended | undefined
  const connection: Connection = new Connection(
    { wire: HoldfastWire.framing, points: none, config, alarms, fork },
    {
      handle: () => undefined,
      caughtUp: () => undefined,
      violated: (why) => connection.end(why),
      onEnded: (why) => {
        reason = why
      }
    },
    { id: 1, direction: "inbound", remote: "test:1", host: "test", nonce: 0n, phase: 0.9 }
  )
  const describe = (error: Error): Ended => ended("network", error.message)
  const read = pull === undefined ? channel.channel : { ...channel.channel, pull }
  yield* Effect.forkChild(connection.run(read, describe), { startImmediately: true })
  const stuck: Stuck = {
    connection,
    channel,
    written: () => channel.writes.map(namesOf),
    ended: () => reason,
    settle: Effect.forEach([1, 2, 3, 4], () => TestClock.adjust(0), { discard: true })
  }
  return stuck
})

type Pull = FakeChannel.FakeChannel["channel"]["pull"]

/** Runs `work` with such a connection, in a time of its own. What it reads comes by `pull`, if that is given. */
export const run = <A>(work: (stuck: Stuck) => Effect.Effect<A, never, Scope.Scope>, pull?: Pull): Promise<A> =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(make(pull), work)).pipe(Effect.provide(TestClock.layer())))
