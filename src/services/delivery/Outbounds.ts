/**
 * The outgoing streams of the sessions that are live in this process, for senders that number what they commit.
 *
 * Per peer, one at a time asks the database for what has numbers or gives some: a sender that does not hear of its
 * commit can try again with the same ids, since nothing of what it may have written can have been sent meanwhile.
 */
import { Context, Effect, Layer, type Scope, Semaphore } from "effect"
import type { Numbered, Outgoing } from "../../protocol/delivery/Message.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { DeliveryConfig } from "./DeliveryConfig.ts"
import type { Outbound } from "./Outbound.ts"
import type { Link } from "./RetryStore.ts"

interface Live {
  readonly link: Link
  readonly outbound: Outbound
  /** What `outbound` had settled when its link was offered last. */
  settled: bigint
}

interface Turn {
  readonly semaphore: Semaphore.Semaphore
  users: number
}

export class Outbounds extends Context.Service<
  Outbounds,
  {
    /** Whether the pumps of this database are in this process: nobody else sends what it writes. */
    readonly pumping: () => boolean
    /** From now on, until the scope closes, they are. */
    readonly pump: Effect.Effect<void, never, Scope.Scope>
    /** The stream takes part until the scope closes. */
    readonly attach: (link: Link, outbound: Outbound) => Effect.Effect<void, never, Scope.Scope>
    /** Runs `effect` while nobody else numbers for these peers, or reads what is numbered. */
    readonly inTurn: (
      peers: ReadonlyArray<NodeKey>
    ) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /** The links of these messages that may give them numbers at once. In turn only. */
    readonly open: (messages: ReadonlyArray<Outgoing>) => ReadonlyArray<Link>
    /** Numbers were given and committed. In turn only. False if there is no pump any more to take the messages over. */
    readonly give: (peer: NodeKey, first: bigint, messages: ReadonlyArray<Outgoing>) => boolean
    /** Numbers may have been given for these peers. */
    readonly doubt: (peers: ReadonlyArray<NodeKey>) => void
  }
>()("holdfast/services/delivery/Outbounds") {
  static readonly layer: Layer.Layer<Outbounds> = Layer.effect(
    Outbounds,
    Effect.map(DeliveryConfig, ({ window }) => make(window))
  )
}

const numbered = ({ body, id, protocol, subject }: Outgoing): Omit<Numbered, "seq"> => ({
  id,
  protocol,
  subject,
  body,
  void: false
})

/** Messages by peer, in their order. */
const byPeer = (messages: ReadonlyArray<Outgoing>): ReadonlyMap<NodeKey, ReadonlyArray<Outgoing>> =>
  Map.groupBy(messages, ({ peer }) => peer)

const sizeOf = (messages: ReadonlyArray<Outgoing>) => ({
  messages: messages.length,
  bytes: messages.reduce((sum, { body }) => sum + body.length, 0)
})

const make = (window: Parameters<Outbound["hasRoom"]>[0]): Outbounds["Service"] => {
  const live = new Map<NodeKey, Live>()
  const turns = new Map<NodeKey, Turn>()
  let pumps = 0

  /** Kept as long as somebody uses or waits for it. */
  const turn =
    (peer: NodeKey) =>
    <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.suspend(() => {
        const mine = turns.get(peer) ?? { semaphore: Semaphore.makeUnsafe(1), users: 0 }
        turns.set(peer, mine)
        mine.users++
        const leave = Effect.sync(() => {
          if (--mine.users === 0) turns.delete(peer)
        })
        return Effect.ensuring(mine.semaphore.withPermit(effect), leave)
      })

  return Outbounds.of({
    pumping: () => pumps > 0,
    pump: Effect.acquireRelease(
      Effect.sync(() => void pumps++),
      () => Effect.sync(() => void pumps--)
    ),
    attach: (link, outbound) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.sync(() => {
            const mine: Live = { link, outbound, settled: outbound.seen }
            live.set(link.peer, mine)
            return mine
          }),
          (mine) => Effect.sync(() => (live.get(link.peer) === mine ? live.delete(link.peer) : false))
        )
      ),
    inTurn: (peers) => (effect) => [...peers].sort().reduceRight((inner, peer) => turn(peer)(inner), effect),
    open: (messages) => {
      const links: Array<Link> = []
      for (const [peer, theirs] of byPeer(messages)) {
        const it = live.get(peer)
        if (it === undefined || !it.outbound.hasRoom(window, sizeOf(theirs))) continue
        it.settled = it.outbound.settled
        links.push(it.link)
      }
      return links
    },
    give: (peer, first, messages) => {
      const it = live.get(peer)
      if (it === undefined) return false
      if (it.settled > it.outbound.seen) it.outbound.seen = it.settled
      it.outbound.give(first, messages.filter((message) => message.peer === peer).map(numbered))
      return true
    },
    doubt: (peers) => {
      for (const peer of peers) {
        const it = live.get(peer)
        if (it === undefined) continue
        it.outbound.unsure = true
        it.outbound.look.open()
      }
    }
  })
}

/** Of a process that has no pumps. */
export const noOutbounds: Outbounds["Service"] = make({ messages: 0, bytes: 0 })
