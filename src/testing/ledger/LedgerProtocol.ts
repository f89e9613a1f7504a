/**
 * What the nodes of the ledger scenario talk about, and how each message ends: all outcomes that there are, answers
 * within the transaction of what they answer, and what a restored database brings back.
 */
import { Effect, Random } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlError } from "effect/sql/SqlError"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Delivery, type MessageInvalid, type SendOptions } from "../../services/delivery/Delivery.ts"
import * as Protocol from "../../services/delivery/Protocol.ts"
import { Ledger } from "./Ledger.ts"
import { LedgerMessage } from "./LedgerMessage.ts"

/** How long a message that is put off asks to wait before it is offered again, in milliseconds. */
export const putOff = 50
const putOffShare = 0.3

/** Whether a message asks for an effect. */
export const hasEffect = ({ wish }: LedgerMessage): boolean => wish !== "refuse" && wish !== "stale"

const handle = Effect.fnUntraced(function* (message: LedgerMessage, from: Protocol.Origin) {
  const ledger = yield* Ledger
  const { again, id, n, subject } = message
  if (message.wish === "refuse") return yield* Protocol.Rejected.refused("asked", "the message asks to be refused")
  if (message.wish === "stale") return yield* Protocol.Rejected.stale(String(n))
  if (message.wish === "later" && (yield* Random.next) < putOffShare) return yield* Protocol.Rejected.later(putOff)
  // After a restore a message may come under two ids of the outbox: the ledger looks whether it has it. Only then: a
  // message that comes twice although nothing was restored is a fault, and shall be seen.
  const before = yield* ledger.effectOf(id)
  if (before !== undefined && (again || before.again)) return
  yield* ledger.effected({ id, n, from: from.peer, subject, again })
  if (message.wish === "echo") yield* Effect.orDie(send(from.peer, { subject: `echo of ${subject}`, wish: "plain" }))
})

const onOutcome = Effect.fnUntraced(function* (
  message: LedgerMessage,
  outcome: { readonly _tag: string },
  to: Protocol.Origin
) {
  if (outcome._tag === "Later") return
  const ledger = yield* Ledger
  yield* ledger.concluded({ id: message.id, to: to.peer, outcome: outcome._tag })
})

const pending = Effect.fnUntraced(function* (peer: NodeKey) {
  const { cancellations, sent } = yield* (yield* Ledger).account
  const cancelled = new Set(cancellations.map(({ id }) => id))
  return sent
    .filter(({ id, to }) => to === peer && !cancelled.has(id))
    .map(({ messageId: _messageId, to: _to, ...message }) => ({ ...message, again: true }))
})

export const LedgerProtocol: Protocol.Protocol<"ledger", LedgerMessage, Ledger | Delivery | SecureRandom.SecureRandom> =
  Protocol.make("ledger", {
    messages: LedgerMessage,
    subject: (message) => message.subject,
    handle,
    onOutcome,
    pending
  })

/** Sends a message and writes it into the own ledger, in the caller's transaction. */
export const send = (
  to: NodeKey,
  { padding = 0, subject, wish }: Pick<LedgerMessage, "subject" | "wish"> & { readonly padding?: number },
  options?: SendOptions
): Effect.Effect<void, SqlError | MessageInvalid, Ledger | Delivery | SecureRandom.SecureRandom> =>
  Effect.gen(function* () {
    const ledger = yield* Ledger
    const delivery = yield* Delivery
    const { uuidV4 } = yield* SecureRandom.SecureRandom
    const id = yield* uuidV4()
    const n = yield* ledger.next
    const message = { id, n, subject, wish, again: false, padding: "x".repeat(padding) }
    const messageId = yield* delivery.send(to, LedgerProtocol, message, options)
    yield* ledger.sent({ ...message, to, messageId })
  })
