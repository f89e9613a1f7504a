/**
 * Bugs in durable delivery: receipts, numbers, order, duplicates, resuming.
 */
import type { Mutant } from "./Mutant.ts"

const exchange = "src/services/delivery/Exchange.ts"
const intake = "src/services/delivery/Intake.ts"
const arrival = "src/services/delivery/Arrival.ts"
const pump = "src/services/delivery/Pump.ts"
const sequence = "src/protocol/delivery/Sequence.ts"
const service = "src/services/delivery/Delivery.ts"

const receipts: ReadonlyArray<Mutant> = [
  {
    name: "receipt-on-arrival",
    what: "A message is receipted when it arrives, before its effect is committed.",
    file: exchange,
    find: `const received = yield* decoded(DeliveryFrame.data.decode(frame.body))`,
    replace: `const received = yield* Effect.tap(decoded(DeliveryFrame.data.decode(frame.body)), ({ first, items, stream }) => session.send(Kind.Receipt, DeliveryFrame.receipt.encode({ stream, upTo: first + BigInt(items.length) - 1n, answers: [] })))`,
    property: "no receipt before the effect's commit",
    also: ["outcomes are right"],
    profile: "calm"
  },
  {
    name: "receipt-dropped",
    what: "A receipt that carries no answer is not sent.",
    file: exchange,
    find: `yield* session.send(Kind.Receipt, DeliveryFrame.receipt.encode(receipt))`,
    replace: `if (receipt.answers.length > 0) yield* session.send(Kind.Receipt, DeliveryFrame.receipt.encode(receipt))`,
    property: "calm stays calm",
    profile: "calm"
  },
  {
    name: "dedupe-skipped",
    what: "What comes again within a stream is handled again.",
    file: sequence,
    find: `const known = Math.min(Number(position + 1n - data.first), data.items.length)`,
    replace: `const known = 0`,
    property: "effect exactly once",
    also: ["nobody is accused"],
    profile: "database"
  },
  {
    name: "dedupe-skipped-after-restore",
    what: "What was applied under an earlier stream is applied again.",
    file: intake,
    find: `before.restarted || batch.adopts`,
    replace: `before.restarted && batch.adopts`,
    property: "effect exactly once",
    also: ["effect in order"],
    profile: "database"
  },
  {
    name: "watermark-one-too-far",
    what: "The position that a receiver writes down is one too high.",
    file: arrival,
    find: `position: this.position,`,
    replace: `position: this.position + 1n,`,
    property: "no receipt before the effect's commit",
    also: ["outcomes are right", "no restore without a restore"],
    profile: "calm"
  },
  {
    name: "settle-one-too-many",
    what: "A receipt settles one message more than it covers.",
    file: exchange,
    find: `settlement.settle(link, { upTo: next, answers: theirs })`,
    replace: `settlement.settle(link, { upTo: next + 1n, answers: theirs })`,
    property: "no receipt before the effect's commit",
    also: ["outcomes are right"],
    profile: "calm"
  },
  {
    name: "later-forgotten",
    what: "A message that is put off counts as applied.",
    file: arrival,
    find: `if (outcome._tag === "Ok") this.#applied.push(item.id)`,
    replace: `if (outcome._tag === "Ok" || outcome._tag === "Later") this.#applied.push(item.id)`,
    property: "no receipt before the effect's commit",
    profile: "calm"
  },
  {
    name: "overtaking",
    what: "Messages overtake one of their subject that has been put off.",
    file: intake,
    find: `const behind = work.inFrontOf(item)`,
    replace: `const behind = applied.has(item.id) ? work.inFrontOf(item) : undefined`,
    property: "effect in order",
    profile: "calm"
  }
]

const sending: ReadonlyArray<Mutant> = [
  {
    name: "no-sweep",
    what: "A pump waits to be woken: it never looks by itself, nor when something falls due.",
    file: pump,
    find: `return Effect.map(Effect.timeoutOption(look.wait, wait), (woken) => {`,
    replace: `return Effect.map(Effect.timeoutOption(look.wait, 1e9), (woken) => {`,
    property: "everything arrives",
    profile: "calm"
  },
  {
    name: "wake-lost",
    what: "A commit does not wake the pump of the first peer that it sends to.",
    file: service,
    find: `Effect.forEach(woken, wakes.wake`,
    replace: `Effect.forEach(woken.slice(1), wakes.wake`,
    property: "calm is prompt",
    profile: "calm"
  },
  {
    name: "takes-from-empty",
    what: "Receipts are taken without waiting for one.",
    file: exchange,
    find: `yield* Queue.takeAll(receipts)`,
    replace: `yield* Queue.clear(receipts)`,
    property: "no defects",
    profile: "calm"
  },
  {
    name: "send-outside-transaction",
    what: "A message is written in a transaction of its own instead of its sender's.",
    file: service,
    find: `yield* enqueue([outgoing])`,
    replace: `yield* Effect.forkChild(submit(outgoing))`,
    property: "sent is acked, pending or shed",
    also: ["nothing before its commit"],
    profile: "calm"
  }
]

