/**
 * The blocks of a Bitcoin network on the wire: which peers have which, what they are asked and what they answer. When and whom to ask,
 * and what is applied when, is the same as for any chain.
 *
 * The body of a block is what follows its header in a `block` message.
 */
import { Effect, PubSub, Result, Stream } from "effect"
import * as Block from "../../protocol/bitcoin/Block.ts"
import * as BlockHeader from "../../protocol/bitcoin/BlockHeader.ts"
import * as ChainRules from "../../protocol/bitcoin/ChainRules.ts"
import * as Command from "../../protocol/bitcoin/Command.ts"
import * as Inventory from "../../protocol/bitcoin/Inventory.ts"
import type { Fault } from "../../protocol/bitcoin/Misbehaviour.ts"
import type { Network } from "../../protocol/bitcoin/Network.ts"
import * as Reject from "../../protocol/bitcoin/Reject.ts"
import { Service } from "../../protocol/bitcoin/Version.ts"
import * as BodySchedule from "../../protocol/chain/BodySchedule.ts"
import type { Frame } from "../../protocol/link/Frame.ts"
import * as BlockSync from "../chain/BlockSync.ts"
import type { ChainEvent } from "../chain/ChainEvent.ts"
import type { Ledger } from "../chain/Ledger.ts"
import type { Alarms } from "../link/Alarms.ts"
import * as AppliedBlocks from "./AppliedBlocks.ts"
import type { Sync } from "./Config.ts"
import type { BitcoinChain } from "./BitcoinChain.ts"
import type { BitcoinPeer } from "./Peer.ts"

export type BlockLedger<R = never> = Ledger<BlockHeader.BlockHeader, R>

export interface Options {
  readonly network: Network
  readonly sync: Sync
  readonly chain: BitcoinChain
  readonly alarms: Alarms
  /** Runs what has to be waited for beside the reading. */
  readonly fork: (effect: Effect.Effect<void>) => void
  /** What the program makes of each block. */
  readonly ledger: BlockLedger | undefined
  /** The last of these blocks is the tip of those that are applied. */
  readonly applied: (tip: Extract<ChainEvent, { readonly _tag: "Tip" }>) => void
}

interface Member {
  readonly peer: BitcoinPeer
  /** Blocks that it was asked for and has not answered, in their order, which is that of the answers. */
  owed: Array<string>
  /** The best block that it is known to have. */
  tip: string | undefined
  /** The greatest height of the best chain of which it is known to have the block; -1 if none is. */
  height: number
  /** The block that it gave last. */
  given: string
}

/** Events kept for a reader that falls behind; of more it misses the oldest. */
const keptEvents = 1_000
/** Blocks whose bodies are kept though they are not stored for good: two days of them, as pruned nodes have. */
const keptBodies = 288

const kinds = { block: Command.kindOf("block"), notfound: Command.kindOf("notfound") } as const

/** Without the bit nobody gives blocks. */
const hasBlocks = ({ version }: BitcoinPeer): boolean => ((version?.services ?? 0n) & Service.network) !== 0n

/** Why a body is not that of the block with this header, if so. */
export const objection = (header: BlockHeader.BlockHeader, body: Uint8Array): string | undefined => {
  const block = Block.block.decode(Block.payloadOf(BlockHeader.encode(header), body))
  return Result.isFailure(block) ? block.failure.message : Block.wrongTree(block.success)
}

/** It is told why, and closed. */
const refuse = ({ given: id, peer }: Member, detail: string): void => {
  peer.charge("block-merkle", detail)
  peer.refuse({ command: "block", code: Reject.Code.invalid, reason: "bad-txnmrklroot", id }, detail)
}

export type BlockDownload = Effect.Success<ReturnType<typeof make>>

