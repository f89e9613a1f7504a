/**
 * What comes of the headers that a peer gives: they follow one that is known, and are taken, or they do not, and it is asked for those
 * between, or has to answer for it.
 */
import { Effect } from "effect"
import type { Event } from "../../protocol/chain/HeaderAsking.ts"
import type { Linked, Node } from "../../protocol/chain/HeaderTree.ts"
import type { HeaderChain } from "./HeaderChain.ts"
import type { HeaderPeer, News } from "./HeaderPeer.ts"
import type { Change, Turn } from "./HeaderTurn.ts"

/** Somebody who gives headers, and what is known of him. */
export interface Member<Fault> {
  readonly peer: HeaderPeer<Fault>
  /** News in a row that followed nothing that is known. */
  unconnected: number
  /** The id of the last header that it gave, where it had more than it could say at once. */
  last: string | undefined
  /** The greatest height of this node's chain that it is known to have. */
  height: number
}

export interface Options<H extends Linked, Fault> {
  readonly chain: HeaderChain<H, Fault>
  readonly news: News
  /** Whether the best header is new enough for all peers to be asked. */
  readonly isRecent: () => boolean
  /** Whether a peer was asked and has not answered yet. */
  readonly isAsking: () => boolean
  /** The best chain is another one, as this peer has shown. */
  readonly changed: (change: Change<H>, source: number) => void
  /** What it means for whom to ask next. */
  readonly step: (event: Event) => void
}

const isLinked = (headers: ReadonlyArray<Linked>): boolean =>
  headers.every((header, at) => at === 0 || header.previous === headers[at - 1]?.id)

/** Takes the headers of one message, by who has the chain alone. */
export const make = <H extends Linked, Fault>(options: Options<H, Fault>) => {
  const { chain, changed, isAsking, isRecent, news, step } = options

  const answered = (peer: number, goesOn: boolean, hasMore: boolean): void =>
    step({ _tag: "Answered", peer, goesOn, hasMore })

  /** Headers that follow nothing that is known here. */
  const unconnected = (member: Member<Fault>, count: number): void => {
    const { peer } = member
    const detail = `${count} headers that follow none that is known`
    // It goes on with a branch for which there was no room any more: it is asked from the start of it.
    if (member.last !== undefined && chain.get(member.last) === undefined) {
      member.last = undefined
      return answered(peer.id, false, true)
    }
    if (count >= news.most) return peer.charge("unconnected", detail)
    // While it catches up, whatever is new follows nothing that it knows.
    if (isRecent() || !isAsking()) member.unconnected++
    if (member.unconnected > 0 && member.unconnected % news.forFault === 0)
      peer.charge("unconnected", `${detail}, again and again`)
    step({ _tag: "Announced", peer: peer.id })
  }

  /** Headers of which the first follows one that is known. */
  const takeAfter = Effect.fnUntraced(function* (
    turn: Turn<H, Fault>,
    member: Member<Fault>,
    from: Node<H>,
    headers: ReadonlyArray<H>,
    isFull: boolean
  ) {
    const { peer } = member
    const { isNews, last, objection } = yield* turn.take(headers, from)
    const hasMore = isFull && objection === undefined && last.header.id !== member.last
    member.last = hasMore ? last.header.id : undefined
    const goesOn = hasMore && isNews
    // What comes next is on its way while this is written.
    if (goesOn) answered(peer.id, true, true)
    const change = yield* turn.save
    if (change !== undefined) changed(change, peer.id)
    member.height = Math.max(member.height, chain.common(last).height)
    if (objection?.fault !== undefined) peer.charge(objection.fault, objection.detail)
    else if (objection !== undefined) yield* Effect.logInfo("A header was not taken", objection.detail)
    // What it gave is lost where another process has written.
    if (change?.joined.length === 0) step({ _tag: "Announced", peer: peer.id })
    if (!goesOn) answered(peer.id, false, hasMore)
  })

  return Effect.fnUntraced(function* (turn: Turn<H, Fault>, member: Member<Fault>, headers: ReadonlyArray<H>) {
    const { peer } = member
    const [first] = headers
    if (first === undefined) return answered(peer.id, false, false)
    if (!isLinked(headers)) {
      peer.charge("broken", "headers of which one does not follow the one before it")
      return answered(peer.id, false, false)
    }
    const known = chain.get(first.id)
    const from = known ?? chain.get(first.previous)
    if (from !== undefined) {
      member.unconnected = 0
      const isFull = headers.length === chain.rules.page
      return yield* takeAfter(turn, member, from, known === undefined ? headers : headers.slice(1), isFull)
    }
    if (!(yield* chain.isStored(first))) return unconnected(member, headers.length)
    // A peer that is far behind, or on a branch that this node cannot follow.
    yield* Effect.annotateLogs(Effect.logInfo("Headers that begin too deep were not taken"), { remote: peer.remote })
    answered(peer.id, false, false)
  })
}
