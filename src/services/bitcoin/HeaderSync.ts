/**
 * Keeps the headers of a node up to date: asks its peers for what comes after its own, checks and stores what they give, tells
 * them what is new, and answers those who ask.
 */
import { Clock, Effect, Latch, Result, Semaphore } from "effect"
import * as Command from "../../protocol/bitcoin/Command.ts"
import type { BlockHeader } from "../../protocol/bitcoin/BlockHeader.ts"
import * as Hash from "../../protocol/bitcoin/Hash.ts"
import * as Headers from "../../protocol/bitcoin/Headers.ts"
import * as Inventory from "../../protocol/bitcoin/Inventory.ts"
import * as Asking from "../../protocol/chain/HeaderAsking.ts"
import type { Node } from "../../protocol/chain/HeaderTree.ts"
import type { Payload } from "../../protocol/bitcoin/Payload.ts"
import { current, Service } from "../../protocol/bitcoin/Version.ts"
import type { Frame } from "../../protocol/link/Frame.ts"
import type { Alarm, Alarms } from "../link/Alarms.ts"
import type { Config } from "./Config.ts"
import type { Change, HeaderChain } from "./HeaderChain.ts"
import type { BitcoinPeer } from "./Peer.ts"
import type { PeerEvent } from "./PeerEvent.ts"

export interface Options {
  readonly config: () => Config
  readonly chain: HeaderChain
  readonly alarms: Alarms
  /** Runs what has to be waited for beside the reading. */
  readonly fork: (effect: Effect.Effect<void>) => void
  readonly tell: (event: PeerEvent) => void
}

const kinds = {
  headers: Command.kindOf("headers"),
  getheaders: Command.kindOf("getheaders"),
  inv: Command.kindOf("inv")
} as const

/** So few headers that follow none that is known are news; more are an answer to nothing. */
const mostNews = 8
/** So many such news in a row are one fault. */
const newsForFault = 10
/** A best header that is not older is recent: from then on all peers are asked. */
const recentMillis = 24 * 3_600_000

interface Member {
  readonly peer: BitcoinPeer
  /** News in a row that followed nothing that is known. */
  unconnected: number
  /** The id of the last header that it gave, where it had more than it could say at once. */
  last: string | undefined
  /** The greatest height of this node's chain that it is known to have. */
  height: number
}

export type HeaderSync = Effect.Success<ReturnType<typeof make>>

