/** How connections end, and what each side sees of it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import * as Socket from "effect/socket/Socket"
import { Endpoint } from "../../../src/protocol/Address.ts"
import { runInWorld } from "../../support/InWorld.ts"
import { everything, exact, networkLab, oneWay, port } from "../../support/NetworkLab.ts"
import { bytes, type End, failure, read, readAll } from "../../support/SocketEnd.ts"

/** Whether a write succeeds. */
const writes = (end: End) => Effect.map(Effect.exit(end.write(bytes(10))), ({ _tag }) => _tag === "Success")

describe("the end of a simulated connection", () => {
  it("FIN: comes after everything that was written", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, chunk: 10, bandwidth: 100_000 })
        const { far, near } = yield* lab.pair("a", "b")
        yield* Effect.forkChild(near.write(bytes(5_000)), { startImmediately: true })
        yield* near.close
        assert.deepStrictEqual(yield* readAll(far), { bytes: bytes(5_000), end: 1000 })
      })
    ))

  it("close: the first write after it succeeds, the second fails", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { far, near } = yield* lab.pair("a", "b")
        yield* far.close
        assert.strictEqual(yield* failure(near), 1000)
        assert.isTrue(yield* writes(near))
        yield* Effect.sleep(21)
        assert.isFalse(yield* writes(near))
        assert.strictEqual(lab.network.tally("b", "a").resets, 1)
      })
    ))

  it("close: with input that nobody has read it is a reset", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { far, near } = yield* lab.pair("a", "b")
        yield* near.write(bytes(10))
        yield* Effect.sleep(10)
        yield* far.close
        assert.strictEqual(yield* failure(near), "SocketReadError")
      })
    ))

  it("close: takes what still comes for a second after its own words, and resets then", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { far, near } = yield* lab.pair("a", "b")
        yield* far.write(bytes(10))
        yield* far.close
        for (let i = 0; i < 9; i++) {
          yield* Effect.sleep(100)
          assert.isTrue(yield* writes(near))
        }
        yield* Effect.sleep(200)
        assert.isTrue(yield* writes(near))
        yield* Effect.sleep(21)
        assert.isFalse(yield* writes(near))
      })
    ))

  it("close: makes no writer wait for a reader that has gone, for that second", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, window: 100 })
        const { far, near } = yield* lab.pair("a", "b")
        yield* far.write(bytes(10))
        // Nobody has read these, and nobody will.
        yield* near.write(bytes(100))
        yield* Effect.sleep(20)
        yield* far.close
        const { took } = yield* lab.timed(near.write(bytes(1_000)))
        assert.isBelow(took, 300)
      })
    ))

  it("close: what the window has not taken a second later is lost, and the end comes before it", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, window: 100 })
        const { far, near } = yield* lab.pair("a", "b")
        yield* Effect.forkChild(Effect.exit(near.write(bytes(1_000))), { startImmediately: true })
        yield* near.close
        yield* Effect.sleep(900)
        assert.deepStrictEqual(yield* read(far, 100), bytes(100))
        yield* Effect.sleep(1_000)
        assert.deepStrictEqual(yield* readAll(far), { bytes: bytes(200).subarray(100), end: 1000 })
      })
    ))

  it("fin: ends one direction after what is under way; its writer finds out by writing", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { far, near } = yield* lab.pair("a", "b")
        yield* near.write(bytes(100))
        assert.strictEqual(lab.network.close(oneWay("a", "b"), "fin"), 1)
        assert.deepStrictEqual(yield* readAll(far), { bytes: bytes(100), end: 1000 })
        assert.strictEqual(yield* lab.crossing(far, near), 10)
        assert.isTrue(yield* writes(near))
        yield* Effect.sleep(21)
        assert.isFalse(yield* writes(near))
      })
    ))

  it("rst: discards what is under way, and a reader that waits is told", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { far, near } = yield* lab.pair("a", "b")
        const reading = yield* Effect.forkChild(readAll(far), { startImmediately: true })
        yield* near.write(bytes(100))
        assert.strictEqual(lab.network.close(everything, "rst"), 2)
        assert.deepStrictEqual(yield* Fiber.join(reading), { bytes: bytes(0), end: "SocketReadError" })
        assert.strictEqual(yield* failure(near), "SocketReadError")
        assert.isFalse(yield* writes(near))
        assert.isFalse(yield* writes(far))
      })
    ))

  it("rst: one way only is found out by a writer whose bytes were under way", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { far, near } = yield* lab.pair("a", "b")
        yield* near.write(bytes(100))
        assert.strictEqual(lab.network.close(oneWay("a", "b"), "rst"), 1)
        assert.strictEqual(yield* failure(near), "SocketReadError")
        assert.strictEqual(yield* failure(far), "SocketReadError")
      })
    ))

  it("fin: one way only is found out by a writer that waits for the window", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, window: 10 })
        const { far, near } = yield* lab.pair("a", "b")
        const writing = yield* Effect.forkChild(Effect.exit(near.write(bytes(100))), { startImmediately: true })
        lab.network.close(oneWay("a", "b"), "fin")
        assert.deepStrictEqual(yield* readAll(far), { bytes: bytes(10), end: 1000 })
        assert.strictEqual((yield* Fiber.join(writing))._tag, "Failure")
      })
    ))

  it("rst: releases a writer that waits for the window", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, window: 10 })
        const { near } = yield* lab.pair("a", "b")
        const writing = yield* Effect.forkChild(Effect.exit(near.write(bytes(100))), { startImmediately: true })
        yield* Effect.sleep(100)
        lab.network.close(everything, "rst")
        assert.strictEqual((yield* Fiber.join(writing))._tag, "Failure")
      })
    ))

  it("rst: a reader that has paused sees a failure, or a beginning and a plain end", async () => {
    const seen = new Set<string | number>()
    let most = 0
    for (let seed = 0; seed < 20; seed++) {
      const outcome = await runInWorld(
        Effect.gen(function* () {
          const lab = yield* networkLab({ ...exact, chunk: 1_000 })
          const { far, near } = yield* lab.pair("a", "b")
          yield* near.write(bytes(100_000))
          yield* Effect.sleep(21)
          lab.network.close(everything, "rst")
          yield* Effect.sleep(21)
          return yield* readAll(far)
        }),
        { seed }
      )
      assert.deepStrictEqual(outcome.bytes, bytes(100_000).subarray(0, outcome.bytes.length))
      if (outcome.end === "SocketReadError") assert.strictEqual(outcome.bytes.length, 0)
      seen.add(outcome.end)
      most = Math.max(most, outcome.bytes.length)
    }
    assert.isAbove(most, 0)
    assert.deepStrictEqual([...seen].sort(), [1000, "SocketReadError"])
  })

  it("rst-as-end: the reader takes it for an end, also when it waits", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { far, near } = yield* lab.pair("a", "b")
        const reading = yield* Effect.forkChild(failure(far), { startImmediately: true })
        yield* near.write(bytes(100))
        lab.network.close(oneWay("a", "b"), "rst-as-end")
        assert.strictEqual(yield* Fiber.join(reading), 1000)
        assert.isFalse(yield* writes(far))
      })
    ))

  it("rst: one that is sent into a stalled way is lost, and the peer learns it by writing once that is over", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { near } = yield* lab.pair("a", "b")
        const undo = lab.network.impair(everything, { stalled: true })
        lab.kill("b", "rst")
        yield* Effect.sleep(60_000)
        undo()
        const reading = yield* Effect.forkChild(failure(near), { startImmediately: true })
        yield* Effect.sleep(60_000)
        assert.isUndefined(reading.pollUnsafe())
        assert.isTrue(yield* writes(near))
        assert.strictEqual(yield* Fiber.join(reading), "SocketReadError")
      })
    ))

  for (let offset = 0; offset <= 30; offset++) {
    it(`close after ${offset} bytes: resets the connection when so many have gone, both ways together`, () =>
      runInWorld(
        Effect.gen(function* () {
          const lab = yield* networkLab({ ...exact, chunk: 7 })
          const undo = lab.network.closeAfter(everything, offset)
          const { accept, far, near } = yield* lab.pair("a", "b")
          const readings = yield* Effect.forEach([near, far], (end) =>
            Effect.forkChild(readAll(end), { startImmediately: true })
          )
          yield* Effect.forEach([near, far], (end) => end.write(bytes(20)), { discard: true })
          const [back, there] = yield* Effect.forEach(readings, Fiber.join)
          assert.strictEqual(there!.bytes.length + back!.bytes.length, offset)
          assert.deepStrictEqual([there!.end, back!.end], ["SocketReadError", "SocketReadError"])
          // Once is enough.
          const again = yield* lab.dial("a", "b")
          yield* lab.crossing(again, (yield* accept).end, 100)
          assert.strictEqual(undo(), 1)
        })
      ))
  }

  it("close after: two of as many bytes are used up by the same connection, and the next one is spared", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const undos = [50, 50].map((bytes) => lab.network.closeAfter(everything, bytes))
        const { accept, far, near } = yield* lab.pair("a", "b")
        yield* near.write(bytes(100))
        assert.deepStrictEqual(yield* readAll(far), { bytes: bytes(50), end: "SocketReadError" })
        const again = yield* lab.dial("a", "b")
        yield* lab.crossing(again, (yield* accept).end, 100)
        assert.deepStrictEqual(
          undos.map((undo) => undo()),
          [1, 1]
        )
      })
    ))

  it("close after: cuts off what was under way where an end was put behind it before", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, chunk: 10 })
        const { far, near } = yield* lab.pair("a", "b")
        yield* near.write(bytes(100))
        assert.strictEqual(lab.network.close(oneWay("a", "b"), "fin"), 1)
        lab.network.closeAfter(everything, 13)
        assert.deepStrictEqual(yield* readAll(far), { bytes: bytes(13), end: "SocketReadError" })
      })
    ))

  it("close after: leaves everything alone when it is undone before", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { far, near } = yield* lab.pair("a", "b")
        const undo = lab.network.closeAfter(oneWay("a", "b"), 100)
        yield* lab.crossing(near, far, 99)
        yield* lab.crossing(far, near, 1_000)
        assert.strictEqual(undo(), 0)
        yield* lab.crossing(near, far, 1_000)
      })
    ))

  it("silence: nothing arrives any more, not even an end, and the writer comes as far as the window", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, window: 1_000 })
        const { accept, far, near } = yield* lab.pair("a", "b")
        yield* lab.crossing(near, far, 100)
        yield* near.write(bytes(100))
        assert.strictEqual(lab.network.silence(oneWay("a", "b")), 1)
        const reading = yield* Effect.forkChild(far.pull, { startImmediately: true })
        yield* near.write(bytes(900))
        const writing = yield* Effect.forkChild(near.write(bytes(1)), { startImmediately: true })
        yield* Effect.sleep(3_600_000)
        assert.isUndefined(writing.pollUnsafe())
        lab.network.heal()
        assert.strictEqual(yield* lab.crossing(far, near), 10)
        yield* near.close
        yield* Effect.sleep(3_600_000)
        assert.isUndefined(reading.pollUnsafe())
        // Other connections go on.
        const other = yield* lab.dial("a", "b")
        assert.strictEqual(yield* lab.crossing(other, (yield* accept).end), 10)
      })
    ))

  it("silence: of the acknowledgements stops the writer too", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, window: 1_000 })
        const { far, near } = yield* lab.pair("a", "b")
        lab.network.silence(oneWay("b", "a"))
        const writing = yield* Effect.forkChild(near.write(bytes(1_001)), { startImmediately: true })
        yield* read(far, 1_000)
        yield* Effect.sleep(3_600_000)
        assert.isUndefined(writing.pollUnsafe())
      })
    ))
})

