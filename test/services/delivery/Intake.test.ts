import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Schema } from "effect"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import type { Item } from "../../../src/protocol/delivery/DeliveryFrame.ts"
import * as Intake from "../../../src/services/delivery/Intake.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import * as DeliveryNode from "../../support/DeliveryNode.ts"
import { stranger, uuid } from "../../support/Messages.ts"

/** An intake that answers "later" to every "wait", and a peer that sends what it is told to. */
const receiver = Effect.gen(function* () {
  const handled: Array<string> = []
  const searched: Array<string | undefined> = []
  const protocol = Protocol.make("words", {
    messages: Schema.String,
    handle: (word) =>
      word === "wait" ? Effect.fail(Protocol.Rejected.later("1 second")) : Effect.sync(() => void handled.push(word))
  })
  const { context } = yield* DeliveryNode.start({ seed: 1, database: yield* MemoryDatabase.make, protocols: [] })
  const store = Context.get(context, RetryStore)
  const watched = RetryStore.of({
    ...store,
    applied: (peer, ids, stream) => {
      searched.push(stream)
      return store.applied(peer, ids, stream)
    }
  })
  const intake = yield* Intake.make(new Map([["words", protocol.handled]])).pipe(
    Effect.provideService(RetryStore, watched),
    Effect.provide(context)
  )
  const link = yield* store.claim(stranger())
  const item = (subject: string, word: string): Item => ({
    id: uuid(),
    protocol: "words",
    subject,
    body: protocol.prepare(word).body
  })
  const handle = intake.open(link)
  const receive = (stream: string, first: bigint, items: ReadonlyArray<Item>) =>
    handle([{ stream, first, seen: first - 1n, items }])
  const held = Effect.map(store.receiving(link), (it) => it.held.map(({ id, seq }) => [id, seq] as const))
  return { handled, searched, item, receive, held }
})

const behind = (progress: Intake.Progress) =>
  progress.answers.map(({ outcome }) => (outcome._tag === "Later" ? outcome.behind : outcome._tag))

describe("Intake", () => {
  it.effect("lets nothing overtake in its subject, however many messages were put on hold before", () =>
    Effect.gen(function* () {
      const { handled, held, item, receive } = yield* receiver
      const stream = uuid()
      let last = item("", "wait")
      for (let n = 0; n < 24; n++) {
        const items = Array.from({ length: 500 }, (_, index) => item(String(n * 500 + index), "wait"))
        last = items.at(-1) ?? last
        yield* receive(stream, BigInt(n * 500 + 1), items)
      }
      const progress = yield* receive(stream, 12_001n, [item(last.subject, "behind"), item("other", "free")])
      assert.deepStrictEqual(behind(progress), [last.id])
      assert.deepStrictEqual(handled.slice(-1), ["free"])
      assert.isBelow((yield* held).length, 5_000)
      yield* receive(stream, 12_003n, [{ ...last, body: item("", "head").body }, item(last.subject, "behind again")])
      assert.deepStrictEqual([...new Set(handled)], ["free", "head"])
    }).pipe(Effect.scoped)
  )

  it.effect("keeps a message on hold while the sender may have numbered others of its subject, and no longer", () =>
    Effect.gen(function* () {
      const { handled, held, item, receive } = yield* receiver
      const stream = uuid()
      const head = item("a", "wait")
      yield* receive(stream, 1n, [head])
      yield* receive(
        stream,
        2n,
        Array.from({ length: 999 }, () => item("b", "b"))
      )
      yield* receive(stream, 1_001n, [head])
      assert.deepStrictEqual(yield* held, [[head.id, 1_001n]])
      yield* receive(
        stream,
        1_002n,
        Array.from({ length: 4_095 }, () => item("b", "b"))
      )
      const within = item("a", "within")
      assert.deepStrictEqual(behind(yield* receive(stream, 5_097n, [within])), [head.id])
      yield* receive(stream, 5_098n, [{ ...within, void: true }])
      assert.deepStrictEqual(behind(yield* receive(stream, 5_099n, [item("a", "beyond")])), [])
      assert.deepStrictEqual(handled.slice(-1), ["beyond"])
      assert.deepStrictEqual(yield* held, [])
    }).pipe(Effect.scoped)
  )

  it.effect("begins a new stream with nothing on hold", () =>
    Effect.gen(function* () {
      const { handled, held, item, receive } = yield* receiver
      yield* receive(uuid(), 1n, [item("a", "wait"), item("a", "behind"), item("b", "wait")])
      assert.strictEqual((yield* held).length, 3)
      const again = item("a", "wait")
      const progress = yield* receive(uuid(), 1n, [item("a", "first"), again])
      assert.deepStrictEqual(behind(progress), [undefined])
      assert.deepStrictEqual([...new Set(handled)], ["first"])
      assert.deepStrictEqual(yield* held, [[again.id, 2n]])
    }).pipe(Effect.scoped)
  )

  it.effect("handles what another stream has brought already only once, and searches no ids of the stream itself", () =>
    Effect.gen(function* () {
      const { handled, item, receive, searched } = yield* receiver
      const [first, second] = [uuid(), uuid()]
      const [one, two, three] = [item("a", "one"), item("a", "two"), item("a", "three")]
      yield* receive(first, 1n, [one])
      yield* receive(second, 1n, [one, two])
      yield* receive(second, 3n, [three])
      // The first stream comes back, as after a restore, and brings all of it once more.
      yield* receive(first, 1n, [one, two, three, item("a", "four")])
      yield* receive(first, 5n, [two, item("a", "five")])
      assert.deepStrictEqual(handled, ["one", "two", "three", "four", "five"])
      assert.deepStrictEqual(searched, [first, second, second, first, first])
    }).pipe(Effect.scoped)
  )
})
