/**
 * Peers and messages that no other test has.
 */
import { randomBytes, randomUUID } from "node:crypto"
import { Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Answer, MessageId, Numbered, Outcome, Outgoing } from "../../src/protocol/delivery/Message.ts"
import * as NodeKey from "../../src/protocol/NodeKey.ts"
import type { LinkFenced, ReceivedBatch, RetryStore } from "../../src/services/delivery/RetryStore.ts"

export const stranger = (): NodeKey.NodeKey => NodeKey.fromBytes(randomBytes(32))

export const uuid = (): MessageId => randomUUID()

export const message = (peer: NodeKey.NodeKey, fields: Partial<Outgoing> = {}): Outgoing => ({
  id: uuid(),
  peer,
  protocol: "chat",
  subject: "room",
  body: new Uint8Array([1, 2, 3]),
  ...fields
})

export const messages = (peer: NodeKey.NodeKey, count: number, fields: Partial<Outgoing> = {}) =>
  Array.from({ length: count }, () => message(peer, fields))

/** A window that stops nothing. */
export const wide = { messages: 1_000, bytes: 1_000_000 }

export const later = (retryAfterMillis: number, behind?: MessageId): Outcome =>
  behind === undefined ? { _tag: "Later", retryAfterMillis } : { _tag: "Later", retryAfterMillis, behind }

export const refused: Outcome = { _tag: "Refused", reason: "no", detail: "never" }
export const stale: Outcome = { _tag: "Stale", revision: "7", state: new Uint8Array([9]) }

export const answer = (seq: bigint, outcome: Outcome): Answer => ({ seq, outcome })

/** Waits as long as the peer asks. */
export const settling = (now: number, bodies: ReadonlyArray<string> = []) => ({
  now,
  bodies,
  wait: (_putOff: number, retryAfterMillis: number) => retryAfterMillis
})

export const batch = (fields: Pick<ReceivedBatch, "stream" | "position"> & Partial<ReceivedBatch>): ReceivedBatch => ({
  adopts: false,
  applied: [],
  answers: [],
  duplicates: 0,
  held: [],
  released: [],
  seen: 0n,
  ...fields
})

export const ids = (rows: ReadonlyArray<{ readonly id: MessageId }>): ReadonlyArray<MessageId> =>
  rows.map(({ id }) => id)

/** Takes the next messages and forgets when there may be more. */
export const number = (
  store: RetryStore["Service"],
  ...args: Parameters<RetryStore["Service"]["take"]>
): Effect.Effect<ReadonlyArray<Numbered>, SqlError | LinkFenced> =>
  Effect.map(store.take(...args), ({ messages }) => messages)

/** When the first message without a number is due; `undefined` if there is none. */
export const nextDue = (
  store: RetryStore["Service"],
  peer: NodeKey.NodeKey
): Effect.Effect<number | undefined, SqlError> =>
  Effect.map(store.owed({ peer, limit: 20_000 }), (rows) => {
    const waiting = rows.filter(({ seq }) => seq === undefined).map(({ dueAt }) => dueAt)
    return waiting.length === 0 ? undefined : Math.min(...waiting)
  })