describe("the reader of a simulated socket", () => {
  it("loses nothing by a pull that is interrupted", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { far, near } = yield* lab.pair("a", "b")
        const pulling = yield* Effect.forkChild(far.pull, { startImmediately: true })
        yield* Fiber.interrupt(pulling)
        yield* near.write(bytes(100))
        yield* Effect.sleep(20)
        assert.deepStrictEqual(yield* read(far, 100), bytes(100))
      })
    ))

  it("fails once its scope is closed, and leaves what comes to the next one", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { accept } = yield* lab.listen("b")
        const endpoint = new Endpoint({ host: lab.network.nameOf("b"), port })
        const socket = yield* lab.transport("a").dial(endpoint)
        const { end: far } = yield* accept
        const scope = yield* Scope.make()
        const pull = yield* Scope.provide(Socket.readerBytes(socket), scope)
        const pulling = yield* Effect.forkChild(Effect.flip(pull), { startImmediately: true })
        yield* Scope.close(scope, Exit.void)
        const closed = new Socket.SocketCloseError({ code: 1006 })
        assert.deepStrictEqual((yield* Fiber.join(pulling)).reason, closed)
        yield* far.write(bytes(10))
        yield* Effect.sleep(10)
        assert.deepStrictEqual((yield* Effect.flip(pull)).reason, closed)
        assert.deepStrictEqual(yield* yield* Socket.readerBytes(socket), [bytes(10)])
      })
    ))
})

