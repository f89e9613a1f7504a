/** What becomes of dials: each failure with its reason and in its time, and what connections wait for. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { Endpoint } from "../../../src/protocol/Address.ts"
import { runInWorld } from "../../support/InWorld.ts"
import { everything, exact, type NetworkLab, networkLab, oneWay, port } from "../../support/NetworkLab.ts"
import { bytes, failure, read, use } from "../../support/SocketEnd.ts"

/** Why a dial fails, and after how many milliseconds. */
const failing = (lab: NetworkLab, from: string, to: string) =>
  Effect.map(lab.timed(Effect.flip(Effect.scoped(lab.dial(from, to)))), ({ took, value }) => [value.reason, took])

const dialTime = (lab: NetworkLab, from: string, to: string) =>
  Effect.map(lab.timed(Effect.scoped(lab.dial(from, to))), ({ took }) => took)

describe("a simulated dial", () => {
  it("is refused where nobody listens, after one round trip", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        assert.deepStrictEqual(yield* failing(lab, "a", "b"), ["refused", 20])
        const { dials, refused } = lab.network.tally("a", "b")
        assert.deepStrictEqual([dials, refused], [1, 1])
      })
    ))

  it("finds nobody at an address that no node has, after three seconds", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        assert.deepStrictEqual(yield* failing(lab, "a", "192.0.2.1"), ["unreachable", 3_055])
      })
    ))

  it("does not know a name that no node has", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const dialling = Effect.flip(lab.transport("a").dial(new Endpoint({ host: "example.org", port })))
        assert.strictEqual((yield* Effect.scoped(dialling)).reason, "unknown-host")
      })
    ))

  for (const [lost, took] of [
    [500, 1_020],
    [1_500, 3_020],
    [4_500, 7_020]
  ] as const) {
    it(`is sent again until it gets through: after an outage of ${lost} ms it takes ${took} ms`, () =>
      runInWorld(
        Effect.gen(function* () {
          const lab = yield* networkLab()
          yield* lab.listen("b")
          const undo = lab.network.impair(oneWay("b", "a"), { stalled: true })
          const dialling = yield* Effect.forkChild(dialTime(lab, "a", "b"), { startImmediately: true })
          yield* Effect.sleep(lost)
          assert.isAbove(undo(), 0)
          assert.strictEqual(yield* Fiber.join(dialling), took)
        })
      ))
  }

  it("is given up after ten seconds", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        yield* lab.listen("b")
        lab.network.impair(oneWay("a", "b"), { stalled: true })
        assert.deepStrictEqual(yield* failing(lab, "a", "b"), ["timed-out", 10_000])
        assert.strictEqual(lab.network.tally("a", "b").timedOut, 1)
        assert.strictEqual(lab.network.sockets(lab.process("a")), 0)
      })
    ))

  it("is sent again when its packets are lost", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, loss: 0.2 })
        yield* lab.listen("b")
        const times = yield* Effect.forEach(Array.from({ length: 300 }), () =>
          Effect.map(lab.timed(Effect.exit(dialTime(lab, "a", "b"))), ({ took }) => took)
        )
        const late = times.filter((time) => time > 20)
        assert.approximately(late.length / 300, 0.33, 0.08)
        assert.isTrue(late.every((time) => [1_020, 3_020, 7_020, 10_000].includes(time)))
      })
    ))

  it("refuse: as if nobody listened, for this share of dials", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        yield* lab.listen("b")
        const undo = lab.network.dials(oneWay("a", "b"), { how: "refuse", share: 0.5 })
        const outcomes = yield* Effect.forEach(Array.from({ length: 200 }), () => Effect.exit(dialTime(lab, "a", "b")))
        const failed = outcomes.filter(Exit.isFailure).length
        assert.approximately(failed, 100, 25)
        assert.strictEqual(yield* dialTime(lab, "c", "b"), 20)
        assert.strictEqual(undo(), failed)
        assert.strictEqual(yield* dialTime(lab, "a", "b"), 20)
      })
    ))

  it("hang: until it is given up", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        yield* lab.listen("b")
        const undo = lab.network.dials(everything, { how: "hang", share: 1 })
        assert.deepStrictEqual(yield* failing(lab, "a", "b"), ["timed-out", 10_000])
        assert.strictEqual(undo(), 1)
        assert.strictEqual(yield* dialTime(lab, "a", "b"), 20)
      })
    ))

  it("slow: takes so much longer, and is given up if that is too long", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        yield* lab.listen("b")
        const undo = lab.network.dials(everything, { how: "slow", share: 1, takes: 2_500 })
        assert.strictEqual(yield* dialTime(lab, "a", "b"), 2_520)
        undo()
        lab.network.dials(everything, { how: "slow", share: 1, takes: 30_000 })
        assert.deepStrictEqual(yield* failing(lab, "a", "b"), ["timed-out", 10_000])
        lab.network.heal()
        assert.strictEqual(yield* dialTime(lab, "a", "b"), 20)
      })
    ))

  it("slow: takes a second more if nobody says how long", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        yield* lab.listen("b")
        for (const fault of [{}, { takes: 0 }]) {
          const undo = lab.network.dials(everything, { how: "slow", share: 1, ...fault })
          assert.strictEqual(yield* dialTime(lab, "a", "b"), 1_020)
          undo()
        }
      })
    ))

  it("slow: twice takes both times", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        yield* lab.listen("b")
        for (const takes of [2_500, 1_000]) lab.network.dials(everything, { how: "slow", share: 1, takes })
        assert.strictEqual(yield* dialTime(lab, "a", "b"), 3_520)
      })
    ))

  it("accept-then-reset: connects and is reset; who listens never hears of it", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { accept } = yield* lab.listen("b")
        const undo = lab.network.dials(everything, { how: "accept-then-reset", share: 1 })
        const near = yield* lab.dial("a", "b")
        assert.strictEqual(yield* failure(near), "SocketReadError")
        undo()
        yield* lab.dial("a", "b")
        assert.strictEqual((yield* accept).remote.port, 49_153)
      })
    ))

  it("is forgotten by a host that hears nothing of it for a minute, and finds out when it speaks", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { accept } = yield* lab.listen("b")
        const dialling = yield* Effect.forkChild(lab.dial("a", "b"), { startImmediately: true })
        yield* Effect.sleep(15)
        const heal = lab.network.impair(oneWay("a", "b"), { stalled: true })
        const near = yield* Fiber.join(dialling)
        yield* Effect.sleep(70_000)
        heal()
        yield* near.write(bytes(10))
        assert.strictEqual(yield* failure(near), "SocketReadError")
        yield* lab.dial("a", "b")
        yield* accept
      })
    ))

  it("connects to a host that stands still", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        yield* lab.listen("b")
        lab.process("b").pause()
        assert.strictEqual(yield* dialTime(lab, "a", "b"), 20)
      })
    ))

  it("backlog: connections beyond it hang until there is room", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { accept } = yield* lab.listen("b")
        const undo = lab.network.backlog("b", 16)
        lab.process("b").pause()
        const dialling = yield* Effect.forEach(Array.from({ length: 100 }), () =>
          Effect.forkChild(lab.timed(lab.dial("a", "b")), { startImmediately: true })
        )
        yield* Effect.sleep(900)
        const connected = dialling.filter((fiber) => fiber.pollUnsafe() !== undefined)
        assert.strictEqual(connected.length, 16)
        lab.process("b").resume()
        assert.strictEqual(undo(), 84)
        for (const fiber of dialling) assert.include([20, 1_020], (yield* Fiber.join(fiber)).took)
        for (const _ of dialling) yield* accept
      })
    ))

  it("backlog: of a listener that nobody runs is the model's", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, backlog: 3 })
        yield* lab.transport("b").listen({ host: lab.network.addressOf("b"), port })
        for (let i = 0; i < 3; i++) yield* lab.dial("a", "b")
        assert.deepStrictEqual(yield* failing(lab, "a", "b"), ["timed-out", 10_000])
      })
    ))

  it("backlog: is not taken twice by a dial that is sent again", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, backlog: 1 })
        yield* lab.listen("b")
        const undo = lab.network.impair(oneWay("b", "a"), { stalled: true })
        const dialling = yield* Effect.forkChild(dialTime(lab, "a", "b"), { startImmediately: true })
        yield* Effect.sleep(500)
        undo()
        assert.strictEqual(yield* Fiber.join(dialling), 1_020)
      })
    ))

  it("does not tell a process that stands still what has come of it before that goes on", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        yield* lab.listen("b")
        const process = lab.process("a")
        const outcomes: Array<string> = []
        const dial = (to: string) =>
          Effect.exit(lab.dial("a", to)).pipe(Effect.tap(({ _tag }) => Effect.sync(() => void outcomes.push(_tag))))
        process.fork(Effect.scoped(dial("b")))
        process.fork(Effect.scoped(dial("c")))
        process.pause()
        yield* Effect.sleep(5_000)
        assert.deepStrictEqual(outcomes, [])
        process.resume()
        yield* Effect.sleep(1)
        assert.deepStrictEqual(outcomes.sort(), ["Failure", "Success"])
      })
    ))

  it("exhaust: fails at once at a host that has too many connections, and its accepts wait", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { accept } = yield* lab.listen("b")
        const first = yield* lab.dial("a", "b")
        yield* accept
        const undo = lab.network.exhaust("a", 1)
        assert.deepStrictEqual(yield* failing(lab, "a", "b"), ["exhausted", 0])
        yield* first.close
        yield* lab.dial("a", "b")
        yield* accept
        assert.strictEqual(undo(), 1)
        const lift = lab.network.exhaust("b", 2)
        const near = yield* lab.dial("a", "b")
        yield* near.write(bytes(5))
        const accepting = yield* Effect.forkChild(accept, { startImmediately: true })
        yield* Effect.sleep(5_000)
        assert.isUndefined(accepting.pollUnsafe())
        assert.isAbove(lift(), 0)
        assert.deepStrictEqual(yield* read((yield* Fiber.join(accepting)).end, 5), bytes(5))
      })
    ))

  it("exhaust: accepts the next one when a connection closes", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, connections: 1 })
        const { accept } = yield* lab.listen("b")
        yield* lab.dial("a", "b")
        const { end: first } = yield* accept
        yield* lab.dial("c", "b")
        const accepting = yield* Effect.forkChild(accept, { startImmediately: true })
        yield* Effect.sleep(1_000)
        assert.isUndefined(accepting.pollUnsafe())
        yield* first.close
        assert.strictEqual((yield* Fiber.join(accepting)).remote.host, lab.network.addressOf("c"))
      })
    ))

  it("leaves nothing behind when it is interrupted, at whatever moment", async () => {
    for (let at = 0; at <= 45; at += 5) {
      await runInWorld(
        Effect.gen(function* () {
          const lab = yield* networkLab()
          yield* lab.listen("b")
          const dialling = yield* Effect.forkChild(Effect.scoped(Effect.andThen(lab.dial("a", "b"), Effect.never)))
          yield* Effect.sleep(at)
          yield* Fiber.interrupt(dialling)
          yield* Effect.sleep(100)
          assert.strictEqual(lab.network.sockets(lab.process("a")), 0)
          assert.strictEqual(lab.network.sockets(lab.process("b")), at <= 20 ? 1 : 2)
        })
      )
    }
  })
})

