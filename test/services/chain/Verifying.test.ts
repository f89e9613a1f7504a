import { assert, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import * as ChainBlocksMemory from "../../../src/layers/ChainBlocksMemory.ts"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import { BlockStore } from "../../../src/services/chain/BlockStore.ts"
import { verify } from "../../../src/services/chain/Verifying.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as ChainNode from "../../support/ChainNode.ts"
import * as Toy from "../../support/ToyChain.ts"

const stores = ChainBlocksMemory.layer.pipe(Layer.provideMerge(MemoryDatabase.layer))

it.effect("names the block whose body is wrong", () =>
  Effect.gen(function* () {
    const store = yield* BlockStore
    const rules = Toy.rules()
    const all = [Toy.genesis, ...Toy.chain(Toy.genesis, 5)]
    const rows = all.map((header, height) => ({
      id: header.id,
      height,
      header: rules.encode(header),
      body: Uint8Array.of(height)
    }))
    yield* store.replace("toy", undefined, -1, rows)
    const objection = (_: Toy.ToyHeader, body: Uint8Array) => (body[0] === 3 ? "wrong" : undefined)
    const error = yield* Effect.flip(Stream.runDrain(verify(store, { rules, objection })))
    assert.deepInclude(error, { height: 3, problem: "wrong" })
  }).pipe(Effect.provide(Layer.fresh(stores)))
)

it.effect("takes a reorganisation meanwhile for no broken chain", () =>
  Effect.gen(function* () {
    const network = new MemoryNetwork()
    const one = yield* ChainNode.start({ network, seed: 1, settings: ChainNode.open })
    const other = yield* ChainNode.start({ network, seed: 2, settings: ChainNode.open })
    yield* one.produce(300)
    yield* other.produce(320)
    let isFirst = true
    const reorganise = Effect.suspend(() => {
      if (!isFirst) return Effect.void
      isFirst = false
      return Effect.andThen(one.connect(other), ChainNode.agree(other.chain.tip().id, one))
    })
    yield* Stream.runForEach(one.chain.verify, () => reorganise)
    assert.isFalse(isFirst)
    assert.strictEqual(one.chain.tip().id, other.chain.tip().id)
  })
)
