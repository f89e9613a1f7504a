/**
 * The law of streams, whatever goes wrong: what is read is a beginning of what was written, in order; all of it where the
 * end came. And the same seed makes the same run.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { calm, type NetModel } from "../../../src/testing/network/NetModel.ts"
import type { Impairment } from "../../../src/testing/network/Impairment.ts"
import type { Rng } from "../../../src/testing/world/Rng.ts"
import type { Schedule } from "../../../src/testing/world/Schedule.ts"
import { runInWorld, thisProcess } from "../../support/InWorld.ts"
import { NetworkLab, networkLab } from "../../support/NetworkLab.ts"
import { type End, readAll } from "../../support/SocketEnd.ts"

const uniform: Schedule = { order: "uniform", preemptEvery: 0, demoteEvery: 0 }

const modelOf = (random: Rng): NetModel => ({
  ...calm,
  latency: { floor: random.below(30), mean: random.below(100), tailShare: random.pick([0, 0.01]), tail: 10 },
  bandwidth: random.pick([0, 0, 1_000_000]),
  window: random.pick([30, 1_000, 10_000, 256 * 1024]),
  loss: random.pick([0, 0, 0.05, 0.3]),
  chunk: random.pick([0, 0, 1, 50, 2_000])
})

const onePair = (random: Rng) => {
  const [from, to] = random.pick([
    ["a", "b"],
    ["b", "a"],
    ["*", "*"]
  ])
  return (one: string, other: string) => from === "*" || (one === from && other === to)
}

/** Something goes wrong for a while, again and again. */
const disturb = (lab: NetworkLab, random: Rng, flips: boolean) =>
  Effect.gen(function* () {
    for (let i = 0; i < 12; i++) {
      yield* Effect.sleep(random.below(300))
      const what = random.pick<Impairment>([
        { stalled: true },
        { latency: { floor: random.below(200), mean: random.below(50), tailShare: 0, tail: 1 } },
        { bandwidth: random.between(10_000, 10_000_000) },
        { loss: 0.3 },
        { chunk: random.between(1, 20) },
        { window: random.below(2_000) },
        flips ? { bitFlips: 0.2 } : { chunk: 3 }
      ])
      const undo = lab.network.impair(onePair(random), what, random)
      lab.world.at(lab.world.now + random.below(1_000_000), () => void undo())
    }
  })

/** Writes chunks of any size, with pauses, and closes; what was written, whether all of it, and in how many bytes. */
const writeAll = (end: End, random: Rng) =>
  Effect.gen(function* () {
    const written: Array<Uint8Array> = []
    for (let left = random.between(1, 30); left > 0; left--) {
      const bytes = random.bytes(random.pick([1, 20, 400, 3_000]))
      written.push(bytes)
      const buffer = bytes.slice()
      const exit = yield* Effect.exit(end.write(buffer))
      // The buffer is the writer's own again.
      buffer.fill(0)
      if (exit._tag === "Failure") return { written, whole: false }
      if (random.below(3) === 0) yield* Effect.sleep(random.below(200))
    }
    yield* end.endWriting
    return { written, whole: true }
  })

type Ending = "fin" | "rst" | "closeAfter" | "kill" | "silence"

const end = (lab: NetworkLab, random: Rng, how: Ending) => {
  const at = lab.world.now + random.below(2_000_000)
  const select = onePair(random)
  if (how === "closeAfter") lab.network.closeAfter(select, random.below(20_000))
  if (how === "rst") lab.world.at(at, () => void lab.network.close(select, random.pick(["fin", "rst", "rst-as-end"])))
  if (how === "silence") lab.world.at(at, () => void lab.network.silence(select))
  if (how === "kill") lab.world.at(at, () => lab.network.end(lab.process("a"), random.pick(["fin", "rst", "silence"])))
}

interface Outcome {
  readonly hash: string
  readonly events: number
  /** Whether everything arrived, in each direction. */
  readonly arrived: ReadonlyArray<boolean>
}

