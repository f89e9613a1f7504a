/**
 * Fetches a block by its id from whoever has it: one peer after another is asked until one gives it, and its transactions are
 * what its header commits to.
 */
import { Deferred, Effect, Random, Result, Schema, Semaphore } from "effect"
import * as Block from "../../protocol/bitcoin/Block.ts"
import * as BlockHeader from "../../protocol/bitcoin/BlockHeader.ts"
import * as Command from "../../protocol/bitcoin/Command.ts"
import * as Inventory from "../../protocol/bitcoin/Inventory.ts"
import * as Reject from "../../protocol/bitcoin/Reject.ts"
import { Service } from "../../protocol/bitcoin/Version.ts"
import type { Frame } from "../../protocol/link/Frame.ts"
import type { Config } from "./Config.ts"
import type { BitcoinPeer } from "./Peer.ts"

/** Nobody has given the block: why, of each peer that was asked. */
export class BlockUnavailable extends Schema.TaggedError<BlockUnavailable>()("BlockUnavailable", {
  id: Schema.String,
  asked: Schema.Array(Schema.Struct({ remote: Schema.String, answer: Schema.String }))
}) {
  override get message(): string {
    const { asked, id } = this
    if (asked.length === 0) return `block ${id} cannot be fetched: no connected peer has blocks`
    const answers = asked.map(({ answer, remote }) => `${remote} ${answer}`)
    return `nobody has given block ${id}: ${answers.join(", ")}`
  }
}

/** It is no id of a block: 64 hexadecimal digits, as explorers show it. */
export class BlockIdInvalid extends Schema.TaggedError<BlockIdInvalid>()("BlockIdInvalid", { given: Schema.String }) {
  override get message(): string {
    return `${JSON.stringify(this.given.slice(0, 80))} is no id of a block: give its 64 hexadecimal digits`
  }
}

export interface Options {
  readonly config: () => Config
  /** Those with which the handshake is over. */
  readonly peers: () => ReadonlyArray<BitcoinPeer>
}

/** Blocks that are fetched at once; each may be as large as a message. */
const mostAtOnce = 4
/** Peers that are asked for one block. */
const mostAsked = 8

type Answer = Result.Result<Block.Block, string>
type Waiting = Deferred.Deferred<Answer>

const kinds = { block: Command.kindOf("block"), notfound: Command.kindOf("notfound") } as const
const keyOf = ({ connection }: BitcoinPeer, id: string): string => `${connection.id} ${id}`
const hasBlocks = ({ version }: BitcoinPeer): boolean => ((version?.services ?? 0n) & Service.network) !== 0n

/** The id of a block, from the beginning of its message. */
const idOf = (body: Uint8Array): string | undefined => BlockHeader.decode(body.subarray(0, BlockHeader.size))?.id

export const make = Effect.fnUntraced(function* ({ config, peers }: Options) {
  /** Whoever waits for a block of a peer: several may want the same one. */
  const waiting = new Map<string, Set<Waiting>>()
  const places = yield* Semaphore.make(mostAtOnce)

  const settle = (key: string, answer: Answer): boolean => {
    const all = waiting.get(key)
    for (const deferred of all ?? []) Deferred.doneUnsafe(deferred, Effect.succeed(answer))
    return all !== undefined
  }

  const leave = (key: string, deferred: Waiting): void => {
    const all = waiting.get(key)
    all?.delete(deferred)
    if (all?.size === 0) waiting.delete(key)
  }

  const ask = Effect.fnUntraced(function* (peer: BitcoinPeer, id: string) {
    const key = keyOf(peer, id)
    const deferred = yield* Deferred.make<Answer>()
    waiting.set(key, (waiting.get(key) ?? new Set()).add(deferred))
    const { blockTimeout } = config()
    const late: Answer = Result.fail(`has not answered within ${blockTimeout} ms`)
    const asked = peer.send("getdata", Inventory.getdata.encode([{ kind: Inventory.Kind.block, id }]))
    const answered = Effect.flatMap(asked, (isSent) =>
      isSent ? Deferred.await(deferred) : Effect.succeed<Answer>(Result.fail("has left"))
    )
    return yield* Effect.timeoutOrElse(answered, { duration: blockTimeout, orElse: () => Effect.succeed(late) }).pipe(
      Effect.ensuring(Effect.sync(() => leave(key, deferred)))
    )
  })

  /** Those that this node has dialled first: they are its own choice. */
  const candidates = Effect.map(
    Effect.suspend(() => Random.shuffle(peers().filter(hasBlocks))),
    (all) => all.toSorted((a, b) => Number(b.kind === "Outbound") - Number(a.kind === "Outbound")).slice(0, mostAsked)
  )

  const fetch = Effect.fn("Bitcoin.fetchBlock")(function* (given: string) {
    const id = given.toLowerCase()
    if (!/^[0-9a-f]{64}$/.test(id)) return yield* new BlockIdInvalid({ given })
    const asked: Array<{ readonly remote: string; readonly answer: string }> = []
    for (const peer of yield* candidates) {
      const answer = yield* ask(peer, id)
      if (Result.isSuccess(answer)) return answer.success
      asked.push({ remote: peer.connection.remote, answer: answer.failure })
    }
    return yield* new BlockUnavailable({ id, asked })
  }, places.withPermit)

  const check = (peer: BitcoinPeer, id: string, body: Uint8Array): Answer => {
    const block = Block.block.decode(body)
    if (Result.isFailure(block)) {
      peer.charge("payload-malformed", block.failure.message)
      return Result.fail("has given what is no block")
    }
    const wrong = Block.wrongTree(block.success)
    if (wrong === undefined) return Result.succeed(block.success)
    peer.charge("block-merkle", wrong)
    const reason = "bad-txnmrklroot"
    peer.refuse({ command: "block", code: Reject.Code.invalid, reason, id }, wrong)
    return Result.fail("has given other transactions than those of the block")
  }

  return {
    fetch,
    /** Whether the message is an answer, and concerns nobody else. */
    received: (peer: BitcoinPeer, { body, kind }: Frame): boolean => {
      if (waiting.size === 0) return false
      if (kind === kinds.notfound) {
        for (const { id } of Result.getOrElse(Inventory.notfound.decode(body), () => [])) {
          settle(keyOf(peer, id), Result.fail("does not have it"))
        }
      }
      const id = kind === kinds.block ? idOf(body) : undefined
      if (id === undefined || !waiting.has(keyOf(peer, id))) return false
      return settle(keyOf(peer, id), check(peer, id, body))
    },
    ended: (peer: BitcoinPeer): void => {
      const from = keyOf(peer, "")
      for (const key of waiting.keys()) if (key.startsWith(from)) settle(key, Result.fail("has left"))
    }
  }
})
