/**
 * What every retry store does with receipts, with what must wait, and with what is taken back.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Exit, type Layer } from "effect"
import { ok, type Outcome } from "../../src/protocol/delivery/Message.ts"
import { RetryStore } from "../../src/services/delivery/RetryStore.ts"
import { Transactions } from "../../src/services/Transactions.ts"
import {
  answer,
  ids,
  later,
  message,
  messages,
  refused,
  settling,
  stale,
  stranger,
  uuid,
  wide,
  number,
  nextDue
} from "./Messages.ts"
import { Reopen, type Stores } from "./Stores.ts"

const seqs = (rows: ReadonlyArray<{ readonly seq: bigint }>) => rows.map(({ seq }) => seq)

export const settles = (name: string, stores: Layer.Layer<Stores | Reopen>) =>
  layer(stores)(`a retry store in ${name}, settling`, (it) => {
    it.effect("settles every outcome: final ones go, `Later` goes back, in order and with bodies where asked", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const sent = [
          message(peer, { subject: "a" }),
          message(peer, { subject: "b", protocol: "credit" }),
          message(peer, { subject: "c" }),
          message(peer, { subject: "d" }),
          message(peer, { subject: "e" }),
          message(peer, { subject: "f" })
        ]
        yield* store.enqueue(sent, 1_000)
        const link = yield* store.claim(peer)
        yield* number(store, link, wide, 1_000)
        const answers = [answer(3n, stale), answer(4n, refused), answer(5n, later(500)), answer(9n, refused)]
        const settled = yield* store.settle(link, { upTo: 5n, answers }, settling(2_000, ["credit"]))
        assert.deepStrictEqual(
          settled.map(({ id, outcome, dueAt, body }) => [id, outcome, dueAt, body.length]),
          [
            [sent[1]?.id, { _tag: "Ok" }, undefined, 3],
            [sent[2]?.id, stale, undefined, 3],
            [sent[3]?.id, refused, undefined, 3],
            [sent[4]?.id, later(500), 2_500, 3]
          ]
        )
        const left = yield* store.owed({ peer, limit: 10 })
        assert.deepStrictEqual(
          left.map(({ id, seq, attempts, dueAt }) => [id, seq, attempts, dueAt]),
          [
            [sent[4]?.id, undefined, 1, 2_500],
            [sent[5]?.id, 6n, 1, 1_000]
          ]
        )
        assert.include(left[0]?.lastOutcome, "later")
        assert.deepStrictEqual(yield* number(store, link, wide, 2_499), [])
        const again = yield* number(store, link, wide, 2_500)
        assert.deepStrictEqual(
          again.map(({ id, seq }) => [id, seq]),
          [[sent[4]?.id, 7n]]
        )
      })
    )

    it.effect("takes an old receipt and one beyond the last number without harm", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        yield* store.enqueue(messages(peer, 4), 1_000)
        const link = yield* store.claim(peer)
        yield* number(store, link, { messages: 3, bytes: 1_000 }, 1_000)
        const settle = (upTo: bigint, ...answers: ReadonlyArray<ReturnType<typeof answer>>) =>
          Effect.map(store.settle(link, { upTo, answers }, settling(1_000, ["chat"])), (rows) => rows.length)
        assert.strictEqual(yield* settle(2n), 2)
        assert.strictEqual(yield* settle(1n, answer(1n, refused), answer(2n, later(5))), 0)
        assert.strictEqual((yield* store.positions(link)).sending.receipted, 2n)
        assert.strictEqual(yield* settle(99n), 1)
        assert.strictEqual((yield* store.positions(link)).sending.receipted, 3n)
        assert.strictEqual((yield* store.owed({ peer, limit: 10 })).length, 1)
      })
    )

    it.effect("leaves out what is behind a waiting message of its subject, and nothing else", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const [head, second] = messages(peer, 2, { subject: "slow" })
        assert.isDefined(head)
        assert.isDefined(second)
        yield* store.enqueue([head, second], 1_000)
        const link = yield* store.claim(peer)
        yield* number(store, link, wide, 1_000)
        const answers = [answer(1n, later(1_000)), answer(2n, later(0, head.id))]
        const settled = yield* store.settle(link, { upTo: 2n, answers }, settling(1_000))
        assert.deepStrictEqual(
          settled.map(({ dueAt }) => dueAt),
          [2_000, 2_000]
        )
        const third = message(peer, { subject: "slow" })
        const other = message(peer, { subject: "slow", protocol: "credit" })
        const quick = message(peer, { subject: "quick" })
        yield* store.enqueue([third, other, quick], 1_500)
        assert.deepStrictEqual(ids(yield* number(store, link, { messages: 2, bytes: 1_000 }, 1_500)), [
          other.id,
          quick.id
        ])
        assert.deepStrictEqual(yield* number(store, link, wide, 1_999), [])
        assert.strictEqual(yield* nextDue(store, peer), 2_000)
        const late = yield* number(store, link, wide, 2_000)
        assert.deepStrictEqual(ids(late), [head.id, second.id, third.id])
        assert.deepStrictEqual(seqs(late), [5n, 6n, 7n])
        assert.strictEqual(yield* nextDue(store, peer), undefined)
      })
    )

    it.effect("lets nobody overtake when only the head's answer has come, or when its wait grows", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const sent = messages(peer, 3)
        const [head, second, third] = sent
        assert.isDefined(head)
        assert.isDefined(second)
        assert.isDefined(third)
        yield* store.enqueue(sent, 1_000)
        const link = yield* store.claim(peer)
        yield* number(store, link, wide, 1_000)
        yield* store.settle(link, { upTo: 1n, answers: [answer(1n, later(100))] }, settling(1_000))
        assert.deepStrictEqual(ids(yield* number(store, link, wide, 1_100)), [head.id])
        // The head is under way again: what was behind it follows at once.
        const behind = [answer(2n, later(0, head.id)), answer(3n, later(0, head.id))]
        const settled = yield* store.settle(link, { upTo: 3n, answers: behind }, settling(1_200))
        assert.deepStrictEqual(
          settled.map(({ dueAt }) => dueAt),
          [1_200, 1_200]
        )
        yield* store.settle(link, { upTo: 4n, answers: [answer(4n, later(5_000))] }, settling(1_300))
        assert.deepStrictEqual(yield* number(store, link, wide, 6_299), [])
        assert.deepStrictEqual(ids(yield* number(store, link, wide, 6_300)), ids(sent))
      })
    )

    it.effect("finds what may go beyond any number of messages that must wait", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const head = message(peer, { subject: "slow" })
        yield* store.enqueue([head], 1_000)
        const link = yield* store.claim(peer)
        yield* number(store, link, wide, 1_000)
        yield* store.settle(link, { upTo: 1n, answers: [answer(1n, later(1_000))] }, settling(1_000))
        const quick = messages(peer, 3, { subject: "quick" })
        yield* store.enqueue([...messages(peer, 2_500, { subject: "slow" }), ...quick], 1_000)
        assert.deepStrictEqual(
          ids(yield* number(store, link, { messages: 2, bytes: 100 }, 1_000)),
          ids(quick.slice(0, 2))
        )
        assert.deepStrictEqual(ids(yield* number(store, link, wide, 1_000)), ids(quick.slice(2)))
        assert.strictEqual(yield* nextDue(store, peer), 2_000)
        assert.strictEqual((yield* store.cancel(head.id))?.outcome, "cancelled")
        const freed = yield* number(store, link, { messages: 3, bytes: 100 }, 1_000)
        assert.deepStrictEqual(
          freed.map((it) => it.void),
          [true, false, false]
        )
      })
    )

    it.effect("tells the policy how often a message has been put off", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        yield* store.enqueue([message(peer)], 0)
        const link = yield* store.claim(peer)
        const asked: Array<ReadonlyArray<number>> = []
        const wait = (putOff: number, retryAfterMillis: number) => {
          asked.push([putOff, retryAfterMillis])
          return putOff * 10
        }
        for (const [index, now] of [0, 10, 30].entries()) {
          const seq = BigInt(index + 1)
          assert.strictEqual((yield* number(store, link, wide, now)).length, 1)
          yield* store.settle(link, { upTo: seq, answers: [answer(seq, later(7))] }, { now, bodies: [], wait })
        }
        assert.deepStrictEqual(asked, [
          [1, 7],
          [2, 7],
          [3, 7]
        ])
        assert.strictEqual(yield* nextDue(store, peer), 60)
      })
    )

    it.effect("does not count against a message that it waited behind another or was numbered anew", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const sent = messages(peer, 2)
        const [head, second] = ids(sent)
        assert.isDefined(head)
        assert.isDefined(second)
        yield* store.enqueue(sent, 0)
        const link = yield* store.claim(peer)
        const asked: Array<ReadonlyArray<number>> = []
        const wait = (putOff: number, retryAfterMillis: number) => {
          asked.push([putOff, retryAfterMillis])
          return putOff * 10
        }
        const offer = Effect.fnUntraced(function* (now: number, ...outcomes: ReadonlyArray<Outcome>) {
          const offered = yield* number(store, link, wide, now)
          assert.lengthOf(offered, outcomes.length)
          const answers = offered.map(({ seq }, index) => answer(seq, outcomes[index] ?? ok))
          yield* store.settle(link, { upTo: offered.at(-1)?.seq ?? 0n, answers }, { now, bodies: [], wait })
        })
        yield* offer(0, later(7), later(0, head))
        yield* offer(10, later(7), later(0, head))
        assert.lengthOf(yield* number(store, link, wide, 30), 2)
        yield* store.restart(link, uuid(), 4n)
        yield* offer(30, later(7), later(0, head))
        yield* offer(60, ok, later(8))
        // The message that this one is said to be behind is not known.
        yield* offer(70, later(9, uuid()))
        yield* offer(80, later(8))
        assert.deepStrictEqual(asked, [
          [1, 7],
          [2, 7],
          [3, 7],
          [1, 8],
          [1, 9],
          [2, 8]
        ])
        const left = yield* store.owed({ peer, limit: 10 })
        assert.deepStrictEqual(
          left.map(({ id, attempts, dueAt }) => [id, attempts, dueAt]),
          [[second, 7, 100]]
        )
      })
    )

    it.effect("makes a waiting subject due at once, and says whether there was one", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const sent = messages(peer, 2)
        yield* store.enqueue(sent, 1_000)
        const link = yield* store.claim(peer)
        yield* number(store, link, wide, 1_000)
        const [head, second] = ids(sent)
        assert.isDefined(head)
        assert.isDefined(second)
        assert.isFalse(yield* store.hasten(head, 1_000))
        const answers = [answer(1n, later(9_000)), answer(2n, later(0, head))]
        yield* store.settle(link, { upTo: 2n, answers }, settling(1_000))
        assert.isTrue(yield* store.hasten(second, 1_200))
        assert.strictEqual(yield* nextDue(store, peer), 1_200)
        assert.deepStrictEqual(ids(yield* number(store, link, wide, 1_200)), [head, second])
        assert.isFalse(yield* store.hasten(uuid(), 1_000))
      })
    )

    it.effect("makes all due that wait for their time, of every peer", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peers = [stranger(), stranger()]
        for (const peer of peers) {
          const sent = messages(peer, 2)
          const [head] = ids(sent)
          yield* store.enqueue(sent, 1_000)
          const link = yield* store.claim(peer)
          yield* number(store, link, wide, 1_000)
          const answers = [answer(1n, later(9_000)), answer(2n, later(0, head))]
          yield* store.settle(link, { upTo: 2n, answers }, settling(1_000))
          assert.deepStrictEqual(ids(yield* number(store, link, wide, 400)), [])
        }
        assert.isAtLeast(yield* store.hastenAll(400), 4)
        assert.strictEqual(yield* store.hastenAll(400), 0)
        for (const peer of peers) assert.strictEqual(yield* nextDue(store, peer), 400)
        const link = yield* store.claim(peers[1]!)
        assert.lengthOf(yield* number(store, link, wide, 400), 2)
      })
    )

    it.effect("cancels: unheard of it vanishes, with a number it stays void, unanswered it is unknown", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const sent = messages(peer, 3)
        const [first, second, third] = ids(sent)
        assert.isDefined(first)
        assert.isDefined(second)
        assert.isDefined(third)
        yield* store.enqueue(sent, 1_000)
        const link = yield* store.claim(peer)
        yield* number(store, link, { messages: 2, bytes: 1_000 }, 1_000)
        assert.strictEqual((yield* store.cancel(third))?.outcome, "cancelled")
        assert.strictEqual((yield* store.cancel(third))?.outcome, undefined)
        assert.strictEqual((yield* store.cancel(second))?.outcome, "unknown")
        assert.strictEqual((yield* store.cancel(second))?.outcome, undefined)
        const numbered = yield* store.numbered(link, 0n, wide)
        assert.deepStrictEqual(
          numbered.map((it) => [it.seq, it.id, it.void, it.body.length]),
          [
            [1n, first, false, 3],
            [2n, second, true, 0]
          ]
        )
        const receipt = { upTo: 2n, answers: [answer(2n, later(100))] }
        const settled = yield* store.settle(link, receipt, settling(1_000, ["chat"]))
        assert.deepStrictEqual(ids(settled), [first])
      })
    )

    it.effect("sends a message as void once more when the peer holds it by the time it is taken back", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const sent = messages(peer, 4)
        const [head, second, third] = sent
        assert.isDefined(head)
        assert.isDefined(second)
        assert.isDefined(third)
        yield* store.enqueue(sent, 1_000)
        const link = yield* store.claim(peer)
        yield* number(store, link, { messages: 3, bytes: 1_000 }, 1_000)
        yield* store.cancel(head.id)
        yield* store.cancel(third.id)
        const answers = [answer(1n, later(5_000)), answer(2n, later(0, head.id)), answer(3n, refused)]
        const settled = yield* store.settle(link, { upTo: 3n, answers }, settling(1_000, ["chat"]))
        assert.deepStrictEqual(
          settled.map(({ id, dueAt }) => [id, dueAt]),
          [[second.id, 1_000]]
        )
        assert.strictEqual(yield* nextDue(store, peer), 1_000)
        const again = yield* number(store, link, wide, 1_000)
        assert.deepStrictEqual(
          again.map((it) => [it.seq, it.id, it.void, it.body.length]),
          [
            [4n, head.id, true, 0],
            [5n, second.id, false, 3],
            [6n, sent[3]?.id, false, 3]
          ]
        )
        yield* store.settle(link, { upTo: 6n, answers: [] }, settling(1_000))
        assert.deepStrictEqual(yield* store.owed({ peer, limit: 10 }), [])
      })
    )

    it.effect("sends a message that the peer keeps a place for once more as void when it is cancelled", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const sent = messages(peer, 2)
        const [head, second] = ids(sent)
        assert.isDefined(head)
        assert.isDefined(second)
        yield* store.enqueue(sent, 1_000)
        const link = yield* store.claim(peer)
        yield* number(store, link, wide, 1_000)
        const answers = [answer(1n, later(5_000)), answer(2n, later(0, head))]
        yield* store.settle(link, { upTo: 2n, answers }, settling(1_000))
        assert.strictEqual((yield* store.cancel(head))?.outcome, "cancelled")
        const again = yield* number(store, link, wide, 1_100)
        assert.deepStrictEqual(
          again.map((it) => [it.seq, it.id, it.void]),
          [[3n, head, true]]
        )
      })
    )

    it.effect("frees what had joined a message's wait when that message is cancelled, void ones too", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const sent = messages(peer, 2)
        const [head, second] = ids(sent)
        assert.isDefined(head)
        assert.isDefined(second)
        yield* store.enqueue(sent, 1_000)
        const link = yield* store.claim(peer)
        yield* number(store, link, wide, 1_000)
        const answers = [answer(1n, later(5_000)), answer(2n, later(0, head))]
        yield* store.settle(link, { upTo: 2n, answers }, settling(1_000))
        const third = message(peer)
        yield* store.enqueue([third], 1_000)
        yield* store.cancel(second)
        assert.deepStrictEqual(yield* number(store, link, wide, 1_000), [])
        assert.strictEqual(yield* nextDue(store, peer), 6_000)
        yield* store.cancel(head)
        assert.strictEqual(yield* nextDue(store, peer), 1_000)
        assert.deepStrictEqual(ids(yield* number(store, link, wide, 1_000)), [head, second, third.id])
      })
    )

    it.effect("takes a cancellation back with the transaction that made it", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const { within } = yield* Transactions
        const peer = stranger()
        const sent = messages(peer, 3)
        yield* store.enqueue(sent, 1_000)
        const [, second] = ids(sent)
        assert.isDefined(second)
        const exit = yield* Effect.exit(within(Effect.andThen(store.cancel(second), Effect.fail("no"))))
        assert.isTrue(Exit.isFailure(exit))
        const link = yield* store.claim(peer)
        assert.deepStrictEqual(ids(yield* number(store, link, wide, 1_000)), ids(sent))
      })
    )

    it.effect("expires what is past its deadline, oldest deadline first, and returns it as it was", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const sent = [
          message(peer, { deadline: 3_000 }),
          message(peer, { deadline: 2_000 }),
          message(peer, { deadline: 9_000 }),
          message(peer)
        ]
        yield* store.enqueue(sent, 1_000)
        const link = yield* store.claim(peer)
        yield* number(store, link, { messages: 1, bytes: 1_000 }, 1_000)
        assert.deepStrictEqual(yield* store.expire(1_999, 10), [])
        const expired = [...(yield* store.expire(3_000, 1)), ...(yield* store.expire(3_000, 10))]
        assert.deepStrictEqual(
          expired.map(({ id, seq, void: gone, deadline, bytes }) => [id, seq, gone, deadline, bytes]),
          [
            [sent[1]?.id, undefined, false, 2_000, 3],
            [sent[0]?.id, 1n, false, 3_000, 3]
          ]
        )
        assert.deepStrictEqual(yield* store.expire(3_000, 10), [])
        const left = yield* store.owed({ peer, limit: 10 })
        assert.deepStrictEqual(
          left.map((it) => [it.id, it.void]),
          [
            [sent[0]?.id, true],
            [sent[2]?.id, false],
            [sent[3]?.id, false]
          ]
        )
      })
    )

    it.effect("gives the bodies of what expires, of those protocols that ask for them", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const sent = ["chat", "credit"].map((protocol) =>
          message(peer, { protocol, subject: protocol, deadline: 2_000 })
        )
        yield* store.enqueue(sent, 1_000)
        const expired = yield* store.expire(3_000, 10, ["credit", "other"])
        assert.deepStrictEqual(
          expired.map(({ protocol, body, bytes }) => [protocol, body, bytes]),
          [
            ["chat", new Uint8Array(), 3],
            ["credit", new Uint8Array([1, 2, 3]), 3]
          ]
        )
      })
    )

    it.effect("says which subjects have a message that waits for its receipt", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const [peer, other] = [stranger(), stranger()]
        const { protocol } = message(peer)
        const sent = ["a", "b", "c", "d", "e"].map((subject) => message(peer, { subject }))
        yield* store.enqueue([...sent, message(other, { subject: "f" })], 1_000)
        const link = yield* store.claim(peer)
        yield* number(store, link, { messages: 3, bytes: 1_000 }, 1_000)
        yield* store.settle(link, { upTo: 2n, answers: [answer(2n, later(5))] }, settling(1_000))
        yield* store.cancel(ids(sent)[2]!)
        yield* store.cancel(ids(sent)[3]!)
        // "a" has its receipt, "b" waits for its time, "c" and "d" were taken back, "f" is for somebody else.
        const of = (to: typeof peer, by: string, subjects: ReadonlyArray<string>) =>
          Effect.map(store.waiting(to, by, subjects), (found) => [...found].toSorted())
        assert.deepStrictEqual(yield* of(peer, protocol, ["a", "b", "c", "d", "e", "f", "g"]), ["b", "e"])
        assert.deepStrictEqual(yield* of(peer, protocol, ["a", "e"]), ["e"])
        assert.deepStrictEqual(yield* of(peer, "another", ["b", "e"]), [])
        assert.deepStrictEqual(yield* of(other, protocol, ["e", "f"]), ["f"])
        assert.deepStrictEqual(yield* of(peer, protocol, []), [])
      })
    )

    it.effect("says how often messages had a number, of those that are still owed", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const sent = ["a", "b", "c"].map((subject) => message(peer, { subject }))
        const [first, second, third] = ids(sent)
        yield* store.enqueue(sent, 1_000)
        const link = yield* store.claim(peer)
        yield* number(store, link, { messages: 2, bytes: 1_000 }, 1_000)
        yield* store.settle(link, { upTo: 2n, answers: [answer(2n, later(5))] }, settling(1_000))
        yield* number(store, link, { messages: 1, bytes: 1_000 }, 2_000)
        const attempts = yield* store.attempts([first!, second!, third!, uuid()])
        assert.deepStrictEqual(
          [...attempts].toSorted(([, a], [, b]) => a - b),
          [
            [third!, 0],
            [second!, 2]
          ]
        )
        assert.deepStrictEqual(yield* store.attempts([]), new Map())
      })
    )

    it.effect("says of what expires whether it may have taken effect", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const sent = Array.from({ length: 4 }, (_, n) => message(peer, { subject: String(n), deadline: 2_000 + n }))
        yield* store.enqueue(sent, 1_000)
        const link = yield* store.claim(peer)
        yield* number(store, link, { messages: 3, bytes: 1_000 }, 1_000)
        yield* store.settle(link, { upTo: 1n, answers: [answer(1n, later(9_000))] }, settling(1_000))
        // The second one is under way in a stream that is over, the third one in the new one.
        yield* store.restart(link, uuid(), 1n)
        yield* number(store, link, { messages: 1, bytes: 1_000 }, 1_000)
        const expired = yield* store.expire(3_000, 10)
        assert.deepStrictEqual(
          expired.map(({ id, seq, outcome }) => [id, seq, outcome]),
          [
            [sent[0]?.id, undefined, "cancelled"],
            [sent[1]?.id, 1n, "unknown"],
            [sent[2]?.id, undefined, "unknown"],
            [sent[3]?.id, undefined, "cancelled"]
          ]
        )
      })
    )

    it.effect("starts a new stream: what the peer has is settled, the rest is numbered again from 1", () =>
      Effect.gen(function* () {
        const store = yield* RetryStore
        const peer = stranger()
        const sent = messages(peer, 5)
        yield* store.enqueue(sent, 1_000)
        const link = yield* store.claim(peer)
        yield* number(store, link, { messages: 4, bytes: 1_000 }, 1_000)
        yield* store.settle(link, { upTo: 1n, answers: [] }, settling(1_000))
        const stream = uuid()
        yield* store.restart(link, stream, 2n)
        assert.deepStrictEqual((yield* store.positions(link)).sending, { stream, last: 0n, receipted: 0n })
        assert.strictEqual((yield* store.cancel(sent[2]?.id ?? ""))?.outcome, "unknown")
        const again = yield* number(store, link, wide, 1_000)
        assert.deepStrictEqual(
          again.map((it) => [it.seq, it.id, it.void]),
          [
            [1n, sent[2]?.id, true],
            [2n, sent[3]?.id, false],
            [3n, sent[4]?.id, false]
          ]
        )
        yield* store.settle(link, { upTo: 1n, answers: [] }, settling(1_000))
        const totals = (yield* store.totals(10_000)).find((it) => it.peer === peer)
        assert.deepInclude(totals, { owed: 2, oldestCreatedAt: 1_000, receipted: 3n })
      })
    )
  })
