/**
 * The headers of a Bitcoin network on the wire: what peers ask and answer, how they are told what is new, and what their faults are
 * called. When and whom to ask, and what is taken, is the same as for any chain.
 */
import { Effect, Result } from "effect"
import * as BlockHeader from "../../protocol/bitcoin/BlockHeader.ts"
import * as Command from "../../protocol/bitcoin/Command.ts"
import * as Hash from "../../protocol/bitcoin/Hash.ts"
import * as Headers from "../../protocol/bitcoin/Headers.ts"
import * as Inventory from "../../protocol/bitcoin/Inventory.ts"
import type { Fault } from "../../protocol/bitcoin/Misbehaviour.ts"
import type { Payload } from "../../protocol/bitcoin/Payload.ts"
import { current, Service } from "../../protocol/bitcoin/Version.ts"
import type { Node } from "../../protocol/chain/HeaderTree.ts"
import type { Frame } from "../../protocol/link/Frame.ts"
import type { HeaderPeer, Lapse } from "../chain/HeaderPeer.ts"
import * as HeaderSync from "../chain/HeaderSync.ts"
import { type Change, read } from "../chain/HeaderTurn.ts"
import type { Alarms } from "../link/Alarms.ts"
import type { BitcoinChain } from "./BitcoinChain.ts"
import type { BlockDownload } from "./BlockDownload.ts"
import type { Config } from "./Config.ts"
import type { BitcoinPeer } from "./Peer.ts"
import type { PeerEvent } from "./PeerEvent.ts"

type Header = BlockHeader.BlockHeader

export interface Options {
  readonly config: () => Config
  readonly chain: BitcoinChain
  readonly alarms: Alarms
  /** Runs what has to be waited for beside the reading. */
  readonly fork: (effect: Effect.Effect<void>) => void
  readonly tell: (event: PeerEvent) => void
  /** The blocks of these headers, where they are fetched: peers are told of what is here whole, and given no more headers. */
  readonly blocks?: Pick<BlockDownload, "applied" | "changed" | "has" | "heightOf" | "isBehind"> | undefined
}

/** A new tip, as others are told of it. */
interface News {
  readonly tip: Node<Header>
  /** The height above which it is new. */
  readonly from: number
  /** So few headers that they are told themselves. */
  readonly isFew: boolean
  readonly joined: ReadonlyArray<Header>
  /** Whether a peer has the tip. */
  readonly hasIt: (peer: number) => boolean
}

const kinds = {
  headers: Command.kindOf("headers"),
  getheaders: Command.kindOf("getheaders"),
  inv: Command.kindOf("inv")
} as const

const faults = { broken: "headers-broken", unconnected: "headers-unconnected" } as const
const isLapse = (fault: Fault | Lapse): fault is Lapse => fault in faults

/** So many new headers are told as headers, more by the id of the last one. */
const mostNews = 8
/** A best header that is not older is recent: from then on all peers are asked. */
const recentMillis = 24 * 3_600_000

export type BitcoinHeaderSync = Effect.Success<ReturnType<typeof make>>

