/**
 * What the nodes of the grouped scenario say to each other: messages that are handled many at a time, and nobody hears
 * what became of them.
 */
import { Effect, Random } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import * as Protocol from "../../services/delivery/Protocol.ts"
import { Ledger } from "./Ledger.ts"
import { LedgerMessage } from "./LedgerMessage.ts"

/** How long a message that is put off asks to wait before it is offered again, in milliseconds. */
const putOff = 50
const putOffShare = 0.3

const handle = Effect.fnUntraced(function* (
  { again, id, n, subject, wish }: LedgerMessage,
  from: Protocol.Origin
): Effect.fn.Return<void, Protocol.Rejected | SqlError, Ledger> {
  if (wish === "later" && (yield* Random.next) < putOffShare) return yield* Protocol.Rejected.later(putOff)
  yield* (yield* Ledger).effected({ id, n, from: from.peer, subject, again })
})

export const GroupedProtocol: Protocol.Protocol<"grouped", LedgerMessage, Ledger> = Protocol.make("grouped", {
  messages: LedgerMessage,
  subject: ({ subject }) => subject,
  handle,
  handleAll: Effect.forEach(({ from, message }: Protocol.Received<LedgerMessage>) => handle(message, from), {
    discard: true
  })
})