describe("the healing of a simulated network", () => {
  it("takes everything back that was wrong with dials, and lets in who waits", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { accept } = yield* lab.listen("b")
        lab.network.dials(everything, { how: "refuse", share: 1 })
        lab.network.dns("b", "unknown")
        lab.network.backlog("b", 0)
        lab.network.exhaust("b", 0)
        lab.network.exhaust("a", 0)
        lab.network.closeAfter(everything, 0)
        lab.network.heal()
        assert.strictEqual(yield* dialTime(lab, "a", "b"), 20)
        yield* accept
        lab.network.exhaust("b", 0)
        yield* lab.dial("a", "b")
        const accepting = yield* Effect.forkChild(accept, { startImmediately: true })
        yield* Effect.sleep(1_000)
        assert.isUndefined(accepting.pollUnsafe())
        lab.network.heal()
        yield* Fiber.join(accepting)
      })
    ))
})

describe("a simulated listener", () => {
  it("does not share its port, and gives it back", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const host = lab.network.addressOf("b")
        const scope = yield* Scope.make()
        yield* Scope.provide(lab.transport("b").listen({ host, port }), scope)
        const failed = yield* Effect.flip(lab.transport("b").listen({ host: "0.0.0.0", port }))
        assert.strictEqual(failed.reason, "in-use")
        yield* Scope.close(scope, Exit.void)
        yield* lab.transport("b").listen({ host, port })
      })
    ))

  it("resets those who wait when it closes", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const scope = yield* Scope.make()
        yield* Scope.provide(lab.transport("b").listen({ host: lab.network.addressOf("b"), port }), scope)
        const near = yield* lab.dial("a", "b")
        yield* Effect.sleep(100)
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(yield* failure(near), "SocketReadError")
      })
    ))

  it("resets a connection that is established while it closes", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const scope = yield* Scope.make()
        yield* Scope.provide(lab.transport("b").listen({ host: lab.network.addressOf("b"), port }), scope)
        const near = yield* lab.dial("a", "b")
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(yield* failure(near), "SocketReadError")
      })
    ))

  it("is another one in every life: the last life's does not stand in its way", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        yield* lab.listen("b")
        lab.kill("b", "rst")
        yield* lab.listen("b")
        yield* lab.dial("a", "b")
      })
    ))

  it("keeps every connection's bytes apart", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { accept } = yield* lab.listen("b")
        const nears = yield* Effect.forEach([1, 2, 3], () => lab.dial("a", "b"))
        yield* Effect.forEach(nears, (near, i) => near.write(bytes(100, i)), { discard: true })
        for (const [i] of nears.entries()) assert.deepStrictEqual(yield* read((yield* accept).end, 100), bytes(100, i))
      })
    ))
})

