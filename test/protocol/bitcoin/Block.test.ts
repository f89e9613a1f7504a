import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Block from "../../../src/protocol/bitcoin/Block.ts"
import * as Transaction from "../../../src/protocol/bitcoin/Transaction.ts"
import { blocks, bytesOf, edgeCases, hexOf, messages } from "../../support/BitcoinVectors.ts"

/** Without those of BTC that carry witnesses, which BSV's wire does not have. */
const withoutWitnesses = blocks().filter(({ id }) => !id.includes("segwit"))
const decode = (hex: string) => Result.getOrThrow(Block.block.decode(bytesOf(hex)))

describe("a block", () => {
  for (const { header, id, raw, txids } of withoutWitnesses) {
    it(`has the transactions that its header commits to, and is written as it was read: ${id}`, () => {
      const block = decode(raw)
      assert.strictEqual(block.header.id, header.hash)
      assert.deepStrictEqual(block.transactions.map(Transaction.idOf), txids)
      assert.strictEqual(Block.merkleRoot(txids), header.merkleRoot)
      assert.isUndefined(Block.wrongTree(block))
      assert.strictEqual(hexOf(Block.block.encode(block)), raw)
    })
  }

  it("is refused with another transaction, with none, and with one twice", () => {
    const block = decode(withoutWitnesses.find(({ txids }) => txids.length > 1)!.raw)
    const [first, second] = block.transactions as [Transaction.Transaction, Transaction.Transaction]
    const wrong = (transactions: ReadonlyArray<Transaction.Transaction>) =>
      Block.wrongTree({ header: block.header, transactions })
    assert.match(wrong([second, first]) ?? "", /^its transactions have the root/)
    assert.match(wrong([first]) ?? "", /^its transactions have the root/)
    assert.strictEqual(wrong([]), "the block has no transactions")
    assert.strictEqual(wrong([first, second, second]), "the block has a transaction twice")
  })

  it("is no block where it ends in the middle", () => {
    const { raw } = withoutWitnesses.at(-1)!
    for (const bytes of [0, 79, 80, 100, raw.length / 2 - 1]) {
      const result = Block.block.decode(bytesOf(raw).subarray(0, bytes))
      assert.strictEqual(Result.isFailure(result) ? result.failure.reason : "ok", "short", String(bytes))
    }
  })
})

describe("a transaction", () => {
  for (const { fields, id, payload } of messages("03-messages").filter(({ command }) => command === "tx")) {
    if (id.includes("segwit")) continue
    it(`has its id, and is written as it was read: ${id}`, () => {
      const transaction = Result.getOrThrow(Transaction.tx.decode(bytesOf(payload)))
      assert.strictEqual(hexOf(Transaction.tx.encode(transaction)), payload)
      const expected = fields as { readonly tx: { readonly txid: string } }
      assert.strictEqual(Transaction.idOf(transaction), expected.tx.txid)
    })
  }

  it("is none where bytes are missing", () => {
    const { payload } = edgeCases().find(({ id }) => id === "tx-garbage")!
    const result = Transaction.tx.decode(bytesOf(payload))
    assert.strictEqual(Result.isFailure(result) ? result.failure.reason : "ok", "short")
  })
})
