/**
 * What connections do, however their bytes get across: the same for the simulated network, for real TCP, and for real TCP
 * through a proxy that does no harm. Whatever is not certain on a real network is not asked here.
 */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Queue, Scope } from "effect"
import type * as Socket from "effect/socket/Socket"
import { Endpoint } from "../../src/protocol/Address.ts"
import type { Accepted, Transport } from "../../src/services/link/Transport.ts"
import { bytes, type End, failure, read, readAll, use } from "./SocketEnd.ts"

/** Two hosts. */
export interface Hosts {
  /** Who dials. */
  readonly near: Transport["Service"]
  /** Who listens, at `host`. */
  readonly far: Transport["Service"]
  readonly host: string
  /** Where `near` has to dial to come to this endpoint of `far`. */
  readonly reach: (endpoint: Endpoint) => Effect.Effect<Endpoint, never, Scope.Scope>
  /** A connection to there that is not a transport's: it writes, reads nothing, and breaks off as a crashed host does. */
  readonly crashing: (
    endpoint: Endpoint
  ) => Effect.Effect<
    { readonly write: (bytes: Uint8Array) => Effect.Effect<void>; readonly crash: Effect.Effect<void> },
    never,
    Scope.Scope
  >
}

export interface Network {
  readonly name: string
  readonly transports: Effect.Effect<Hosts, never, Scope.Scope>
  readonly run: <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) => Promise<A>
  /** Something between the hosts accepts before it knows whether anybody listens: a refusal comes after the connection. */
  readonly acceptsFirst?: boolean
}

interface Arrival {
  readonly end: End
  readonly socket: Socket.Socket
  readonly remote: Accepted["remote"]
}

const listen = Effect.fnUntraced(function* (hosts: Hosts) {
  const arrivals = yield* Queue.unbounded<Arrival>()
  const listener = yield* hosts.far.listen({ host: hosts.host, port: 0 })
  const handle = ({ remote, socket }: Accepted) =>
    Effect.gen(function* () {
      const own = yield* Scope.fork(yield* Effect.scope)
      const closed = yield* Deferred.make<void>()
      const end = yield* Effect.orDie(use(socket, own))
      yield* Queue.offer(arrivals, {
        remote,
        socket,
        end: { ...end, close: Effect.asVoid(Deferred.succeed(closed, undefined)) }
      })
      yield* Deferred.await(closed)
      yield* Scope.close(own, Exit.void)
    }).pipe(Effect.scoped)
  return {
    endpoint: yield* hosts.reach(listener.endpoint),
    accept: Queue.take(arrivals),
    run: Effect.forkScoped(listener.run(handle), { startImmediately: true })
  }
})

const dial = Effect.fnUntraced(function* ({ near }: Hosts, endpoint: Endpoint) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  return yield* use(yield* Scope.provide(near.dial(endpoint), scope), scope)
})

const connect = Effect.fnUntraced(function* (hosts: Hosts) {
  const { accept, endpoint, run } = yield* listen(hosts)
  yield* run
  const near = yield* dial(hosts, endpoint)
  return { near, far: (yield* accept).end, accept, endpoint }
})

/** Once something has gone to and fro on another connection, what was sent before on this one has arrived. */
const settle = Effect.fnUntraced(function* (hosts: Hosts) {
  const { far, near } = yield* connect(hosts)
  for (let i = 0; i < 20; i++) {
    yield* near.write(bytes(1))
    yield* read(far, 1)
    yield* far.write(bytes(1))
    yield* read(near, 1)
  }
})

/** Writes as much as nobody could hold who does not read, and says how much of it has been taken so far. */
const flood = Effect.fnUntraced(function* (end: End) {
  const chunk = bytes(64 * 1024)
  const state = { written: 0 }
  const writing = yield* Effect.forkChild(
    Effect.forEach(
      Array.from({ length: 512 }),
      () => Effect.map(end.write(chunk), () => void (state.written += chunk.length)),
      { discard: true }
    ),
    { startImmediately: true }
  )
  return { state, writing, size: 512 * chunk.length }
})

const isPrefix = (part: Uint8Array, whole: Uint8Array): boolean =>
  Buffer.compare(part, whole.subarray(0, part.length)) === 0

