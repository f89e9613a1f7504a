/**
 * The outgoing stream of one session, as its fibers share it: what has been sent, receipted and settled, and numbered
 * messages that are handed over in memory instead of being read from the database again.
 */
import type { Numbered } from "../../protocol/delivery/Message.ts"
import * as Sequence from "../../protocol/delivery/Sequence.ts"
import type { Look } from "./Look.ts"

export class Outbound {
  state: Sequence.Outgoing
  /** The last number that has been given out. */
  last: bigint
  /** The position that is settled. */
  settled: bigint
  /**
   * The position that stays settled whatever crashes. It follows `settled` with the next commit that is forced to the
   * disk, and is what the peer may be told: it forgets its answers up to there.
   */
  seen: bigint
  /** Monotonic milliseconds of the last receipt, or of the first batch after there was none in flight. */
  progressAt = 0
  /** Set while numbers may have been given out, and committed, in an attempt of which only the failure was seen. */
  unsure = false
  readonly look: Look
  /** Numbered messages up to `last`, without a gap; the others are in the database only. */
  #given: Array<Numbered> = []
  #givenBytes = 0
  /** What this session has sent and not settled, oldest first. */
  readonly #unsettled: Array<Sequence.Batch> = []

  constructor(stream: string, position: bigint, last: bigint, seen: bigint, look: Look) {
    this.state = Sequence.outgoing(stream, position)
    this.settled = position
    this.last = last
    this.seen = seen
    this.look = look
  }

  /** Whether so much may still be numbered ahead of the receipts. */
  hasRoom(window: Sequence.Window, more: Sequence.Window): boolean {
    const messages = Number(this.last - this.settled) + more.messages
    const bytes = Sequence.bytesInFlight(this.state) + this.#givenBytes + more.bytes
    return !this.unsure && messages <= window.messages && bytes <= window.bytes
  }

  /** The batch after those that were sent has been handed to the session. */
  sent(batch: Sequence.Batch): void {
    this.state = Sequence.sent(this.state, batch)
    this.#unsettled.push(batch)
    if (batch.upTo > this.last) this.last = batch.upTo
  }

  /**
   * How far one transaction settles what was receipted up to `upTo`: whole batches of so many bytes, one at least, since
   * protocols that hear of outcomes get the bodies once more.
   */
  settleStep(upTo: bigint, most: Sequence.Window): bigint {
    let step = this.settled
    let bytes = 0
    for (const batch of this.#unsettled) {
      bytes += batch.bytes
      if (step > this.settled && bytes > most.bytes) break
      step = batch.upTo
    }
    const limit = this.settled + BigInt(most.messages)
    // Nothing of it was sent by this session.
    if (step === this.settled) step = upTo
    return [step, limit, upTo].reduce((least, one) => (one < least ? one : least))
  }

  /** Everything up to here is settled. */
  settle(upTo: bigint, forced: boolean): void {
    this.settled = upTo
    if (forced) this.seen = upTo
    const first = this.#unsettled.findIndex((batch) => batch.upTo > upTo)
    this.#unsettled.splice(0, first === -1 ? this.#unsettled.length : first)
    this.look.open()
  }

  /** Takes over messages that were committed with the numbers from `first` on. */
  give(first: bigint, messages: ReadonlyArray<Omit<Numbered, "seq">>): void {
    const isNext = first === this.last + 1n
    this.last = first + BigInt(messages.length) - 1n
    // Whatever is in the database only must be read before these: so they are, too.
    const follows = (this.#given.at(-1)?.seq ?? this.state.sent) + 1n === first
    if (isNext && follows) {
      messages.forEach((message, index) => {
        this.#given.push({ ...message, seq: first + BigInt(index) })
        this.#givenBytes += message.body.length
      })
    } else this.#drop()
    this.look.open()
  }

  /** The next of the messages handed over, as many as `room` allows, one at least; none if they are not next. */
  takeGiven(room: Sequence.Window): ReadonlyArray<Numbered> {
    if (this.#given.length === 0) return this.#given
    if (this.#given[0]?.seq !== this.state.sent + 1n) {
      this.#drop()
      return this.#given
    }
    let count = 0
    let bytes = 0
    while (count < this.#given.length && count < room.messages && bytes < room.bytes) {
      bytes += this.#given[count++]?.body.length ?? 0
    }
    this.#givenBytes -= bytes
    return this.#given.splice(0, count)
  }

  #drop(): void {
    this.#given = []
    this.#givenBytes = 0
  }
}
