/**
 * Small regtest chains that any node of a regtest network takes: headers with proof of work, blocks whose merkle roots are
 * right, made of a seed and always the same. They begin with the real first block.
 *
 * From height 101 on each block spends the coins of the block a hundred before it, which anybody may: nothing is signed.
 */
import { Result } from "effect"
import { type Block, block, merkleRoot } from "../../protocol/bitcoin/Block.ts"
import * as BlockHeader from "../../protocol/bitcoin/BlockHeader.ts"
import * as Hash from "../../protocol/bitcoin/Hash.ts"
import type { Question } from "../../protocol/bitcoin/Headers.ts"
import { type Network, networks } from "../../protocol/bitcoin/Network.ts"
import { type Output, type Transaction, idOf, tx } from "../../protocol/bitcoin/Transaction.ts"
import { Rng } from "../world/Rng.ts"

export interface Options {
  /** Another seed makes other blocks. */
  readonly seed: string | number
  /** How many after the first one; a hundred take some milliseconds. */
  readonly blocks: number
  /** "bsv-regtest" unless it is given; "btc-regtest" has the same blocks. Not Litecoin's, whose hash is another. */
  readonly network?: "bsv-regtest" | "btc-regtest" | undefined
}

/** The one transaction of the first block. */
const firstCoins =
  "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d6573" +
  "2030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b" +
  "73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f355" +
  "04e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000"

/** Blocks after which new coins may be spent, and after which there are half as many. */
const [maturity, halving] = [100, 150]
/** Seconds between two blocks. */
const spacing = 600
/** The version of blocks that every node takes. */
const version = 0x2000_0000
const uint32 = 0xffff_ffff

/** OP_TRUE: anybody may spend it. */
const anybody = Uint8Array.of(0x51)
const subsidy = (height: number): bigint => 5_000_000_000n >> BigInt(Math.floor(height / halving))

/** A number as scripts have it, with its length before it. */
const pushed = (height: number): Uint8Array => {
  const bytes = Buffer.alloc(5)
  bytes.writeInt32LE(height)
  let length = 4
  while (length > 1 && bytes[length - 1] === 0 && (bytes[length - 2]! & 0x80) === 0) length--
  return Buffer.concat([Uint8Array.of(length), bytes.subarray(0, length)])
}

/** New coins: the height, and 60 bytes of the seed that make the transaction as long as some nodes want it. */
const coins = (height: number, random: Rng): Transaction => ({
  version: 1,
  inputs: [
    {
      previous: Hash.zero,
      index: uint32,
      script: Buffer.concat([pushed(height), Uint8Array.of(60), random.bytes(60)]),
      sequence: uint32
    }
  ],
  outputs: [{ value: subsidy(height), script: anybody }],
  lockTime: 0
})

/** Spends what one output has, in two halves. */
const spending = (previous: string, { value }: Output): Transaction => ({
  version: 1,
  inputs: [{ previous, index: 0, script: new Uint8Array(0), sequence: uint32 }],
  outputs: [
    { value: value / 2n, script: anybody },
    { value: value - value / 2n, script: anybody }
  ],
  lockTime: 0
})

/** The header with the first nonce that has the work. */
const worked = (network: Network, header: Omit<BlockHeader.BlockHeader, "id" | "nonce">): BlockHeader.BlockHeader => {
  for (let nonce = 0; nonce <= uint32; nonce++) {
    const one = BlockHeader.identified({ ...header, nonce })
    if (network.proofOfWork(one) === undefined) return one
  }
  throw new Error("no nonce has the work")
}

const next = (network: Network, blocks: ReadonlyArray<Block>, random: Rng): Block => {
  const height = blocks.length
  const parent = blocks[height - 1]!.header
  const matured = height > maturity ? blocks[height - maturity]!.transactions[0] : undefined
  const spent = matured?.outputs[0]
  const spends = matured === undefined || spent === undefined ? [] : [spending(idOf(matured), spent)]
  const transactions = [coins(height, random), ...spends]
  const header = worked(network, {
    version,
    previous: parent.id,
    merkleRoot: merkleRoot(transactions.map(idOf)),
    time: parent.time + spacing,
    bits: parent.bits
  })
  return { header, transactions }
}

const extended = (network: Network, begin: ReadonlyArray<Block>, { blocks, seed }: Omit<Options, "network">) => {
  const all = [...begin]
  const random = new Rng(seed, `regtest/${begin.length}`)
  for (let left = blocks; left > 0; left--) all.push(next(network, all, random))
  return all
}

/** A chain, which never changes: what makes it longer gives another one. */
export class RegtestChain {
  readonly network: Network
  /** By their heights; the real first block of the network before the others. */
  readonly blocks: ReadonlyArray<Block>
  readonly #heights: ReadonlyMap<string, number>

  private constructor(network: Network, blocks: ReadonlyArray<Block>) {
    this.network = network
    this.blocks = blocks
    this.#heights = new Map(blocks.map(({ header: { id } }, height) => [id, height]))
  }

  static make(options: Options): RegtestChain {
    const network = networks.get(options.network ?? "bsv-regtest")
    if (network === undefined) throw new RangeError(`there is no network ${options.network}`)
    const transactions = [Result.getOrThrow(tx.decode(Buffer.from(firstCoins, "hex")))]
    return new RegtestChain(network, extended(network, [{ header: network.first, transactions }], options))
  }

  /** The height of the last block; 0 where there is only the first. */
  get height(): number {
    return this.blocks.length - 1
  }

  get tip(): Block {
    return this.blocks[this.height]!
  }

  /** The same blocks and so many more. */
  extend(options: Omit<Options, "network">): RegtestChain {
    return this.fork({ ...options, after: this.height })
  }

  /** The same blocks up to the height `after`, and so many others. */
  fork({ after, ...options }: Omit<Options, "network"> & { readonly after: number }): RegtestChain {
    if (after < 0 || after > this.height)
      throw new RangeError(`there is no height ${after}, ${this.height} is the last`)
    return new RegtestChain(this.network, extended(this.network, this.blocks.slice(0, after + 1), options))
  }

  heightOf(id: string): number | undefined {
    return this.#heights.get(id)
  }

  find(id: string): Block | undefined {
    const height = this.heightOf(id)
    return height === undefined ? undefined : this.blocks[height]
  }

  /** The payload of a `block`, if it is one of this chain. */
  payload(id: string): Uint8Array | undefined {
    const found = this.find(id)
    return found === undefined ? undefined : block.encode(found)
  }

  /**
   * What nodes answer to `getheaders`, `most` headers at the most: those after the first block of the locator that they know,
   * after the first of all if they know none; without a locator the block that is asked for alone, or nothing at all.
   */
  after(
    { locator, stop }: Pick<Question, "locator" | "stop">,
    most: number
  ): ReadonlyArray<BlockHeader.BlockHeader> | undefined {
    if (locator.length === 0) {
      const asked = this.find(stop)
      return asked === undefined ? undefined : [asked.header]
    }
    const known = locator.map((id) => this.heightOf(id)).find((height) => height !== undefined) ?? 0
    const last = this.heightOf(stop) ?? this.height
    return this.blocks.slice(known + 1, Math.min(last + 1, known + 1 + most)).map(({ header }) => header)
  }
}
