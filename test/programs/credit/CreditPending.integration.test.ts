/**
 * More than 200 things that a user wants of another one whose node is away, of every kind that there is. The user's node and its PostgreSQL
 * server are killed with SIGKILL. When all are back, everything is done without another command, and the user who was away gets every
 * event once and in order.
 */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { make } from "../../support/credit/CreditTown.ts"
import * as Pending from "../../support/credit/Pending.ts"

/** Ends what hangs; a busy machine never reaches it. */
const patience = 1_500_000

it.live(
  "what waits at a node that is killed with its database is done by itself, and a user who was away is told all, once and in order",
  () =>
    Effect.gen(function* () {
      const { alice, bob, own } = yield* make
      yield* Effect.promise(async () => {
        const prepared = await Pending.prepare(alice, bob)
        const wanted = { user: alice.user, to: bob.person, units: 1n }
        const legs = await alice.end.call("way", wanted)
        for (const home of [alice, bob]) await home.end.call("untilDelivered", undefined)
        const after = (await bob.end.call("events", { user: bob.user })).at(-1)?.cursor
        const begun = (await alice.end.call("events", { user: alice.user })).at(-1)?.cursor
        assert.isDefined(after)
        assert.isDefined(begun)

        await bob.kill()
        const commands = Pending.commands(prepared, bob)
        const done = await alice.all(commands)
        const { host, key, port } = alice.address
        const lifts: Array<string> = []
        for (let at = 0; at < Pending.amounts.lifts; at++) {
          const planned = { ...wanted, legs, referees: [{ host, key, port }], life: 3_600_000 }
          lifts.push(await alice.end.call("lift", planned))
        }
        assert.strictEqual(commands.length + lifts.length, Pending.total)
        assert.isAtLeast(Pending.total, 200)
        assert.isAtLeast(await alice.end.call("owed", undefined), 200)

        await alice.kill()
        await own.kill()
        await own.resume()
        await alice.open()
        await bob.open()

        for (const [kind, count] of Object.entries(Pending.told)) {
          await bob.end.call("untilTold", { user: bob.user, after, kind, count })
        }
        await alice.end.call("untilQueried", { user: alice.user, after: begun, count: Pending.amounts.queries })
        for (const home of [alice, bob]) await home.end.call("untilDelivered", undefined)
        for (const tally of [prepared.near, prepared.back]) {
          const places = (await alice.half(tally))?.chain?.at.index ?? 0
          for (const home of [alice, bob]) await home.untilSettled(tally, places)
          const [here, there] = [await alice.half(tally), await bob.half(tally)]
          assert.deepStrictEqual(here?.chain?.at, there?.chain?.at)
          assert.deepStrictEqual(here?.sums, there?.sums)
        }

        const missed = await bob.end.call("events", { user: bob.user, after })
        const of = (kind: string) => missed.filter((event) => event.kind === kind)
        for (const [kind, count] of Object.entries(Pending.told)) assert.lengthOf(of(kind), count, kind)
        const chitsOf = (tag: string) =>
          done.flatMap(({ chit }, at) => (commands[at]?._tag === tag ? (chit ?? []) : []))
        assert.deepStrictEqual(
          of("chit.asked").map(({ chit }) => chit),
          chitsOf("Ask")
        )
        const good = of("chit.good").map(({ chit }) => chit)
        assert.strictEqual(new Set(good).size, good.length)
        assert.includeMembers(good, [...chitsOf("PayInvoice"), ...chitsOf("Pay")])
        const paid = new Set<string | undefined>(chitsOf("Pay"))
        assert.deepStrictEqual(
          good.filter((chit) => paid.has(chit)),
          chitsOf("Pay")
        )
        assert.sameMembers(
          of("lift.good").map(({ subject }) => subject),
          lifts
        )
        assert.strictEqual(new Set(missed.map(({ cursor }) => cursor)).size, missed.length)
        const again = await bob.end.call("events", { user: bob.user, after })
        assert.deepStrictEqual(again.slice(0, missed.length), missed)
        for (const home of [alice, bob]) assert.deepStrictEqual(await home.end.call("audit", undefined), [])
      })
    }).pipe(Effect.scoped),
  patience
)
