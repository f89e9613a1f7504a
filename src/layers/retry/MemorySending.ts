/**
 * The sender's half of the retry store in memory: numbers, receipts, and what is taken back.
 */
import { Result } from "effect"
import { SqlError, UniqueViolation } from "effect/sql/SqlError"
import { type MessageId, type Numbered, ok, type Outcome, type Outgoing } from "../../protocol/delivery/Message.ts"
import type { Window } from "../../protocol/delivery/Sequence.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Expired, RetryStore, Settled } from "../../services/delivery/RetryStore.ts"
import type { MemoryDatabase } from "../MemoryDatabase.ts"
import { owedOf, owned, type RetryRows, type Row, sameSubject } from "./MemoryRows.ts"
import { outcomeText } from "./OutcomeText.ts"

const empty = new Uint8Array()

const duplicate = (id: MessageId): SqlError =>
  new SqlError({
    reason: new UniqueViolation({
      cause: new Error(`message ${id} is owed already`),
      message: `message ${id} is owed already`,
      constraint: "outbox_id"
    })
  })

const numberedOf = (row: Row, seq: bigint): Numbered => ({
  seq,
  id: row.id,
  protocol: row.protocol,
  subject: row.subject,
  body: row.body,
  void: row.void
})

const bySeq = (
  rows: Iterable<Row>,
  from: bigint,
  to: bigint | undefined
): ReadonlyArray<Row & { readonly seq: bigint }> => {
  const found: Array<Row & { readonly seq: bigint }> = []
  for (const row of rows) {
    const seq = row.seq
    if (seq !== undefined && seq > from && (to === undefined || seq <= to)) found.push({ ...row, seq })
  }
  return found.sort((a, b) => (a.seq < b.seq ? -1 : 1))
}

/** Takes messages until the window is full; the last one may pass the byte limit. */
const fits = (room: Window, taken: ReadonlyArray<unknown>, bytes: number): boolean =>
  taken.length < room.messages && bytes < room.bytes

/** Marks a message as waiting until `dueAt`, and whatever waits behind it in its subject at least as long. */
const postpone = (rows: RetryRows, row: Row, dueAt: number, outcome: Outcome): number => {
  const outbox = rows.of(row.peer).outbox
  let due = dueAt
  for (const other of outbox) {
    if (other.place >= row.place) break
    if (other.waiting && sameSubject(other, row)) due = Math.max(due, other.dueAt)
  }
  for (const other of outbox) {
    if (other.place > row.place && other.waiting && other.dueAt < due && sameSubject(other, row)) {
      rows.put({ ...other, dueAt: due })
    }
  }
  rows.put({ ...row, seq: undefined, waiting: true, dueAt: due, lastOutcome: outcomeText(outcome) })
  return due
}

/** What joined the wait of a message without one of its own, see `take`, waits no longer on its account. */
const release = (rows: RetryRows, row: Row): void => {
  for (const other of rows.of(row.peer).outbox) {
    const joined = other.waiting && (other.lastOutcome === undefined || other.void)
    if (joined && other.place > row.place && sameSubject(other, row)) {
      rows.put({ ...other, waiting: false, dueAt: other.createdAt })
    }
  }
}

/** Takes a message back: gone if the peer never heard of it, else void under its number or the next one. */
const takeBack = (rows: RetryRows, row: Row): "cancelled" | "unknown" => {
  if (row.waiting) release(rows, row)
  if (row.seq === undefined && row.attempts === 0) {
    rows.remove(row)
    return "cancelled"
  }
  rows.put({ ...row, void: true, body: empty, waiting: false, dueAt: row.createdAt })
  return row.seq === undefined && row.lastOutcome !== undefined ? "cancelled" : "unknown"
}

/** Something is owed to `peer` that has no number. */
const hasUnnumbered = (rows: RetryRows, peer: NodeKey): boolean => {
  for (const { seq } of rows.of(peer).outbox) if (seq === undefined) return true
  return false
}

