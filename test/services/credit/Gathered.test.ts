import { assert, describe, it } from "@effect/vitest"
import type { CreditMessage } from "../../../src/protocol/credit/CreditMessage.ts"
import { MessageId } from "../../../src/protocol/delivery/Message.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import * as Gathered from "../../../src/services/credit/Gathered.ts"
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
})