const resuming: ReadonlyArray<Mutant> = [
  {
    name: "resume-one-too-far",
    what: "A resumed stream begins one number behind where the peer has it.",
    file: exchange,
    find: `return { stream: sending.stream, position, last: sending.last }`,
    replace: `return { stream: sending.stream, position: position + 1n, last: sending.last }`,
    property: "nobody is accused",
    also: ["calm stays calm", "no restore without a restore"],
    profile: "network"
  },
  {
    name: "resend-forgotten",
    what: "What had a number and was not received is not sent again after a resume.",
    file: exchange,
    find: `return { stream: sending.stream, position, last: sending.last }`,
    replace: `return { stream: sending.stream, position, last: position }`,
    property: "nobody is accused",
    also: ["everything arrives"],
    profile: "network"
  },
  {
    name: "numbers-forgotten",
    what: "After a commit of unknown end nobody looks which numbers it has given out.",
    file: pump,
    find: `unsure = true`,
    replace: `unsure = false`,
    property: "nobody is accused",
    also: ["everything arrives"],
    profile: "database"
  },
  {
    name: "number-given-twice",
    what: "The last number that was given out is not written down.",
    file: "src/layers/retry/MemorySending.ts",
    find: `rows.links.set(link.peer, { ...row, sending: { ...row.sending, last } })`,
    replace: `rows.links.set(link.peer, row)`,
    property: "nobody is accused",
    also: ["no restore without a restore", "everything arrives", "calm stays calm"],
    profile: "calm"
  },
  {
    name: "answers-lost-on-resume",
    what: "The answers that a resuming peer repeats are not looked at.",
    file: exchange,
    find: `{ upTo: position, answers: theirs.answers }`,
    replace: `{ upTo: position, answers: [] }`,
    property: "outcomes are right",
    also: ["no receipt before the effect's commit"],
    profile: "network"
  },
  {
    name: "answers-lost-after-unknown-commit",
    what: "What comes again is receipted without the answers it had the first time.",
    file: intake,
    find: `return repeated ? yield* answerAgain(`,
    replace: `return !repeated ? yield* answerAgain(`,
    property: "outcomes are right",
    also: ["no receipt before the effect's commit"],
    profile: "database"
  },
  {
    name: "confirmed-too-early",
    what: "Answers are confirmed to the peer before they are settled.",
    file: pump,
    find: `seen: outbound.seen`,
    replace: `seen: outbound.state.receipted`,
    property: "no restore without a restore",
    also: ["outcomes are right"],
    profile: "all-faults"
  },
  {
    name: "peer-restore-unnoticed",
    what: "A peer whose database was restored is taken to be as far as it was.",
    file: sequence,
    find: `if (position < ours.receipted) return`,
    replace: `if (position < 0n) return`,
    property: "no restore goes unnoticed",
    also: ["nobody is accused", "everything arrives"],
    profile: "database"
  },
  {
    name: "own-restore-unnoticed",
    what: "A node does not notice that its own database was restored.",
    file: sequence,
    find: `if (position > ours.last || (same && theirs.seen > ours.receipted)) {`,
    replace: `if (position < 0n) {`,
    property: "nobody is accused",
    also: ["no receipt before the effect's commit", "outcomes are right", "everything arrives"],
    profile: "database"
  }
]

const keeping: ReadonlyArray<Mutant> = [
  {
    name: "expired-in-silence",
    what: "A message whose time is over vanishes without an event.",
    file: "src/services/delivery/Expiry.ts",
    find: `expired.map(({ deadline`,
    replace: `expired.slice(expired.length).map(({ deadline`,
    property: "sent is acked, pending or shed",
    profile: "network",
    scenario: "deadlines"
  },
  {
    name: "epoch-not-raised",
    what: "A session takes a link over without raising its epoch.",
    file: "src/layers/RetryStoreMemory.ts",
    find: `const epoch = row.epoch + 1n`,
    replace: `const epoch = row.epoch`,
    property: "a session has an epoch of its own",
    profile: "crash"
  }
]

export const delivery: ReadonlyArray<Mutant> = [...receipts, ...sending, ...resuming, ...keeping]
