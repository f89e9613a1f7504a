/** A node whose database was restored from a backup, with its partner's old messages still under way (S27). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { Cuid } from "../../../src/protocol/credit/Chad.ts"
import { ChitId, type Settings } from "../../../src/protocol/credit/Chit.ts"
import { TallyId } from "../../../src/protocol/credit/TallyDocument.ts"
import * as InvoiceDesk from "../../../src/services/credit/InvoiceDesk.ts"
import * as TallyDesk from "../../../src/services/credit/TallyDesk.ts"
import * as TicketDesk from "../../../src/services/credit/TicketDesk.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import { join, net, open, type Party, soon, startRestorable } from "../../support/credit/CreditParty.ts"
import { uuid } from "../../support/credit/Parties.ts"
import { pass } from "../../support/VirtualTime.ts"

const tally = TallyId.make(uuid(9, 1))

const pays = ({ node, user }: Party, n: number) =>
  Effect.map(
    node.command(InvoiceDesk.pay(Cuid.make(user), { tally, uuid: ChitId.make(uuid(7, n)), units: BigInt(n) })),
    (why) => assert.isUndefined(why)
  )

/** Stages of a tally after which the foil's database may have been backed up. */
const stages = ["unknown", "received", "open", "written"] as const

describe("a restored node", () => {
  for (const stage of stages)
    it.effect(`has everything again that its backup, made when the tally was ${stage}, does not have`, () =>
      Effect.gen(function* () {
        const { ann, bob, database, life, revive } = yield* startRestorable
        let restore = database.snapshot()
        const at = (now: (typeof stages)[number]) =>
          Effect.sync(() => {
            if (now === stage) restore = database.snapshot()
          })
        const agree = { name: "none", rid: "none" }
        const terms = { memo: "", agree, terms: { limit: 1_000n }, partnerTerms: { limit: 0n } }
        yield* ann.node.command(TallyDesk.draft(Cuid.make("ann"), { id: tally, side: "stock", ...terms }))
        const ticket = yield* ann.node.run(TicketDesk.issue(Cuid.make("ann"), tally, { reuse: false }))
        yield* bob.node.command(TicketDesk.show(Cuid.make("bob"), uuid(8, 1), ticket!))
        yield* soon
        yield* at("unknown")
        yield* ann.node.command(TallyDesk.offer(Cuid.make("ann"), tally))
        yield* soon
        yield* at("received")
        yield* bob.node.command(TallyDesk.accept(Cuid.make("bob"), tally, 1))
        yield* soon
        yield* at("open")
        yield* pays(bob, 50)
        yield* soon
        yield* at("written")
        yield* pays(bob, 30)
        yield* pays(ann, 7)
        yield* soon
        yield* Scope.close(life, Exit.void)
        // Said while the other node is away, and so under way when it comes back.
        yield* pays(ann, 5)
        restore()
        const back = yield* revive
        yield* pass("3 minutes")
        for (const party of [ann, back]) assert.deepStrictEqual(yield* net(party, tally), ["open", 68n, 0n])
        const [one, two] = [yield* ann.node.half("ann", tally), yield* back.node.half("bob", tally)]
        assert.deepStrictEqual(one?.chain?.at, two?.chain?.at)
        assert.deepStrictEqual([one?.wish, two?.wish, one?.chain?.unplaced], [undefined, undefined, 0])
      }).pipe(Effect.scoped)
    )

  it.effect("sets nothing more by what it has set anew under an id that its partner knows", () =>
    Effect.gen(function* () {
      const { ann, bob, database, life, revive } = yield* startRestorable
      const id = yield* open(ann, bob, 1)
      const sets = ({ node }: Party, n: number, set: Settings) =>
        Effect.map(
          node.command(InvoiceDesk.set(Cuid.make("bob"), { tally: id, uuid: ChitId.make(uuid(7, n)), sets: set })),
          (why) => assert.isUndefined(why)
        )
      yield* sets(bob, 1, { target: 9n })
      yield* soon
      const restore = database.snapshot()
      yield* sets(bob, 2, { bound: 50n })
      yield* soon
      yield* Scope.close(life, Exit.void)
      restore()
      // Before anybody is there to say that the id is taken.
      const alone = yield* Scope.make()
      const away = yield* Scope.provide(join(new MemoryNetwork(), 2, "bob", [], database), alone)
      yield* sets(away, 2, { target: 3n })
      yield* sets(away, 3, { bound: 40n })
      yield* Scope.close(alone, Exit.void)
      const back = yield* revive
      yield* pass("3 minutes")
      for (const { node, user } of [ann, back]) {
        assert.deepStrictEqual((yield* node.half(user, id))?.sets.foil, { target: 9n, bound: 40n }, user)
        assert.deepStrictEqual(yield* node.findings, [], user)
      }
    }).pipe(Effect.scoped)
  )
})
