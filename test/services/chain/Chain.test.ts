/** Chains of whole nodes: what one has is brought to the others, and to one tip. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Latch } from "effect"
import { TestClock } from "effect/testing"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import { connectionLost } from "../../../src/testing/database/DatabaseFaults.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as ChainNode from "../../support/ChainNode.ts"

describe("a node with a chain", () => {
  it.effect("brings all blocks here from a peer that has them", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const one = yield* ChainNode.start({ network, seed: 1, settings: ChainNode.open })
      const other = yield* ChainNode.start({ network, seed: 2, settings: ChainNode.open })
      yield* one.produce(300)
      yield* other.connect(one)
      yield* ChainNode.agree(one.chain.tip().id, other)
      assert.strictEqual(other.chain.tip().height, 300)
      assert.deepStrictEqual(yield* other.ids, yield* one.ids)
      assert.strictEqual(other.chain.status().behind, 0)
    })
  )

  it.effect("brings blocks here while the headers of those behind them are still to come", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const goesOn = yield* Latch.make()
      const beforeHeaders = (height: number) => (height === 2_000 ? goesOn.await : Effect.void)
      const one = yield* ChainNode.start({ network, seed: 1, settings: ChainNode.open })
      const other = yield* ChainNode.start({ network, seed: 2, settings: ChainNode.open, beforeHeaders })
      yield* one.produce(2_010)
      yield* other.connect(one)
      const [, last] = yield* Effect.orDie(one.chain.blocks(1_998, 2))
      yield* ChainNode.agree(last!.header.id, other)
      assert.deepStrictEqual(other.chain.tip(), { id: last!.header.id, height: 2_000 })
      yield* goesOn.open
      yield* ChainNode.agree(one.chain.tip().id, other)
      assert.strictEqual(other.chain.tip().height, 2_010)
    })
  )

  it.effect("brings a new block to whoever is connected", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const [one, other, third] = [
        yield* ChainNode.start({ network, seed: 1, settings: ChainNode.open }),
        yield* ChainNode.start({ network, seed: 2, settings: ChainNode.open }),
        yield* ChainNode.start({ network, seed: 3, settings: ChainNode.open })
      ] as const
      yield* one.connect(other)
      yield* other.connect(third)
      yield* ChainNode.agree("none", one)
      for (const maker of [one, third, other]) {
        yield* maker.produce(1)
        yield* ChainNode.agree(maker.chain.tip().id, one, other, third)
        for (const node of [one, other, third]) assert.deepStrictEqual(node.chain.tip(), maker.chain.tip())
      }
    })
  )

  it.effect("goes over to the heavier branch when a partition ends", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const one = yield* ChainNode.start({ network, seed: 1, settings: ChainNode.open })
      const other = yield* ChainNode.start({ network, seed: 2, settings: ChainNode.open })
      yield* one.produce(20)
      yield* other.produce(12)
      yield* one.connect(other)
      yield* ChainNode.agree(one.chain.tip().id, other)
      assert.deepStrictEqual(other.chain.tip(), one.chain.tip())
      assert.deepStrictEqual(yield* other.ids, yield* one.ids)
      const [reorganised] = other.events.filter((event) => event._tag === "Reorganised")
      assert.deepInclude(reorganised, { fork: 0, left: 12 })
      assert.isEmpty(one.events.filter(({ _tag }) => _tag === "Reorganised"))
    })
  )

  it.effect("brings a block here that its peer could not read when it was asked for it first", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      let isDown = false
      const database = MemoryDatabase.makeHooked({
        statement: Effect.suspend(() => (isDown ? Effect.fail(connectionLost()) : Effect.void)),
        commit: (commit) => commit
      })
      const one = yield* ChainNode.start({ network, seed: 1, settings: ChainNode.open, database })
      const other = yield* ChainNode.start({ network, seed: 2, settings: ChainNode.open })
      yield* other.connect(one)
      yield* ChainNode.agree("none", one)
      // Too large to come with the word of it.
      yield* one.chain.submit(new Uint8Array(70_000))
      const { id } = yield* one.chain.produce
      isDown = true
      yield* TestClock.adjust("2 seconds")
      isDown = false
      yield* TestClock.adjust("40 seconds")
      assert.strictEqual(one.registry.sessions()[0]?.session.number, 1n)
      assert.strictEqual(other.chain.tip().id, id)
    })
  )

  it.effect("asks for the heavier branch also where its database answers late", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const one = yield* ChainNode.start({ network, seed: 1, settings: ChainNode.open })
      const other = yield* ChainNode.start({ network, seed: 2, settings: ChainNode.open, answersLate: true })
      yield* one.produce(20)
      yield* other.produce(12)
      yield* other.connect(one)
      yield* ChainNode.agree(one.chain.tip().id, other)
      assert.deepStrictEqual(other.chain.tip(), one.chain.tip())
    })
  )
})
