import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Queue, Random, Ref } from "effect"
import { SecureRandom } from "effect/crypto"
import { Process } from "../../../src/testing/world/Process.ts"
import { fifo, type Schedule } from "../../../src/testing/world/Schedule.ts"
import { World } from "../../../src/testing/world/World.ts"

const uniform: Schedule = { order: "uniform", preemptEvery: 20, demoteEvery: 0 }
const priorities: Schedule = { order: "priorities", preemptEvery: 20, demoteEvery: 50 }

const worldOf = (seed: number, schedule: Schedule = uniform) => {
  const world = new World({ seed, schedule })
  return { world, process: new Process(world, "a", 1) }
}

/** Runs a program to its end. */
const run = async <A>(
  seed: number,
  effect: Effect.Effect<A, never, SecureRandom.SecureRandom>,
  schedule?: Schedule
) => {
  const { process, world } = worldOf(seed, schedule)
  let exit: Exit.Exit<A> | undefined
  process.fork(effect, (done) => void (exit = done))
  const stop = await world.run(() => exit !== undefined)
  return { exit, stop, world, process }
}

/** Two fibers read and write one cell with room between. */
const racy = Effect.gen(function* () {
  const cell = yield* Ref.make(0)
  const add = Effect.forEach(
    [1, 2, 3, 4],
    () =>
      Effect.flatMap(Ref.get(cell), (value) => Effect.map(Effect.yieldNow, () => value)).pipe(
        Effect.flatMap((value) => Ref.set(cell, value + 1))
      ),
    { discard: true }
  )
  yield* Effect.all([add, add, add], { concurrency: "unbounded" })
  return yield* Ref.get(cell)
})

describe("a world", () => {
  it("moves time straight to what happens next", async () => {
    const { exit, world } = await run(1, Effect.sleep("3 hours"))
    assert.isTrue(Exit.isSuccess(exit!))
    assert.strictEqual(world.now, 3 * 3_600_000_000)
    assert.strictEqual(world.events, 1)
  })

  it("repeats a run for its seed and takes another for another, in every schedule", async () => {
    const program = Effect.gen(function* () {
      const random = yield* SecureRandom.SecureRandom
      const queue = yield* Queue.unbounded<string>()
      const speak = (name: string) =>
        Effect.forEach([1, 2, 3], (n) => Effect.andThen(Effect.sleep(n * 10), Queue.offer(queue, `${name}${n}`)), {
          discard: true
        })
      yield* Effect.all(["a", "b", "c", "d"].map(speak), { concurrency: "unbounded" })
      return [yield* Queue.takeAll(queue), yield* Random.next, yield* random.uuidV7()]
    })
    for (const schedule of [uniform, priorities, fifo]) {
      const [first, second, other] = [
        await run(5, program, schedule),
        await run(5, program, schedule),
        await run(6, program, schedule)
      ]
      assert.deepStrictEqual(first.exit, second.exit)
      assert.strictEqual(first.world.trace.hash, second.world.trace.hash)
      assert.notDeepEqual(first.exit, other.exit)
    }
  })

  it("lets both of two things at one instant come first, within 20 seeds", async () => {
    const orders = new Set<string>()
    for (let seed = 0; seed < 20; seed++) {
      const order: Array<string> = []
      const say = (word: string) =>
        Effect.andThen(
          Effect.sleep(100),
          Effect.sync(() => order.push(word))
        )
      await run(seed, Effect.all([say("a"), say("b")], { concurrency: 2 }))
      orders.add(order.join(""))
    }
    assert.deepStrictEqual([...orders].sort(), ["ab", "ba"])
  })

  it("finds a lost update that no scheduler of the order of asking finds", async () => {
    const values = new Set<number>()
    for (let seed = 0; seed < 40; seed++) {
      const { exit } = await run(seed, racy)
      if (exit?._tag === "Success") values.add(exit.value)
    }
    assert.isAbove(values.size, 2)
  })

  it("says so when nothing can ever happen again", async () => {
    const { stop } = await run(1, Effect.flatMap(Deferred.make<void>(), Deferred.await))
    assert.strictEqual(stop._tag, "Deadlock")
  })

  it("ends a run that makes no progress in time, or no end of it", async () => {
    const spin = await run(1, Effect.forever(Effect.yieldNow))
    assert.strictEqual(spin.stop._tag, "Runaway")
    const tick = await run(1, Effect.forever(Effect.sleep("1 hour")))
    assert.strictEqual(tick.stop._tag, "Runaway")
  })

  it("reports what breaks inside it", async () => {
    const { world } = worldOf(1)
    world.at(1, () => {
      throw new Error("a broken check")
    })
    const stop = await world.run(() => false)
    assert.strictEqual(stop._tag, "Broke")
  })

  it("stands still for work outside, one piece at a time, and takes the answer as an event", async () => {
    const { world } = worldOf(1)
    const seen: Array<string> = []
    let running = 0
    const ask = (name: string, latency: number) =>
      world.external(
        async () => {
          assert.strictEqual(++running, 1)
          await new Promise((resolve) => setImmediate(resolve))
          running--
          return name
        },
        latency,
        (answer) => seen.push(`${answer} at ${world.now}`)
      )
    ask("slow", 500)
    ask("quick", 100)
    world.at(200, () => seen.push(`timer at ${world.now}`))
    await world.run(() => seen.length === 3)
    assert.deepStrictEqual(seen, ["quick at 100", "timer at 200", "slow at 500"])
  })
})