export const make = Effect.fnUntraced(function* (options: Options) {
  const { alarms, chain, fork, ledger, network, sync } = options
  const members = new Map<number, Member>()
  const events = yield* PubSub.sliding<ChainEvent>(keptEvents)
  const reader = yield* AppliedBlocks.make(network)
  const tell = (event: ChainEvent): void => {
    PubSub.publishUnsafe(events, event)
    if (event._tag !== "Tip") return
    reader.changed()
    options.applied(event)
  }
  const blocks = yield* BlockSync.make<BlockHeader.BlockHeader, Fault>({
    rules: ChainRules.of(network),
    chain,
    policy: BodySchedule.bitcoin,
    alarms,
    fork,
    tell,
    objection,
    ledger,
    keep: sync.store ? undefined : keptBodies
  })

  /** Where what it has is on the best chain. What is too deep to be in memory was there before. */
  const place = (member: Member): void => {
    const node = member.tip === undefined ? undefined : chain.get(member.tip)
    if (node === undefined) return
    member.height = Math.max(member.height, chain.common(node).height)
    blocks.raise(member.peer.connection.id, member.height)
  }

  const ask = (member: Member, ids: ReadonlyArray<string>): Effect.Effect<void> => {
    member.owed.push(...ids)
    const items = ids.map((id) => ({ kind: Inventory.Kind.block, id }))
    return Effect.asVoid(member.peer.send("getdata", Inventory.getdata.encode(items)))
  }

  const got = (member: Member, body: Uint8Array): boolean => {
    const { id: from } = member.peer.connection
    const id = BlockHeader.decode(body.subarray(0, BlockHeader.size))?.id
    if (id === undefined) return false
    const at = member.owed.indexOf(id)
    if (at < 0 && !blocks.wants(id)) return false
    // Most nodes say nothing of a block that they do not have: what they were asked for before is not coming.
    const [passed, owed] = [member.owed.slice(0, Math.max(0, at)), member.owed.slice(at + 1)]
    member.owed = owed
    member.given = id
    for (const missing of passed) blocks.missing(from, missing)
    // A copy: what comes in is overwritten by what comes next.
    blocks.got(from, id, Uint8Array.from(Block.bodyOf(body)))
    return true
  }

  const without = (member: Member, body: Uint8Array): void => {
    const missing = new Set(Result.getOrElse(Inventory.notfound.decode(body), () => []).map(({ id }) => id))
    const owed = member.owed.filter((id) => missing.has(id))
    if (owed.length === 0) return
    member.owed = member.owed.filter((id) => !missing.has(id))
    for (const id of owed) blocks.missing(member.peer.connection.id, id)
  }

  return {
    connected: (peer: BitcoinPeer): void => {
      const { id, remote } = peer.connection
      const member: Member = { peer, owed: [], tip: undefined, height: -1, given: "" }
      members.set(id, member)
      if (!hasBlocks(peer)) return
      const charge = (detail: string) => refuse(member, detail)
      blocks.joined({ id, remote, charge, ask: (_request, ids) => Effect.suspend(() => ask(member, ids)) }, -1)
    },
    /** Whether the message was a block that is wanted of the peer, or one that it was asked for. */
    received: ({ connection }: BitcoinPeer, { body, kind }: Frame): boolean => {
      const member = members.get(connection.id)
      if (member === undefined) return false
      if (kind === kinds.notfound) without(member, body)
      return kind === kinds.block && got(member, body)
    },
    ended: ({ connection: { id } }: BitcoinPeer): void => {
      members.delete(id)
      blocks.left(id)
    },
    /** The peer has the block of this header, and those before it. */
    has: ({ connection }: BitcoinPeer, id: string): void => {
      const member = members.get(connection.id)
      const node = chain.get(id)
      if (member === undefined || node === undefined) return
      const known = member.tip === undefined ? undefined : chain.get(member.tip)
      if (known === undefined || node.weight >= known.weight) member.tip = id
      place(member)
    },
    /** The best chain of headers has changed above this height. */
    changed: (height: number): void => {
      for (const member of members.values()) member.height = Math.min(member.height, height)
      blocks.changed(height)
      for (const member of members.values()) place(member)
    },
    /** The greatest height of the best chain of which a peer is known to have the block; -1 if none is. */
    heightOf: (id: number): number => members.get(id)?.height ?? -1,
    applied: blocks.applied,
    isBehind: blocks.isBehind,
    status: blocks.status,
    events: Stream.fromPubSub(events),
    payload: reader.payload,
    after: reader.after,
    run: blocks.run
  }
})
