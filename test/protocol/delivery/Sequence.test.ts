import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Sequence from "../../../src/protocol/delivery/Sequence.ts"
import { DeliveryModel, type Machine, window } from "../../support/DeliveryModel.ts"
import { seeded } from "../../support/Malformed.ts"
import { inputs } from "../../support/properties/Inputs.ts"

const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

const kinds = [
  "commit",
  "pump",
  "receive",
  "receive and die",
  "settle",
  "connect",
  "disconnect",
  "lose",
  "repeat",
  "swap"
] as const
const Commands = Schema.Array(Schema.Struct({ kind: Schema.Literals(kinds), n: upTo(8) })).check(
  Schema.isMaxLength(150)
)
type Command = (typeof Commands.Type)[number]

const obey = (model: DeliveryModel, { kind, n }: Command): void => {
  const { session } = model
  switch (kind) {
    case "commit":
      for (let i = 0; i <= n; i++) model.commit()
      return
    case "pump":
      // A link that is gone is dialled again, as soon as there is something to send.
      if (session === undefined && n > 4) model.connect()
      return model.pump(1 + (n % 3))
    case "receive":
      return model.receive(true)
    case "receive and die":
      return model.receive(false)
    case "settle":
      return model.settle()
    case "connect":
      return model.connect()
    case "disconnect":
      return model.disconnect()
    case "lose":
      if (n % 2 === 0) session?.data.splice(n / 2, 1)
      else session?.receipts.splice((n - 1) / 2, 1)
      return
    case "repeat":
      if (n % 2 === 0 && session?.data[0] !== undefined) session.data.splice(n, 0, session.data[0])
      else if (session?.receipts[0] !== undefined) session.receipts.splice(n, 0, session.receipts[0])
      return
    case "swap":
      if (n % 2 === 0) session?.data.reverse()
      else session?.receipts.reverse()
  }
}

const inFlight = (model: DeliveryModel): { readonly messages: number; readonly bytes: number } => {
  const batches = model.session?.sender.inFlight ?? []
  return {
    messages: batches.reduce((sum, batch) => sum + batch.messages, 0),
    bytes: batches.reduce((sum, batch) => sum + batch.bytes, 0)
  }
}

/** Runs the commands, then a good network; what must hold at every step and at the end. */
const exactlyOnce = (commands: ReadonlyArray<Command>, machine?: Machine): DeliveryModel => {
  const model = new DeliveryModel(machine)
  for (const command of commands) {
    obey(model, command)
    assert.deepStrictEqual(model.receiver.effects, model.sender.committed.slice(0, model.receiver.effects.length))
    const { bytes, messages } = inFlight(model)
    assert.isAtMost(messages, window.messages)
    assert.isBelow(bytes, window.bytes + 10)
  }
  assert.isTrue(model.finish())
  assert.deepStrictEqual(model.receiver.effects, model.sender.committed)
  assert.deepStrictEqual([model.detected, model.lost, model.receiver.again], [[], [], 0])
  return model
}

const runs = { arbitrary: { runs: inputs(300), size: 60 } }

describe("a stream", () => {
  const kept = ([commands]: readonly [typeof Commands.Type]) => void exactlyOnce(commands)
  it.prop(
    "takes effect once and in order over a network that loses, repeats, swaps, ends and crashes",
    [Commands],
    kept,
    runs
  )

  it("does so for 2,000 long runs in which everything happens", () => {
    const random = seeded(5)
    const often = ["pump", "pump", "pump", "receive", "receive", "settle", "lose", "repeat"] as const
    const weighted = [...kinds, ...often, ...often, ...often] as const
    const seen = { violations: 0, duplicates: 0, effects: 0 }
    for (let run = 0; run < 2_000; run++) {
      const commands = Array.from({ length: 120 }, () => ({
        kind: weighted[Math.floor(random() * weighted.length)]!,
        n: Math.floor(random() * 9)
      }))
      const model = exactlyOnce(commands)
      seen.violations += model.violations
      seen.duplicates += model.duplicates
      seen.effects += model.receiver.effects.length
    }
    assert.isAbove(seen.violations, 500)
    assert.isAbove(seen.duplicates, 1_000)
    assert.isAbove(seen.effects, 20_000)
  })

  const wrong: ReadonlyArray<readonly [string, Partial<Machine>]> = [
    [
      "the receiver takes a duplicate for new",
      { receive: (state, data) => Sequence.receive({ ...state, position: data.first - 1n }, data) }
    ],
    [
      "the receiver skips a gap",
      {
        receive: (state, data) =>
          Sequence.receive({ ...state, position: data.first > state.position ? data.first - 1n : state.position }, data)
      }
    ],
    [
      "the receiver skips one message too many",
      {
        receive: (state, data) => Sequence.receive({ ...state, position: state.position + 1n }, data)
      }
    ],
    [
      "the sender goes on after what it sent, not after what arrived",
      {
        resume: (ours) => ({ _tag: "Continue", position: ours.last })
      }
    ],
    ["the sender does not look at the window", { room: (limit) => limit }],
    [
      "the sender does not free the window",
      {
        receipted: (state, stream, position) => {
          const result = Sequence.receipted(state, stream, position)
          return result._tag === "Progress"
            ? { ...result, state: { ...result.state, inFlight: state.inFlight } }
            : result
        }
      }
    ],
    [
      "a receipt covers one message too many",
      {
        receive: (state, data) => {
          const result = Sequence.receive(state, data)
          return result._tag === "Batch" ? { ...result, position: result.position + 1n } : result
        }
      }
    ]
  ]
  for (const [name, change] of wrong) {
    it(`would not, if ${name}`, () => {
      const random = seeded(6)
      const runs = () => {
        for (let run = 0; run < 200; run++) {
          const commands = Array.from({ length: 120 }, () => ({
            kind: kinds[Math.floor(random() * kinds.length)]!,
            n: Math.floor(random() * 9)
          }))
          exactlyOnce(commands, { ...Sequence, ...change })
        }
      }
      assert.throws(runs)
    })
  }
})

