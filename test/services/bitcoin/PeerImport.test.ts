import { NodeFileSystem } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, FileSystem, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as BitcoinPeersMemory from "../../../src/layers/BitcoinPeersMemory.ts"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import { Endpoint } from "../../../src/protocol/Address.ts"
import * as PeerFile from "../../../src/protocol/bitcoin/PeerFile.ts"
import * as PeerImport from "../../../src/services/bitcoin/PeerImport.ts"
import { type KnownPeer, PeersKept, PeerStore } from "../../../src/services/bitcoin/PeerStore.ts"
import { networkNamed } from "../../support/BitcoinVectors.ts"

const network = networkNamed("bsv-main")
/** Seconds since 1970. */
const now = 1_800_000_000

const at = (last: number): Endpoint => new Endpoint({ host: `10.0.0.${last}`, port: 8_333 })

const stored = (last: number, status: unknown, status_timestamp: number, fields: object = {}) => ({
  id: "7f8dd4a1-4a52-4f0c-a5ef-2a4d3c0b9d10",
  ip_address: `10.0.0.${last}`,
  port: 8_333,
  status,
  status_timestamp,
  ...fields
})

const imported = (...peers: ReadonlyArray<object>) => PeerImport.fromText(network, JSON.stringify(peers))

const everything = Effect.gen(function* () {
  const store = yield* PeerStore
  const all = yield* store.list(network.name, { limit: 100 })
  return new Map(all.map((peer) => [Number(peer.endpoint.host.split(".").at(-1)), peer]))
})

const known = (last: number, status: KnownPeer["status"], seconds: number): KnownPeer => ({
  endpoint: at(last),
  status,
  since: seconds * 1_000
})

const live = <E>(name: string, test: Effect.Effect<void, E, PeerStore | FileSystem.FileSystem>, kept = 100) =>
  it.effect(name, () =>
    Effect.andThen(TestClock.setTime(now * 1_000), test).pipe(
      Effect.provide([
        BitcoinPeersMemory.layer.pipe(
          Layer.provide(MemoryDatabase.layer),
          Layer.provide(Layer.succeed(PeersKept, kept))
        ),
        NodeFileSystem.layer
      ])
    )
  )

live(
  "takes over what another node knew, once",
  Effect.gen(function* () {
    const file = [
      stored(1, "Valid", 1_700_000_000),
      stored(2, "Inaccessible", 1_700_000_001),
      stored(3, "Unknown", 1_700_000_002),
      stored(4, { Banned: { BlockchainMismatch: { received: "BTC" } } }, 1_700_000_003)
    ]
    assert.deepStrictEqual(yield* imported(...file), { fresh: 4, changed: 0, left: 0 })
    const first = yield* everything
    assert.deepStrictEqual(first.get(1), known(1, "Valid", 1_700_000_000))
    assert.deepStrictEqual(first.get(2), known(2, "Inaccessible", 1_700_000_001))
    assert.deepStrictEqual(first.get(3), known(3, "Unknown", now))
    assert.deepStrictEqual(first.get(4), {
      ...known(4, "Banned", 1_700_000_003),
      reason: "it is of another chain: BTC"
    })
    yield* TestClock.adjust("1 hour")
    assert.deepStrictEqual(yield* imported(...file), { fresh: 0, changed: 0, left: 4 })
    assert.deepStrictEqual(yield* everything, first)
  })
)

live(
  "changes only what the file knows to be newer, and no ban of this node",
  Effect.gen(function* () {
    const store = yield* PeerStore
    yield* store.mark(network.name, known(1, "Inaccessible", 1_000))
    yield* store.mark(network.name, known(2, "Inaccessible", 3_000))
    yield* store.mark(network.name, known(3, "Banned", 1_000))
    yield* store.mark(network.name, known(4, "Valid", 1_000))
    const result = yield* imported(
      stored(1, "Valid", 2_000),
      stored(2, "Valid", 2_000),
      stored(3, "Valid", 2_000),
      stored(4, "Unknown", 2_000)
    )
    assert.deepStrictEqual(result, { fresh: 0, changed: 1, left: 3 })
    const all = yield* everything
    assert.deepStrictEqual(
      [1, 2, 3, 4].map((last) => all.get(last)),
      [known(1, "Valid", 2_000), known(2, "Inaccessible", 3_000), known(3, "Banned", 1_000), known(4, "Valid", 1_000)]
    )
  })
)

live(
  "believes no time that is still to come",
  Effect.gen(function* () {
    const file = stored(1, "Valid", now + 1_000)
    yield* imported(file)
    assert.deepStrictEqual((yield* everything).get(1), known(1, "Valid", now))
    yield* TestClock.adjust("1 hour")
    assert.deepStrictEqual(yield* imported(file), { fresh: 0, changed: 0, left: 1 })
  })
)

live(
  "takes nothing of a file with a wrong entry",
  Effect.gen(function* () {
    const error = yield* Effect.flip(imported(stored(1, "Valid", 1), { ...stored(2, "Valid", 1), port: 70_000 }))
    assert.strictEqual(error instanceof PeerFile.PeerFileInvalid ? error.entry : undefined, 2)
    assert.strictEqual((yield* everything).size, 0)
  })
)

live(
  "leaves a store no larger than it may be",
  Effect.gen(function* () {
    const bad = Array.from({ length: 6 }, (_, last) => stored(last, "Inaccessible", 1_000 + last))
    yield* imported(stored(50, "Valid", 1), ...bad, stored(51, "Unknown", 1))
    const all = yield* everything
    assert.strictEqual(all.size, 4)
    assert.deepStrictEqual([all.has(50), all.has(51)], [true, true])
  }),
  4
)

live(
  "reads a file, and none that is too long",
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const folder = yield* files.makeTempDirectoryScoped()
    const good = `${folder}/peers.json`
    yield* files.writeFileString(good, JSON.stringify([stored(1, "Valid", 1)]))
    assert.deepStrictEqual(yield* PeerImport.fromFile(network, good), { fresh: 1, changed: 0, left: 0 })
    const long = `${folder}/long.json`
    yield* files.writeFileString(long, "")
    yield* files.truncate(long, PeerFile.mostBytes + 1)
    assert.strictEqual(yield* Effect.flip(PeerImport.fromFile(network, long)), PeerFile.tooLong)
  }).pipe(Effect.scoped)
)
