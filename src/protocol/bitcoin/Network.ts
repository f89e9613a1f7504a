/**
 * The Bitcoin networks: what tells them apart on the wire, and what each allows.
 *
 * Nothing but the magic names the network: no field of `version` does. Magic is four bytes in their order on the wire, never a
 * number: BSV's and BTC's regtest are each other's bytes reversed.
 */

export interface Network {
  readonly name: string
  /** The first four bytes of every message. */
  readonly magic: Uint8Array
  /** Where its nodes listen unless told otherwise. */
  readonly port: number
  /** Id of its first block, as it is displayed: the bytes of the hash reversed, in hex. */
  readonly genesis: string
  /** Whether its nodes understand `extmsg`, for payloads of 4 GiB and more. BTC closes on it, bcash dies of it. */
  readonly extended: boolean
  /** Names whose addresses are those of nodes. */
  readonly seeds: ReadonlyArray<string>
}

const mainGenesis = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
const testGenesis = "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943"
const regtestGenesis = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"

/** Those that nodes of BSV 1.2.2 ask; regtest has none. */
const seeds: Readonly<Record<string, ReadonlyArray<string>>> = {
  "bsv-main": ["seed.bitcoinsv.io", "seed.satoshisvision.network", "seed.bitcoinseed.directory"],
  "bsv-test": ["testnet-seed.bitcoinsv.io", "testnet-seed.bitcoincloud.net", "testnet-seed.bitcoinseed.directory"],
  "bsv-stn": ["stn-seed.bitcoinsv.io", "stn-seed.bitcoinseed.directory"]
}

const network = (name: string, magic: string, port: number, genesis: string, extended: boolean): Network => ({
  name,
  magic: Buffer.from(magic, "hex"),
  port,
  genesis,
  extended,
  seeds: seeds[name] ?? []
})

const all = [
  network("bsv-main", "e3e1f3e8", 8_333, mainGenesis, true),
  network("bsv-test", "f4e5f3f4", 18_333, testGenesis, true),
  network("bsv-stn", "fbcec4f9", 9_333, testGenesis, true),
  network("bsv-regtest", "dab5bffa", 18_444, regtestGenesis, true),
  network("btc-main", "f9beb4d9", 8_333, mainGenesis, false),
  network("btc-test3", "0b110907", 18_333, testGenesis, false),
  network("btc-regtest", "fabfb5da", 18_444, regtestGenesis, false),
  network("ltc-regtest", "fabfb5da", 19_444, "530827f38f93b43ed12af0b3ad25a288dc02ed74d6d7857862df51fc56c416f9", false)
]

/** By name, as `bsv-main`, `bsv-test`, `bsv-stn`, `bsv-regtest`, `btc-main`, `btc-test3`, `btc-regtest`, `ltc-regtest`. */
export const networks: ReadonlyMap<string, Network> = new Map(all.map((one) => [one.name, one]))
