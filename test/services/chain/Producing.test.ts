/** Blocks that nodes make: by turns, of what waits, with what the program makes of them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Latch } from "effect"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import { commitUnknown } from "../../../src/services/Transactions.ts"
import { BlockRefused } from "../../../src/services/chain/Ledger.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as ChainNode from "../../support/ChainNode.ts"
import { pass, settle } from "../../support/VirtualTime.ts"

const text = new TextDecoder()
const bytes = (word: string): Uint8Array => new TextEncoder().encode(word)

/** The texts of all items of a chain, block by block. */
const items = ({ chain }: ChainNode.ChainNode) =>
  Effect.map(chain.blocks(0, 1_000), (blocks) =>
    blocks.map(({ items }) => items?.map((item) => text.decode(item)).join(" "))
  )

describe("producing", () => {
  it.effect("goes from one producer to the next at each interval, and all have one chain", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const settings = ChainNode.ofProducers(1, 2, 3)
      const nodes = yield* Effect.forEach([1, 2, 3], (seed) =>
        ChainNode.start({ network, seed, settings, produce: true })
      )
      const [one, two, three] = nodes
      yield* one!.connect(two!)
      yield* two!.connect(three!)
      yield* three!.connect(one!)
      for (let second = 0; second < 30; second++) yield* pass("1 second")
      const height = one!.chain.tip().height
      assert.isAtLeast(height, 20)
      for (const node of nodes) assert.deepStrictEqual(node.chain.tip(), one!.chain.tip())
      const makers = (yield* one!.chain.blocks(height - 9, 9)).map(({ header }) => header)
      // Whose turn it is weighs two.
      assert.deepStrictEqual(
        makers.map(({ weight }) => weight),
        makers.map(() => 2)
      )
      assert.strictEqual(new Set(makers.map(({ producer }) => producer)).size, 3)
    })
  )

  it.effect("goes on where a producer is away, at a distance", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const settings = ChainNode.ofProducers(1, 2)
      const one = yield* ChainNode.start({ network, seed: 1, settings, produce: true })
      for (let second = 0; second < 30; second++) yield* pass("1 second")
      assert.isAtLeast(one.chain.tip().height, 20)
      const { weight } = (yield* one.chain.blocks(one.chain.tip().height - 1, 1))[0]!.header
      const before = (yield* one.chain.blocks(one.chain.tip().height - 2, 1))[0]!.header.weight
      assert.deepStrictEqual([weight, before].sort(), [1, 2])
    })
  )

  it.effect("takes what waits in its order, and gives it back where another branch is better", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const one = yield* ChainNode.start({ network, seed: 1, settings: ChainNode.open })
      const other = yield* ChainNode.start({ network, seed: 2, settings: ChainNode.open })
      yield* one.chain.submit(bytes("a"))
      yield* one.chain.submit(bytes("b"))
      yield* one.chain.produce
      assert.deepStrictEqual(yield* items(one), ["a b"])
      assert.strictEqual(one.chain.status().waiting, 0)
      yield* other.produce(3)
      yield* one.connect(other)
      yield* ChainNode.agree(other.chain.tip().id, one)
      assert.strictEqual(one.chain.status().waiting, 2)
      yield* one.chain.produce
      assert.strictEqual((yield* items(one)).at(-1), "a b")
    })
  )

  it.effect("is refused to who is none of the producers", () =>
    Effect.gen(function* () {
      const settings = ChainNode.ofProducers(7)
      const one = yield* ChainNode.start({ network: new MemoryNetwork(), seed: 1, settings, produce: true })
      const error = yield* Effect.flip(one.chain.produce)
      assert.include(error.message, "none of the chain's producers")
      assert.deepStrictEqual(one.chain.status().production, {
        _tag: "Wait",
        why: "this node is none of the chain's producers"
      })
    })
  )
})

describe("what a program makes of blocks", () => {
  it.effect("is made once for each block of the best chain, in order, and taken back the other way round", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const seen: Array<string> = []
      const note = (what: string) => (block: { readonly height: number }) =>
        Effect.sync(() => void seen.push(`${what}${block.height}`))
      const ledger = { apply: note("+"), undo: note("-") }
      const one = yield* ChainNode.start({ network, seed: 1, settings: ChainNode.open, ledger })
      const other = yield* ChainNode.start({ network, seed: 2, settings: ChainNode.open })
      yield* one.produce(2)
      yield* other.produce(3)
      yield* one.connect(other)
      yield* ChainNode.agree(other.chain.tip().id, one)
      assert.deepStrictEqual(seen, ["+1", "+2", "-2", "-1", "+1", "+2", "+3"])
    })
  )

  it.effect("stops the chain before a block that it refuses, says so, and goes on when it does not any more", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      let refuses = true
      const ledger = {
        apply: ({ header, height }: { readonly header: { readonly id: string }; readonly height: number }) =>
          refuses && height === 3
            ? Effect.fail(new BlockRefused({ height, id: header.id, reason: "too much" }))
            : Effect.void,
        undo: () => Effect.void
      }
      const one = yield* ChainNode.start({ network, seed: 1, settings: ChainNode.open })
      const other = yield* ChainNode.start({ network, seed: 2, settings: ChainNode.open, ledger })
      yield* one.produce(5)
      yield* other.connect(one)
      yield* settle
      const { refused, tip } = other.chain.status()
      assert.strictEqual(tip.height, 2)
      assert.deepInclude(refused, { height: 3, reason: "too much" })
      assert.isNotEmpty(other.events.filter(({ _tag }) => _tag === "Refused"))
      refuses = false
      yield* pass("31 seconds")
      assert.deepStrictEqual(other.chain.tip(), one.chain.tip())
      assert.isUndefined(other.chain.status().refused)
    })
  )

  it.effect("is undone with its block when the making of that fails", () =>
    Effect.gen(function* () {
      const ledger = {
        apply: ({ height }: { readonly height: number }) =>
          Effect.fail(new BlockRefused({ height, id: "x", reason: "never" })),
        undo: () => Effect.void
      }
      const one = yield* ChainNode.start({ network: new MemoryNetwork(), seed: 1, settings: ChainNode.open, ledger })
      yield* one.chain.submit(bytes("a"))
      const exit = yield* Effect.exit(one.chain.produce)
      assert.isTrue(Exit.isFailure(exit))
      assert.strictEqual(one.chain.tip().height, 0)
      assert.strictEqual(one.chain.status().best.height, 0)
      assert.strictEqual(one.chain.status().waiting, 1)
    })
  )
})

