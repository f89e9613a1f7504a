/**
 * Group commit: messages of concurrent senders become one transaction, and each sender hears when it is durable.
 *
 * Where a session with their peer is live in this process they get their numbers in the same statement, and are handed
 * to its pump without being read from the database again.
 */
import { Clock, Deferred, Effect, Option, Queue, type Scope } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Outgoing } from "../../protocol/delivery/Message.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Buggify } from "../Buggify.ts"
import { monotonic } from "../Monotonic.ts"
import { DeliveryConfig } from "./DeliveryConfig.ts"
import { DeliveryMeter } from "./DeliveryMeter.ts"
import { commitUnknown, Transactions } from "../Transactions.ts"
import { noOutbounds, Outbounds } from "./Outbounds.ts"
import { persist } from "./Persist.ts"
import { RetryStore } from "./RetryStore.ts"
import { Wakes } from "./Wakes.ts"

/** Senders that share one commit at the most, those that wait for theirs, and the bytes of a group. */
const groupLimit = 256
const waitingLimit = 4_096
const groupBytes = 1024 * 1024

interface Request {
  readonly outgoing: Outgoing
  readonly done: Deferred.Deferred<void, SqlError>
  /** Its sender does not wait any more. */
  gone: boolean
}

/** Returns once the message is durable. */
export type Submit = (outgoing: Outgoing) => Effect.Effect<void, SqlError>

const unknown = commitUnknown("another process owns the node by now")

const isThere = (error: SqlError): boolean => error.reason._tag === "UniqueViolation"

/** As many as one transaction takes. */
const fitting = (requests: ReadonlyArray<Request>): number => {
  let bytes = 0
  const over = requests.findIndex(({ outgoing }) => (bytes += outgoing.body.length) > groupBytes)
  return over === -1 ? requests.length : Math.max(1, over)
}

export const make: Effect.Effect<Submit, never, RetryStore | Scope.Scope | Transactions | Wakes> = Effect.gen(
  function* () {
    const store = yield* RetryStore
    // Not there in a process that only sends.
    const outbounds = Option.getOrElse(yield* Effect.serviceOption(Outbounds), () => noOutbounds)
    const transactions = yield* Transactions
    const wakes = yield* Wakes
    const buggify = yield* Buggify
    const config = yield* DeliveryConfig
    const meter = yield* DeliveryMeter
    const clock = yield* Clock.Clock
    const requests = yield* Queue.bounded<Request>(waitingLimit)

    /**
     * A transaction of whose commit we do not hear is tried again with the same ids: if they are there by then, it was
     * committed. Nothing of it can have been sent and settled meanwhile as long as the pumps are in this process, for
     * they have to wait for their turn; once another process owns the node, nobody can tell.
     */
    const written = Effect.fnUntraced(function* (messages: ReadonlyArray<Outgoing>) {
      let tried = false
      const write = Effect.suspend(() => {
        const now = clock.currentTimeMillisUnsafe()
        const links = buggify.fires("delivery.numbered-late") ? [] : outbounds.open(messages)
        // What has expired meanwhile may have been taken back already.
        const all = tried ? messages.filter(({ deadline }) => deadline === undefined || deadline > now) : messages
        return all.length === 0 ? Effect.succeed([]) : store.submit(all, now, links, tried)
      })
      const again = Effect.catchTag(write, "SqlError", (error) => {
        if (tried && isThere(error)) return Effect.succeed([])
        tried = true
        outbounds.doubt(messages.map(({ peer }) => peer))
        return Effect.fail(error)
      })
      return yield* Effect.catchTag(persist("writing messages", config)(again), "LinkFenced", () =>
        Effect.fail(unknown)
      )
    })

    const enqueue = (messages: ReadonlyArray<Outgoing>) =>
      Effect.as(transactions.within(store.enqueue(messages, clock.currentTimeMillisUnsafe())), [])

    const write = Effect.fnUntraced(function* (messages: ReadonlyArray<Outgoing>) {
      const peers = [...new Set(messages.map(({ peer }) => peer))]
      const begun = monotonic(clock)
      const attended = new Set<NodeKey>()
      yield* outbounds.inTurn(peers)(
        Effect.map(outbounds.pumping() ? written(messages) : enqueue(messages), (given) => {
          for (const { first, peer } of given) if (outbounds.give(peer, first, messages)) attended.add(peer)
        })
      )
      meter.groupSent(messages.length, monotonic(clock) - begun)
      for (const peer of peers) if (!attended.has(peer)) yield* wakes.wake(peer)
    })

    let left: ReadonlyArray<Request> = []
    const next = Effect.gen(function* () {
      const most = buggify.fires("delivery.group-of-one") ? 1 : groupLimit
      const gathered = left.length > 0 ? left : yield* Queue.takeBetween(requests, 1, most)
      const waiting = gathered.filter(({ gone }) => !gone)
      const count = fitting(waiting)
      left = waiting.slice(count)
      return waiting.slice(0, count)
    })

    /** Writes what has gathered as one transaction. A failure is everybody's. */
    const writeGroup = Effect.gen(function* () {
      const group = yield* next
      if (group.length === 0) return
      const exit = yield* Effect.exit(write(group.map(({ outgoing }) => outgoing)))
      for (const { done } of group) Deferred.doneUnsafe(done, exit)
    })
    yield* Effect.forever(writeGroup).pipe(
      Effect.tapCause((cause) => Effect.logError("The writer of grouped messages failed", cause)),
      Effect.forkScoped
    )

    return Effect.fnUntraced(function* (outgoing: Outgoing) {
      const request: Request = { outgoing, done: Deferred.makeUnsafe<void, SqlError>(), gone: false }
      const leave = Effect.sync(() => {
        request.gone = true
      })
      yield* Effect.onInterrupt(
        Effect.andThen(Queue.offer(requests, request), Deferred.await(request.done)),
        () => leave
      )
    })
  }
)
