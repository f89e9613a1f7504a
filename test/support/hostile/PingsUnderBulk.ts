/**
 * Two nodes that send each other frames of 1 MiB as fast as they can, over real TCP, and ping each other meanwhile: how
 * long a ping takes, beside what it takes when nothing else is said.
 */
import { Effect, Exit, Scope } from "effect"
import { load } from "../../../bench/Machine.ts"
import { quantile } from "../../../bench/Measurement.ts"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import type { Connection } from "../../../src/services/link/Connection.ts"
import type { Tap } from "../../../src/services/link/LinkTap.ts"
import type { Session } from "../../../src/services/link/Session.ts"
import { ownTime } from "../Stopwatch.ts"
import * as SessionNode from "./SessionNode.ts"

const { Kind } = Frame
export const bodySize = 1024 * 1024

export interface Figures {
  readonly seconds: number
  /** Of both directions together, per second. */
  readonly mebibytesPerSecond: number
  readonly frames: number
  readonly pings: number
  /** Milliseconds of this process. */
  readonly quiet: { readonly p50: number; readonly p99: number }
  readonly loaded: { readonly p50: number; readonly p99: number; readonly max: number }
  /** Bytes of bulk that one side handled between its ping and the pong, at the most. */
  readonly overtaken: number
  readonly endings: ReadonlyArray<string>
  readonly load: ReadonlyArray<number>
}

/** Times the pings of one node, and counts the bulk that comes in while one is under way. */
class Watch implements Tap {
  millis: Array<number> = []
  overtaken = 0
  bulk = 0
  readonly #now: () => number
  #underWay: Array<{ readonly at: number; readonly bulk: number }> = []

  constructor(now: () => number) {
    this.#now = now
  }

  readonly sent: Tap["sent"] = (_, kind) => {
    if (kind === Kind.Ping) this.#underWay.push({ at: this.#now(), bulk: this.bulk })
  }

  readonly received: Tap["received"] = (_, kind, bytes) => {
    if (kind === Kind.Data) this.bulk += bytes
    if (kind !== Kind.Pong) return
    const ping = this.#underWay.shift()
    if (ping === undefined) return
    this.millis.push(this.#now() - ping.at)
    this.overtaken = Math.max(this.overtaken, this.bulk - ping.bulk)
  }
}

/** A frame that says its number at both ends and in the middle. */
const bodyOf = (number: number): Uint8Array => {
  const body = new Uint8Array(bodySize)
  const view = new DataView(body.buffer)
  for (const at of [0, bodySize >> 1, bodySize - 4]) view.setUint32(at, number)
  return body
}

const numberOf = (body: Uint8Array): number => {
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  const [first, ...rest] = [0, bodySize >> 1, bodySize - 4].map((at) => view.getUint32(at))
  return body.length === bodySize && rest.every((other) => other === first) ? first! : -1
}

/** Checks what comes, in its order, for as long as the session lives. */
const checking = (session: Session): Effect.Effect<void> => {
  let next = 0
  return Effect.forever(
    Effect.map(session.frames.takeAll, (frames) => {
      for (const { body } of frames) {
        const number = numberOf(body)
        if (number !== next++) throw new Error(`frame ${next - 1} came as ${number}`)
      }
    })
  )
}

const sending = (session: Session): Effect.Effect<never> => {
  let next = 0
  return Effect.forever(Effect.suspend(() => session.send(Kind.Data, bodyOf(next++))))
}

/** Ten a second, which is what a peer may ask unasked. */
const pinging = (connection: Connection): Effect.Effect<never> =>
  Effect.forever(
    Effect.andThen(
      Effect.sync(() => connection.probe(10_000, () => undefined)),
      Effect.sleep(100)
    )
  )

const quantiles = (millis: ReadonlyArray<number>) => ({ p50: quantile(millis, 0.5), p99: quantile(millis, 0.99) })

export const run = Effect.fnUntraced(function* (seconds: number) {
  const scope = yield* Effect.scope
  const now = yield* ownTime
  const watches = [new Watch(now), new Watch(now)] as const
  const left = yield* SessionNode.start({ number: 1, handle: checking, tap: watches[0] })
  const right = yield* SessionNode.start({ number: 2, handle: checking, tap: watches[1] })
  yield* left.want(right)
  const sessions = [yield* left.session(right.key), yield* right.session(left.key)]
  const connections = [left.registry.session(right.key), right.registry.session(left.key)].flatMap((live) =>
    live === undefined ? [] : [live.connection]
  )
  const work = yield* Scope.fork(scope)
  yield* Effect.forEach(connections, (connection) => Effect.forkIn(pinging(connection), work))
  yield* Effect.sleep(Math.min(5_000, (seconds * 1_000) / 4))
  const quiet = quantiles(watches.flatMap(({ millis }) => millis))
  for (const watch of watches) watch.millis = []
  const began = performance.now()
  yield* Effect.forEach(sessions, (session) => Effect.forkIn(sending(session), work))
  yield* Effect.sleep(seconds * 1_000)
  const elapsed = (performance.now() - began) / 1_000
  const bytes = watches[0].bulk + watches[1].bulk
  const millis = watches.flatMap((watch) => watch.millis)
  const endings = [left, right].flatMap(({ registry }) =>
    registry.recent().flatMap(({ detail, reason, to }) => (to === "closed" ? [`${reason}: ${detail}`] : []))
  )
  yield* Scope.close(work, Exit.void)
  const figures: Figures = {
    seconds: Math.round(elapsed * 10) / 10,
    mebibytesPerSecond: Math.round(bytes / elapsed / 2 ** 20),
    frames: Math.round(bytes / bodySize),
    pings: millis.length,
    quiet,
    loaded: { ...quantiles(millis), max: Math.max(...millis) },
    overtaken: Math.max(...watches.map(({ overtaken }) => overtaken)),
    endings,
    load: load()
  }
  return figures
})
