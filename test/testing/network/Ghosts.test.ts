import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Ghosts } from "../../../src/testing/network/Ghosts.ts"
import { runInWorld } from "../../support/InWorld.ts"
import { exact, networkLab } from "../../support/NetworkLab.ts"
import { bytes, failure, read, readAll } from "../../support/SocketEnd.ts"

describe("a ghost", () => {
  it("sends what a node sent on a connection that is over, from a host of its own", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { accept, far, near } = yield* lab.pair("a", "b")
        assert.isFalse(lab.network.ghost("a", "b"))
        yield* near.write(bytes(100))
        yield* near.write(bytes(50, 3))
        yield* far.write(bytes(10))
        assert.isFalse(lab.network.ghost("a", "b"))
        yield* near.close
        assert.strictEqual((yield* readAll(far)).bytes.length, 150)
        yield* far.close
        assert.isTrue(lab.network.ghost("a", "b"))
        assert.isFalse(lab.network.ghost("b", "c"))
        const { end, remote } = yield* accept
        assert.notInclude([lab.network.addressOf("a"), lab.network.addressOf("b")], remote.host)
        assert.deepStrictEqual(yield* read(end, 150), Uint8Array.from([...bytes(100), ...bytes(50, 3)]))
      })
    ))

  it("sends what was sent, not what became of it on its way", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, window: 50 })
        const { accept, far, near } = yield* lab.pair("a", "b")
        const undo = lab.network.impair(() => true, { bitFlips: 1, chunk: 10 })
        yield* Effect.forkChild(near.write(bytes(100)), { startImmediately: true })
        assert.notDeepEqual(yield* read(far, 100), bytes(100))
        undo()
        yield* near.close
        yield* Effect.sleep(100)
        assert.isTrue(lab.network.ghost("a", "b"))
        assert.deepStrictEqual(yield* read((yield* accept).end, 100), bytes(100))
      })
    ))

  it("hears nothing, closes when it is closed, and takes a reset", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab({ ...exact, window: 100 })
        const { accept, near } = yield* lab.pair("a", "b")
        yield* near.write(bytes(10))
        yield* near.close
        yield* Effect.sleep(2_000)
        assert.isTrue(lab.network.ghost("a", "b"))
        const { end } = yield* accept
        yield* end.write(bytes(5_000))
        yield* end.endWriting
        assert.strictEqual((yield* readAll(end)).end, 1000)
        assert.isTrue(lab.network.ghost("a", "b"))
        const { end: other } = yield* accept
        lab.network.close(() => true, "rst")
        assert.strictEqual(yield* failure(other), "SocketReadError")
      })
    ))

  it("knows what the side said that was dialled, and comes although that port is another's", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { far } = yield* lab.pair("a", "b")
        const { accept } = yield* lab.listen("a", 5_000)
        yield* far.write(bytes(10))
        yield* far.close
        yield* Effect.sleep(100)
        assert.isTrue(lab.network.ghost("b", "a"))
        assert.deepStrictEqual(yield* read((yield* accept).end, 10), bytes(10))
      })
    ))

  it("is gone in the end if the node that it haunts has died without a word", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { accept, far, near } = yield* lab.pair("a", "b")
        yield* near.write(bytes(10))
        yield* near.close
        yield* far.close
        yield* Effect.sleep(100)
        assert.isTrue(lab.network.ghost("a", "b"))
        yield* accept
        lab.kill("b", "silence")
        yield* Effect.sleep(20 * 60_000)
        assert.strictEqual(
          lab.network.silence(() => true),
          0
        )
      })
    ))

  it("does not wait for a node that is down", () =>
    runInWorld(
      Effect.gen(function* () {
        const lab = yield* networkLab()
        const { near } = yield* lab.pair("a", "b")
        yield* near.write(bytes(10))
        lab.kill("b", "rst")
        yield* Effect.sleep(100)
        assert.isTrue(lab.network.ghost("a", "b"))
        yield* Effect.sleep(100_000)
      })
    ))
})

describe("the memory of ghosts", () => {
  const recorded = (ghosts: Ghosts, chunks: ReadonlyArray<number>, from = "a") => {
    const recording = ghosts.record(from, "b", 1)
    for (const size of chunks) recording.add(new Uint8Array(size))
    recording.end()
    return ghosts.last(from, "b")?.chunks.reduce((sum, { length }) => sum + length, 0)
  }

  it("keeps the first 256 KiB of a connection", () => {
    assert.strictEqual(recorded(new Ghosts(), [200_000, 100_000, 5]), 256 * 1024)
    assert.strictEqual(recorded(new Ghosts(), [256 * 1024, 5]), 256 * 1024)
    assert.strictEqual(recorded(new Ghosts(), [5]), 5)
  })

  it("forgets all but the last three connections of a pair, and takes others instead", () => {
    const ghosts = new Ghosts()
    for (let i = 1; i <= 1_000; i++) assert.strictEqual(recorded(ghosts, [200_000 + i]), 200_000 + i)
  })

  it("keeps no more than a small memory holds, of however many pairs", () => {
    const ghosts = new Ghosts()
    let kept = 0
    for (let i = 0; i < 1_000; i++)
      kept +=
        recorded(
          ghosts,
          Array.from({ length: 2_000 }, () => 64),
          `n${i}`
        ) ?? 0
    assert.isAbove(kept, 8 * 1024 * 1024)
    assert.isBelow(kept, 32 * 1024 * 1024)
  })

  it("keeps nothing of a connection on which nothing was sent", () => {
    assert.isUndefined(recorded(new Ghosts(), []))
  })
})