describe("a simulated name", () => {
  it("unknown: is found by nobody, for as long as that lasts", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        yield* lab.listen("b")
        yield* lab.listen("c")
        const undo = lab.network.dns("b", "unknown")
        assert.strictEqual(yield* dialTime(lab, "a", "c"), 20)
        assert.deepStrictEqual(yield* failing(lab, "a", "b"), ["unknown-host", 5])
        assert.strictEqual(yield* dialTime(lab, "a", lab.network.addressOf("b")), 20)
        assert.strictEqual(undo(), 1)
        assert.strictEqual(yield* dialTime(lab, "a", "b"), 20)
      })
    ))

  it("slow: takes its time, sometimes more than a dial has", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        yield* lab.listen("b")
        lab.network.dns("b", "slow")
        const outcomes = yield* Effect.forEach(Array.from({ length: 100 }), () =>
          lab.timed(Effect.exit(dialTime(lab, "a", "b")))
        )
        assert.isTrue(outcomes.every(({ took }) => took > 500 && took <= 10_000))
        assert.isAbove(outcomes.filter(({ value }) => Exit.isFailure(value)).length, 10)
        assert.isAbove(outcomes.filter(({ value }) => Exit.isSuccess(value)).length, 10)
      })
    ))

  it("elsewhere: leads to another node, or to an address that nobody has", async () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 20; seed++) {
      const reached = await runInWorld(
        Effect.gen(function* () {
          const lab = yield* networkLab()
          const { accept } = yield* lab.listen("b")
          yield* lab.listen("c")
          lab.process("a")
          const undo = lab.network.dns("c", "elsewhere")
          const exit = yield* Effect.exit(lab.dial("c", "c"))
          const failed = Exit.isFailure(exit)
          if (!failed) yield* Effect.timeoutOption(accept, 100)
          undo()
          assert.strictEqual(yield* dialTime(lab, "b", "c"), 20)
          return failed ? "nobody" : "b"
        }),
        { seed }
      )
      seen.add(reached)
    }
    assert.deepStrictEqual([...seen].sort(), ["b", "nobody"])
  })

  it("move: nobody answers a dial that is under way to the old address", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        yield* lab.listen("b")
        const dialling = yield* Effect.forkChild(failing(lab, "a", "b"), { startImmediately: true })
        yield* Effect.sleep(5)
        lab.network.move("b")
        assert.deepStrictEqual(yield* Fiber.join(dialling), ["timed-out", 10_000])
      })
    ))

  it("move: a dial that is under way from the old address never hears of its answer", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        yield* lab.listen("b")
        const dialling = yield* Effect.forkChild(failing(lab, "a", "b"), { startImmediately: true })
        yield* Effect.sleep(15)
        lab.network.move("a")
        assert.deepStrictEqual(yield* Fiber.join(dialling), ["timed-out", 10_000])
        assert.strictEqual(yield* dialTime(lab, "a", "b"), 20)
      })
    ))

  it("move: leads to the node's new address at once; the old one and its connections are dead", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { accept, far, near } = yield* lab.pair("a", "b")
        const old = lab.network.addressOf("b")
        lab.network.move("b")
        assert.notStrictEqual(lab.network.addressOf("b"), old)
        assert.deepStrictEqual(yield* failing(lab, "a", old), ["unreachable", 3_055])
        const again = yield* lab.dial("a", "b")
        assert.strictEqual(yield* lab.crossing(again, (yield* accept).end), 10)
        yield* near.write(bytes(1))
        yield* far.write(bytes(1))
        const readings = yield* Effect.forEach([near, far], ({ pull }) =>
          Effect.forkChild(pull, { startImmediately: true })
        )
        yield* Effect.sleep(3_600_000)
        for (const reading of readings) assert.isUndefined(reading.pollUnsafe())
        const scope = yield* Effect.scope
        const listener = yield* lab.transport("b").listen({ host: lab.network.addressOf("b"), port: 5_000 })
        yield* Effect.forkIn(
          listener.run(() => Effect.never),
          scope,
          { startImmediately: true }
        )
        yield* use(yield* lab.transport("a").dial(listener.endpoint), yield* Scope.fork(scope))
      })
    ))
})