describe("blocks that are asked for at once, or not any more", () => {
  /** A node whose commits wait for a gate. */
  const gated = Effect.gen(function* () {
    const gate = Latch.makeUnsafe(true)
    const commit = <A, E>(of: Effect.Effect<A, E>) => Effect.andThen(gate.await, of)
    const database = MemoryDatabase.makeHooked({ statement: Effect.void, commit })
    const one = yield* ChainNode.start({ network: new MemoryNetwork(), seed: 1, settings: ChainNode.open, database })
    yield* one.chain.submit(bytes("a"))
    // What it looks at once it has started is a transaction as well.
    yield* settle
    gate.closeUnsafe()
    return { gate, one }
  })

  it.effect("have each item in one of them", () =>
    Effect.gen(function* () {
      const { gate, one } = yield* gated
      const both = yield* Effect.forkChild(Effect.all([one.chain.produce, one.chain.produce], { concurrency: 2 }))
      yield* settle
      gate.openUnsafe()
      yield* Fiber.join(both)
      assert.deepStrictEqual(yield* items(one), ["a", ""])
    })
  )

  it.effect("are on the chain when the commit was under way", () =>
    Effect.gen(function* () {
      const { gate, one } = yield* gated
      const fiber = yield* Effect.forkChild(one.chain.produce)
      yield* settle
      const ending = yield* Effect.forkChild(Fiber.interrupt(fiber))
      yield* settle
      gate.openUnsafe()
      yield* Fiber.join(ending)
      yield* settle
      const { best, tip, waiting } = one.chain.status()
      assert.deepStrictEqual([tip.height, best.height, waiting], [1, 1, 0])
      assert.strictEqual((yield* one.chain.produce).height, 2)
      assert.deepStrictEqual(yield* items(one), ["a", ""])
    })
  )

  it.effect("are pruned as those of others are", () =>
    Effect.gen(function* () {
      const one = yield* ChainNode.start({ network: new MemoryNetwork(), seed: 1, settings: ChainNode.open, keep: 2 })
      yield* one.produce(10)
      const kept = (yield* one.chain.blocks(0, 1_000)).filter(({ items }) => items !== undefined)
      assert.deepStrictEqual(
        kept.map(({ header }) => header.height),
        [8, 9, 10]
      )
    })
  )
})

describe("a block whose commit was unheard", () => {
  it.effect("is found to be on the chain, and the next one follows it", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      let isUnheard = false
      const cutOff = Effect.suspend(() => {
        if (!isUnheard) return Effect.void
        isUnheard = false
        return Effect.fail(commitUnknown("the test has cut it off"))
      })
      const database = MemoryDatabase.makeHooked({
        statement: Effect.void,
        commit: (commit, hasWritten) => (hasWritten ? Effect.andThen(commit, cutOff) : commit)
      })
      const one = yield* ChainNode.start({ network, seed: 1, settings: ChainNode.open, database })
      const other = yield* ChainNode.start({ network, seed: 2, settings: ChainNode.open })
      yield* one.connect(other)
      yield* one.produce(1)
      isUnheard = true
      const error = yield* Effect.flip(one.chain.produce)
      assert.isTrue(error._tag === "SqlError")
      yield* settle
      assert.strictEqual(one.chain.tip().height, 2)
      yield* one.produce(1)
      assert.strictEqual(one.chain.tip().height, 3)
      yield* ChainNode.agree(one.chain.tip().id, other)
      assert.deepStrictEqual(other.chain.tip(), one.chain.tip())
    })
  )
})

describe("a chain that is started again", () => {
  it.effect("is where it was, also when it was stopped in the middle of a sync", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const one = yield* ChainNode.start({ network, seed: 1, settings: ChainNode.open })
      yield* one.produce(40)
      const database = yield* MemoryDatabase.make
      const life = Effect.gen(function* () {
        const node = yield* ChainNode.start({ network, seed: 2, settings: ChainNode.open, database })
        const { tip } = node.chain.status()
        yield* node.connect(one)
        yield* settle
        return { begun: tip, ended: node.chain.tip() }
      }).pipe(Effect.scoped)
      const first = yield* life
      yield* one.produce(10)
      const second = yield* life
      assert.deepStrictEqual(second.begun, first.ended)
      assert.deepStrictEqual(second.ended, one.chain.tip())
    })
  )
})
