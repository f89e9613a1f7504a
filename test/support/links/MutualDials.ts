/**
 * Pairs of nodes on real TCP that dial each other at the same moment, without the delay that makes crossing dials rare:
 * what becomes of every socket and of every session.
 */
import { Effect, Fiber, Latch } from "effect"
import * as assert from "node:assert/strict"
import * as Diagnostics from "node:diagnostics_channel"
import type { Socket } from "node:net"
import { ownTime } from "../Stopwatch.ts"
import * as TcpNode from "./TcpNode.ts"

export interface Options {
  readonly pairs: number
  /** Pairs that dial at once. */
  readonly inFlight: number
  /** How long a pair must stay as it is once it has one connection, in milliseconds. */
  readonly calm: number
}

/** Times in milliseconds of this process, from the moment at which both sides had dialled. */
export interface Figures {
  readonly pairs: number
  /** Pairs of which both sockets came past the secure channel on both sides. */
  readonly crossed: number
  /** Pairs whose session is the arbiter's dial. */
  readonly byArbiter: number
  /** Until both sides have the session that stays, of the pairs of which both sides dialled. */
  readonly live: Quantiles
  /** Until the other socket is closed as well. */
  readonly alone: Quantiles
}

export interface Quantiles {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

const quantiles = (values: ReadonlyArray<number>): Quantiles => {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => Math.round(10 * (sorted[Math.ceil(share * sorted.length) - 1] ?? 0)) / 10
  return { p50: at(0.5), p99: at(0.99), max: at(1) }
}

/** Pairs that are made, dial, stay and end together. */
const together = 100

interface Dialled {
  readonly socket: Socket
  readonly at: number
}

/** Every socket that this process dials, by the port that it dialled. */
const dialledSockets = (now: () => number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const byPort = new Map<number, Array<Dialled>>()
      const note = (message: unknown) => {
        const { socket } = message as { readonly socket: Socket }
        const at = now()
        socket.once("connect", () => byPort.get(socket.remotePort ?? 0)?.push({ socket, at }))
      }
      Diagnostics.subscribe("net.client.socket", note)
      return { note, byPort }
    }),
    ({ note }) => Effect.sync(() => Diagnostics.unsubscribe("net.client.socket", note))
  )

/** Waits until only one of the sockets is open; which one that is, is for the nodes to decide. */
const untilOneIsLeft = (sockets: ReadonlyArray<Socket>) =>
  Effect.callback<Socket>((resume) => {
    const look = () => {
      const open = sockets.filter((socket) => !socket.destroyed)
      if (open.length <= 1)
        resume(open[0] === undefined ? Effect.die(new Error("no socket is left")) : Effect.succeed(open[0]))
    }
    for (const socket of sockets) socket.once("close", look)
    look()
  })

interface Side {
  readonly me: TcpNode.TcpNode
  readonly other: TcpNode.TcpNode
}

/** What one side has seen: connections past the handshake, sessions made, sessions lost. */
const seen = ({ me, other }: Side) => {
  const transitions = me.registry.recent(other.key)
  return {
    candidates: transitions.filter(({ to }) => to === "candidate").length,
    sessions: transitions.filter(({ to }) => to === "active").length,
    lost: transitions.filter(({ from, to }) => from === "active" && to === "closed").length
  }
}

const sessionOf = ({ me, other }: Side) => me.registry.session(other.key)?.session

const isLive = (a: Side, b: Side): boolean => {
  const [left, right] = [sessionOf(a), sessionOf(b)]
  return left !== undefined && left.number === right?.number
}

/** One session, the same number, one dialled and one accepted, over this very socket. */
const assertOne = (a: Side, b: Side, socket: Socket) => {
  const [left, right] = [sessionOf(a), sessionOf(b)]
  assert.ok(left !== undefined && right !== undefined, "no session")
  assert.equal(left.number, right.number)
  const [dialler, acceptor] = left.direction === "outbound" ? ([left, right] as const) : ([right, left] as const)
  assert.deepEqual([dialler.direction, acceptor.direction], ["outbound", "inbound"])
  assert.equal(dialler.remote, `${socket.remoteAddress}:${socket.remotePort}`)
  assert.equal(acceptor.remote, `${socket.localAddress}:${socket.localPort}`)
  for (const { sessions, lost } of [seen(a), seen(b)]) assert.deepEqual([sessions, lost], [1, 0])
  assert.ok(!socket.destroyed)
}

