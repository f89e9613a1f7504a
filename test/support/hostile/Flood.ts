/**
 * One node, eight peers that ask it for something again and again, and one that sends it as much as it takes: what the
 * eight have of the node while nobody floods it and while somebody does. The peers live in threads of their own.
 */
import { Effect, type Scope } from "effect"
import { Worker } from "node:worker_threads"
import { load } from "../../../bench/Machine.ts"
import { quantile } from "../../../bench/Measurement.ts"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import * as NodeSecret from "../../../src/protocol/NodeSecret.ts"
import type { Session } from "../../../src/services/link/Session.ts"
import { type Answers, asks, type Part } from "./FloodPart.ts"
import * as SessionNode from "./SessionNode.ts"

export interface Options {
  /** Frames as a node sends them, or byte by byte in records of their own. */
  readonly role: "floods" | "dribbles"
  /** Of the frames of the flood. */
  readonly kind: number
  /** Of its bodies, in bytes. */
  readonly size: number
  /** How long each half lasts, in milliseconds. */
  readonly millis: number
}

interface Half {
  /** Answers of each of the eight. */
  readonly answers: ReadonlyArray<number>
  /** How evenly they were served: 1 if all alike, 1/8 if one alone. */
  readonly fairness: number
  /** Milliseconds of this process. */
  readonly p50: number
  readonly p99: number
  /** The p99 of the peer that had it worst. */
  readonly worst: number
}

export interface Figures {
  readonly quiet: Half
  readonly flooded: Half
  /** What of the flood the node read, opened, in bytes a second. */
  readonly flood: number
  readonly load: ReadonlyArray<number>
}

const crowd = 8

/** Jain's index. */
export const fairness = (shares: ReadonlyArray<number>): number => {
  const sum = shares.reduce((all, one) => all + one, 0)
  const squares = shares.reduce((all, one) => all + one * one, 0)
  return squares === 0 ? 0 : (sum * sum) / (shares.length * squares)
}

const half = (answers: ReadonlyArray<Answers>): Half => {
  const counts = answers.map(({ length }) => length)
  const all = answers.flat()
  return {
    answers: counts,
    fairness: fairness(counts),
    p50: quantile(all, 0.5),
    p99: quantile(all, 0.99),
    worst: Math.max(...answers.map((millis) => quantile(millis, 0.99)))
  }
}

/** A thread of peers, until the scope closes. */
const peers = (part: Part): Effect.Effect<Worker, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => new Worker(new URL("FloodPeer.ts", import.meta.url), { workerData: part })),
    (worker) => Effect.promise(() => worker.terminate())
  )

const hears = (worker: Worker): Effect.Effect<unknown> =>
  Effect.callback((resume) => {
    worker.once("message", (message) => resume(Effect.succeed(message)))
    worker.once("error", (error) => resume(Effect.die(error)))
  })

/** The number of a node that does not decide about its sessions with this one. */
const numberAbove = (key: NodeKey): number => {
  for (let number = 50; ; number++) if (NodeSecret.fromSeed(SessionNode.seedOf(number)).key > key) return number
}

/** Answers what is asked, and takes the rest. */
const serving = (session: Session): Effect.Effect<void> =>
  Effect.forever(
    Effect.flatMap(session.frames.takeAll, (frames) =>
      session.sendAll(
        Frame.Kind.Data,
        frames.map(({ body }) => body).filter((body) => body[0] === asks)
      )
    )
  )

export const run = Effect.fnUntraced(function* ({ kind, millis, role, size }: Options) {
  const hub = yield* SessionNode.start({ number: 1, handle: serving })
  const { host, port } = hub.address.endpoint
  const at = { key: hub.key, host, port }
  const numbers = Array.from({ length: crowd }, (_, index) => 2 + index)
  const asking = yield* peers({ hub: at, role: "asks", kind: Frame.Kind.Data, numbers, size: 100 })
  yield* hears(asking)
  const flooder = numberAbove(hub.key)
  const flooding = yield* peers({ hub: at, role, kind, numbers: [flooder], size })
  yield* hears(flooding)
  const read = () => hub.registry.session(NodeSecret.fromSeed(SessionNode.seedOf(flooder)).key)?.connection.bytesIn ?? 0

  const asked = Effect.gen(function* () {
    asking.postMessage("go")
    yield* Effect.sleep(millis)
    asking.postMessage("stop")
    return half((yield* hears(asking)) as ReadonlyArray<Answers>)
  })
  yield* asked
  const quiet = yield* asked
  flooding.postMessage("go")
  yield* Effect.sleep(500)
  const [before, began] = [read(), performance.now()]
  const flooded = yield* asked
  const flood = (read() - before) / ((performance.now() - began) / 1_000)
  const figures: Figures = { quiet, flooded, flood: Math.round(flood), load: load() }
  return figures
})
