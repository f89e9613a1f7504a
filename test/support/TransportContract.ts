/**
 * What every transport promises, as tests: run it on each layer of `Transport`.
 *
 * A transport is given with two things that no transport can do itself: break connections off, and dial a host that
 * does not answer.
 */
import { assert, describe } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scope } from "effect"
import * as Socket from "effect/socket/Socket"
import { bytes, failure, read, use } from "./SocketEnd.ts"
import { transportBytesContract } from "./TransportBytesContract.ts"
import { connected, dial, listening, type Subject, type Test } from "./TransportSubject.ts"

/** `test` is `it.effect` for a transport that lives in virtual time, `it.live` for a real one. */
export const transportContract = (name: string, test: Test, make: Effect.Effect<Subject, never, Scope.Scope>): void => {
  describe(`a transport: ${name}`, () => {
    test("carries bytes both ways, whole and in order", () =>
      Effect.gen(function* () {
        const { accepted, dialled } = yield* connected(make)
        const there = bytes(300_000)
        const back = bytes(200_000, 7)
        yield* Effect.forkChild(dialled.write(there))
        yield* Effect.forkChild(accepted.write(back))
        assert.deepStrictEqual(yield* read(accepted, there.length), there)
        assert.deepStrictEqual(yield* read(dialled, back.length), back)
      }))

    test("says where it listens and where a connection comes from", () =>
      Effect.gen(function* () {
        const subject = yield* make
        const listener = yield* listening(subject)
        assert.strictEqual(listener.endpoint.host, subject.host)
        assert.isAbove(listener.endpoint.port, 0)
        yield* dial(subject, listener.endpoint)
        const { remote } = yield* listener.accept
        assert.strictEqual(remote.host, subject.host)
        assert.isAbove(remote.port, 0)
        assert.notStrictEqual(remote.port, listener.endpoint.port)
      }))

    test("says to which address a dial led", () =>
      Effect.gen(function* () {
        const subject = yield* make
        const { endpoint } = yield* listening(subject)
        assert.strictEqual((yield* subject.transport.dial(endpoint)).remoteHost, subject.host)
      }))

    test("gives each free port once, and a port in use is a typed failure that says what to do", () =>
      Effect.gen(function* () {
        const subject = yield* make
        const first = yield* listening(subject)
        const second = yield* listening(subject)
        assert.notStrictEqual(first.endpoint.port, second.endpoint.port)
        const failed = yield* Effect.flip(subject.transport.listen(first.endpoint))
        assert.deepStrictEqual([failed._tag, failed.reason], ["ListenFailed", "in-use"])
        assert.include(failed.message, `${first.endpoint}: another program uses this port`)
      }))

    test("cannot listen at an address that is not its own", () =>
      Effect.gen(function* () {
        const { transport } = yield* make
        const failed = yield* Effect.flip(transport.listen({ host: "192.0.2.1", port: 0 }))
        assert.deepStrictEqual([failed._tag, failed.reason], ["ListenFailed", "no-such-address"])
      }))

    test("fails a dial with a type when nobody listens", () =>
      Effect.gen(function* () {
        const subject = yield* make
        const { close, endpoint } = yield* listening(subject)
        yield* close
        const failed = yield* Effect.flip(Effect.scoped(subject.transport.dial(endpoint)))
        assert.deepStrictEqual([failed._tag, failed.reason], ["DialFailed", "refused"])
        assert.include(failed.message, endpoint.toString())
      }))

    test("gives a dial up after its time-out", () =>
      Effect.gen(function* () {
        const { silentHost, transport, impatient = transport, waitForTimeout } = yield* make
        const endpoint = yield* silentHost
        const dialling = yield* Effect.forkChild(Effect.flip(Effect.scoped(impatient.dial(endpoint))))
        yield* waitForTimeout
        const failed = yield* Fiber.join(dialling)
        assert.deepStrictEqual([failed._tag, failed.reason], ["DialFailed", "timed-out"])
      }))

    test("takes a dial back that is interrupted", () =>
      Effect.gen(function* () {
        const { silentHost, transport } = yield* make
        const endpoint = yield* silentHost
        const dialling = yield* Effect.forkChild(Effect.scoped(transport.dial(endpoint)), { startImmediately: true })
        yield* Fiber.interrupt(dialling)
      }))

    test("keeps a connection that comes before anybody runs the listener", () =>
      Effect.gen(function* () {
        const subject = yield* make
        const { transport } = subject
        const listener = yield* transport.listen({ host: subject.host, port: 0 })
        const dialled = yield* dial(subject, listener.endpoint)
        yield* dialled.write(bytes(5))
        const got = yield* Deferred.make<Uint8Array>()
        yield* Effect.forkScoped(
          listener.run(({ socket }) =>
            Effect.gen(function* () {
              const end = yield* use(socket, yield* Scope.fork(yield* Effect.scope))
              yield* Deferred.succeed(got, yield* read(end, 5))
            }).pipe(Effect.scoped, Effect.orDie)
          )
        )
        assert.deepStrictEqual(yield* Deferred.await(got), bytes(5))
      }))

    test("refuses new connections once its run is interrupted, and keeps the established ones", () =>
      Effect.gen(function* () {
        const { accepted, dialled, listener, subject } = yield* connected(make)
        yield* listener.stopRunning
        const failed = yield* Effect.flip(Effect.scoped(subject.transport.dial(listener.endpoint)))
        assert.strictEqual(failed.reason, "refused")
        yield* dialled.write(bytes(10))
        assert.deepStrictEqual(yield* read(accepted, 10), bytes(10))
        yield* accepted.write(bytes(20))
        assert.deepStrictEqual(yield* read(dialled, 20), bytes(20))
      }))

    test("ends every handler when the listener's scope closes, without waiting for the peers", () =>
      Effect.gen(function* () {
        const subject = yield* make
        const listener = yield* listening(subject)
        const ends = yield* Effect.forEach([1, 2, 3], () => dial(subject, listener.endpoint))
        for (const _ of ends) yield* listener.accept
        yield* listener.close
        for (const end of ends) {
          assert.strictEqual(yield* listener.ended, "interrupted")
          assert.strictEqual(yield* failure(end), 1000)
        }
        // The port is free again.
        yield* subject.transport.listen(listener.endpoint)
      }))

    test("ends the reading side after what was written, when the other side ends its writing", () =>
      Effect.gen(function* () {
        const { accepted, dialled } = yield* connected(make)
        yield* dialled.write(bytes(100))
        yield* dialled.endWriting
        assert.deepStrictEqual(yield* read(accepted, 100), bytes(100))
        assert.strictEqual(yield* failure(accepted), 1000)
        // The other direction is open still.
        yield* accepted.write(bytes(50))
        assert.deepStrictEqual(yield* read(dialled, 50), bytes(50))
        yield* accepted.endWriting
        assert.strictEqual(yield* failure(dialled), 1000)
      }))

    test("delivers what was written before it is closed, even to a peer that is still sending", () =>
      Effect.gen(function* () {
        const { accepted, dialled } = yield* connected(make)
        yield* dialled.write(bytes(10_000, 3))
        yield* Effect.forkChild(Effect.ignore(Effect.forever(dialled.write(bytes(1_000)))))
        yield* accepted.write(bytes(100))
        yield* accepted.close
        assert.deepStrictEqual(yield* read(dialled, 100), bytes(100))
      }))

    test("fails a waiting pull when its own side is closed", () =>
      Effect.gen(function* () {
        const { dialled } = yield* connected(make)
        const pulling = yield* Effect.forkChild(Effect.flip(dialled.pull), { startImmediately: true })
        yield* dialled.close
        const { reason } = yield* Fiber.join(pulling)
        assert.deepStrictEqual(reason, new Socket.SocketCloseError({ code: 1006 }))
      }))

    test("lets a writer wait while the peer does not read, and loses nothing", () =>
      Effect.gen(function* () {
        const { accepted, dialled } = yield* connected(make)
        const chunk = bytes(64 * 1024)
        const count = 512
        let written = 0
        const writing = yield* Effect.forkChild(
          Effect.forEach(Array.from({ length: count }), () => Effect.map(dialled.write(chunk), () => void written++), {
            discard: true
          })
        )
        let received = 0
        const some = Effect.map(accepted.pull, (chunks) => {
          for (const it of chunks) received += it.length
        })
        // 32 MiB are more than all buffers between the two hold, so nothing but reading brings the writer to its end.
        yield* some
        for (let i = 0; i < 100; i++) yield* Effect.yieldNow
        assert.isUndefined(writing.pollUnsafe())
        assert.isBelow(written, count)
        const reading = yield* Effect.forkChild(Effect.ignore(Effect.forever(some)))
        yield* Fiber.join(writing)
        yield* dialled.endWriting
        yield* Fiber.join(reading)
        assert.strictEqual(received, count * chunk.length)
      }))

    test("tells a reset from an orderly close", () =>
      Effect.gen(function* () {
        const subject = yield* make
        const listener = yield* listening(subject)
        const { reset } = yield* subject.breakable(listener.endpoint)
        const { end } = yield* listener.accept
        const failing = yield* Effect.forkChild(failure(end), { startImmediately: true })
        yield* reset
        assert.strictEqual(yield* Fiber.join(failing), "SocketReadError")
      }))

    test("tells a reset to whoever begins to read after it", () =>
      Effect.gen(function* () {
        const subject = yield* make
        const listener = yield* subject.transport.listen({ host: subject.host, port: 0 })
        const arrived = yield* Deferred.make<void>()
        const broken = yield* Deferred.make<void>()
        const outcome = yield* Deferred.make<Exit.Exit<unknown, Socket.SocketError>>()
        yield* Effect.forkScoped(
          listener.run(({ socket }) =>
            Effect.gen(function* () {
              yield* Deferred.succeed(arrived, undefined)
              yield* Deferred.await(broken)
              const pull = yield* Socket.readerBytes(socket)
              return yield* pull
            }).pipe(
              Effect.scoped,
              Effect.exit,
              Effect.flatMap((exit) => Deferred.succeed(outcome, exit))
            )
          )
        )
        const { reset } = yield* subject.breakable(listener.endpoint)
        yield* Deferred.await(arrived)
        yield* reset
        yield* Deferred.succeed(broken, undefined)
        assert.isTrue(Exit.isFailure(yield* Deferred.await(outcome)))
      }))
  })

  transportBytesContract(name, test, make)
}
