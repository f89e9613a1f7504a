/**
 * Two nodes that dial each other at the same moment end with one connection, the same one on both sides: 200 pairs of
 * whole nodes on real TCP, without the delay that makes crossing dials rare.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch } from "effect"
import * as Diagnostics from "node:diagnostics_channel"
import type { Socket } from "node:net"
import * as MemoryNode from "../support/MemoryNode.ts"

const pairs = 200
const inFlight = 8

/** Every socket that this process dials, by the port that it dialled. */
const dialledSockets = Effect.acquireRelease(
  Effect.sync(() => {
    const sockets: Array<Socket> = []
    const note = (message: unknown) => {
      const { socket } = message as { readonly socket: Socket }
      sockets.push(socket)
    }
    Diagnostics.subscribe("net.client.socket", note)
    return { note, sockets }
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
  readonly me: MemoryNode.MemoryNode
  readonly other: MemoryNode.MemoryNode
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

const sessionOf = ({ me, other }: Side) => {
  const found = me.registry.session(other.key)
  assert.isDefined(found, "no session")
  return found!.session
}

/** One session, the same number, one dialled and one accepted, over this very socket. */
const assertOne = (a: Side, b: Side, socket: Socket) => {
  const [left, right] = [sessionOf(a), sessionOf(b)]
  assert.strictEqual(left.number, right.number)
  const [dialler, acceptor] = left.direction === "outbound" ? ([left, right] as const) : ([right, left] as const)
  assert.deepStrictEqual([dialler.direction, acceptor.direction], ["outbound", "inbound"])
  assert.strictEqual(dialler.remote, `${socket.remoteAddress}:${socket.remotePort}`)
  assert.strictEqual(acceptor.remote, `${socket.localAddress}:${socket.localPort}`)
  for (const side of [a, b]) assert.deepStrictEqual([seen(side).sessions, seen(side).lost], [1, 0])
  assert.isFalse(socket.destroyed)
}

describe("mutual dials", () => {
  it.live("end with one connection, the same on both sides, and stay so", () =>
    Effect.gen(function* () {
      const { sockets } = yield* dialledSockets
      const scope = yield* Effect.scope

      const meet = Effect.fnUntraced(function* (n: number) {
        const [left, right] = yield* Effect.all([MemoryNode.startIn(scope), MemoryNode.startIn(scope)])
        const a: Side = { me: left, other: right }
        const b: Side = { me: right, other: left }
        const ready = Latch.makeUnsafe(false)
        const dialling = yield* Effect.forEach([a, b], ({ me, other }) =>
          Effect.forkChild(ready.whenOpen(Effect.orDie(me.node.connect(other.address))), { startImmediately: true })
        )
        ready.openUnsafe()
        yield* Fiber.joinAll(dialling)
        yield* left.say(right.key, `there ${n}`)
        yield* right.say(left.key, `back ${n}`)
        yield* right.hears(`there ${n}`)
        yield* left.hears(`back ${n}`)
        const ports = [left.address.port, right.address.port]
        const socket = yield* untilOneIsLeft(sockets.filter((it) => ports.includes(it.remotePort ?? 0)))
        assertOne(a, b, socket)
        return { a, b, socket }
      })

      const met = yield* Effect.forEach(
        Array.from({ length: pairs }, (_, n) => n),
        meet,
        { concurrency: inFlight }
      )
      // Everybody again, once all others are done: the first of them have had a while to change their minds.
      for (const { a, b, socket } of met) assertOne(a, b, socket)
      const crossed = met.filter(({ a, b }) => seen(a).candidates >= 2 && seen(b).candidates >= 2).length
      const byLower = met.filter(({ a, b }) => {
        const dialler = sessionOf(a).direction === "outbound" ? a : b
        return dialler.me.key < dialler.other.key
      }).length
      console.log(
        `${pairs} mutual dials: both sockets past the handshake in ${crossed}, one connection left in ${met.length}, ` +
          `dialled by the arbiter in ${byLower}, sessions lost: 0`
      )
      assert.isAtLeast(crossed, pairs / 2)
    })
  )
})
