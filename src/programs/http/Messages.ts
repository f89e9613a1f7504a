/**
 * Notes to peers, what is owed and why, and the notes that have arrived, as the API offers them.
 */
import { Clock, Context, Duration, Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { MessageId } from "../../protocol/delivery/Message.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Delivery } from "../../services/delivery/Delivery.ts"
import { Feed } from "../../services/delivery/Feed.ts"
import { type Owed, RetryStore } from "../../services/delivery/RetryStore.ts"
import { Wakes } from "../../services/delivery/Wakes.ts"
import { Registry } from "../../services/link/Registry.ts"
import { Supervisor, type Watch } from "../../services/link/Supervisor.ts"
import { Transactions } from "../../services/Transactions.ts"
import * as NoteProtocol from "../NoteProtocol.ts"
import { NotFound, Refused } from "./ApiErrors.ts"
import type { OwedView } from "./Models.ts"
import { reachable } from "./Reachable.ts"

const standardPage = 100

export interface Page<A> {
  readonly peer?: NodeKey | undefined
  readonly after?: A | undefined
  readonly limit?: number | undefined
}

/** One sentence: what a message waits for. */
const why = (owed: Owed, connected: boolean, dialled: boolean, now: number): string => {
  if (owed.void) return "it was taken back, and the peer has yet to confirm its number"
  if (!connected) {
    const sent = owed.seq === undefined ? "" : "; it was sent before, without a receipt"
    return dialled ? `the peer is not connected${sent}` : `the peer is not connected, and no address is dialled${sent}`
  }
  if (owed.seq !== undefined) return "it was sent, and the receipt is awaited"
  if (owed.lastOutcome !== undefined) return `the peer answered: ${owed.lastOutcome}`
  return owed.dueAt > now ? "its time has not come" : "it is about to be sent"
}

const gone = (id: MessageId) =>
  new NotFound({
    message: `no message ${id} is owed`,
    fix: "It may have been delivered.",
    see: "GET /outbox"
  })

export const make = Effect.gen(function* () {
  const delivery = yield* Delivery
  const feed = yield* Feed
  const registry = yield* Registry
  const store = yield* RetryStore
  const supervisor = yield* Supervisor
  const transactions = yield* Transactions
  const wakes = yield* Wakes
  const clock = yield* Clock.Clock
  const database = Context.pick(SqlClient.SqlClient)(yield* Effect.context<SqlClient.SqlClient>())

  const view = (owed: Owed, watch: Watch | undefined, now: number): OwedView => {
    const connected = registry.session(owed.peer) !== undefined
    const dialIn = watch?.nextDialInMillis
    const nextAt = !connected
      ? dialIn === undefined
        ? undefined
        : now + dialIn
      : owed.dueAt > now
        ? owed.dueAt
        : undefined
    return {
      id: owed.id,
      peer: owed.peer,
      protocol: owed.protocol,
      subject: owed.subject,
      bytes: owed.bytes,
      since: owed.createdAt,
      why: why(owed, connected, watch !== undefined && watch.desires.length > 0, now),
      attempts: owed.attempts,
      ...(nextAt === undefined ? {} : { nextAt: Math.round(nextAt) }),
      ...(owed.deadline === undefined ? {} : { deadline: owed.deadline })
    }
  }

  return {
    send: Effect.fn("Api.send")(function* (note: {
      readonly peer: NodeKey
      readonly text: string
      readonly withinMillis?: number | undefined
    }) {
      const within = note.withinMillis === undefined ? {} : { within: Duration.millis(note.withinMillis) }
      const id = yield* delivery.sendNow(note.peer, NoteProtocol.Note, { text: note.text }, within).pipe(
        reachable,
        Effect.catchTag("MessageInvalid", (error) =>
          Effect.fail(
            new Refused({ message: error.message, fix: "Send to the key of another node.", see: "GET /peers" })
          )
        )
      )
      return { id }
    }),

    outbox: Effect.fn("Api.outbox")(function* ({ after, limit = standardPage, peer }: Page<MessageId>) {
      const now = clock.currentTimeMillisUnsafe()
      const watches = new Map((yield* supervisor.watches).map((watch) => [watch.peer, watch]))
      const owed = yield* reachable(store.owed({ peer, after, limit }))
      const last = owed.length < limit ? undefined : owed.at(-1)
      return {
        items: owed.map((one) => view(one, watches.get(one.peer), now)),
        ...(last === undefined ? {} : { next: last.id })
      }
    }),

    retry: Effect.fn("Api.retry")(function* (id: MessageId) {
      if (!(yield* reachable(store.hasten(id, clock.currentTimeMillisUnsafe())))) {
        return yield* new NotFound({
          message: `no message ${id} waits for its time`,
          fix: "It may have been delivered, or wait for its peer to be connected.",
          see: "GET /outbox"
        })
      }
      // Whose message it is does not matter: a wake-up is a hint, and looking costs little.
      for (const { session } of registry.sessions()) yield* wakes.wake(session.peer)
      return { id }
    }),

    drop: Effect.fn("Api.drop")(function* (id: MessageId) {
      const result = yield* transactions
        .within(
          Effect.gen(function* () {
            const taken = yield* store.cancel(id)
            if (taken === undefined) return undefined
            const { outcome: result, peer } = taken
            yield* transactions.afterCommit(wakes.wake(peer))
            const event = { audience: "", protocol: "", subject: id, kind: "message.dropped", body: { id, result } }
            yield* feed.append([event])
            return result
          })
        )
        .pipe(reachable)
      return result === undefined ? yield* gone(id) : { result }
    }),

    inbox: Effect.fn("Api.inbox")(function* ({ after, limit = standardPage, peer }: Page<bigint>) {
      const items = yield* NoteProtocol.inbox({ peer, after, limit }).pipe(Effect.provide(database), reachable)
      const next = items.at(-1)?.position ?? after
      return { items, ...(next === undefined ? {} : { next }) }
    })
  }
})