export const make = Effect.fnUntraced(function* ({ alarms, chain, config, fork: run, tell }: Options) {
  const clock = yield* Clock.Clock
  /** Whoever changes the chain has it alone. */
  const turn = yield* Semaphore.make(1)
  const members = new Map<number, Member>()
  let asking = Asking.initial
  let alarm: Alarm | undefined

  const isRecent = (): boolean => chain.best().header.time * 1_000 > clock.currentTimeMillisUnsafe() - recentMillis

  const step = (event: Asking.Event): void => {
    const circumstances = { now: alarms.now, isRecent: isRecent() }
    const { actions, state } = Asking.step(Asking.defaults, asking, event, circumstances)
    asking = state
    for (const { _tag, peer } of actions) {
      const member = members.get(peer)
      if (member === undefined) continue
      if (_tag === "Ask") run(ask(member))
      else tell({ _tag: "NoHeaders", id: peer, remote: member.peer.connection.remote, kind: member.peer.kind })
    }
    alarm?.cancel()
    const next = Asking.nextLook(state)
    alarm = Number.isFinite(next) ? alarms.set(next, () => step({ _tag: "Looked" })) : undefined
  }

  const ask = ({ last, peer }: Member): Effect.Effect<void> =>
    Effect.gen(function* () {
      const locator = yield* chain.locator(last)
      yield* peer.send("getheaders", Headers.getheaders.encode({ version: current, locator, stop: Hash.zero }))
    }).pipe(Effect.catch((error) => Effect.logWarning("The stored headers cannot be read", error)))

  /** What is wrong with the form of what a peer says costs it what it costs. */
  const decode = <A>(peer: BitcoinPeer, payload: Payload<A>, { body }: Frame): A | undefined => {
    const decoded = payload.decode(body)
    if (Result.isSuccess(decoded)) return decoded.success
    const isTooMany = decoded.failure.reason === "too-many" && payload.command === "headers"
    peer.charge(isTooMany ? "headers-many" : "payload-malformed", decoded.failure.message)
    return undefined
  }

  /** The best chain has changed: whoever wants to know is told, but for the peer that has told it. */
  const announce = ({ joined, left, tip }: Change, source: number): void => {
    const { header, height } = tip
    tell({ _tag: "Tip", height, id: header.id, time: header.time, left, joined: joined.length })
    const fork = height - joined.length
    for (const member of members.values()) member.height = Math.min(member.height, fork)
    const isFew = joined.length > 0 && joined.length <= mostNews
    if (!isFew && !isRecent()) return
    const headers = Headers.headers.encode(joined.slice(0, mostNews).map((node) => node.header))
    const inv = Inventory.inv.encode([{ kind: Inventory.Kind.block, id: header.id }])
    const hasBlocks = (config().services & Service.network) !== 0n
    for (const [id, member] of members) {
      const { peer } = member
      if (id === source) continue
      if (isFew && peer.wishes.headers && member.height === fork) {
        member.height = height
        run(Effect.asVoid(peer.send("headers", headers)))
      }
      // Who is told of a block by its id may ask for it.
      else if (peer.wishes.headers || hasBlocks) run(Effect.asVoid(peer.send("inv", inv)))
    }
  }

  /** Headers that follow nothing that is known here. */
  const unconnected = (member: Member, count: number): void => {
    const { peer } = member
    const detail = `${count} headers that follow none that is known`
    if (count >= mostNews) return peer.charge("headers-unconnected", detail)
    // While it catches up, whatever is new follows nothing that it knows.
    if (isRecent() || !Asking.isAsking(asking)) member.unconnected++
    if (member.unconnected > 0 && member.unconnected % newsForFault === 0)
      peer.charge("headers-unconnected", `${detail}, again and again`)
    step({ _tag: "Announced", peer: peer.connection.id })
  }

  const isLinked = (headers: ReadonlyArray<BlockHeader>): boolean =>
    headers.every((header, at) => at === 0 || header.previous === headers[at - 1]?.id)

  /** Headers of which the first follows one that is known. */
  const takeAfter = Effect.fnUntraced(function* (
    member: Member,
    from: Node<BlockHeader>,
    headers: ReadonlyArray<BlockHeader>,
    isFull: boolean
  ) {
    const { peer } = member
    const { id } = peer.connection
    const { isNews, last, objection } = chain.take(headers, from)
    const change = yield* chain.save
    if (change !== undefined) announce(change, id)
    member.height = Math.max(member.height, chain.common(last).height)
    if (objection?.fault !== undefined) peer.charge(objection.fault, objection.detail)
    else if (objection !== undefined) yield* Effect.logInfo("A header was not taken", objection.detail)
    const hasMore = isFull && objection === undefined && last.header.id !== member.last
    member.last = hasMore ? last.header.id : undefined
    // What it gave is lost where another process has written.
    if (change?.joined.length === 0) step({ _tag: "Announced", peer: id })
    step({ _tag: "Answered", peer: id, goesOn: hasMore && isNews, hasMore })
  })

  const take = Effect.fnUntraced(function* (member: Member, headers: ReadonlyArray<BlockHeader>) {
    const { peer } = member
    const [first] = headers
    const hasNoMore: Asking.Event = { _tag: "Answered", peer: peer.connection.id, goesOn: false, hasMore: false }
    if (first === undefined) return step(hasNoMore)
    if (!isLinked(headers)) {
      peer.charge("headers-broken", "headers of which one does not follow the one before it")
      return step(hasNoMore)
    }
    const known = chain.get(first.id)
    const from = known ?? chain.get(first.previous)
    if (from !== undefined) {
      member.unconnected = 0
      const isFull = headers.length === Headers.mostHeaders
      return yield* takeAfter(member, from, known === undefined ? headers : headers.slice(1), isFull)
    }
    if (!(yield* chain.isStored(first))) return unconnected(member, headers.length)
    // A peer that is far behind, or on a branch that this node cannot follow.
    yield* Effect.annotateLogs(Effect.logInfo("Headers that begin too deep were not taken"), {
      remote: peer.connection.remote
    })
    step(hasNoMore)
  }, turn.withPermit)

  /** A fiber of the node takes them, so that a peer which leaves meanwhile leaves nothing half done. */
  const heard = (peer: BitcoinPeer, frame: Frame): Effect.Effect<void> | undefined => {
    const headers = decode(peer, Headers.headers, frame)
    const member = members.get(peer.connection.id)
    if (headers === undefined || member === undefined) return undefined
    const taken = Latch.makeUnsafe(false)
    run(
      take(member, headers).pipe(
        Effect.catch((error) => Effect.logError("Headers could not be kept", error)),
        Effect.ensuring(taken.open)
      )
    )
    return taken.await
  }

  const asked = (peer: BitcoinPeer, frame: Frame): Effect.Effect<void> | undefined => {
    const question = decode(peer, Headers.getheaders, frame)
    if (question === undefined) return undefined
    return chain.answer(question).pipe(
      Effect.tap((headers) => {
        const last = headers.at(-1)
        const place = last === undefined ? undefined : chain.get(last.id)
        const member = members.get(peer.connection.id)
        if (place !== undefined && member !== undefined) member.height = Math.max(member.height, place.height)
        // Nothing is an answer as well, but to who asks for one header alone.
        const isAnswer = headers.length > 0 || question.locator.length > 0
        return isAnswer ? peer.send("headers", Headers.headers.encode(headers)) : Effect.void
      }),
      Effect.asVoid,
      Effect.catch((error) => Effect.logWarning("The stored headers cannot be read", error))
    )
  }

  /** Ids of blocks that are not known: the headers first. */
  const told = (peer: BitcoinPeer, frame: Frame): void => {
    const items = Inventory.inv.decode(frame.body)
    if (Result.isFailure(items)) return
    const isNew = items.success.some(({ id, kind }) => kind === Inventory.Kind.block && chain.get(id) === undefined)
    if (isNew) step({ _tag: "Announced", peer: peer.connection.id })
  }

  return {
    connected: (peer: BitcoinPeer): void => {
      const { id } = peer.connection
      members.set(id, { peer, unconnected: 0, last: undefined, height: 0 })
      step({ _tag: "Joined", peer: id, isChosen: peer.kind === "Outbound" })
    },
    /** Whether the message was about headers, and what has to be waited for before the next one. */
    received: (peer: BitcoinPeer, frame: Frame): { readonly wait: Effect.Effect<void> | undefined } | undefined => {
      if (frame.kind === kinds.headers) return { wait: heard(peer, frame) }
      if (frame.kind === kinds.getheaders) return { wait: asked(peer, frame) }
      if (frame.kind === kinds.inv) told(peer, frame)
      return undefined
    },
    ended: ({ connection: { id } }: BitcoinPeer): void => {
      if (members.delete(id)) step({ _tag: "Left", peer: id })
    },
    isAsking: (): boolean => Asking.isAsking(asking)
  }
})
