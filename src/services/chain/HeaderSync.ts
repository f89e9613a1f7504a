/**
 * Keeps the headers of a chain up to date: asks peers for what comes after this node's own, checks and stores what they give, and says
 * what has changed. Knows no wire: whoever has one decodes, sends, and tells others.
 */
import { Clock, Effect, Latch } from "effect"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import * as Asking from "../../protocol/chain/HeaderAsking.ts"
import type { Linked } from "../../protocol/chain/HeaderTree.ts"
import type { Alarms } from "../link/Alarms.ts"
import { isCommitUnknown } from "../Transactions.ts"
import type { HeaderChain, Question } from "./HeaderChain.ts"
import { bitcoinNews, type HeaderPeer, type News } from "./HeaderPeer.ts"
import type { StoredHeader } from "./HeaderStore.ts"
import * as HeaderTaking from "./HeaderTaking.ts"
import type { ChainMoved, Change, HeaderRefused, Turn } from "./HeaderTurn.ts"
import { NextLook } from "./NextLook.ts"

export interface Options<H extends Linked, Fault> {
  readonly chain: HeaderChain<H, Fault>
  readonly alarms: Alarms
  /** Runs what has to be waited for beside the reading. */
  readonly fork: (effect: Effect.Effect<void>) => void
  readonly policy?: Asking.Policy
  readonly news?: News
  /** Whether a best header is so new, at `nowMillis` since 1970, that all peers are asked, and not one at a time; always without it. */
  readonly isRecent?: (best: H, nowMillis: number) => boolean
  /** The best chain is another one; `source` is who gave it, if it was a peer. */
  readonly changed: (change: Change<H>, source: number | undefined) => void
  /** It was asked and has not answered: another one is asked. */
  readonly passedOver: (peer: HeaderPeer<Fault>) => void
}

