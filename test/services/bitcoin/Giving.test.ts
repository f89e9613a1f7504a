import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { add, load, Update } from "../../../src/protocol/bitcoin/BloomFilter.ts"
import * as Hash from "../../../src/protocol/bitcoin/Hash.ts"
import * as Headers from "../../../src/protocol/bitcoin/Headers.ts"
import * as Inventory from "../../../src/protocol/bitcoin/Inventory.ts"
import * as MerkleBlock from "../../../src/protocol/bitcoin/MerkleBlock.ts"
import * as Transaction from "../../../src/protocol/bitcoin/Transaction.ts"
import { current, Service } from "../../../src/protocol/bitcoin/Version.ts"
import { RegtestChain } from "../../../src/testing/bitcoin/RegtestChain.ts"
import { at, NetworkLab } from "../../support/BitcoinNetworkLab.ts"

const chain = RegtestChain.make({ blocks: 620, seed: 1 })
const ids = chain.blocks.map(({ header }) => header.id)
const home = at("10.0.0.2")
const { block: whole, filteredBlock } = Inventory.Kind
const unknown = "ab".repeat(32)

const started = Effect.fnUntraced(function* (services = Service.network | Service.bloom) {
  const lab = new NetworkLab()
  const headers = chain.blocks.slice(1).map(({ header }) => header)
  const blocks = (id: string) => Effect.succeed(chain.find(id))
  const node = yield* lab.start("10.0.0.2", { listen: home, services, blocks }, [], headers)
  const guest = yield* lab.guest("10.0.1.1", home)
  guest.heard()
  const wants = (...items: ReadonlyArray<Inventory.Item>) => guest.say("getdata", Inventory.getdata.encode(items))
  return { node, guest, wants }
})

const asking = (locator: ReadonlyArray<string>) =>
  Headers.getblocks.encode({ version: current, locator, stop: Hash.zero })
const listed = (body: Uint8Array) => Result.getOrThrow(Inventory.inv.decode(body)).map(({ id }) => id)

/** A filter that has this element. */
const filter = (element: Uint8Array) => [
  ["filterload", load.encode({ bits: new Uint8Array(500), functions: 5, tweak: 3, flags: Update.none })] as const,
  ["filteradd", add.encode(element)] as const
]

describe("a node that has blocks to give", () => {
  it.effect("tells their ids, 500 at a time, and of the tip once the last of them is fetched", () =>
    Effect.gen(function* () {
      const { guest, wants } = yield* started()
      yield* guest.say("getblocks", asking([ids[0]!]))
      const [first] = guest.heard("inv")
      assert.deepStrictEqual(listed(first!.body), ids.slice(1, 501))
      yield* wants({ kind: whole, id: ids[499]! })
      assert.deepStrictEqual(
        guest.heard().map(({ command }) => command),
        ["block"]
      )
      yield* wants({ kind: whole, id: ids[500]! })
      const [given, tip] = guest.heard()
      assert.deepStrictEqual(Buffer.from(given!.body), Buffer.from(chain.payload(ids[500]!)!))
      assert.deepStrictEqual(listed(tip!.body), [ids[620]!])
      yield* guest.say("getblocks", asking([ids[500]!]))
      assert.deepStrictEqual(listed(guest.heard("inv")[0]!.body), ids.slice(501))
    })
  )

  it.effect("says which it has not", () =>
    Effect.gen(function* () {
      const { guest, wants } = yield* started()
      yield* wants({ kind: whole, id: unknown }, { kind: whole, id: ids[3]! })
      const [given, missing] = guest.heard()
      assert.strictEqual(given?.command, "block")
      assert.deepStrictEqual(Result.getOrThrow(Inventory.notfound.decode(missing!.body)), [
        { kind: whole, id: unknown }
      ])
    })
  )

  it.effect("gives a light client what its filter matches, with the proof", () =>
    Effect.gen(function* () {
      const { guest, wants } = yield* started()
      const block = chain.blocks[200]!
      const [, spend] = block.transactions
      const wanted = Transaction.idOf(spend!)
      for (const [command, payload] of filter(Hash.wire(wanted))) yield* guest.say(command, payload)
      yield* wants({ kind: filteredBlock, id: ids[200]! }, { kind: filteredBlock, id: ids[10]! })
      const [proof, transaction, other, ...rest] = guest.heard()
      const ofBlock = Result.getOrThrow(MerkleBlock.merkleblock.decode(proof!.body))
      assert.deepStrictEqual([ofBlock.header, ofBlock.transactions], [block.header, 2])
      assert.deepStrictEqual(ofBlock.hashes, block.transactions.map(Transaction.idOf))
      assert.strictEqual(Transaction.idOf(Result.getOrThrow(Transaction.tx.decode(transaction!.body))), wanted)
      assert.strictEqual(other?.command, "merkleblock")
      assert.deepStrictEqual(rest, [])
      yield* guest.say("filterclear")
      yield* wants({ kind: filteredBlock, id: ids[200]! })
      assert.deepStrictEqual(guest.heard(), [], "nobody said what is wanted")
    })
  )

  it.effect("closes on who filters where it does not say that it has filters, or who sends what is none", () =>
    Effect.gen(function* () {
      const without = yield* started(Service.network)
      yield* without.guest.say("filterclear")
      assert.isTrue(without.guest.isOver())
      const { guest, node } = yield* started()
      yield* guest.say("filterload", Uint8Array.of(200))
      assert.isTrue(guest.isOver())
      assert.include(
        node.events.map(({ _tag }) => _tag),
        "Banned"
      )
    })
  )
})
