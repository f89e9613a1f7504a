/**
 * Any interleaving of sending, numbering, settling, cancelling and restarting gives what the plain model gives, on
 * every database.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { RetryStore } from "../../src/services/delivery/RetryStore.ts"
import { answer, later, message, refused, stranger, uuid, number } from "../support/Messages.ts"
import { describe, OutboxModel, Step, waitOf } from "../support/OutboxModel.ts"
import { databases } from "../support/Stores.ts"

const Steps = Schema.Array(Step).check(Schema.isMinLength(40), Schema.isMaxLength(80))

const play = Effect.fnUntraced(function* (steps: ReadonlyArray<Step>) {
  const store = yield* RetryStore
  const peer = stranger()
  const link = yield* store.claim(peer)
  const model = new OutboxModel()
  const sent: Array<string> = []
  let now = 0

  const settle = Effect.fnUntraced(function* (step: Extract<Step, { readonly _tag: "Settle" }>) {
    const upTo = model.receipted + step.count
    const outcomes = new Map<number, { readonly seconds: number; readonly behind?: string } | "final">()
    const answers: Array<ReturnType<typeof answer>> = []
    for (const [index, kind] of step.answers.entries()) {
      const seq = model.receipted + 1 + index
      const own = model.numbered.find((it) => it.seq === seq)
      const head = model.messages.find((it) => it.subject === own?.subject && it.id !== own?.id)
      if (kind === "Refused") {
        outcomes.set(seq, "final")
        answers.push(answer(BigInt(seq), refused))
      } else if (kind === "Later" || (kind === "Behind" && head === undefined)) {
        outcomes.set(seq, { seconds: step.seconds })
        answers.push(answer(BigInt(seq), later(step.seconds)))
      } else if (kind === "Behind" && head !== undefined) {
        outcomes.set(seq, { seconds: step.seconds, behind: head.id })
        answers.push(answer(BigInt(seq), later(step.seconds, head.id)))
      }
    }
    const options = { now, bodies: [], wait: waitOf }
    const settled = yield* store.settle(link, { upTo: BigInt(upTo), answers }, options)
    assert.deepStrictEqual(
      settled.map(({ id }) => id),
      model.settle(upTo, outcomes, now)
    )
  })

  const run = Effect.fnUntraced(function* (step: Step) {
    switch (step._tag) {
      case "Send": {
        const fresh = message(peer, { subject: step.subject, body: new Uint8Array(step.bytes) })
        sent.push(fresh.id)
        model.send(fresh.id, step.subject, step.bytes)
        return yield* store.enqueue([fresh], now)
      }
      case "Pass":
        now += step.seconds
        return
      case "Number": {
        const rows = yield* number(store, link, step, now)
        const found = rows.map((row) => describe(row.seq, { ...row, bytes: row.body.length }))
        return assert.deepStrictEqual(found, model.number(step.messages, step.bytes, now))
      }
      case "Settle":
        return yield* settle(step)
      case "Cancel": {
        const id = sent[step.which % Math.max(1, sent.length)] ?? uuid()
        return assert.strictEqual((yield* store.cancel(id))?.outcome, model.cancel(id))
      }
      case "Hasten": {
        const id = sent[step.which % Math.max(1, sent.length)] ?? uuid()
        return assert.strictEqual(yield* store.hasten(id, now), model.hasten(id, now))
      }
      case "Restart": {
        const position = Math.min(model.last, model.receipted + step.count)
        model.restart(position)
        return yield* store.restart(link, uuid(), BigInt(position))
      }
    }
  })

  for (const step of steps) yield* run(step)
  const owed = yield* store.owed({ peer, limit: 1_000 })
  assert.deepStrictEqual(
    owed.map((row) => describe(row.seq ?? 0n, row)),
    model.messages.map((it) => describe(it.seq ?? 0, it))
  )
  const { sending } = yield* store.positions(link)
  assert.deepStrictEqual([sending.last, sending.receipted], [BigInt(model.last), BigInt(model.receipted)])
})

for (const { name, stores } of databases) {
  layer(stores)(`the outbox in ${name}`, (it) => {
    it.effect.prop(
      "does what the plain model does, whatever happens in whatever order",
      [Steps],
      ([steps]) => play(steps),
      {
        arbitrary: { seed: 1, runs: name === "memory" ? 500 : 100 }
      }
    )
  })
}