describe("a process", () => {
  it("takes a microsecond at least for a sleep of any length", async () => {
    const { process, world } = worldOf(1)
    let slept = 0
    world.at(3_000_000, () =>
      process.fork(
        Effect.forever(
          Effect.andThen(
            Effect.sleep(1e-13),
            Effect.sync(() => slept++)
          )
        )
      )
    )
    await world.run(() => slept === 100)
    assert.strictEqual(world.now, 3_000_100)
  })

  it("stands still and goes on with late timers", async () => {
    const { process, world } = worldOf(1)
    const fired: Array<number> = []
    process.fork(
      Effect.forever(
        Effect.andThen(
          Effect.sleep(1_000),
          Effect.sync(() => fired.push(world.now / 1_000))
        )
      )
    )
    world.at(1_500_000, () => process.pause())
    world.at(4_700_000, () => process.resume())
    await world.run(() => fired.length === 3)
    assert.deepStrictEqual(fired, [1_000, 4_700, 5_700])
  })

  it("dies without a finalizer, a timer or a task", async () => {
    const { process, world } = worldOf(1)
    const after: Array<string> = []
    process.fork(
      Effect.sleep(1_000).pipe(
        Effect.ensuring(Effect.sync(() => after.push("finalizer"))),
        Effect.andThen(Effect.sync(() => after.push("timer")))
      )
    )
    process.fork(Effect.forever(Effect.sleep(1)).pipe(Effect.ensuring(Effect.sync(() => after.push("task")))))
    world.at(500_000, () => process.kill())
    assert.strictEqual((await world.run(() => false))._tag, "Deadlock")
    assert.deepStrictEqual(after, [])
    assert.strictEqual(process.timers, 0)
    assert.strictEqual(world.pending, 0)
  })

  it("counts its fibers and its timers back to none", async () => {
    const { exit, process } = await run(
      1,
      Effect.gen(function* () {
        const sleeper = yield* Effect.forkChild(Effect.sleep("1 hour"))
        yield* Effect.sleep(10)
        yield* Fiber.interrupt(sleeper)
      })
    )
    assert.isTrue(Exit.isSuccess(exit!))
    assert.strictEqual(process.timers, 0)
    assert.strictEqual(process.fibers, 0)
  })

  it("has clocks that drift and are set, and a monotonic one that never goes back", async () => {
    const { process, world } = worldOf(1)
    process.driftClock(1_000)
    process.stepClock(-5_000)
    const before = process.currentTimeMillisUnsafe()
    let woken = 0
    process.fork(
      Effect.andThen(
        Effect.sleep(10_010),
        Effect.sync(() => void (woken = world.now))
      )
    )
    await world.run(() => woken > 0)
    assert.strictEqual(woken, 10_000_000)
    assert.strictEqual(process.currentTimeMillisUnsafe() - before, 10_010)
    assert.strictEqual(process.monotonicTimeNanosUnsafe(), 10_010_000_000n)
    const next = new Process(world, "a", 2, process)
    assert.strictEqual(next.currentTimeMillisUnsafe(), process.currentTimeMillisUnsafe())
  })

  it("has a clock that is set by any part of a millisecond", () => {
    const { process } = worldOf(1)
    process.stepClock(1.234_567_8)
    assert.strictEqual(process.currentTimeNanosUnsafe() % 1_000_000_000n, 1_235_000n)
  })

  it("has streams of random numbers of its own, which go on", () => {
    const { process, world } = worldOf(1)
    const [first, second] = [process.rng("users").u32(), process.rng("users").u32()]
    assert.notStrictEqual(first, second)
    const again = new Process(world, "a", 1)
    assert.deepStrictEqual([again.rng("users").u32(), again.rng("users").u32()], [first, second])
    assert.notStrictEqual(new Process(world, "a", 2).rng("users").u32(), first)
    assert.notStrictEqual(new Process(world, "b", 1).rng("users").u32(), first)
  })
})
