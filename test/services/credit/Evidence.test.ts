/** What a partner can have a node keep of chits that take no effect, and of invoices that nobody has answered. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Cuid } from "../../../src/protocol/credit/Chad.ts"
import * as Chit from "../../../src/protocol/credit/Chit.ts"
import type { CreditMessage } from "../../../src/protocol/credit/CreditMessage.ts"
import { signWith } from "../../../src/protocol/credit/Signature.ts"
import type { TallyId } from "../../../src/protocol/credit/TallyDocument.ts"
import type { Config } from "../../../src/services/credit/CreditConfig.ts"
import * as Tables from "../../../src/services/credit/CreditTables.ts"
import * as Desks from "../../../src/services/credit/Desks.ts"
import * as InvoiceDesk from "../../../src/services/credit/InvoiceDesk.ts"
import { Feed } from "../../../src/services/delivery/Feed.ts"
import { Records } from "../../../src/services/Records.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import { join, open, type Party, soon } from "../../support/credit/CreditParty.ts"
import { stranger, uuid } from "../../support/credit/Parties.ts"

const [ann_, bob_] = [Cuid.make("ann"), Cuid.make("bob")]
const chit = (n: number) => Chit.ChitId.make(uuid(7, n))

/** Ann, who is stock, and bob, whose node keeps so much. */
const startWith = Effect.fnUntraced(function* (config: Partial<Config>) {
  const network = new MemoryNetwork()
  const ann = yield* join(network, 1, "ann", [])
  const bob = yield* join(network, 2, "bob", [ann], undefined, config)
  for (const { node, user } of [ann, bob]) yield* node.add(user)
  yield* soon
  return { ann, bob, tally: yield* open(ann, bob, 1) }
})

/** Ann's node proposes chits that somebody else has signed; what bob's node makes of it. */
const forge = Effect.fnUntraced(function* (ann: Party, bob: Party, tally: TallyId, n: number) {
  const core: Chit.Core = { type: "tran", tally, uuid: chit(n), by: "stock", date: n, units: 1n }
  const { at } = (yield* bob.node.half("bob", tally))!.chain!
  const sign = signWith(stranger.sign, "chit", Chit.digest(core))
  const message: CreditMessage = { _tag: "Propose", tally, chits: [{ chit: { core, sign } }], at }
  return yield* bob.node.command(Desks.hear(message, ann.node.key))
})

const kept = ({ node }: Party) =>
  Effect.map(
    node.run(Effect.flatMap(Records, (records) => records.page(Tables.evidence, "key", { limit: 100 }))),
    (rows) => rows.map(({ entry }) => entry.chit.core.uuid).toSorted()
  )

/** Which forged chits the user was told of, and whether they are kept. */
const told = ({ node, user }: Party) =>
  Effect.map(node.run(Effect.flatMap(Feed, (feed) => feed.read({ audience: user, limit: 100 }))), (items) =>
    items.flatMap((item) => (item._tag === "Event" && item.event.kind === "chit.forged" ? [item.event.body] : []))
  )

describe("a partner", () => {
  it.effect("has so many chits kept as evidence, and of more only the events tell", () =>
    Effect.gen(function* () {
      const { ann, bob, tally } = yield* startWith({ mostEvidence: 2 })
      for (const n of [1, 2, 1, 3, 4]) assert.strictEqual(yield* forge(ann, bob, tally, n), "bad-signature")
      assert.deepStrictEqual(yield* kept(bob), [chit(1), chit(2)])
      const body = (n: number, more = {}) => ({ tally, chit: chit(n), reason: "bad-signature", ...more })
      const left = { isKept: false }
      assert.deepStrictEqual(yield* told(bob), [body(1), body(2), body(1), body(3, left), body(4, left)])
      // What is right still counts.
      const paying = { tally, uuid: chit(5), units: 7n }
      assert.isUndefined(yield* bob.node.command(InvoiceDesk.pay(bob_, paying)))
      yield* soon
      const half = yield* bob.node.half("bob", tally)
      assert.deepStrictEqual([half?.sums.net, half?.evidence], [7n, 2])
    }).pipe(Effect.scoped)
  )

  it.effect("has so many invoices wait, and more are refused until some are answered", () =>
    Effect.gen(function* () {
      const { ann, bob, tally } = yield* startWith({ mostInvoices: 2 })
      const asks = Effect.fnUntraced(function* (n: number) {
        yield* ann.node.command(InvoiceDesk.ask(ann_, { tally, uuid: chit(n), units: 5n }))
        yield* soon
      })
      const statuses = ({ node, user }: Party) =>
        Effect.map(
          node.run(
            Effect.flatMap(Records, (records) => records.page(Tables.chits, "key", { prefix: [user], limit: 100 }))
          ),
          (rows) => rows.map(({ status }) => status)
        )
      for (const n of [1, 2, 3]) yield* asks(n)
      assert.deepStrictEqual(yield* statuses(bob), ["asked", "asked"])
      // Ann is told, and can ask again.
      assert.deepStrictEqual(yield* statuses(ann), ["asked", "asked", "void"])
      yield* asks(3)
      assert.deepStrictEqual(yield* statuses(ann), ["asked", "asked", "void"])
      assert.isUndefined(yield* bob.node.command(InvoiceDesk.decline(bob_, tally, chit(1), 1)))
      yield* soon
      yield* asks(3)
      assert.deepStrictEqual(yield* statuses(bob), ["void", "asked", "asked"])
      // What waits is no more when it is said again.
      const again: CreditMessage = {
        _tag: "Invoice",
        core: { type: "tran", tally, uuid: chit(2), by: "foil", date: 0, units: 5n },
        revision: 1
      }
      assert.notStrictEqual(yield* bob.node.command(Desks.hear(again, ann.node.key)), "busy")
    }).pipe(Effect.scoped)
  )

  it.effect("is still paid an invoice that was declined, once and by its id (I12)", () =>
    Effect.gen(function* () {
      const { ann, bob, tally } = yield* startWith({})
      yield* ann.node.command(InvoiceDesk.ask(ann_, { tally, uuid: chit(1), units: 5n }))
      yield* soon
      assert.isUndefined(yield* bob.node.command(InvoiceDesk.decline(bob_, tally, chit(1), 1)))
      yield* soon
      const pays = bob.node.command(InvoiceDesk.pay(bob_, { tally, uuid: chit(1), units: 5n }))
      assert.isUndefined(yield* pays)
      assert.strictEqual(yield* pays, "good")
      yield* soon
      assert.strictEqual((yield* ann.node.half("ann", tally))?.sums.net, 5n)
    }).pipe(Effect.scoped)
  )
})
