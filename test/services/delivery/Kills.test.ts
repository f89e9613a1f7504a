/**
 * A receiver that is killed, or loses its session, between two steps of a batch: on every database.
 */
import { assert, layer } from "@effect/vitest"
import { Clock, Context, Effect, Fiber, Queue, Result } from "effect"
import * as DeliveryFrame from "../../../src/protocol/delivery/DeliveryFrame.ts"
import { Kind } from "../../../src/protocol/link/Frame.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import { Wakes } from "../../../src/services/delivery/Wakes.ts"
import type { SessionPair } from "../../support/SessionPair.ts"
import * as SessionPairs from "../../support/SessionPair.ts"
import * as StoredNode from "../../support/StoredNode.ts"
import * as Stores from "../../support/Stores.ts"

const kinds = ({ sent }: SessionPair) => sent.map(({ kind }) => kind)

/** Makes what waits due at once. */
const hasten = Effect.fnUntraced(function* (life: StoredNode.Life, to: StoredNode.Life) {
  yield* Context.get(life.context, RetryStore).hastenAll(yield* Clock.currentTimeMillis)
  yield* Context.get(life.context, Wakes).wake(to.key)
})

const words = ["one", "later", "stale", "refused", "two"]

for (const { name, stores } of Stores.databases) {
  const databases = StoredNode.Databases.layer(stores)
  layer(databases, { excludeTestServices: true })(`a receiver that stops in the midst of a batch, on ${name}`, (it) => {
    it.effect("trap 1: has receipted nothing as long as the effect is not committed, and nothing is forgotten", () =>
      Effect.gen(function* () {
        const [sender, receiver] = yield* StoredNode.places
        const a = yield* StoredNode.live(sender)
        const { points, reached } = yield* StoredNode.stopAt("delivery.handled-before-commit")
        const b = yield* StoredNode.live(receiver, points)
        yield* a.send(b, "one", "two")
        const { pair } = yield* StoredNode.join(a, b)
        yield* reached
        assert.include(kinds(pair), Kind.Data)
        assert.notInclude(kinds(pair), Kind.Receipt)
        yield* a.kill
        yield* b.kill
        const [a2, b2] = [yield* StoredNode.live(sender), yield* StoredNode.live(receiver)]
        assert.deepStrictEqual([yield* a2.owedTo(b2), yield* b2.handled], [2, []])
        yield* StoredNode.join(a2, b2)
        const outcomes = [yield* Queue.take(sender.outcomes), yield* Queue.take(sender.outcomes)]
        assert.deepStrictEqual(outcomes, [
          ["one", "Ok"],
          ["two", "Ok"]
        ])
        assert.deepStrictEqual(yield* b2.handled, ["one", "two"])
      }).pipe(Effect.scoped)
    )

    it.effect("trap 1: owes what a socket has taken, and sends it again under the same number", () =>
      Effect.gen(function* () {
        const [sender, receiver] = yield* StoredNode.places
        const b = yield* StoredNode.live(receiver)
        const offers: Array<unknown> = []
        for (let lives = 0; lives < 2; lives++) {
          const life = yield* StoredNode.live(sender)
          if (lives === 0) yield* life.send(b, "one")
          const pair = yield* SessionPairs.make(life.key, b.key)
          yield* Effect.forkScoped(life.run(pair.left))
          yield* pair.right.frames.take
          const nothing = { stream: null, position: 0n, seen: 0n }
          const sending = { stream: "11111111-1111-4111-8111-111111111111", last: 0n, receipted: 0n }
          yield* pair.right.send(Kind.Resume, DeliveryFrame.resume.encode({ sending, received: nothing, answers: [] }))
          const { first, items } = Result.getOrThrow(DeliveryFrame.data.decode((yield* pair.right.frames.take).body))
          offers.push([first, items.map(({ id }) => id)])
          assert.strictEqual(yield* life.owedTo(b), 1)
          yield* life.kill
        }
        assert.deepStrictEqual(offers[1], offers[0])
      }).pipe(Effect.scoped)
    )

    it.effect("trap 2: is answered what it has taken, and does not do it again, when its receipt is lost", () =>
      Effect.gen(function* () {
        const [sender, receiver] = yield* StoredNode.places
        const a = yield* StoredNode.live(sender)
        const { points, reached } = yield* StoredNode.stopAt("delivery.committed-before-receipt")
        const b = yield* StoredNode.live(receiver, points)
        yield* a.send(b, "one", "two")
        const first = yield* StoredNode.join(a, b)
        yield* reached
        yield* Fiber.interruptAll([first.left, first.right])
        assert.notInclude(kinds(first.pair), Kind.Receipt)
        yield* b.kill
        yield* a.kill
        const [a2, b2] = [yield* StoredNode.live(sender), yield* StoredNode.live(receiver)]
        assert.deepStrictEqual([yield* a2.owedTo(b2), yield* b2.handled], [2, ["one", "two"]])
        yield* StoredNode.join(a2, b2)
        const outcomes = [yield* Queue.take(sender.outcomes), yield* Queue.take(sender.outcomes)]
        assert.deepStrictEqual(outcomes, [
          ["one", "Ok"],
          ["two", "Ok"]
        ])
        yield* a2.send(b2, "three")
        assert.deepStrictEqual(yield* Queue.take(sender.outcomes), ["three", "Ok"])
        assert.deepStrictEqual([yield* a2.owedTo(b2), yield* b2.handled], [0, ["one", "two", "three"]])
      }).pipe(Effect.scoped)
    )

    it.effect("trap 2: answers a batch that comes again as it did, and changes nothing", () =>
      Effect.gen(function* () {
        const [sender, receiver] = yield* StoredNode.places
        const a = yield* StoredNode.live(sender, {
          fires: (site) => site === "delivery.batch-sent-again",
          pass: () => Effect.void
        })
        const b = yield* StoredNode.live(receiver)
        yield* a.send(b, ...words)
        yield* StoredNode.join(a, b)
        const told: Array<readonly [string, string]> = []
        while (told.length < words.length) told.push(yield* Queue.take(sender.outcomes))
        assert.deepStrictEqual(told, [
          ["one", "Ok"],
          ["later", "Later"],
          ["stale", "Stale"],
          ["refused", "Refused"],
          ["two", "Ok"]
        ])
        receiver.relent()
        yield* hasten(a, b)
        assert.deepStrictEqual(yield* Queue.take(sender.outcomes), ["later", "Ok"])
        assert.deepStrictEqual((yield* b.handled).toSorted(), ["later", "one", "two"])
        assert.deepStrictEqual([yield* a.owedTo(b), yield* Queue.size(sender.outcomes)], [0, 0])
      }).pipe(Effect.scoped)
    )

    for (const outcome of ["later", "stale", "refused"] as const) {
      it.effect(`trap 15: has kept the outcome ${outcome} for its sender when it was killed before the receipt`, () =>
        Effect.gen(function* () {
          const [sender, receiver] = yield* StoredNode.places
          const a = yield* StoredNode.live(sender)
          const { points, reached } = yield* StoredNode.stopAt("delivery.committed-before-receipt")
          const b = yield* StoredNode.live(receiver, points)
          yield* a.send(b, "before", outcome, "behind")
          const first = yield* StoredNode.join(a, b)
          yield* reached
          assert.notInclude(kinds(first.pair), Kind.Receipt)
          yield* b.kill
          yield* first.pair.cut
          yield* Fiber.interruptAll([first.left, first.right])
          const b2 = yield* StoredNode.live(receiver)
          const told: Array<readonly [string, string]> = []
          yield* StoredNode.join(a, b2)
          while (told.length < 3) told.push(yield* Queue.take(sender.outcomes))
          const tag = { later: "Later", stale: "Stale", refused: "Refused" }[outcome]
          assert.deepStrictEqual(told, [
            ["before", "Ok"],
            [outcome, tag],
            ["behind", "Ok"]
          ])
          if (outcome === "later") {
            assert.strictEqual(yield* a.owedTo(b2), 1)
            receiver.relent()
            yield* hasten(a, b2)
            assert.deepStrictEqual(yield* Queue.take(sender.outcomes), ["later", "Ok"])
          }
          const done = outcome === "later" ? ["before", "behind", "later"] : ["before", "behind"]
          assert.deepStrictEqual([yield* a.owedTo(b2), yield* b2.handled], [0, done])
        }).pipe(Effect.scoped)
      )
    }
  })
}