export interface HeaderSync<H extends Linked, Fault> {
  readonly joined: (peer: HeaderPeer<Fault>) => void
  readonly left: (id: number) => void
  /**
   * A peer has given headers, asked or not; none is an answer. A fiber of the node takes them, so that a peer which leaves meanwhile
   * leaves nothing half done; what is returned is to be waited for before its next message.
   */
  readonly heard: (id: number, headers: ReadonlyArray<H>) => Effect.Effect<void> | undefined
  /** A peer that was asked has said that it has nothing. */
  readonly hasNothing: (id: number) => void
  /** What a peer that asks is to be told. */
  readonly asked: (id: number, question: Question) => Effect.Effect<ReadonlyArray<StoredHeader>, SqlError>
  /** A peer has something that is not known here. */
  readonly announced: (id: number) => void
  /** Whether a peer was asked and has not answered yet. */
  readonly isAsking: () => boolean
  /** Whether the best header is new enough for all peers to be asked. */
  readonly isRecent: () => boolean
  /** The greatest height of this node's best chain that a peer is known to have; -1 if there is no such peer. */
  readonly heightOf: (id: number) => number
  /** A peer has the header of this height of the best chain. */
  readonly knows: (id: number, height: number) => void
  /** Holds a header back, or releases it: the best chain is another one then. */
  readonly hold: (id: string) => Effect.Effect<void>
  readonly release: (id: string) => Effect.Effect<void>
  /**
   * Runs a transaction that writes a header of this node's own, by `extend` (see `Turn`), while nobody else changes the chain; called
   * outside of transactions. Once it has committed, `changed` tells, and before this returns.
   */
  readonly extending: <A, E, R>(
    produce: (
      extend: (header: H) => Effect.Effect<void, HeaderRefused | ChainMoved | SqlError>
    ) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R>
}

/** A transaction may have been committed, and may not. */
const isUnheard = (error: unknown): boolean => isSqlError(error) && isCommitUnknown(error)

export const make = Effect.fnUntraced(function* <H extends Linked, Fault>(options: Options<H, Fault>) {
  const {
    alarms,
    chain,
    fork: run,
    isRecent: isNew,
    passedOver,
    policy = Asking.defaults,
    news = bitcoinNews
  } = options
  const clock = yield* Clock.Clock
  const members = new Map<number, HeaderTaking.Member<Fault>>()
  let asking = Asking.initial
  const next = new NextLook(alarms, () => step({ _tag: "Looked" }))

  const isRecent = (): boolean => isNew?.(chain.best().header, clock.currentTimeMillisUnsafe()) ?? true

  const isAsking = (): boolean => Asking.isAsking(policy, asking, alarms.now)

  const step = (event: Asking.Event): void => {
    const { actions, state } = Asking.step(policy, asking, event, { now: alarms.now, isRecent: isRecent() })
    asking = state
    for (const { _tag, peer } of actions) {
      const member = members.get(peer)
      if (member === undefined) continue
      if (_tag === "Ask") run(ask(member))
      else passedOver(member.peer)
    }
    next.at(Asking.nextLook(state))
  }

  const ask = ({ last, peer }: HeaderTaking.Member<Fault>): Effect.Effect<void> =>
    chain.locator(last).pipe(
      Effect.flatMap(peer.ask),
      Effect.catch((error) => Effect.logWarning("The stored headers cannot be read", error))
    )

  /** Who has told it has it; of the others nobody is known to have what is new. */
  const changed = (change: Change<H>, source: number | undefined): void => {
    for (const [id, member] of members) {
      const isSource = id === source && change.joined.length > 0
      member.height = isSource ? change.tip.height : Math.min(member.height, change.fork)
    }
    options.changed(change, source)
  }

  const take = HeaderTaking.make<H, Fault>({ chain, news, isRecent, isAsking, changed, step })

  const heard = (id: number, headers: ReadonlyArray<H>): Effect.Effect<void> | undefined => {
    const member = members.get(id)
    if (member === undefined) return undefined
    const taken = Latch.makeUnsafe(false)
    run(
      chain
        .alone((turn) => take(turn, member, headers))
        .pipe(
          Effect.catch((error) => Effect.logError("Headers could not be kept", error)),
          Effect.ensuring(taken.open)
        )
    )
    return taken.await
  }

  const knows = (id: number, height: number): void => {
    const member = members.get(id)
    if (member !== undefined) member.height = Math.max(member.height, height)
  }

  const asked = (id: number, question: Question): Effect.Effect<ReadonlyArray<StoredHeader>, SqlError> =>
    Effect.tap(chain.answer(question), (headers) => {
      const last = headers.at(-1)
      if (last !== undefined && chain.get(last.id) !== undefined) knows(id, last.height)
      return Effect.void
    })

  /** Changes which headers count, and writes the chain that is best then. */
  const weigh = (change: (turn: Turn<H, Fault>) => void): Effect.Effect<void> =>
    chain
      .alone(
        Effect.fnUntraced(function* (turn) {
          change(turn)
          const saved = yield* turn.save
          if (saved !== undefined) changed(saved, undefined)
        })
      )
      .pipe(Effect.catch((error) => Effect.logError("Headers could not be kept", error)))

  const extending: HeaderSync<H, Fault>["extending"] = (produce) =>
    chain.alone(
      Effect.fnUntraced(function* ({ doubt, extend, save }) {
        const produced = yield* produce((header) => extend(header, (change) => changed(change, undefined))).pipe(
          Effect.tapError((error) => (isUnheard(error) ? Effect.sync(doubt) : Effect.void)),
          Effect.exit
        )
        // Another process may have written: what it wrote is read, so that the next attempt follows it.
        const change = yield* Effect.catch(save, (error) => Effect.logError("Headers could not be kept", error))
        if (change !== undefined) changed(change, undefined)
        return yield* produced
      })
    )

  const sync: HeaderSync<H, Fault> = {
    joined: (peer) => {
      members.set(peer.id, { peer, unconnected: 0, last: undefined, height: 0 })
      step({ _tag: "Joined", peer: peer.id, isChosen: peer.isChosen })
    },
    left: (id) => {
      if (members.delete(id)) step({ _tag: "Left", peer: id })
    },
    heard,
    hasNothing: (id) => step({ _tag: "Answered", peer: id, goesOn: false, hasMore: false }),
    asked,
    announced: (id) => step({ _tag: "Announced", peer: id }),
    isAsking,
    isRecent,
    heightOf: (id) => members.get(id)?.height ?? -1,
    knows,
    hold: (id) => weigh(({ hold }) => hold(id)),
    release: (id) => weigh(({ release }) => void release(id)),
    extending
  }
  return sync
})
