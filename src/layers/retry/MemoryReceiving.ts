/**
 * The receiver's half of the retry store in memory: positions, answers, ids that were applied and ids that wait.
 */
import { Result } from "effect"
import type { MessageId } from "../../protocol/delivery/Message.ts"
import { LinkFenced, type RetryStore } from "../../services/delivery/RetryStore.ts"
import type { MemoryDatabase } from "../MemoryDatabase.ts"
import { owned, type RetryRows } from "./MemoryRows.ts"
import { maxHeld } from "./OutcomeText.ts"

export const make = (
  { attempt }: MemoryDatabase["Service"],
  rows: RetryRows
): Pick<RetryStore["Service"], "positions" | "receiving" | "applied" | "received" | "accuse" | "park" | "prune"> => ({
  positions: (link) =>
    attempt(() =>
      Result.map(owned(rows, link), (row) => ({
        sending: row.sending,
        receiving: { stream: row.stream, position: row.position, seen: row.seen },
        answers: [...rows.of(link.peer).answers]
      }))
    ),

  receiving: (link) =>
    attempt(() =>
      Result.map(owned(rows, link), (row) => ({
        stream: row.stream,
        position: row.position,
        restarted: row.restarted,
        held: [...rows.of(link.peer).held].map(({ id, protocol, seq, subject }) => ({ protocol, subject, id, seq }))
      }))
    ),

  applied: (peer, ids, stream) =>
    attempt(() => {
      const known = new Set<MessageId>()
      const asked = new Set(ids)
      for (const batch of rows.of(peer).applied) {
        if (batch.stream === stream && !batch.superseded) continue
        for (const id of batch.ids) if (asked.has(id)) known.add(id)
      }
      return Result.succeed(known)
    }),

  received: (link, batch, now) =>
    attempt(() =>
      Result.flatMap(owned(rows, link), (row) => {
        const { answers, applied, held } = rows.of(link.peer)
        const { after } = batch
        if (after !== undefined && (row.stream !== after.stream || row.position !== after.position || held.size > 0)) {
          return Result.fail(new LinkFenced({ peer: link.peer, epoch: link.epoch }))
        }
        const restarted = batch.adopts && row.stream !== null
        if (batch.adopts) {
          held.deleteWhere(() => true)
          for (const answer of answers) answers.delete(answer.seq)
          for (const it of applied) if (it.stream !== batch.stream) applied.set(it.place, { ...it, superseded: true })
        }
        const seen = batch.adopts || batch.seen > row.seen ? batch.seen : row.seen
        rows.links.set(link.peer, {
          ...row,
          stream: batch.stream,
          position: batch.position,
          seen,
          restarted: row.restarted || restarted,
          receivedBefore: row.receivedBefore + (batch.adopts ? row.position : 0n),
          duplicates: row.duplicates + BigInt(batch.duplicates),
          fruitless: -1,
          suspect: undefined,
          accused: 0
        })
        for (const { seq, outcome } of batch.answers) answers.set(seq, { seq, outcome })
        for (const { seq } of answers) {
          if (seq > seen) break
          answers.delete(seq)
        }
        if (batch.applied.length > 0) {
          const place = rows.next()
          const { applied: ids, position: lastSeq, stream } = batch
          applied.set(place, { place, stream, lastSeq, superseded: false, ids, at: now })
        }
        const released = new Set(batch.released)
        if (released.size > 0) held.deleteWhere((it) => released.has(it.id))
        if (batch.held.length > 0) {
          const known = new Map([...held].map((row) => [row.id, row]))
          for (const it of batch.held) {
            const row = known.get(it.id)
            if (row !== undefined) held.set(row.place, { ...row, seq: it.seq })
            else if (held.size < maxHeld) {
              const place = rows.next()
              held.set(place, { ...it, place })
            }
          }
        }
        return Result.succeed(undefined)
      })
    ),

  accuse: (link, id, times) =>
    attempt(() =>
      Result.map(owned(rows, link), (row) => void rows.links.set(link.peer, { ...row, suspect: id, accused: times }))
    ),

  park: (peer, message, why, now) =>
    attempt(() => {
      rows.of(peer).parked.set(message.id, { ...message, why, at: now })
      return Result.succeed(undefined)
    }),

  prune: ({ before, ids, limit }) =>
    attempt(() => {
      let gone = 0
      for (const { peer, position } of rows.links) {
        const { applied } = rows.of(peer)
        const left = position - BigInt(ids)
        let newer = Number(position)
        const past = [...applied].filter((batch) => batch.superseded).toSorted((a, b) => b.at - a.at)
        const beyond = new Set(past.filter((batch) => (newer += batch.ids.length) > ids))
        gone += applied.deleteWhere(
          (batch) =>
            batch.at < before ||
            (!batch.superseded && batch.lastSeq - BigInt(batch.ids.length) < left) ||
            beyond.has(batch),
          limit - gone
        )
      }
      return Result.succeed(gone)
    })
})