export const make = Effect.fnUntraced(function* ({ alarms, blocks, chain, config, fork, tell }: Options) {
  const peers = new Map<number, BitcoinPeer>()

  const sync = yield* HeaderSync.make<Header, Fault>({
    chain,
    alarms,
    fork,
    isRecent: ({ time }, now) => time * 1_000 > now - recentMillis,
    changed: (change, source) => changed(change, source),
    passedOver: ({ id, remote }) => {
      const peer = peers.get(id)
      if (peer !== undefined) tell({ _tag: "NoHeaders", id, remote, kind: peer.kind })
    }
  })

  const member = (peer: BitcoinPeer): HeaderPeer<Fault> => ({
    id: peer.connection.id,
    remote: peer.connection.remote,
    isChosen: peer.kind === "Outbound",
    ask: (locator) =>
      Effect.asVoid(peer.send("getheaders", Headers.getheaders.encode({ version: current, locator, stop: Hash.zero }))),
    charge: (fault, detail) => peer.charge(isLapse(fault) ? faults[fault] : fault, detail)
  })

  /** What is wrong with the form of what a peer says costs it what it costs. */
  const decode = <A>(peer: BitcoinPeer, payload: Payload<A>, { body }: Frame): A | undefined => {
    const decoded = payload.decode(body)
    if (Result.isSuccess(decoded)) return decoded.success
    const isTooMany = decoded.failure.reason === "too-many" && payload.command === "headers"
    peer.charge(isTooMany ? "headers-many" : "payload-malformed", decoded.failure.message)
    return undefined
  }

  /** Tells whoever wants to know, and is not known to have it. */
  const announce = (news: News): void => {
    const { from, hasIt, isFew, joined, tip } = news
    const headers = Headers.headers.encode(joined)
    const inv = Inventory.inv.encode([{ kind: Inventory.Kind.block, id: tip.header.id }])
    const hasBlocks = (config().services & Service.network) !== 0n
    for (const [id, peer] of peers) {
      if (hasIt(id)) continue
      if (isFew && peer.wishes.headers && sync.heightOf(id) === from) {
        sync.knows(id, tip.height)
        fork(Effect.asVoid(peer.send("headers", headers)))
      }
      // Who is told of a block by its id may ask for it.
      else if (peer.wishes.headers || hasBlocks) fork(Effect.asVoid(peer.send("inv", inv)))
    }
  }

  /** The best chain of headers has changed: whoever wants to know is told, but for the peer that has told it. */
  const changed = ({ fork: from, joined, left, tip }: Change<Header>, source: number | undefined): void => {
    const { header, height } = tip
    tell({ _tag: "Tip", height, id: header.id, time: header.time, left, joined: joined.length })
    if (blocks !== undefined) return blocks.changed(from)
    const isFew = joined.length > 0 && joined.length <= mostNews
    if (!isFew && !sync.isRecent()) return
    const few = joined.slice(0, mostNews).map((node) => node.header)
    announce({ tip, from, isFew, joined: few, hasIt: (id) => id === source })
  }

  /** Blocks have been applied up to this one: the same, once nothing is missing. */
  const applied = (id: string, joined: number): void => {
    const tip = chain.get(id)
    if (blocks === undefined || tip === undefined || blocks.isBehind()) return
    const isFew = joined <= mostNews
    const line: Array<Header> = []
    for (let at = tip; at.parent !== undefined && isFew && line.length < joined; at = at.parent) line.push(at.header)
    const hasIt = (peer: number) => blocks.heightOf(peer) >= tip.height
    announce({ tip, from: tip.height - joined, isFew, joined: line.reverse(), hasIt })
  }

  const heard = (peer: BitcoinPeer, frame: Frame): Effect.Effect<void> | undefined => {
    const headers = decode(peer, Headers.headers, frame)
    const last = headers?.at(-1)
    const taken = headers && sync.heard(peer.connection.id, headers)
    if (taken === undefined || last === undefined || blocks === undefined) return taken
    // Nodes give headers of blocks that they have.
    return Effect.andThen(
      taken,
      Effect.sync(() => blocks.has(peer, last.id))
    )
  }

  /** Whoever is given a header asks for its block. */
  const mostGiven = (): number =>
    blocks === undefined || config().sync?.store !== true ? Number.POSITIVE_INFINITY : blocks.applied().height

  const asked = (peer: BitcoinPeer, frame: Frame): Effect.Effect<void> | undefined => {
    const question = decode(peer, Headers.getheaders, frame)
    if (question === undefined) return undefined
    return sync.asked(peer.connection.id, question).pipe(
      Effect.flatMap((found) => {
        const headers = found.filter(({ height }) => height <= mostGiven())
        // Nothing is an answer as well, but to who asks for one header alone.
        const isAnswer = headers.length > 0 || question.locator.length > 0
        if (!isAnswer) return Effect.void
        return peer.send("headers", Headers.headers.encode(headers.map((header) => read(chain.rules, header))))
      }),
      Effect.asVoid,
      Effect.catch((error) => Effect.logWarning("The stored headers cannot be read", error))
    )
  }

  /** Ids of blocks that are not known: the headers first. */
  const told = (peer: BitcoinPeer, frame: Frame): void => {
    const items = Inventory.inv.decode(frame.body)
    if (Result.isFailure(items)) return
    const told = items.success.filter(({ kind }) => kind === Inventory.Kind.block)
    for (const { id } of told) blocks?.has(peer, id)
    if (told.some(({ id }) => chain.get(id) === undefined)) sync.announced(peer.connection.id)
  }

  return {
    connected: (peer: BitcoinPeer): void => {
      peers.set(peer.connection.id, peer)
      sync.joined(member(peer))
    },
    /** Whether the message was about headers, and what has to be waited for before the next one. */
    received: (peer: BitcoinPeer, frame: Frame): { readonly wait: Effect.Effect<void> | undefined } | undefined => {
      if (frame.kind === kinds.headers) return { wait: heard(peer, frame) }
      if (frame.kind === kinds.getheaders) return { wait: asked(peer, frame) }
      if (frame.kind === kinds.inv) told(peer, frame)
      return undefined
    },
    ended: ({ connection: { id } }: BitcoinPeer): void => {
      peers.delete(id)
      sync.left(id)
    },
    /** Blocks have been applied: the last of so many is this one. */
    applied,
    isAsking: sync.isAsking
  }
})