/** Writes messages into the outbox, with the numbers that `numberOf` gives. */
const write = (
  rows: RetryRows,
  messages: ReadonlyArray<Outgoing>,
  now: number,
  numberOf: (peer: NodeKey) => bigint | undefined
): Result.Result<void, SqlError> => {
  for (const message of messages) {
    if (rows.ids.get(message.id) !== undefined) return Result.fail(duplicate(message.id))
    rows.ensure(message.peer)
    const place = rows.next()
    const seq = numberOf(message.peer)
    rows.ids.set(message.id, { peer: message.peer, place })
    rows.put({
      place,
      id: message.id,
      peer: message.peer,
      protocol: message.protocol,
      subject: message.subject,
      body: message.body.slice(),
      createdAt: now,
      deadline: message.deadline,
      seq,
      attempts: seq === undefined ? 0 : 1,
      putOff: 0,
      lastOutcome: undefined,
      void: false,
      waiting: false,
      dueAt: now
    })
  }
  return Result.succeed(undefined)
}

export const make = (
  { attempt }: MemoryDatabase["Service"],
  rows: RetryRows
): Pick<
  RetryStore["Service"],
  "enqueue" | "submit" | "take" | "numbered" | "settle" | "restart" | "cancel" | "expire"
> => ({
  enqueue: (messages, now) =>
    attempt(() =>
      Result.map(
        write(rows, messages, now, () => undefined),
        () => [...new Set(messages.map(({ peer }) => peer))]
      )
    ),

  submit: (messages, now, links) =>
    attempt(() => {
      const first = new Map<NodeKey, bigint>()
      const last = new Map<NodeKey, bigint>()
      const known = messages.every(({ peer }) => rows.links.get(peer) !== undefined)
      for (const link of known ? links : []) {
        const row = owned(rows, link)
        if (Result.isFailure(row) || hasUnnumbered(rows, link.peer)) continue
        first.set(link.peer, row.success.sending.last + 1n)
        last.set(link.peer, row.success.sending.last)
      }
      const numbers = (peer: NodeKey): bigint | undefined => {
        const before = last.get(peer)
        if (before === undefined) return undefined
        last.set(peer, before + 1n)
        return before + 1n
      }
      return Result.map(write(rows, messages, now, numbers), () => {
        for (const [peer, number] of last) {
          const row = rows.ensure(peer)
          if (row.sending !== undefined) rows.links.set(peer, { ...row, sending: { ...row.sending, last: number } })
        }
        return [...first].map(([peer, number]) => ({ peer, first: number }))
      })
    }),

  take: (link, room, now) =>
    attempt(() =>
      Result.map(owned(rows, link), (row) => {
        const taken: Array<Numbered> = []
        const behind = new Map<string, number>()
        let last = row.sending.last
        let bytes = 0
        let next: number | undefined
        for (const message of rows.of(link.peer).outbox) {
          if (message.seq !== undefined) continue
          if (!fits(room, taken, bytes)) {
            next = now
            break
          }
          const subject = JSON.stringify([message.protocol, message.subject])
          const due = behind.get(subject)
          if (due !== undefined) {
            rows.put({ ...message, waiting: true, dueAt: Math.max(due, message.dueAt) })
          } else if (message.waiting && message.dueAt > now) {
            behind.set(subject, message.dueAt)
            next = Math.min(next ?? message.dueAt, message.dueAt)
          } else {
            const seq = ++last
            rows.put({ ...message, seq, waiting: false, attempts: message.attempts + 1 })
            taken.push(numberedOf(message, seq))
            bytes += message.body.length
          }
        }
        if (taken.length > 0) rows.links.set(link.peer, { ...row, sending: { ...row.sending, last } })
        return { messages: taken, next }
      })
    ),

  numbered: (link, after, room) =>
    attempt(() =>
      Result.map(owned(rows, link), () => {
        const taken: Array<Numbered> = []
        let bytes = 0
        for (const message of bySeq(rows.of(link.peer).outbox, after, undefined)) {
          if (!fits(room, taken, bytes)) break
          taken.push(numberedOf(message, message.seq))
          bytes += message.body.length
        }
        return taken
      })
    ),

  settle: (link, receipt, options) =>
    attempt(() =>
      Result.map(owned(rows, link), (row) => {
        const { last, receipted } = row.sending
        const upTo = receipt.upTo < last ? receipt.upTo : last
        const answers = new Map(receipt.answers.map((answer) => [answer.seq, answer.outcome]))
        const settled: Array<Settled> = []
        const gone = new Set<MessageId>()
        for (const message of bySeq(rows.of(link.peer).outbox, receipted, upTo)) {
          const outcome = answers.get(message.seq) ?? ok
          if (outcome._tag === "Later" && message.void) {
            rows.put({ ...message, seq: undefined, lastOutcome: outcomeText(outcome) })
            continue
          }
          if (outcome._tag !== "Later") {
            rows.remove(message)
            gone.add(message.id)
            const wanted = outcome._tag !== "Ok" || options.bodies.includes(message.protocol)
            if (wanted && !message.void) settled.push({ ...settledOf(message), outcome })
            continue
          }
          const putOff = message.putOff + (outcome.behind === undefined ? 1 : 0)
          const head = outcome.behind === undefined ? undefined : rows.find(outcome.behind)
          let dueAt = options.now
          if (head?.peer === link.peer) dueAt = head.waiting ? head.dueAt : options.now
          else if (outcome.behind === undefined || !gone.has(outcome.behind)) {
            dueAt = options.now + options.wait(putOff, outcome.retryAfterMillis)
          }
          const due = postpone(rows, { ...message, putOff }, dueAt, outcome)
          settled.push({ ...settledOf(message), outcome, dueAt: due })
        }
        if (upTo > receipted) rows.links.set(link.peer, { ...row, sending: { ...row.sending, receipted: upTo } })
        return settled
      })
    ),

  restart: (link, stream, position) =>
    attempt(() =>
      Result.map(owned(rows, link), (row) => {
        const { last, receipted } = row.sending
        const final = position < receipted ? receipted : position > last ? last : position
        for (const message of bySeq(rows.of(link.peer).outbox, 0n, undefined)) {
          if (message.seq <= final) rows.remove(message)
          else rows.put({ ...message, seq: undefined, lastOutcome: undefined })
        }
        rows.links.set(link.peer, {
          ...row,
          receiptedBefore: row.receiptedBefore + final,
          sending: { stream, last: 0n, receipted: 0n }
        })
      })
    ),

  cancel: (id) =>
    attempt(() => {
      const row = rows.find(id)
      if (row === undefined || row.void) return Result.succeed(undefined)
      return Result.succeed({ peer: row.peer, outcome: takeBack(rows, row) })
    }),

  expire: (now, limit, bodies = []) =>
    attempt(() => {
      const late: Array<Row & { readonly deadline: number }> = []
      for (const { peer } of rows.links) {
        for (const row of rows.of(peer).outbox) {
          const deadline = row.deadline
          if (deadline !== undefined && deadline <= now && !row.void) late.push({ ...row, deadline })
        }
      }
      late.sort((a, b) => a.deadline - b.deadline || (a.place < b.place ? -1 : 1))
      return Result.succeed(
        late.slice(0, limit).map((row): Expired => ({
          ...owedOf(row),
          outcome: takeBack(rows, row),
          body: bodies.includes(row.protocol) ? row.body : empty
        }))
      )
    })
})

const settledOf = (row: Row): Omit<Settled, "outcome"> => ({
  id: row.id,
  protocol: row.protocol,
  subject: row.subject,
  body: row.body
})