/** The session carries something there and back. */
const answers = ({ me, other }: Side) =>
  Effect.callback<boolean>((resume) => {
    me.registry.session(other.key)?.connection.probe(60_000, (answered) => resume(Effect.succeed(answered)))
  })

export const run = Effect.fnUntraced(function* ({ calm, inFlight, pairs }: Options) {
  const now = yield* ownTime
  const { byPort } = yield* dialledSockets(now)
  const prepared = Effect.fnUntraced(function* (number: number) {
    const node = (it: number) =>
      TcpNode.start({ number: it, listen: { host: "127.0.0.1", port: 0 }, link: { firstDialDelay: 0 } })
    const [left, right] = yield* Effect.all([node(2 * number + 1), node(2 * number + 2)])
    for (const { address } of [left, right]) byPort.set(address!.port, [])
    return [
      { me: left, other: right },
      { me: right, other: left }
    ] as const
  })

  /** From the start of both dials until one connection is left. */
  const meet = Effect.fnUntraced(function* ([a, b]: readonly [Side, Side]) {
    const ready = Latch.makeUnsafe(false)
    const connecting = yield* Effect.forEach([a, b], ({ me, other }) =>
      Effect.forkChild(ready.whenOpen(Effect.orDie(me.node.connect(other.address!))), { startImmediately: true })
    )
    ready.openUnsafe()
    yield* Fiber.joinAll(connecting)
    yield* a.me.until(() => sessionOf(a) !== undefined)
    yield* b.me.until(() => isLive(a, b))
    const live = now()
    const dialled = [a, b].flatMap(({ me }) => byPort.get(me.address!.port) ?? [])
    const socket = yield* untilOneIsLeft(dialled.map(({ socket }) => socket))
    const both = dialled[1] === undefined ? Number.NaN : Math.max(...dialled.map(({ at }) => at))
    assertOne(a, b, socket)
    return { socket, dials: dialled.length, live: live - both, alone: now() - both }
  })

  /** So many pairs at once: nobody is made or ends while others dial, so that the times are those of dialling. */
  const batch = Effect.fnUntraced(function* (numbers: ReadonlyArray<number>) {
    const both = yield* Effect.forEach(numbers, prepared)
    const met = yield* Effect.forEach(both, meet, { concurrency: inFlight })
    for (const [a, b] of both) assert.deepEqual(yield* Effect.all([answers(a), answers(b)]), [true, true])
    yield* Effect.sleep(calm)
    return both.map(([a, b], index) => {
      const { alone, dials, live, socket } = met[index]!
      assertOne(a, b, socket)
      for (const { me } of [a, b]) byPort.delete(me.address!.port)
      const dialler = sessionOf(a)?.direction === "outbound" ? a : b
      return {
        crossed: seen(a).candidates >= 2 && seen(b).candidates >= 2,
        byArbiter: dialler.me.key < dialler.other.key,
        times: dials === 2 ? { live, alone } : undefined
      }
    })
  }, Effect.scoped)

  const batches = Array.from({ length: Math.ceil(pairs / together) }, (_, index) =>
    Array.from({ length: Math.min(together, pairs - index * together) }, (_, number) => index * together + number)
  )
  const met = (yield* Effect.forEach(batches, batch)).flat()
  const times = met.flatMap(({ times }) => times ?? [])
  const figures: Figures = {
    pairs: met.length,
    crossed: met.filter(({ crossed }) => crossed).length,
    byArbiter: met.filter(({ byArbiter }) => byArbiter).length,
    live: quantiles(times.map(({ live }) => live)),
    alone: quantiles(times.map(({ alone }) => alone))
  }
  return figures
})