describe("a restored database", () => {
  const Moments = { before: Commands, between: Commands, after: Commands }
  const play = (model: DeliveryModel, commands: ReadonlyArray<Command>) => {
    for (const command of commands) obey(model, command)
  }

  it.prop(
    "of the sender is noticed if the receiver has more than it remembers, and nothing is done twice",
    Moments,
    ({ after, before, between }) => {
      const model = new DeliveryModel()
      play(model, before)
      const backup = model.copySender()
      play(model, between)
      model.disconnect()
      model.sender = backup
      const { last, stream } = backup
      const ahead = model.receiver.stream === stream && model.receiver.position > last
      model.connect()
      assert.deepStrictEqual(model.detected, ahead ? ["SelfRestored"] : [])
      play(model, after)
      assert.isTrue(model.finish())
      const { effects } = model.receiver
      assert.strictEqual(new Set(effects).size, effects.length)
      for (const id of model.sender.committed) assert.include(effects, id)
      assert.deepStrictEqual(model.lost, [])
    },
    runs
  )

  it.prop(
    "of the receiver is noticed if it had receipted more, and only what was receipted is missing",
    Moments,
    ({ after, before, between }) => {
      const model = new DeliveryModel()
      play(model, before)
      const backup = model.copyReceiver()
      play(model, between)
      model.disconnect()
      const was = new Set(model.receiver.effects)
      model.receiver = backup
      const behind = model.sender.receipted > (backup.stream === model.sender.stream ? backup.position : 0n)
      model.connect()
      assert.deepStrictEqual(model.detected, behind ? ["PeerRestored"] : [])
      play(model, after)
      assert.isTrue(model.finish())
      const { effects } = model.receiver
      assert.strictEqual(new Set(effects).size, effects.length)
      const missing = model.sender.committed.filter((id) => !effects.includes(id))
      for (const id of missing) assert.isTrue(was.has(id), `${id} had taken effect before the restore`)
      if (!behind) assert.deepStrictEqual(missing, [])
    },
    runs
  )
})

const stream = "a"
const items = (n: number) =>
  Array.from({ length: n }, (_, i) => ({ id: `${i}`, protocol: "p", subject: "s", body: new Uint8Array(0) }))
const max = 2n ** 64n - 1n

describe("DATA", () => {
  const receive = (position: bigint, first: bigint, n: number, of = stream) =>
    Sequence.receive({ stream, position }, { stream: of, first, items: items(n) })

  it("is split into what is known and what is new", () => {
    const known = (position: bigint, first: bigint, n: number) => {
      const result = receive(position, first, n)
      return result._tag === "Batch" ? [result.duplicates, result.fresh.map(({ seq }) => seq), result.position] : result
    }
    assert.deepStrictEqual(known(0n, 1n, 2), [0, [1n, 2n], 2n])
    assert.deepStrictEqual(known(5n, 6n, 2), [0, [6n, 7n], 7n])
    assert.deepStrictEqual(known(5n, 4n, 4), [2, [6n, 7n], 7n])
    assert.deepStrictEqual(known(5n, 1n, 5), [5, [], 5n])
    assert.deepStrictEqual(known(5n, 1n, 3), [3, [], 5n])
    assert.deepStrictEqual(known(max - 1n, max, 1), [0, [max], max])
    assert.deepStrictEqual(known(max - 1n, 1n, 3), [3, [], max - 1n])
  })

  it("keeps each item at its number", () => {
    const result = receive(5n, 4n, 4)
    assert.deepStrictEqual(result._tag === "Batch" ? result.fresh.map(({ item, seq }) => [item.id, seq]) : [], [
      ["2", 6n],
      ["3", 7n]
    ])
  })

  it("that leaves a gap is a violation that names it, and so is number 0", () => {
    for (const first of [7n, 8n, max]) {
      const result = receive(5n, first, 1)
      assert.strictEqual(result._tag, "Violation")
      assert.include(result._tag === "Violation" ? result.detail : "", `${first - 6n} are missing`)
    }
    assert.strictEqual(receive(5n, 0n, 1)._tag, "Violation")
  })

  it("of another stream begins at 1 or is a violation", () => {
    const adopted = receive(5n, 1n, 2, "b")
    assert.deepStrictEqual(
      adopted._tag === "Batch" ? [adopted.adopts, adopted.duplicates, adopted.position] : adopted,
      [true, 0, 2n]
    )
    for (const first of [2n, 5n, 6n]) assert.strictEqual(receive(5n, first, 2, "b")._tag, "Violation")
    const firstEver = Sequence.receive({ stream: null, position: 0n }, { stream, first: 1n, items: items(1) })
    assert.isTrue(firstEver._tag === "Batch" && firstEver.adopts)
    const same = receive(5n, 6n, 1)
    assert.isTrue(same._tag === "Batch" && !same.adopts)
  })
})