export const networkConformance = (network: Network): void => {
  // Both sides are closed at the same time: one alone would wait for the other.
  const test = (
    name: string,
    body: (hosts: Hosts) => Effect.Effect<unknown, Error | ReadonlyArray<Uint8Array>, Scope.Scope>
  ) =>
    it(name, () =>
      network.run(
        Effect.flatMap(network.transports, (hosts) =>
          Effect.acquireUseRelease(Scope.make("parallel"), (scope) => Scope.provide(body(hosts), scope), Scope.close)
        )
      )
    )

  describe(`connections over ${network.name}`, () => {
    test("carry what both sides write, whole and in order", (hosts) =>
      Effect.gen(function* () {
        const { far, near } = yield* connect(hosts)
        const [there, back] = [bytes(500_000), bytes(300_000, 9)]
        yield* Effect.forkChild(near.write(there))
        yield* Effect.forkChild(far.write(back))
        const [gotThere, gotBack] = yield* Effect.all([read(far, there.length), read(near, back.length)], {
          concurrency: 2
        })
        assert.deepStrictEqual([gotThere, gotBack], [there, back])
      }))

    test("are refused where nobody listens", (hosts) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const listener = yield* Scope.provide(hosts.far.listen({ host: hosts.host, port: 0 }), scope)
        const endpoint = yield* hosts.reach(listener.endpoint)
        yield* Scope.close(scope, Exit.void)
        const dialled = yield* Effect.exit(dial(hosts, endpoint))
        if (network.acceptsFirst === true && Exit.isSuccess(dialled)) return yield* Effect.flip(dialled.value.pull)
        assert.isTrue(Exit.isFailure(dialled))
        return assert.include(String(Exit.isFailure(dialled) ? dialled.cause : ""), "refused")
      }))

    test("that come all at once are all accepted, each with its own bytes", (hosts) =>
      Effect.gen(function* () {
        const { accept, endpoint, run } = yield* listen(hosts)
        yield* run
        const numbers = Array.from({ length: 50 }, (_, i) => i)
        yield* Effect.forEach(
          numbers,
          (number) => Effect.flatMap(dial(hosts, endpoint), (end) => end.write(Uint8Array.of(number))),
          { concurrency: "unbounded" }
        )
        const got = yield* Effect.forEach(numbers, () => Effect.flatMap(accept, ({ end }) => read(end, 1)))
        assert.deepStrictEqual(
          got.map(([number]) => number!).sort((one, other) => one - other),
          numbers
        )
      }))

    test("wait for whoever runs the listener, with what was written to them", (hosts) =>
      Effect.gen(function* () {
        const { accept, endpoint, run } = yield* listen(hosts)
        const ends = yield* Effect.forEach([1, 2, 3, 4, 5], () => dial(hosts, endpoint))
        yield* Effect.forEach(ends, (end, i) => end.write(bytes(1_000, i)), { discard: true })
        yield* run
        const seen = new Set<number>()
        for (const _ of ends) seen.add((yield* read((yield* accept).end, 1_000))[0]!)
        assert.deepStrictEqual(seen, new Set([0, 1, 2, 3, 4]))
      }))

    test("that one side half-closes go on in the other direction", (hosts) =>
      Effect.gen(function* () {
        const { far, near } = yield* connect(hosts)
        yield* near.write(bytes(1_000))
        yield* near.endWriting
        assert.deepStrictEqual(yield* readAll(far), { bytes: bytes(1_000), end: 1000 })
        yield* far.write(bytes(200_000, 3))
        assert.deepStrictEqual(yield* read(near, 200_000), bytes(200_000, 3))
        yield* far.endWriting
        assert.strictEqual(yield* failure(near), 1000)
      }))

    test("that end are read to their end by a reader that has paused", (hosts) =>
      Effect.gen(function* () {
        const { far, near } = yield* connect(hosts)
        const writing = yield* Effect.forkChild(Effect.andThen(near.write(bytes(200_000)), near.endWriting), {
          startImmediately: true
        })
        yield* settle(hosts)
        assert.deepStrictEqual(yield* readAll(far), { bytes: bytes(200_000), end: 1000 })
        yield* Fiber.join(writing)
      }))

    test("that end at once after a long write lose nothing of it", (hosts) =>
      Effect.gen(function* () {
        const { far, near } = yield* connect(hosts)
        const reading = yield* Effect.forkChild(readAll(far), { startImmediately: true })
        yield* near.write(bytes(1_000_000))
        yield* near.endWriting
        assert.deepStrictEqual(yield* Fiber.join(reading), { bytes: bytes(1_000_000), end: 1000 })
      }))

    test("that both sides close at the same time are over for both, with everything read that was written", (hosts) =>
      Effect.gen(function* () {
        const { far, near } = yield* connect(hosts)
        const readings = yield* Effect.forEach([near, far], (end) =>
          Effect.forkChild(readAll(end), { startImmediately: true })
        )
        yield* Effect.all([near.write(bytes(100)), far.write(bytes(200))], { concurrency: 2 })
        yield* Effect.all([near.endWriting, far.endWriting], { concurrency: 2 })
        const [back, there] = yield* Effect.forEach(readings, Fiber.join)
        assert.deepStrictEqual(there, { bytes: bytes(100), end: 1000 })
        assert.deepStrictEqual(back, { bytes: bytes(200), end: 1000 })
        yield* Effect.all([near.close, far.close], { concurrency: 2 })
      }))

    test("that break off tell a reader that waits, after a beginning of what was written", (hosts) =>
      Effect.gen(function* () {
        const { accept, endpoint, run } = yield* listen(hosts)
        yield* run
        const { crash, write } = yield* hosts.crashing(endpoint)
        const { end: far } = yield* accept
        const reading = yield* Effect.forkChild(readAll(far), { startImmediately: true })
        yield* write(bytes(1_000))
        yield* crash
        const seen = yield* Fiber.join(reading)
        assert.strictEqual(seen.end, "SocketReadError")
        assert.isTrue(isPrefix(seen.bytes, bytes(1_000)))
      }))

    test("that break off before a paused reader give it a beginning, and then a failure or a plain end", (hosts) =>
      Effect.gen(function* () {
        const { accept, endpoint, run } = yield* listen(hosts)
        yield* run
        const { crash, write } = yield* hosts.crashing(endpoint)
        const { end: far } = yield* accept
        yield* write(bytes(200_000))
        yield* settle(hosts)
        yield* crash
        yield* settle(hosts)
        const seen = yield* readAll(far)
        assert.include([1000, 1006, "SocketReadError"], seen.end)
        assert.isTrue(isPrefix(seen.bytes, bytes(200_000)))
      }))

    test("that the peer has closed take one more write, and no end of them", (hosts) =>
      Effect.gen(function* () {
        const { far, near } = yield* connect(hosts)
        yield* far.close
        assert.strictEqual((yield* readAll(near)).end, 1000)
        yield* near.write(bytes(10))
        let taken = 0
        // A real socket that is reset does not take a write, nor does it always say so.
        const writing = yield* Effect.forkChild(Effect.forever(Effect.map(near.write(bytes(1_000)), () => taken++)))
        yield* settle(hosts)
        const before = taken
        yield* settle(hosts)
        assert.strictEqual(taken, before)
        yield* Fiber.interrupt(writing)
      }))

    test("make a writer wait whose peer does not read, and the other direction goes on", (hosts) =>
      Effect.gen(function* () {
        const { far, near } = yield* connect(hosts)
        const { size, state, writing } = yield* flood(near)
        yield* settle(hosts)
        const before = state.written
        yield* far.write(bytes(100_000))
        assert.deepStrictEqual(yield* read(near, 100_000), bytes(100_000))
        assert.isUndefined(writing.pollUnsafe())
        assert.isBelow(before, size)
        const reading = yield* Effect.forkChild(readAll(far), { startImmediately: true })
        yield* Fiber.join(writing)
        yield* near.endWriting
        const seen = yield* Fiber.join(reading)
        assert.deepStrictEqual([seen.bytes.length, seen.end], [size, 1000])
      }))

    test("release a writer that waits when they break off", (hosts) =>
      Effect.gen(function* () {
        const { accept, endpoint, run } = yield* listen(hosts)
        yield* run
        const { crash } = yield* hosts.crashing(endpoint)
        const { end: far } = yield* accept
        const { writing } = yield* flood(far)
        yield* settle(hosts)
        assert.isUndefined(writing.pollUnsafe())
        const reading = yield* Effect.forkChild(failure(far), { startImmediately: true })
        yield* crash
        assert.isTrue(Exit.isFailure(yield* Fiber.await(writing)))
        assert.strictEqual(yield* Fiber.join(reading), "SocketReadError")
      }))

    test("let a fast reader keep a slow writer's pace, byte for byte", (hosts) =>
      Effect.gen(function* () {
        const { far, near } = yield* connect(hosts)
        const sent = bytes(500)
        for (const byte of sent) {
          yield* near.write(Uint8Array.of(byte))
          assert.deepStrictEqual(yield* read(far, 1), Uint8Array.of(byte))
        }
      }))
  })
}
