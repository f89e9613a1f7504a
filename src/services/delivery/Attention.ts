/**
 * The action list: what waits for a user or for the operator (docs/PROTOCOL.md, 8).
 *
 * It is made anew from the state whenever somebody asks, never from messages or events, so that whoever has missed all
 * of those still learns of it. It is bounded; what has waited longest comes first.
 */
import { Cause, Clock, Context, Duration, Effect, Exit, Layer, Schema, type Scope } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { MessageId } from "../../protocol/delivery/Message.ts"
import { NodeKey } from "../../protocol/NodeKey.ts"
import { Transactions } from "../Transactions.ts"
import { AttentionStore, type Owing, type Untold } from "./AttentionStore.ts"
import { DeliveryConfig, type Config } from "./DeliveryConfig.ts"
import { type ParkedMessage, ParkedStore } from "./ParkedStore.ts"
import { mayPass } from "./Persist.ts"
import { type Concern, describe } from "./Protocol.ts"

/** The longest that one item's texts may be, in characters; longer ones are cut. */
const longest = { audience: 256, subject: 256, kind: 64, detail: 1_024 }

/** One matter that waits for somebody. */
export const AttentionItem = Schema.Struct({
  /** Whom it is for, such as a user's id; empty for the node's operator. */
  audience: Schema.String,
  /** Whose matter it is; empty for the node's own. */
  protocol: Schema.String,
  subject: Schema.String,
  /**
   * A short name for programs. The node's own: `message.parked`, `message.untold`, `peer.overdue`, `peer.no-address`
   * and `attention.failed`; the others are the protocol's.
   */
  kind: Schema.String,
  /** A sentence for people. */
  detail: Schema.String,
  /** Milliseconds since 1970. */
  since: Schema.Number,
  peer: Schema.optionalKey(NodeKey),
  /** The message, if it is about one. */
  id: Schema.optionalKey(MessageId)
})
export type AttentionItem = typeof AttentionItem.Type

/** Items of one answer at the most, and of one protocol in it. */
export const maxItems = 1_000

export class Attention extends Context.Service<
  Attention,
  {
    /** At most `limit` items, 1,000 in any case, of one audience if it is given; the oldest first. */
    readonly list: (query: {
      readonly audience?: string | undefined
      readonly limit: number
    }) => Effect.Effect<ReadonlyArray<AttentionItem>, SqlError>
    /**
     * Asks a protocol as well, until the scope closes. One that fails is an item itself, and hides nothing of the
     * others.
     */
    readonly include: (
      protocol: string,
      concerns: Effect.Effect<ReadonlyArray<Concern>, SqlError>
    ) => Effect.Effect<void, never, Scope.Scope>
  }