describe("a receipt", () => {
  const state = [3n, 5n, 9n].reduce(
    (before, upTo) => Sequence.sent(before, { upTo, messages: Number(upTo - before.sent), bytes: 10 }),
    Sequence.outgoing(stream, 0n)
  )

  it("frees the batches that it covers whole", () => {
    const left = (upTo: bigint) => {
      const result = Sequence.receipted(state, stream, upTo)
      return result._tag === "Progress" ? result.state.inFlight.map((batch) => batch.upTo) : result._tag
    }
    assert.deepStrictEqual([3n, 4n, 5n, 9n].map(left), [[5n, 9n], [5n, 9n], [9n], []])
  })

  it("that says nothing new is old, and one for what was not sent or for another stream is a violation", () => {
    const tag = (of: string, upTo: bigint, from = state) => Sequence.receipted(from, of, upTo)._tag
    assert.strictEqual(tag(stream, 0n), "Old")
    assert.strictEqual(tag(stream, 10n), "Violation")
    assert.strictEqual(tag(stream, max), "Violation")
    assert.strictEqual(tag("b", 3n), "Violation")
    const later = Sequence.receipted(state, stream, 5n)
    assert.strictEqual(later._tag === "Progress" ? tag(stream, 5n, later.state) : "", "Old")
  })
})

describe("the window", () => {
  const limit = { messages: 10, bytes: 100 }
  const after = (...batches: ReadonlyArray<readonly [number, number]>) =>
    batches.reduce(
      (state, [messages, bytes]) => Sequence.sent(state, { upTo: state.sent + BigInt(messages), messages, bytes }),
      Sequence.outgoing(stream, 0n)
    )

  it("is what the batches in flight leave of it, and nothing when either limit is reached", () => {
    assert.deepStrictEqual(Sequence.room(limit, after()), limit)
    assert.deepStrictEqual(Sequence.room(limit, after([3, 40], [2, 10])), { messages: 5, bytes: 50 })
    assert.deepStrictEqual(Sequence.room(limit, after([10, 1])), { messages: 0, bytes: 0 })
    assert.deepStrictEqual(Sequence.room(limit, after([1, 100])), { messages: 0, bytes: 0 })
    assert.deepStrictEqual(Sequence.room(limit, after([1, 5_000])), { messages: 0, bytes: 0 })
  })
})

describe("RESUME", () => {
  const ours = { stream, last: 9n, receipted: 4n }
  const found = (of: string | null, position: bigint) => Sequence.resume(ours, { stream: of, position, seen: 0n })

  it("goes on where the peer is, anywhere between the last receipt and the last number", () => {
    for (const position of [4n, 5n, 9n]) assert.deepStrictEqual(found(stream, position), { _tag: "Continue", position })
    const fresh = Sequence.resume({ stream, last: 3n, receipted: 0n }, { stream: null, position: 0n, seen: 0n })
    assert.deepStrictEqual(fresh, { _tag: "Continue", position: 0n })
    const changed = Sequence.resume({ stream: "b", last: 3n, receipted: 0n }, { stream, position: 77n, seen: 0n })
    assert.deepStrictEqual(changed, { _tag: "Continue", position: 0n })
  })

  it("finds a peer that has less than it receipted", () => {
    for (const [of, position] of [
      [stream, 3n],
      [stream, 0n],
      [null, 0n],
      ["b", 9n]
    ] as const) {
      assert.deepStrictEqual(found(of, position), { _tag: "PeerRestored", position: 4n })
    }
  })

  it("finds ourselves behind what the peer received", () => {
    assert.deepStrictEqual(found(stream, 10n), { _tag: "SelfRestored", position: 4n })
  })

  it("finds ourselves behind what we told the peer to have settled, though its position fits", () => {
    const theirs = { stream, position: 7n, seen: 5n }
    assert.deepStrictEqual(Sequence.resume(ours, theirs), { _tag: "SelfRestored", position: 4n })
    assert.deepStrictEqual(Sequence.resume(ours, { ...theirs, seen: 4n }), { _tag: "Continue", position: 7n })
    const other = { stream: "b", position: 0n, seen: 5n }
    assert.deepStrictEqual(Sequence.resume({ ...ours, receipted: 0n }, other), { _tag: "Continue", position: 0n })
  })
})
