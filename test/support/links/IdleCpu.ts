/**
 * A node with many peers and nothing to do but the heartbeat: how much of a core it needs.
 */
import { Effect } from "effect"
import { profiles } from "../../../src/protocol/link/Heartbeat.ts"
import * as Crowd from "./Crowd.ts"

export interface Options {
  readonly peers: number
  readonly heartbeat: keyof typeof profiles
  /** For how long it is measured, in milliseconds. */
  readonly span: number
}

export interface Figures {
  readonly peers: number
  readonly heartbeat: string
  /** Of one core, in percent. */
  readonly cpu: number
  readonly pings: { readonly sent: number; readonly inTime: number }
}

/** After it all are as idle as they get, in milliseconds. */
const quiet = 10_000

export const run = Effect.fnUntraced(function* ({ heartbeat, peers, span }: Options) {
  const link = { heartbeat: profiles[heartbeat] }
  const hub = yield* Crowd.start({ first: 1, count: 1, listen: { host: "127.0.0.1", port: 0 }, link })
  const others = yield* Crowd.start({ first: 2, count: peers, link })
  yield* others.call("want", hub.addresses)
  yield* hub.call("connected", peers)
  yield* Effect.sleep(quiet)
  const before = yield* hub.cpu
  const begun = performance.now()
  yield* Effect.sleep(span)
  const after = yield* hub.cpu
  const elapsed = performance.now() - begun
  const { pings } = yield* hub.story
  const figures: Figures = { peers, heartbeat, cpu: Math.round((after - before) / elapsed / 0.1) / 100, pings }
  return figures
}, Effect.scoped)
