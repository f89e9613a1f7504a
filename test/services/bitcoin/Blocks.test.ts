import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Result, Stream } from "effect"
import * as Block from "../../../src/protocol/bitcoin/Block.ts"
import * as BlockHeader from "../../../src/protocol/bitcoin/BlockHeader.ts"
import * as Inventory from "../../../src/protocol/bitcoin/Inventory.ts"
import { tx } from "../../../src/protocol/bitcoin/Transaction.ts"
import * as Relay from "../../../src/services/bitcoin/Relay.ts"
import { at, elapse, NetworkLab, tags } from "../../support/BitcoinNetworkLab.ts"
import { blocks, bytesOf } from "../../support/BitcoinVectors.ts"

const home = at("10.0.0.2")
/** Real blocks: one of a few transactions, and another one. */
const raw = bytesOf(blocks().find(({ id }) => id === "main-170")!.raw)
const other = bytesOf(blocks().find(({ id }) => id === "main-181")!.raw)
const { id } = BlockHeader.decode(raw.subarray(0, BlockHeader.size))!
/** The header of the one with the transactions of the other. */
const mixed = Buffer.concat([raw.subarray(0, BlockHeader.size), other.subarray(BlockHeader.size)])
const missing = Inventory.notfound.encode([{ kind: Inventory.Kind.block, id }])

/** A node, and guests that can be asked for blocks. */
const started = Effect.fnUntraced(function* (guests: number) {
  const lab = new NetworkLab()
  const node = yield* lab.start("10.0.0.2", { listen: home, headers: false })
  const hosts = Array.from({ length: guests }, (_, i) => `10.0.1.${i + 1}`)
  return { lab, node, guests: yield* Effect.forEach(hosts, (host) => lab.guest(host, home)) }
})

type Guest = Effect.Success<ReturnType<NetworkLab["guest"]>>
/** The guest that is asked now. */
const askedOf = (guests: ReadonlyArray<Guest>): Guest => {
  const [asked] = guests.filter((guest) => guest.heard("getdata").length > 0)
  if (asked === undefined) throw new Error("nobody was asked")
  return asked
}

describe("fetching a block", () => {
  it.effect("gives it, as the peer has given it", () =>
    Effect.gen(function* () {
      const { guests, node } = yield* started(1)
      const fetching = yield* Effect.forkChild(node.fetchBlock(id), { startImmediately: true })
      yield* elapse(10)
      yield* askedOf(guests).say("block", raw)
      const block = yield* Fiber.join(fetching)
      assert.strictEqual(block.header.id, id)
      assert.deepStrictEqual(Buffer.from(Block.block.encode(block)), Buffer.from(raw))
    })
  )

  it.effect("asks one peer after another: who has it not, says nothing, leaves, or gives something else", () =>
    Effect.gen(function* () {
      const { guests, lab, node } = yield* started(4)
      const fetching = yield* Effect.forkChild(node.fetchBlock(id), { startImmediately: true })
      yield* elapse(10)
      yield* askedOf(guests).say("notfound", missing)
      const wrong = askedOf(guests)
      yield* wrong.say("block", mixed)
      assert.lengthOf(wrong.heard("reject"), 1)
      assert.isTrue(wrong.isOver(), "who gives a false block is closed")
      const left = askedOf(guests)
      lab.network.links[guests.indexOf(left)]!.reset()
      yield* elapse(100)
      const silent = askedOf(guests)
      yield* elapse(61_000)
      const exit = yield* Fiber.await(fetching)
      assert.isTrue(Exit.isFailure(exit))
      const text = String(Exit.isFailure(exit) ? exit.cause : "")
      for (const answer of ["does not have it", "other transactions", "has left", "has not answered"]) {
        assert.include(text, answer)
      }
      assert.isFalse(silent.isOver())
      assert.notInclude(tags(node.events), "Banned")
    })
  )

  it.effect("gives one block to all who want it", () =>
    Effect.gen(function* () {
      const { guests, node } = yield* started(1)
      const fetching = yield* Effect.forkChild(
        Effect.all([node.fetchBlock(id), node.fetchBlock(id.toUpperCase())], { concurrency: 2 }),
        {
          startImmediately: true
        }
      )
      yield* elapse(10)
      yield* askedOf(guests).say("block", raw)
      const both = yield* Fiber.join(fetching)
      assert.deepStrictEqual(
        both.map(({ header }) => header.id),
        [id, id]
      )
    })
  )

  it.effect("asks nobody for what is no id", () =>
    Effect.gen(function* () {
      const { guests, node } = yield* started(1)
      for (const given of ["zz", id.slice(1), `${id}0`, ""]) {
        assert.strictEqual((yield* Effect.flip(node.fetchBlock(given)))._tag, "BlockIdInvalid")
      }
      assert.deepStrictEqual(guests[0]!.heard("getdata"), [])
    })
  )

  it.effect("fails at once where nobody has blocks, and says so", () =>
    Effect.gen(function* () {
      const { node } = yield* started(0)
      const error = yield* Effect.flip(node.fetchBlock(id))
      assert.include(error.message, "no connected peer has blocks")
    })
  )

  it.effect("takes nothing for an answer that nobody asked that peer for", () =>
    Effect.gen(function* () {
      const { guests, node } = yield* started(2)
      const read = yield* Effect.forkChild(Stream.runHead(node.messages), { startImmediately: true })
      const fetching = yield* Effect.forkChild(node.fetchBlock(id), { startImmediately: true })
      yield* elapse(10)
      const asked = askedOf(guests)
      const stranger = guests.find((guest) => guest !== asked)!
      yield* stranger.say("block", mixed)
      assert.isFalse(stranger.isOver())
      assert.deepInclude((yield* Fiber.join(read)).valueOrUndefined, { command: "block" })
      yield* asked.say("block", raw)
      assert.strictEqual((yield* Fiber.join(fetching)).header.id, id)
    })
  )
})

describe("what peers pass on", () => {
  it.effect("is read as transactions and as ids, and what cannot be read is left out", () =>
    Effect.gen(function* () {
      const { guests, node } = yield* started(1)
      const follow = <A>(stream: Stream.Stream<Relay.Told<A>>) =>
        Effect.forkChild(Stream.runCollect(Stream.take(stream, 1)), { startImmediately: true })
      const transactions = yield* follow(Relay.transactions(node.messages))
      const ids = yield* follow(Relay.inventories(node.messages))
      const [guest] = guests
      const items = [{ kind: Inventory.Kind.transaction, id }]
      yield* guest!.say("tx", Uint8Array.of(1, 2, 3))
      yield* guest!.say("inv", Inventory.inv.encode(items))
      const [, spend] = Result.getOrThrow(Block.block.decode(raw)).transactions
      yield* guest!.say("tx", tx.encode(spend!))
      const [told] = yield* Fiber.join(transactions)
      assert.deepStrictEqual(tx.encode(told!.value), tx.encode(spend!))
      assert.deepStrictEqual((yield* Fiber.join(ids))[0]?.value, items)
    })
  )
})
