/**
 * Sending to one peer, in the plainest words: what a retry store must do, without transactions, locks or indexes.
 */
import { Schema } from "effect"

function between(minimum: number, maximum: number) {
  return Schema.Int.check(Schema.isBetween({ minimum, maximum }))
}

const Send = Schema.TaggedStruct("Send", { subject: Schema.Literals(["a", "b", "c"]), bytes: between(0, 40) })
const Number = Schema.TaggedStruct("Number", { messages: between(1, 6), bytes: between(20, 200) })
const Kind = Schema.Literals(["Ok", "Refused", "Later", "Behind"])
const Settle = Schema.TaggedStruct("Settle", {
  count: between(0, 5),
  answers: Schema.Tuple([Kind, Kind, Kind, Kind, Kind]),
  seconds: between(0, 5)
})

/** What can happen; sending is likelier. Numbers choose among what is there: modulo for messages, seconds for time. */
export const Step = Schema.Union([
  Send,
  Send,
  Send,
  Number,
  Number,
  Settle,
  Settle,
  Schema.TaggedStruct("Pass", { seconds: between(1, 4) }),
  Schema.TaggedStruct("Cancel", { which: between(0, 20) }),
  Schema.TaggedStruct("Hasten", { which: between(0, 20) }),
  Schema.TaggedStruct("Restart", { count: between(0, 5) })
])
export type Step = typeof Step.Type

interface Message {
  readonly id: string
  readonly subject: string
  bytes: number
  seq: number | undefined
  /** Not before this time, in seconds. */
  until: number | undefined
  /** How often it was put off itself, not for another one. */
  putOff: number
  heard: boolean
  answered: boolean
  void: boolean
}

export class OutboxModel {
  messages: Array<Message> = []
  last = 0
  receipted = 0

  send(id: string, subject: string, bytes: number): void {
    const fresh = { seq: undefined, until: undefined, putOff: 0, heard: false, answered: false, void: false }
    this.messages.push({ id, subject, bytes, ...fresh })
  }

  /** The next messages, oldest first, but none behind one of its subject that waits. */
  number(count: number, bytes: number, now: number): ReadonlyArray<string> {
    const taken: Array<string> = []
    const closed = new Set<string>()
    let size = 0
    for (const message of this.messages) {
      if (message.seq !== undefined) continue
      if (message.until !== undefined && message.until > now) closed.add(message.subject)
      if (closed.has(message.subject)) continue
      if (taken.length >= count || size >= bytes) break
      this.last++
      Object.assign(message, { seq: this.last, until: undefined, heard: true })
      size += message.bytes
      taken.push(describe(this.last, message))
    }
    return taken
  }

  /** What is under way, oldest number first. */
  get numbered(): ReadonlyArray<Message & { seq: number }> {
    return this.messages
      .flatMap((message) => (message.seq === undefined ? [] : [Object.assign(message, { seq: message.seq })]))
      .sort((a, b) => a.seq - b.seq)
  }

  /** What is put off waits from now on for the seconds that it was told, and longer the more often that happened. */
  settle(
    upTo: number,
    outcomes: ReadonlyMap<number, { readonly seconds: number; readonly behind?: string } | "final">,
    now: number
  ) {
    const settled: Array<string> = []
    const owed = new Set(this.messages.map(({ id }) => id))
    for (const message of this.numbered) {
      if (message.seq > upTo) break
      const outcome = outcomes.get(message.seq)
      if (outcome === undefined || outcome === "final") {
        this.messages.splice(this.messages.indexOf(message), 1)
        if (outcome !== undefined && !message.void) settled.push(message.id)
        continue
      }
      if (message.void) {
        Object.assign(message, { seq: undefined })
        continue
      }
      const head = this.messages.find(({ id }) => id === outcome.behind)
      if (outcome.behind === undefined) message.putOff++
      const known = outcome.behind !== undefined && owed.has(outcome.behind)
      const until = known ? (head?.until ?? now) : now + waitOf(message.putOff, outcome.seconds)
      const before = this.messages.slice(0, this.messages.indexOf(message))
      const ahead = before.filter((it) => it.subject === message.subject).map((it) => it.until ?? 0)
      const due = Math.max(until, ...ahead)
      Object.assign(message, { seq: undefined, until: due, answered: true })
      const after = this.messages.slice(before.length + 1)
      for (const it of after) {
        if (it.subject === message.subject && it.until !== undefined) it.until = Math.max(it.until, due)
      }
      settled.push(message.id)
    }
    this.receipted = Math.max(this.receipted, Math.min(upTo, this.last))
    return settled
  }

  cancel(id: string): "cancelled" | "unknown" | undefined {
    const message = this.messages.find((it) => it.id === id)
    if (message === undefined || message.void) return undefined
    if (!message.heard) {
      this.messages.splice(this.messages.indexOf(message), 1)
      return "cancelled"
    }
    Object.assign(message, { void: true, until: undefined, bytes: 0 })
    return message.seq === undefined && message.answered ? "cancelled" : "unknown"
  }

  /** Whether the message had to wait, itself or for one before it. */
  hasten(id: string, now: number): boolean {
    const message = this.messages.find((it) => it.id === id)
    if (message === undefined || message.seq !== undefined) return false
    const subject = this.messages.filter((it) => it.subject === message.subject)
    const first = subject.findIndex((it) => it.until !== undefined && it.until > now)
    if (first < 0 || first > subject.indexOf(message)) return false
    for (const it of subject) if (it.until !== undefined) it.until = Math.min(it.until, now)
    return true
  }

  restart(position: number): void {
    this.messages = this.messages.filter((it) => it.seq === undefined || it.seq > position)
    for (const it of this.messages) {
      if (it.seq !== undefined) Object.assign(it, { seq: undefined, answered: false })
    }
    this.last = 0
    this.receipted = 0
  }
}

/** How long a message waits that was put off, in seconds. */
export const waitOf = (putOff: number, seconds: number): number => seconds + Math.min(putOff, 3)

export const describe = (
  seq: number | bigint,
  message: { readonly id: string; readonly bytes: number; readonly void: boolean }
): string => `${seq} ${message.id} ${message.bytes}${message.void ? " void" : ""}`