>()("holdfast/services/delivery/Attention") {
  static readonly layer: Layer.Layer<Attention, never, AttentionStore | ParkedStore | Transactions> = Layer.effect(
    Attention,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const store = yield* AttentionStore
  const parked = yield* ParkedStore
  const transactions = yield* Transactions
  const config = yield* DeliveryConfig
  const clock = yield* Clock.Clock
  const sources = new Map<string, Effect.Effect<ReadonlyArray<Concern>, SqlError>>()
  /** Protocols that have failed to answer: that is logged once. */
  const failing = new Set<string>()

  const own = Effect.fnUntraced(function* (limit: number) {
    const { patience } = config
    const before = clock.currentTimeMillisUnsafe() - patience.millis
    const owing = yield* store.owing({ before, attempts: patience.attempts, limit })
    return [
      ...(yield* store.untold({ limit })).map(ofUntold),
      ...(yield* parked.list({ limit })).map(ofParked),
      ...owing.flatMap((one) => ofOwing(one, before, patience))
    ]
  })

  /** What a protocol says, in a transaction or behind a savepoint, so that its failure spoils nothing else. */
  const ask = Effect.fnUntraced(function* (
    protocol: string,
    concerns: Effect.Effect<ReadonlyArray<Concern>, SqlError>
  ): Effect.fn.Return<ReadonlyArray<AttentionItem>, SqlError> {
    const exit = yield* Effect.exit(transactions.within(concerns))
    if (Exit.isSuccess(exit)) return exit.value.slice(0, maxItems).map((concern) => ofConcern(protocol, concern))
    const error = Cause.findErrorOption(exit.cause)
    if (Cause.hasInterrupts(exit.cause) || (error._tag === "Some" && mayPass(error.value))) {
      return yield* Effect.failCause(exit.cause)
    }
    if (!failing.has(protocol)) {
      failing.add(protocol)
      const told = Effect.logError("A protocol cannot say what needs attention", exit.cause)
      yield* Effect.annotateLogs(told, { protocol })
    }
    return [failed(protocol, clock.currentTimeMillisUnsafe())]
  })

  return Attention.of({
    list: Effect.fn("Attention.list")(function* ({ audience, limit }) {
      const most = Math.min(limit, maxItems)
      const items = audience === undefined || audience === "" ? yield* own(most) : []
      for (const [protocol, concerns] of sources) items.push(...(yield* ask(protocol, concerns)))
      const theirs = audience === undefined ? items : items.filter((item) => item.audience === audience)
      return theirs.toSorted((a, b) => a.since - b.since).slice(0, most)
    }),
    include: (protocol, concerns) =>
      Effect.acquireRelease(
        Effect.sync(() => void sources.set(protocol, concerns)),
        () => Effect.sync(() => void sources.delete(protocol))
      )
  })
})

const ofConcern = (protocol: string, concern: Concern): AttentionItem => ({
  protocol,
  audience: concern.audience.slice(0, longest.audience),
  subject: concern.subject.slice(0, longest.subject),
  kind: concern.kind.slice(0, longest.kind),
  detail: concern.detail.slice(0, longest.detail),
  since: concern.since
})

const failed = (protocol: string, since: number): AttentionItem => ({
  audience: "",
  protocol,
  subject: "",
  kind: "attention.failed",
  detail: `The protocol "${protocol}" cannot say what needs attention: see the node's log.`,
  since
})

const ofParked = ({ at, id, peer, protocol, subject, why }: ParkedMessage): AttentionItem => ({
  audience: "",
  protocol,
  subject,
  kind: "message.parked",
  detail: `It crashed its handler and was put aside: ${why}`.slice(0, longest.detail),
  since: at,
  peer,
  id
})

const ofUntold = ({ at, end, id, peer, protocol, subject }: Untold): AttentionItem => {
  const how = end._tag === "Settled" ? `ended (${describe(end.outcome)})` : `is past its time (${end.outcome})`
  return {
    audience: "",
    protocol,
    subject,
    kind: "message.untold",
    detail: `It ${how}, and its protocol could not take that in: it is told again when the node starts.`,
    since: at,
    peer,
    id
  }
}

/** A peer may wait for two reasons, which are two matters. */
const ofOwing = (owing: Owing, before: number, { attempts, millis }: Config["patience"]): Array<AttentionItem> => {
  const { peer, since } = owing
  const owed = `${owing.messages} ${owing.messages === 1 ? "message is" : "messages are"} owed to it`
  const item = (kind: string, detail: string): AttentionItem => ({
    audience: "",
    protocol: "",
    subject: peer,
    kind,
    detail,
    since,
    peer
  })
  const items: Array<AttentionItem> = []
  if (since <= before) {
    items.push(item("peer.overdue", `${owed}, the oldest for longer than ${Duration.format(Duration.millis(millis))}`))
  } else if (owing.attempts > attempts) {
    items.push(item("peer.overdue", `${owed}, of which one has been offered ${owing.attempts} times`))
  }
  if (!owing.addressed) items.push(item("peer.no-address", `${owed}, and no address of it is known: connect to it`))
  return items
}