describe("the death of a simulated process", () => {
  for (const [how, seen] of [
    ["rst", "SocketReadError"],
    ["fin", 1000]
  ] as const) {
    it(`${how}: is what the peer reads, and a write is answered with a reset`, () =>
      runInWorld(
        Effect.gen(function* () {
          const lab = yield* networkLab()
          const { near } = yield* lab.pair("a", "b")
          const reading = yield* Effect.forkChild(failure(near), { startImmediately: true })
          lab.kill("b", how)
          assert.strictEqual(yield* Fiber.join(reading), seen)
          if (how === "fin") {
            assert.isTrue(yield* writes(near))
            yield* Effect.sleep(21)
          }
          assert.isFalse(yield* writes(near))
          const failed = yield* Effect.flip(lab.dial("a", "b"))
          assert.strictEqual(failed.reason, "refused")
        })
      ))
  }

  it("fin: comes at once where an end was closed with more to say than the peer takes", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, window: 100 })
        const { far, near } = yield* lab.pair("a", "b")
        yield* Effect.forkChild(Effect.exit(near.write(bytes(1_000))), { startImmediately: true })
        yield* near.close
        lab.kill("a", "fin")
        const { took, value } = yield* lab.timed(readAll(far))
        assert.deepStrictEqual([value, took], [{ bytes: bytes(100), end: 1000 }, 10])
      })
    ))

  it("silence: the peer sees nothing, dials hang, and the next life answers again", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { near } = yield* lab.pair("a", "b")
        const reading = yield* Effect.forkChild(near.pull, { startImmediately: true })
        lab.kill("b", "silence")
        assert.isTrue(yield* writes(near))
        const { took, value: failed } = yield* lab.timed(Effect.flip(lab.dial("a", "b")))
        assert.deepStrictEqual([failed.reason, took], ["timed-out", 10_000])
        yield* lab.pair("a", "b")
        yield* Effect.sleep(3_600_000)
        assert.isUndefined(reading.pollUnsafe())
      })
    ))

  it("silence: nothing is answered either where a dial was just being answered", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        yield* lab.listen("b")
        const dialling = yield* Effect.forkChild(lab.dial("a", "b"), { startImmediately: true })
        yield* Effect.sleep(15)
        lab.kill("b", "silence")
        const near = yield* Fiber.join(dialling)
        yield* near.write(bytes(10))
        const reading = yield* Effect.forkChild(near.pull, { startImmediately: true })
        yield* Effect.sleep(3_600_000)
        assert.isUndefined(reading.pollUnsafe())
      })
    ))

  it("wakes nothing of it, and leaves no socket", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const process = lab.process("b")
        let woken = 0
        process.fork(
          Effect.scoped(
            Effect.gen(function* () {
              const { end } = yield* (yield* lab.listen("b")).accept
              while (true) {
                yield* Effect.exit(end.pull)
                woken++
              }
            }).pipe(Effect.orDie)
          )
        )
        yield* Effect.sleep(1)
        const near = yield* lab.dial("a", "b")
        yield* near.write(bytes(1))
        yield* Effect.sleep(100)
        assert.strictEqual(woken, 1)
        assert.strictEqual(lab.network.sockets(process), 2)
        process.kill()
        yield* near.write(bytes(10))
        yield* Effect.sleep(100)
        lab.network.end(process, "rst")
        assert.strictEqual(yield* failure(near), "SocketReadError")
        assert.strictEqual(woken, 1)
        assert.strictEqual(lab.network.sockets(process), 0)
      })
    ))

  it("that is reported again says nothing about the next life", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const process = lab.process("b")
        yield* lab.listen("b")
        lab.kill("b", "silence")
        yield* lab.listen("b")
        lab.network.end(process, "silence")
        yield* lab.dial("a", "b")
      })
    ))

  it("while it stands still its system takes bytes and connections, and on its resumption it reads them at once", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, chunk: 100 })
        const pulls: Array<number> = []
        let accepted = 0
        const process = lab.process("b")
        process.fork(
          Effect.scoped(
            Effect.gen(function* () {
              const listener = yield* lab.transport("b").listen({ host: lab.network.addressOf("b"), port })
              yield* Effect.forkScoped(listener.run(() => Effect.sync(() => void accepted++)))
              const end = (yield* (yield* lab.listen("b", 5_000)).accept).end
              while (true) pulls.push((yield* end.pull).reduce((sum, { length }) => sum + length, 0))
            }).pipe(Effect.orDie)
          )
        )
        yield* Effect.sleep(1)
        process.pause()
        yield* lab.dial("a", "b")
        const near = yield* lab.dial("a", "b", 5_000)
        yield* near.write(bytes(100_000))
        yield* Effect.sleep(60_000)
        assert.deepStrictEqual([accepted, pulls], [0, []])
        process.resume()
        yield* Effect.sleep(1)
        assert.deepStrictEqual([accepted, pulls], [1, [100_000]])
      })
    ))
})
