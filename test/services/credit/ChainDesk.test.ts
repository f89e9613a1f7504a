import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import * as Tables from "../../../src/services/credit/CreditTables.ts"
import { Records } from "../../../src/services/Records.ts"
import type { Transactions } from "../../../src/services/Transactions.ts"
import * as ChainPair from "../../support/credit/ChainPair.ts"
import { pledge, setting, tally } from "../../support/credit/Parties.ts"
import * as Stores from "../../support/Stores.ts"

const tables = Layer.effectDiscard(Effect.forEach(Tables.all, (table) => Records.migration(table))).pipe(Layer.orDie)

/** Both halves have the same balance, the same order, and nothing without a place. */
const assertEqual = Effect.fnUntraced(function* ({ sides }: ChainPair.ChainPair, net: bigint, chits: number) {
  const [stock, foil] = [yield* sides.stock.half, yield* sides.foil.half]
  assert.deepStrictEqual([stock.sums.net, foil.sums.net], [net, net])
  assert.deepStrictEqual(stock.chain?.at, foil.chain?.at)
  assert.deepInclude(stock.chain, { unplaced: 0 })
  assert.deepInclude(foil.chain, { agreed: chits })
  assert.strictEqual(foil.chain?.at.index, chits)
})

const suite = (name: string, stores: Layer.Layer<Records | Transactions>) => {
  const test = (title: string, body: (pair: ChainPair.ChainPair) => Effect.Effect<void, SqlError>) =>
    it.effect(title, () => Effect.scoped(Effect.flatMap(ChainPair.make(stores), body)))

  describe(`chains of chits in ${name}`, () => {
    test("come to one order when both sides pay at once (S21)", (pair) =>
      Effect.gen(function* () {
        yield* pair.book("foil", pledge("foil", 1, 500n))
        yield* pair.book("stock", pledge("stock", 2, 200n))
        yield* pair.book("foil", pledge("foil", 3, 30n))
        yield* pair.settle
        yield* assertEqual(pair, 330n, 3)
        assert.deepStrictEqual(pair.sides.stock.told, ["chit.good", "chit.good"])
        assert.deepStrictEqual(pair.sides.foil.told, ["chit.good"])
      }))

    test("bring what was lost once they repair, without another chit (S18)", (pair) =>
      Effect.gen(function* () {
        for (let n = 1; n <= 40; n++)
          yield* pair.book(n % 3 === 0 ? "stock" : "foil", pledge(n % 3 === 0 ? "stock" : "foil", n, 1n))
        pair.lose()
        for (const side of ["stock", "foil", "stock", "foil"] as const) {
          yield* pair.repair(side)
          yield* pair.settle
        }
        yield* assertEqual(pair, 14n, 40)
      }))

    test("keep a forged chit as evidence and nothing else of it (S29)", (pair) =>
      Effect.gen(function* () {
        const { chit } = pledge("stock", 1, 5n)
        const forged = { chit: { ...chit, core: pledge("stock", 1, 5_000n).chit.core } }
        const message = {
          _tag: "Propose",
          tally,
          chits: [forged],
          at: (yield* pair.sides.foil.half).chain!.at
        } as const
        yield* pair.hear("foil", message)
        assert.deepStrictEqual(pair.sides.foil.refused, ["refused: bad-signature"])
        const kept = yield* pair.sides.foil.run(
          Effect.flatMap(Records, (records) => records.page(Tables.evidence, "key", { limit: 10 }))
        )
        assert.deepStrictEqual(
          kept.map(({ reason }) => reason),
          ["bad-signature"]
        )
        yield* assertEqual(pair, 0n, 0)
      }))

    test("close at zero, each side for good", (pair) =>
      Effect.gen(function* () {
        yield* pair.book("foil", pledge("foil", 1, 500n))
        yield* pair.book("stock", setting("stock", 2, { close: true }))
        yield* pair.settle
        yield* pair.book("stock", pledge("stock", 3, 500n))
        yield* pair.settle
        yield* assertEqual(pair, 0n, 3)
        const halves = [yield* pair.sides.stock.half, yield* pair.sides.foil.half]
        assert.deepStrictEqual(
          halves.map(({ status }) => status),
          ["closed", "closed"]
        )
      }))

    test("close again at foil, whose database is from before the end of the chain (S27)", (pair) =>
      Effect.gen(function* () {
        const { foil } = pair.sides
        yield* pair.book("foil", pledge("foil", 1, 500n))
        yield* pair.settle
        const before = yield* foil.half
        const entries = [setting("stock", 2, { close: true }), pledge("stock", 3, 500n)]
        for (const entry of entries) yield* pair.book("stock", entry)
        yield* pair.settle
        yield* foil.run(
          Effect.gen(function* () {
            const records = yield* Records
            yield* records.put(Tables.halves, before)
            for (const { chit } of entries)
              yield* records.remove(Tables.chits, [before.holder, before.id, chit.core.uuid])
          })
        )
        yield* pair.repair("foil")
        yield* pair.settle
        yield* assertEqual(pair, 0n, 3)
        assert.strictEqual((yield* foil.half).status, "closed")
      }))
  })
}

suite("memory", Stores.memory)
suite("PGlite", Layer.provideMerge(tables, Stores.pglite))
