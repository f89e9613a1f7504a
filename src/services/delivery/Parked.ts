/**
 * What an operator does about messages that crashed their handler: look at them, run the handler once more, or drop
 * them (docs/PROTOCOL.md, 7.3).
 *
 * The sender has been told long ago that they were refused, and is told nothing new: what a late success means between
 * the two is the protocol's, as for every change of state.
 */
import { Cause, Clock, Context, Effect, Exit, Layer, Schema } from "effect"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import { MessageId } from "../../protocol/delivery/Message.ts"
import { NodeKey } from "../../protocol/NodeKey.ts"
import { Transactions } from "../Transactions.ts"
import { Feed } from "./Feed.ts"
import { type ParkedMessage, type ParkedPlace, ParkedStore } from "./ParkedStore.ts"
import { mayPass } from "./Persist.ts"
import { describe, type Handled, type Rejected } from "./Protocol.ts"
import { RetryStore } from "./RetryStore.ts"

/** No message of this id is parked, of this peer if one was named. */
export class ParkedUnknown extends Schema.TaggedError<ParkedUnknown>()("ParkedUnknown", { id: MessageId }) {
  override get message(): string {
    return `no message ${this.id} is parked`
  }
}

/** Several peers have sent a message of this id: one of them must be named. */
export class ParkedAmbiguous extends Schema.TaggedError<ParkedAmbiguous>()("ParkedAmbiguous", {
  id: MessageId,
  peers: Schema.Array(NodeKey)
}) {
  override get message(): string {
    return `messages ${this.id} of ${this.peers.length} peers are parked: ${this.peers.join(", ")}`
  }
}

/** The handler failed once more: nothing of what it wrote remains, and the message stays where it is. */
export class StillParked extends Schema.TaggedError<StillParked>()("StillParked", {
  peer: NodeKey,
  id: MessageId,
  why: Schema.String
}) {
  override get message(): string {
    return `message ${this.id} could not be handled and stays parked: ${this.why}`
  }
}

/** `handled`: it has had its effect now. `duplicate`: it had it before, when its peer offered it anew. */
export type Retried = "handled" | "duplicate"

/** The most that is kept of why a handler failed, in characters. */
const longestWhy = 4_096
/** Peers that are named when one must be chosen. */
const peersNamed = 8

export class Parked extends Context.Service<
  Parked,
  {
    /** In the order of their ids; at most `limit`. */
    readonly list: ParkedStore["Service"]["list"]
    /** How many there are, counted no further than `limit`. */
    readonly count: ParkedStore["Service"]["count"]
    /**
     * Runs the handler on the message. Its effects, what it sends and the end of the parked message are one
     * transaction. Must not be called inside another one.
     */
    readonly retry: (
      id: MessageId,
      peer?: NodeKey | undefined
    ) => Effect.Effect<Retried, ParkedUnknown | ParkedAmbiguous | StillParked | SqlError>
    /** Forgets the message, with an event that says so. */
    readonly drop: (
      id: MessageId,
      peer?: NodeKey | undefined
    ) => Effect.Effect<ParkedPlace, ParkedUnknown | ParkedAmbiguous | SqlError>
  }
>()("holdfast/services/delivery/Parked") {
  /** For these protocols, whose services are taken from the context now. */
  static readonly layer = <R>(
    protocols: ReadonlyArray<Handled<R>>
  ): Layer.Layer<Parked, never, ParkedStore | RetryStore | Transactions | Feed | R> =>
    Layer.effect(Parked, make(protocols))
}

const make = Effect.fnUntraced(function* <R>(protocols: ReadonlyArray<Handled<R>>) {
  const byName = new Map(protocols.map((protocol) => [protocol.name, protocol]))
  const store = yield* ParkedStore
  const retryStore = yield* RetryStore
  const transactions = yield* Transactions
  const feed = yield* Feed
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<R>()

  const placeOf = Effect.fnUntraced(function* (id: MessageId, peer: NodeKey | undefined) {
    if (peer !== undefined) return { id, peer }
    const peers = yield* store.peersOf(id, peersNamed)
    const [only] = peers
    if (only === undefined) return yield* new ParkedUnknown({ id })
    return peers.length === 1 ? { id, peer: only } : yield* new ParkedAmbiguous({ id, peers })
  })

  type Taken = Pick<ParkedMessage, "protocol" | "subject">
  const append = ({ id, peer }: ParkedPlace, { protocol, subject }: Taken, kind: string, more: object) =>
    feed.append([{ audience: "", protocol, subject, kind, body: { peer, id, ...more } }])

  /** Every way in which a handler can fail is a reason to stay, but for what may pass by itself. */
  const handle = Effect.fnUntraced(function* (place: ParkedPlace, protocolName: string, body: Uint8Array) {
    const protocol = byName.get(protocolName)
    const stay = (why: string) => new StillParked({ ...place, why: why.slice(0, longestWhy) })
    if (protocol === undefined) return yield* stay(`this node does not run "${protocolName}"`)
    const exit = yield* Effect.exit(Effect.provide(protocol.handle(body, place), context))
    if (Exit.isSuccess(exit)) return
    if (Cause.hasInterrupts(exit.cause)) return yield* Effect.interrupt
    const failure = Cause.findErrorOption<SqlError | Rejected>(exit.cause)
    if (failure._tag === "None") return yield* stay(Cause.pretty(exit.cause))
    if (!isSqlError(failure.value)) return yield* stay(describe(failure.value.outcome))
    return yield* mayPass(failure.value) ? failure.value : stay(Cause.pretty(exit.cause))
  })

  const attempt = Effect.fnUntraced(function* (place: ParkedPlace) {
    const message = yield* store.take(place)
    if (message === undefined) return yield* new ParkedUnknown({ id: place.id })
    const known = yield* retryStore.applied(place.peer, [place.id])
    const retried: Retried = known.has(place.id) ? "duplicate" : "handled"
    if (retried === "handled") {
      yield* handle(place, message.protocol, message.body)
      yield* store.remember(place, clock.currentTimeMillisUnsafe())
    }
    yield* store.remove(place)
    yield* append(place, message, "message.parked-handled", { result: retried })
    return retried
  })

  const forget = Effect.fnUntraced(function* (place: ParkedPlace) {
    const message = yield* store.take(place)
    if (message === undefined) return yield* new ParkedUnknown({ id: place.id })
    yield* store.remove(place)
    yield* append(place, message, "message.parked-dropped", {})
    return place
  })

  return Parked.of({
    list: store.list,
    count: store.count,
    retry: Effect.fn("Parked.retry")(function* (id, peer) {
      const place = yield* placeOf(id, peer)
      return yield* transactions
        .within(attempt(place))
        .pipe(Effect.tapErrorTag("StillParked", ({ why }) => store.blame(place, why)))
    }),
    drop: Effect.fn("Parked.drop")(function* (id, peer) {
      return yield* transactions.within(forget(yield* placeOf(id, peer)))
    })
  })
})
