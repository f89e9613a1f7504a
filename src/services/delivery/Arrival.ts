/**
 * What one transaction of received messages comes to: the position, the answers, the ids that took effect, and who waits
 * for whom. Owned by that transaction.
 */
import { Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Data } from "../../protocol/delivery/DeliveryFrame.ts"
import { Held } from "../../protocol/delivery/Held.ts"
import type { Answer, MessageId, Outcome } from "../../protocol/delivery/Message.ts"
import * as Sequence from "../../protocol/delivery/Sequence.ts"
import type { Handling, NotPlain } from "./Handling.ts"
import type { Held as HeldId, Link, ReceivedBatch } from "./RetryStore.ts"

const nobody = { waiting: [], ended: [] }

export class Arrival {
  position: bigint
  /** Messages that are to be handled together: taken for accepted already. */
  readonly run: Array<Sequence.Fresh> = []
  readonly #plan: Plan
  readonly #held: Held
  readonly #ended: ReadonlyArray<MessageId>
  /** What this batch puts on hold, or leaves there under another number. */
  readonly #onHold = new Map<MessageId, HeldId>()
  readonly #answers: Array<Answer & { readonly id: MessageId }> = []
  readonly #applied: Array<MessageId> = []
  #duplicates: number

  constructor(plan: Plan, held: ReadonlyArray<HeldId>) {
    const first = plan.position - BigInt(plan.fresh.length) + 1n
    const { ended, waiting } = plan.adopts ? nobody : stillWaiting(held, first)
    this.#plan = plan
    this.#held = new Held(waiting)
    this.#ended = ended
    this.#duplicates = plan.duplicates
    this.position = first - 1n
  }

  /** The message of its subject that must be handled before this one, if any. */
  inFrontOf(item: Sequence.Fresh["item"]): MessageId | undefined {
    return this.#held.inFrontOf(item)
  }
  /** Whether it can be handled together with those before it. */
  continues(item: Sequence.Fresh["item"]): boolean {
    return this.run[0]?.item.protocol === item.protocol
  }

  /** It was taken back by its sender. */
  skip({ item, seq }: Sequence.Fresh): void {
    this.#release(item)
    this.position = seq
  }
  /** It took effect before. */
  repeat({ seq }: Sequence.Fresh): void {
    this.#duplicates++
    this.position = seq
  }
  /** It will be handled with the run, and accepted. */
  expect(fresh: Sequence.Fresh): void {
    this.run.push(fresh)
    this.#applied.push(fresh.item.id)
    this.#release(fresh.item)
    this.position = fresh.seq
  }
  conclude({ item, seq }: Sequence.Fresh, outcome: Outcome): void {
    if (outcome._tag === "Ok") this.#applied.push(item.id)
    else this.#answers.push({ seq, id: item.id, outcome })
    if (outcome._tag === "Later") {
      const { id, protocol, subject } = item
      this.#held.hold({ protocol, subject, id })
      this.#onHold.set(id, { protocol, subject, id, seq })
    } else this.#release(item)
    this.position = seq
  }

  /** Handles the run. */
  handle<R>(handling: Handling<R>, link: Link): Effect.Effect<void, SqlError | NotPlain, R> {
    return this.run.length === 0 ? Effect.void : handling.run(link, this.run.splice(0))
  }

  get isHolding(): boolean {
    return this.#onHold.size > 0
  }
  get answers(): ReadonlyArray<Answer> {
    return this.#answers.map(({ outcome, seq }) => ({ seq, outcome }))
  }
  /** What the store has to write. */
  written(after: ReceivedBatch["after"]): ReceivedBatch {
    const { adopts, seen, stream } = this.#plan
    return {
      after,
      stream,
      adopts,
      seen,
      position: this.position,
      applied: this.#applied,
      answers: this.#answers,
      duplicates: this.#duplicates,
      held: [...this.#onHold.values()],
      released: [...this.#held.released, ...this.#ended]
    }
  }

  #release(item: Sequence.Fresh["item"]): void {
    this.#held.release(item)
    this.#onHold.delete(item.id)
  }
}

/**
 * What is on hold and still has to be when `first` comes. A sender runs at most `maxAhead` ahead of what it has settled:
 * whatever has a greater number was numbered when it knew the answer, and kept to the order itself. So the ids on hold
 * are never many, and one of which nothing is heard any more does not close its subject for ever.
 */
const stillWaiting = (
  held: ReadonlyArray<HeldId>,
  first: bigint
): { readonly waiting: ReadonlyArray<HeldId>; readonly ended: ReadonlyArray<MessageId> } => {
  const since = first - BigInt(Sequence.maxAhead.messages)
  return {
    waiting: held.filter(({ seq }) => seq >= since),
    ended: held.filter(({ seq }) => seq < since).map(({ id }) => id)
  }
}

/** What frames bring together. */
export interface Plan {
  readonly stream: string
  readonly adopts: boolean
  readonly position: bigint
  readonly fresh: ReadonlyArray<Sequence.Fresh>
  readonly duplicates: number
  readonly seen: bigint
}

/** Several frames as one batch, or what is wrong with them. */
export const plan = (before: Sequence.Receiving, frames: ReadonlyArray<Data>): Plan | string => {
  let at: Sequence.Receiving = before
  let adopts = false
  let duplicates = 0
  let seen = 0n
  const fresh: Array<Sequence.Fresh> = []
  for (const frame of frames) {
    const received = Sequence.receive(at, frame)
    if (received._tag === "Violation") return received.detail
    at = { stream: frame.stream, position: received.position }
    adopts ||= received.adopts
    duplicates += received.duplicates
    seen = frame.seen > seen ? frame.seen : seen
    fresh.push(...received.fresh)
  }
  return { stream: at.stream ?? "", adopts, position: at.position, fresh, duplicates, seen }
}