const run = (seed: number, how: Ending, flips = false): Promise<Outcome> =>
  runInWorld(
    Effect.gen(function* () {
      const { world } = yield* thisProcess
      const random = world.rng("test")
      const lab = new NetworkLab(world, modelOf(random))
      const { accept } = yield* lab.listen("b")
      const near = yield* Effect.retry(lab.dial("a", "b"), { times: 50 })
      const { end: far } = yield* accept
      const writing = yield* Effect.forEach([near, far], (end) => Effect.forkChild(writeAll(end, random)))
      const reading = yield* Effect.forEach([far, near], (end) => Effect.forkChild(readAll(end)))
      end(lab, random, how)
      yield* disturb(lab, random, flips)
      lab.network.heal()
      yield* Effect.sleep(80_000_000)
      const arrived: Array<boolean> = []
      for (const [i, reader] of reading.entries()) {
        const writer = writing[i]!
        if (how === "silence" || how === "kill") yield* Fiber.interrupt(writer)
        const read = reader.pollUnsafe()
        const wrote = writer.pollUnsafe()
        if (read?._tag !== "Success" || wrote?._tag !== "Success") {
          assert.notStrictEqual(how, "fin", "a stream without faults that end it has ended")
          yield* Fiber.interrupt(reader)
          continue
        }
        const all = Buffer.concat(wrote.value.written)
        if (!flips) assert.deepStrictEqual(Buffer.from(read.value.bytes), all.subarray(0, read.value.bytes.length))
        const whole = read.value.bytes.length === all.length
        arrived.push(whole)
        if (how === "fin") assert.deepStrictEqual([wrote.value.whole, whole, read.value.end], [true, true, 1000])
      }
      return { hash: world.trace.hash, events: world.events, arrived }
    }),
    { seed, schedule: uniform }
  )

describe("a simulated stream", () => {
  for (const how of ["fin", "rst", "closeAfter", "kill", "silence"] as const) {
    it(`is read as it was written, with ${how}, over 60 seeds`, async () => {
      let whole = 0
      for (let seed = 0; seed < 60; seed++) whole += (await run(seed, how)).arrived.filter(Boolean).length
      assert.isAbove(whole, 0)
      if (how === "rst" || how === "closeAfter") assert.isBelow(whole, 120)
    })
  }
})

describe("a simulated network", () => {
  it("makes the same run of the same seed, with everything wrong that can be", async () => {
    for (let seed = 0; seed < 20; seed++) {
      const how = (["rst", "closeAfter", "kill", "silence"] as const)[seed % 4]!
      assert.deepStrictEqual(await run(seed, how, true), await run(seed, how, true))
    }
  })

  it("has every byte that arrives, and which connection it came by, in the hash of a run", async () => {
    const hashOf = (byte: number, by: "first" | "second") =>
      runInWorld(
        Effect.gen(function* () {
          const lab = yield* networkLab()
          const { accept } = yield* lab.listen("b")
          const first = yield* lab.dial("a", "b")
          const second = yield* lab.dial("a", "b")
          yield* accept
          yield* accept
          yield* (by === "first" ? first : second).write(Uint8Array.of(byte))
          yield* Effect.sleep(100)
          return lab.world.trace.hash
        })
      )
    const hashes = [await hashOf(1, "first"), await hashOf(2, "first"), await hashOf(1, "second")]
    assert.strictEqual(new Set(hashes).size, 3)
  })

  it("makes other runs of other seeds", async () => {
    const hashes = new Set<string>()
    for (let seed = 0; seed < 20; seed++) hashes.add((await run(seed, "fin")).hash)
    assert.strictEqual(hashes.size, 20)
  })

  it("lets either of two things be first that happen at the same instant", async () => {
    const orders = new Set<string>()
    for (let seed = 0; seed < 20; seed++) {
      const order = await runInWorld(
        Effect.gen(function* () {
          const lab = yield* networkLab()
          const { accept } = yield* lab.listen("c")
          const first = yield* lab.dial("a", "c")
          const one = (yield* accept).end
          const second = yield* lab.dial("b", "c")
          const other = (yield* accept).end
          const seen: Array<string> = []
          const readers = yield* Effect.forEach(
            [
              ["a", one],
              ["b", other]
            ] as const,
            ([name, end]) => Effect.forkChild(Effect.map(end.pull, () => void seen.push(name)))
          )
          yield* Effect.sleep(10)
          yield* first.write(Uint8Array.of(1))
          yield* second.write(Uint8Array.of(2))
          yield* Effect.forEach(readers, Fiber.join)
          return seen.join("")
        }),
        { seed, schedule: uniform }
      )
      orders.add(order)
    }
    assert.deepStrictEqual([...orders].sort(), ["ab", "ba"])
  })

  it("draws nothing more for a fault that brings its own dice: the others stay where they were", async () => {
    const times = (impairment: Impairment | undefined) =>
      runInWorld(
        Effect.gen(function* () {
          const lab = yield* networkLab({ ...calm, loss: 0.1 })
          const { far, near } = yield* lab.pair("a", "b")
          const crossings = Effect.forEach(Array.from({ length: 50 }), () => lab.crossing(near, far, 10))
          if (impairment === undefined) {
            yield* crossings
            return yield* crossings
          }
          const undo = lab.network.impair((from) => from === "a", impairment, lab.world.rng("own"))
          yield* crossings
          assert.isAbove(undo(), 10)
          return yield* crossings
        })
      )
    const usual = await times(undefined)
    for (const impairment of [{ bitFlips: 0.5 }, { latency: { floor: 5, mean: 50, tailShare: 0.1, tail: 3 } }])
      assert.deepStrictEqual(await times(impairment), usual)
  })
})
