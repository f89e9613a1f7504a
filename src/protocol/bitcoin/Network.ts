/**
 * The Bitcoin networks: what tells them apart on the wire, and what each allows.
 *
 * Nothing but the magic names the network: no field of `version` does. Magic is four bytes in their order on the wire, never a
 * number: BSV's and BTC's regtest are each other's bytes reversed.
 */
import * as BlockHeader from "./BlockHeader.ts"
import * as Hash from "./Hash.ts"
import * as ProofOfWork from "./ProofOfWork.ts"

/**
 * Which bits a header must have. `Kept`: those of the one before. `Retarget`: after every 2,016 new ones, by the time that those took
 * (`ProofOfWork.retarget`), up to a height beyond which any will do. `Any`: none easier than the limit; the test networks have rules
 * of their own, and so has BSV since it left BTC, that are not checked here.
 */
export type BitsRule =
  | { readonly _tag: "Kept" }
  | { readonly _tag: "Retarget"; readonly until: number }
  | { readonly _tag: "Any" }

export interface Network {
  readonly name: string
  /** The first four bytes of every message. */
  readonly magic: Uint8Array
  /** Where its nodes listen unless told otherwise. */
  readonly port: number
  /** Id of its first block, as it is displayed: the bytes of the hash reversed, in hex. */
  readonly genesis: string
  /** That block's header. */
  readonly first: BlockHeader.BlockHeader
  /** What a header must be worth: Litecoin's hash is not computed here. */
  readonly proofOfWork: ProofOfWork.ProofOfWork
  /** The easiest target. */
  readonly limit: bigint
  readonly bits: BitsRule
  /** Ids that blocks of these heights have: where chains that were one have parted. */
  readonly pinned: ReadonlyMap<number, string>
  /** Whether its nodes understand `extmsg`, for payloads of 4 GiB and more. BTC closes on it, bcash dies of it. */
  readonly extended: boolean
  /** Names whose addresses are those of nodes. */
  readonly seeds: ReadonlyArray<string>
}

/** Those that nodes of BSV 1.2.2 ask; regtest has none. */
const seeds: Readonly<Record<string, ReadonlyArray<string>>> = {
  "bsv-main": ["seed.bitcoinsv.io", "seed.satoshisvision.network", "seed.bitcoinseed.directory"],
  "bsv-test": ["testnet-seed.bitcoinsv.io", "testnet-seed.bitcoincloud.net", "testnet-seed.bitcoinseed.directory"],
  "bsv-stn": ["stn-seed.bitcoinsv.io", "stn-seed.bitcoinseed.directory"]
}

interface Chain {
  readonly first: BlockHeader.BlockHeader
  readonly proofOfWork: ProofOfWork.ProofOfWork
  readonly limit: bigint
  readonly bits: BitsRule
  readonly pinned: ReadonlyMap<number, string>
}

const root = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
const litecoinRoot = "97ddfbbae6be97fd6cdf3e7ca13232a3afff2353e29badfab7f73011edd4ced9"

const first = (time: number, bits: number, nonce: number, merkleRoot: string): BlockHeader.BlockHeader =>
  BlockHeader.identified({ version: 1, previous: Hash.zero, merkleRoot, time, bits, nonce })

const chain = (header: BlockHeader.BlockHeader, limit: bigint, bits: BitsRule): Chain => ({
  first: header,
  proofOfWork: ProofOfWork.sha256d(limit),
  limit,
  bits,
  pinned: new Map()
})

const { mainLimit, regtestLimit } = ProofOfWork
const main = first(1_231_006_505, 0x1d00_ffff, 2_083_236_893, root)
const test = chain(first(1_296_688_602, 0x1d00_ffff, 414_098_458, root), mainLimit, { _tag: "Any" })
const regtest = chain(first(1_296_688_602, 0x207f_ffff, 2, root), regtestLimit, { _tag: "Kept" })
const litecoin: Chain = {
  ...regtest,
  first: first(1_296_688_602, 0x207f_ffff, 0, litecoinRoot),
  proofOfWork: ProofOfWork.unchecked
}
/** The last block that both sides of the fork of August 2017 have. */
const lastCommon = 478_558
const bsv: Chain = {
  ...chain(main, mainLimit, { _tag: "Retarget", until: lastCommon }),
  pinned: new Map([
    [lastCommon + 1, "000000000000000000651ef99cb9fcbe0dadde1d424bd9f15ff20136191a5eec"],
    // The first block that BCH does not have.
    [556_767, "000000000000000001d956714215d96ffc00e0afda4cd0a96c96f8d802b1662b"]
  ])
}
const btc = chain(main, mainLimit, { _tag: "Retarget", until: Number.POSITIVE_INFINITY })

const network = (name: string, magic: string, port: number, rules: Chain, extended: boolean): Network => ({
  name,
  magic: Buffer.from(magic, "hex"),
  port,
  genesis: rules.first.id,
  ...rules,
  extended,
  seeds: seeds[name] ?? []
})

const all = [
  network("bsv-main", "e3e1f3e8", 8_333, bsv, true),
  network("bsv-test", "f4e5f3f4", 18_333, test, true),
  network("bsv-stn", "fbcec4f9", 9_333, test, true),
  network("bsv-regtest", "dab5bffa", 18_444, regtest, true),
  network("btc-main", "f9beb4d9", 8_333, btc, false),
  network("btc-test3", "0b110907", 18_333, test, false),
  network("btc-regtest", "fabfb5da", 18_444, regtest, false),
  network("ltc-regtest", "fabfb5da", 19_444, litecoin, false)
]

/** By name, as `bsv-main`, `bsv-test`, `bsv-stn`, `bsv-regtest`, `btc-main`, `btc-test3`, `btc-regtest`, `ltc-regtest`. */
export const networks: ReadonlyMap<string, Network> = new Map(all.map((one) => [one.name, one]))
