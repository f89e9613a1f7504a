/** Every impairment alone changes what it is to change, by as much as the model says, and nothing once it is taken away. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { runInWorld } from "../../support/InWorld.ts"
import { exact, everything, networkLab, oneWay } from "../../support/NetworkLab.ts"
import { bytes, read } from "../../support/SocketEnd.ts"

const lasting = { floor: 40, mean: 0, tailShare: 0, tail: 1 }

describe("an impairment of the network", () => {
  it("lets everything take as long as the model says if there is none", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { accept } = yield* lab.listen("b")
        const { took, value: near } = yield* lab.timed(lab.dial("a", "b"))
        assert.strictEqual(took, 20)
        const { end: far } = yield* accept
        assert.strictEqual(yield* lab.crossing(near, far), 10)
        assert.strictEqual(yield* lab.crossing(far, near), 10)
        assert.strictEqual(yield* lab.crossing(near, far, 200_000), 10)
      })
    ))

  it("latency: is added one way, and goes again", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { far, near } = yield* lab.pair("a", "b")
        const undo = lab.network.impair(oneWay("a", "b"), { latency: lasting })
        assert.strictEqual(yield* lab.crossing(near, far), 50)
        assert.strictEqual(yield* lab.crossing(far, near), 10)
        assert.strictEqual(undo(), 1)
        assert.strictEqual(yield* lab.crossing(near, far), 10)
      })
    ))

  it("latency: keeps the order of a stream, whatever each chunk takes", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, latency: { floor: 0, mean: 50, tailShare: 0.1, tail: 10 } })
        const { far, near } = yield* lab.pair("a", "b")
        const sent = bytes(10_000)
        yield* Effect.forkChild(Effect.forEach(sent, (byte) => near.write(Uint8Array.of(byte)), { discard: true }))
        assert.deepStrictEqual(yield* read(far, sent.length), sent)
      })
    ))

  it("latency: has a part that stays for each pair, up to the mean, and another one for each chunk", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, latency: { floor: 10, mean: 100, tailShare: 0, tail: 1 } })
        const { accept } = yield* lab.listen("z")
        const shortest: Array<number> = []
        for (const from of ["a", "b", "c", "d"]) {
          const near = yield* Effect.retry(lab.dial(from, "z"), { times: 5 })
          const { end: far } = yield* accept
          const times = yield* Effect.forEach(Array.from({ length: 400 }), () => lab.crossing(near, far))
          assert.isAbove(new Set(times).size, 300)
          shortest.push(Math.min(...times))
        }
        assert.isTrue(shortest.every((time) => time >= 10 && time < 115))
        assert.isAbove(Math.max(...shortest) - Math.min(...shortest), 10)
      })
    ))

  it("latency: has a tail, for this share of chunks and so many times as long", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, latency: { floor: 10, mean: 0, tailShare: 0.05, tail: 20 } })
        const { accept } = yield* lab.listen("b")
        const near = yield* lab.dial("a", "b")
        const { end: far } = yield* accept
        const times = yield* Effect.forEach(Array.from({ length: 1_000 }), () => lab.crossing(near, far))
        assert.deepStrictEqual(new Set(times), new Set([10, 200]))
        assert.approximately(times.filter((time) => time === 200).length, 50, 20)
      })
    ))

  it("bandwidth: lets bytes pass one after the other", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { far, near } = yield* lab.pair("a", "b")
        const undo = lab.network.impair(oneWay("a", "b"), { bandwidth: 1_000_000 })
        assert.approximately(yield* lab.crossing(near, far, 125_000), 1_010, 0.1)
        assert.strictEqual(yield* lab.crossing(far, near, 125_000), 10)
        undo()
        assert.strictEqual(yield* lab.crossing(near, far, 125_000), 10)
      })
    ))

  it("bandwidth: counts for much more than the window, within 5 %", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, bandwidth: 8_000_000 })
        const { far, near } = yield* lab.pair("a", "b")
        const took = yield* lab.crossing(near, far, 4_000_000)
        assert.approximately(took, 4_000, 200)
      })
    ))

  it("stalled: bytes wait, none is lost, and they come at most as long after the outage as it lasted", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { far, near } = yield* lab.pair("a", "b")
        const undo = lab.network.impair(oneWay("a", "b"), { stalled: true })
        const began = lab.now
        const crossing = yield* Effect.forkChild(lab.crossing(near, far, 1_000), { startImmediately: true })
        assert.strictEqual(yield* lab.crossing(far, near), 10)
        yield* Effect.sleep(35_000 - 10)
        assert.isUndefined(crossing.pollUnsafe())
        assert.strictEqual(undo(), 1)
        const took = yield* Fiber.join(crossing)
        assert.isAbove(took, 35_000)
        assert.isAtMost(took, 70_000)
        assert.strictEqual(lab.network.tally("a", "b").stalls, 35_000)
        assert.strictEqual(lab.now - began, took)
        assert.strictEqual(yield* lab.crossing(near, far), 10)
      })
    ))

  it("stalled: what has waited then comes no faster than the line is", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, bandwidth: 80_000, chunk: 100 })
        const { far, near } = yield* lab.pair("a", "b")
        const undo = lab.network.impair(oneWay("a", "b"), { stalled: true })
        yield* near.write(bytes(20_000))
        yield* Effect.sleep(30_000)
        undo()
        yield* read(far, 1)
        const first = lab.now
        yield* read(far, 19_000)
        assert.approximately(lab.now - first, 1_900, 100)
      })
    ))

  it("stalled: what was to take the line a while does not take it twice as long", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, bandwidth: 80_000, chunk: 100 })
        const { far, near } = yield* lab.pair("a", "b")
        const undo = lab.network.impair(oneWay("a", "b"), { stalled: true })
        const crossing = yield* Effect.forkChild(lab.crossing(near, far, 20_000), { startImmediately: true })
        yield* Effect.sleep(100)
        undo()
        assert.approximately(yield* Fiber.join(crossing), 2_150, 100)
      })
    ))

  it("stalled: costs a stream nothing that has nothing to send", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { far, near } = yield* lab.pair("a", "b")
        const undo = lab.network.impair(everything, { stalled: true })
        yield* Effect.sleep(60_000)
        assert.strictEqual(undo(), 0)
        assert.strictEqual(yield* lab.crossing(near, far), 10)
        assert.strictEqual(lab.network.tally("a", "b").stalls, 0)
      })
    ))

  it("stalled: without acknowledgements a writer comes no further than the window", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, window: 1_000 })
        const { far, near } = yield* lab.pair("a", "b")
        const undo = lab.network.impair(oneWay("b", "a"), { stalled: true })
        const writing = yield* Effect.forkChild(near.write(bytes(3_000)), { startImmediately: true })
        assert.deepStrictEqual(yield* read(far, 1_000), bytes(3_000).subarray(0, 1_000))
        yield* Effect.sleep(20_000)
        assert.isUndefined(writing.pollUnsafe())
        assert.strictEqual(lab.network.tally("a", "b").delivered, 1_000)
        undo()
        const healed = lab.now
        yield* read(far, 2_000)
        yield* Fiber.join(writing)
        assert.isAbove(lab.now, healed + 100)
        assert.isAtMost(lab.now, healed + 20_100)
      })
    ))

  it("stalled: acknowledgements that waited are heard by no writer before they come, whoever tries", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, window: 1_000 })
        const { far, near } = yield* lab.pair("a", "b")
        const undo = lab.network.impair(oneWay("b", "a"), { stalled: true })
        yield* near.write(bytes(1_000))
        yield* read(far, 1_000)
        yield* Effect.sleep(30_000)
        const first = yield* Effect.forkChild(near.write(bytes(1)), { startImmediately: true })
        yield* Effect.sleep(20_000)
        assert.isUndefined(first.pollUnsafe())
        undo()
        yield* Effect.sleep(1)
        const second = yield* Effect.forkChild(near.write(bytes(1)), { startImmediately: true })
        yield* Effect.sleep(100)
        assert.deepStrictEqual([first.pollUnsafe(), second.pollUnsafe()], [undefined, undefined])
        assert.strictEqual(lab.network.tally("a", "b").delivered, 1_000)
        yield* Fiber.join(first)
        yield* Fiber.join(second)
      })
    ))

  it("loss: chunks come later by the time of retransmissions, and none is missing", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { far, near } = yield* lab.pair("a", "b")
        const undo = lab.network.impair(oneWay("a", "b"), { loss: 0.2 })
        const delays = yield* Effect.forEach(Array.from({ length: 500 }), () => lab.crossing(near, far))
        const late = delays.filter((delay) => delay > 10)
        for (const delay of late) {
          const losses = Math.log2((delay - 10) / 200 + 1)
          assert.strictEqual(losses, Math.round(losses))
        }
        assert.approximately(late.length / 500, 0.18, 0.05)
        assert.strictEqual(undo(), late.length)
        assert.strictEqual(lab.network.tally("a", "b").lost, late.length)
        assert.strictEqual(yield* lab.crossing(near, far), 10)
      })
    ))

  for (const most of [1, 7]) {
    it(`chunk: bytes arrive in chunks of ${most} at most`, () =>
      runInWorld(
        Effect.gen(function* () {
          const lab = yield* networkLab()
          const { far, near } = yield* lab.pair("a", "b")
          const undo = lab.network.impair(oneWay("a", "b"), { chunk: most })
          const sent = bytes(1_000)
          yield* near.write(sent)
          const sizes = new Set<number>()
          const got: Array<number> = []
          while (got.length < sent.length) {
            for (const chunk of yield* far.pull) {
              sizes.add(chunk.length)
              got.push(...chunk)
            }
          }
          assert.deepStrictEqual(Uint8Array.from(got), sent)
          assert.strictEqual(Math.max(...sizes), most)
          assert.strictEqual(sizes.size, most)
          assert.isAbove(undo(), 100)
          yield* near.write(sent)
          assert.strictEqual((yield* far.pull)[0]!.length, 1_000)
        })
      ))
  }

  it("chunk: what was written together travels together, and is late together", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, chunk: 1, loss: 0.1 })
        const { far, near } = yield* lab.pair("a", "b")
        const times = yield* Effect.forEach(Array.from({ length: 300 }), () => lab.crossing(near, far, 100))
        assert.approximately(times.filter((time) => time > 10).length, 30, 15)
        assert.isAbove(yield* lab.crossing(near, far, 100_000), 100)
      })
    ))

  it("window: a writer waits for the reader after so many bytes, and for ever at 0", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { far, near } = yield* lab.pair("a", "b")
        const narrow = lab.network.impair(oneWay("a", "b"), { window: 100 })
        const writing = yield* Effect.forkChild(near.write(bytes(250)), { startImmediately: true })
        yield* Effect.sleep(1_000)
        assert.strictEqual(lab.network.tally("a", "b").delivered, 100)
        yield* read(far, 250)
        yield* Fiber.join(writing)
        const shut = lab.network.impair(oneWay("a", "b"), { window: 0 })
        const waiting = yield* Effect.forkChild(near.write(bytes(1)), { startImmediately: true })
        yield* Effect.sleep(100_000)
        assert.isUndefined(waiting.pollUnsafe())
        assert.isAbove(shut(), 0)
        yield* Fiber.join(waiting)
        assert.isAbove(narrow(), 0)
        yield* read(far, 1)
        yield* near.write(bytes(100_000))
      })
    ))

  it("window: lets one of it through in each round trip", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, window: 1_000 })
        const { far, near } = yield* lab.pair("a", "b")
        assert.strictEqual(yield* lab.crossing(near, far, 10_000), 190)
        yield* Effect.sleep(10)
        assert.strictEqual(yield* lab.crossing(near, far, 1_000), 10)
      })
    ))

  it("bit flips: turn 1 to 32 bits over in so many chunks", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { far, near } = yield* lab.pair("a", "b")
        const undo = lab.network.impair(oneWay("a", "b"), { bitFlips: 0.25 })
        const sent = bytes(64)
        let wrong = 0
        let most = 0
        for (let i = 0; i < 1_000; i++) {
          yield* near.write(sent)
          const got = yield* read(far, sent.length)
          const turned = got.reduce((sum, byte, at) => sum + bits(byte ^ sent[at]!), 0)
          if (turned > 0) wrong++
          most = Math.max(most, turned)
        }
        assert.approximately(wrong, 250, 45)
        assert.strictEqual(undo(), wrong)
        assert.strictEqual(lab.network.tally("a", "b").flips, wrong)
        assert.isAbove(most, 2)
        assert.isAtMost(most, 32)
        yield* near.write(sent)
        assert.deepStrictEqual(yield* read(far, sent.length), sent)
      })
    ))

  it("several: the worst of each counts, whatever their order, and the others stay when one goes", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { far, near } = yield* lab.pair("a", "b")
        const undos = [30, 90, 60].map((floor) => lab.network.impair(everything, { latency: { ...lasting, floor } }))
        assert.strictEqual(yield* lab.crossing(near, far), 100)
        undos[1]!()
        assert.strictEqual(yield* lab.crossing(near, far), 70)
        undos[1]!()
        undos[0]!()
        assert.strictEqual(yield* lab.crossing(near, far), 70)
        lab.network.heal()
        assert.strictEqual(yield* lab.crossing(near, far), 10)
        undos[2]!()
        assert.strictEqual(yield* lab.crossing(near, far), 10)
      })
    ))

  it("several: of stalls the last one to end counts", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { far, near } = yield* lab.pair("a", "b")
        const [first, second] = [1, 2].map(() => lab.network.impair(everything, { stalled: true }))
        lab.network.impair(everything, { chunk: 10 })
        const crossing = yield* Effect.forkChild(lab.crossing(near, far), { startImmediately: true })
        yield* Effect.sleep(5_000)
        second!()
        yield* Effect.sleep(5_000)
        assert.isUndefined(crossing.pollUnsafe())
        first!()
        assert.isAtMost(yield* Fiber.join(crossing), 20_010)
      })
    ))

  it("takes the model's figures for what they are: bandwidth, loss, chunks, window", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, bandwidth: 80_000, chunk: 10, window: 100, loss: 0.5 })
        const { far, near } = yield* lab.pair("a", "b")
        yield* lab.crossing(near, far, 1_000)
        const { chunks, delivered, lost } = lab.network.tally("a", "b")
        assert.strictEqual(delivered, 1_000)
        assert.isAtLeast(chunks, 100)
        assert.isAbove(lost, 30)
      })
    ))
})

const bits = (byte: number): number => byte.toString(2).replaceAll("0", "").length
