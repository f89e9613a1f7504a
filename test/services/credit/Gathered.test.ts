import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import * as StoresMemory from "../../../src/layers/StoresMemory.ts"
import type { Action } from "../../../src/protocol/credit/Action.ts"
import type { Entry } from "../../../src/protocol/credit/ChitLog.ts"
import type { CreditMessage } from "../../../src/protocol/credit/CreditMessage.ts"
import { MessageId } from "../../../src/protocol/delivery/Message.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import * as ChainDesk from "../../../src/services/credit/ChainDesk.ts"
import * as Gathered from "../../../src/services/credit/Gathered.ts"
import * as ChainPair from "../../support/credit/ChainPair.ts"
import * as Stores from "../../support/Stores.ts"
import { agents, opened, pledge, tally, uuid } from "../../support/credit/Parties.ts"

const { at } = opened("foil").chain!
const ack: CreditMessage = { _tag: "Ack", tally, at, closed: false }
const fetch: CreditMessage = { _tag: "Fetch", tally, after: 0 }
const propose = (count: number): CreditMessage => ({
  _tag: "Propose",
  tally,
  chits: Array.from({ length: count }, (_, n) => pledge("stock", n)),
  at
})
const from = (peer: NodeKey) => (message: CreditMessage) => ({
  message,
  from: { peer, id: MessageId.make(uuid(9, 1)) }
})

const chains = (actions: ReadonlyArray<Action>): Array<ChainDesk.Message> =>
  actions.flatMap((action) => (action._tag === "Send" && ChainDesk.isMessage(action.message) ? [action.message] : []))

/** A chit of this side's is good: what that is told by. */
const said = (side: ChainPair.ChainSide, entry: Entry) =>
  Effect.map(side.run(Effect.flatMap(side.half, (half) => ChainDesk.book(half, entry))), ({ actions }) =>
    chains(actions)
  )

const shapes = (parts: ReturnType<typeof Gathered.parts>) =>
  parts.map((part) => (part._tag === "One" ? part.message._tag : part.messages.map(({ _tag }) => _tag)))

describe("messages that came together", () => {
  it("are heard together where they follow each other, continue chains, and are of one node", () => {
    const [stock, foil] = [from(agents.stock.key), from(agents.foil.key)]
    const parts = Gathered.parts([stock(ack), stock(propose(2)), stock(fetch), stock(ack), foil(ack), foil(ack)])
    assert.deepStrictEqual(shapes(parts), [["Ack", "Propose"], "Fetch", ["Ack"], ["Ack", "Ack"]])
    assert.deepStrictEqual(Gathered.parts([]), [])
  })

  it("bring 512 chits at a time, at most", () => {
    const all = Array.from({ length: 40 }, () => from(agents.stock.key)(propose(30)))
    assert.deepStrictEqual(
      Gathered.parts(all).map((part) => (part._tag === "Chains" ? part.messages.length : 0)),
      [17, 17, 6]
    )
  })

  it.effect("of one tally are one step at its half: read once, written once, and answered once", () =>
    Effect.gen(function* () {
      let statements = 0
      const statement = Effect.sync(() => void statements++)
      const database = MemoryDatabase.makeHooked({ statement, commit: (commit) => commit })
      const stores = StoresMemory.layerOn(database).pipe(Layer.provide(SecureRandom.layerWebCrypto), Layer.orDie)
      const { sides } = yield* ChainPair.make(stores)
      const foils = yield* Effect.forEach([1, 2, 3, 4, 5], (n) => said(sides.foil, pledge("foil", n, 10n)))
      const messages = foils.flat()
      assert.deepStrictEqual(
        messages.map(({ _tag }) => _tag),
        Array.from({ length: 5 }, () => "Entered")
      )
      const before = statements
      const work = Gathered.hear({ _tag: "Chains", messages, peer: agents.foil.key })
      const answer = yield* sides.stock.run(work)
      // It begins, finds the half, locks it, reads the chits, writes them, and writes the half.
      assert.strictEqual(statements - before, 6)
      assert.isUndefined(answer.unfit)
      assert.strictEqual(answer.actions.filter(({ _tag }) => _tag === "Tell").length, 5)
      const [stock, foil] = [yield* sides.stock.half, yield* sides.foil.half]
      assert.deepStrictEqual([stock.chain?.at, stock.sums.net], [foil.chain?.at, 50n])
      assert.deepStrictEqual(chains(answer.actions), [{ _tag: "Ack", tally, at: foil.chain!.at, closed: false }])
    }).pipe(Effect.scoped)
  )

  it.effect("have no effect where one of them does not fit", () =>
    Effect.gen(function* () {
      const { sides } = yield* ChainPair.make(Stores.memory)
      const [entered] = yield* said(sides.foil, pledge("foil", 1, 10n))
      assert.strictEqual(entered?._tag, "Entered")
      const forged = entered?._tag === "Entered" ? { ...entered, head: { ...entered.head, index: 7 } } : entered
      const messages = [entered!, forged!]
      const answer = yield* sides.stock.run(Gathered.hear({ _tag: "Chains", messages, peer: agents.foil.key }))
      assert.strictEqual(answer.unfit?.reason, "unsigned-order")
      assert.strictEqual((yield* sides.stock.half).chain?.at.index, 0)
    }).pipe(Effect.scoped)
  )
})
