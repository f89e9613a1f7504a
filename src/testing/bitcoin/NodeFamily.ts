/**
 * Five real nodes, as far as they show on the wire: what each says of itself, and what it says in and after the handshake, to a
 * peer of which version. Taken from conversations with them.
 */
import type * as Command from "../../protocol/bitcoin/Command.ts"
import { feefilter, protoconf, sendcmpct } from "../../protocol/bitcoin/Settings.ts"

export const familyNames = ["bsv", "knots", "litecoind", "bcoin", "bcash"] as const
export type FamilyName = (typeof familyNames)[number]

/** A message: its command and what it carries. */
export type Said = readonly [command: Command.Command, payload: Uint8Array]

export interface NodeFamily {
  readonly agent: string
  /** The protocol version. */
  readonly version: number
  readonly services: bigint
  /** Peers of older versions are hung up on. */
  readonly oldest: number
  /** Whether it says its version at once to who has dialled it, and answers pings before the handshake is over. */
  readonly eager: boolean
  /** Whether it says so if it does not have a block; the others say nothing. */
  readonly owns: boolean
  /** Before its `verack`, to a peer of this version. */
  readonly before: (peer: number) => ReadonlyArray<Said>
  /** Right after it; `dialled`: it is the one that has dialled. */
  readonly behind: (dialled: boolean) => ReadonlyArray<Said>
  /** Once the peer's `verack` has come, besides `ping` and `getheaders`. */
  readonly afterwards: (peer: number) => ReadonlyArray<Said>
  /** Whether it pings and asks for headers then. */
  readonly asks: boolean
}

const none = new Uint8Array(0)
const since = (version: number, peer: number, ...said: ReadonlyArray<Said>): ReadonlyArray<Said> =>
  peer >= version ? said : []
const compact = (version: bigint): Said => ["sendcmpct", sendcmpct.encode({ announce: false, version })]
const fee: Said = ["feefilter", feefilter.encode(1_000n)]

/** Version 1, and 32 bytes that a miner would sign. */
const challenge = Buffer.concat([Uint8Array.of(1, 0, 0, 0, 32, 0, 0, 0), Buffer.alloc(32, 0x5a)])

const bsv: NodeFamily = {
  agent: "/Bitcoin SV:1.2.2/",
  version: 70_016,
  services: 0x21n,
  oldest: 31_800,
  eager: false,
  owns: false,
  before: () => [],
  behind: (dialled) => [
    ["protoconf", protoconf.encode({ largestPayload: 2_097_152, policies: "BlockPriority,Default" })],
    ...(dialled ? [["getaddr", none] satisfies Said] : [])
  ],
  afterwards: (peer) => [
    ["authch", challenge],
    ...since(70_012, peer, ["sendheaders", none]),
    ...since(70_014, peer, compact(1n))
  ],
  asks: true
}

/** Core 0.21 and what is made of it. */
const core = (agent: string, services: bigint, compacts: ReadonlyArray<bigint>): NodeFamily => ({
  agent,
  version: 70_016,
  services,
  oldest: 31_800,
  eager: false,
  owns: false,
  before: (peer) => since(70_016, peer, ["wtxidrelay", none], ["sendaddrv2", none]),
  behind: () => [],
  afterwards: (peer) => [
    ...since(70_012, peer, ["sendheaders", none]),
    ...since(70_014, peer, ...compacts.map(compact)),
    ...since(70_013, peer, fee)
  ],
  asks: true
})

/** bcoin and bcash, which has the same code. */
const bcoin = (agent: string, services: bigint): NodeFamily => ({
  agent,
  version: 70_015,
  services,
  oldest: 70_001,
  eager: true,
  owns: true,
  before: () => [],
  behind: () => [],
  afterwards: (peer) => [...since(70_014, peer, compact(1n)), ["getaddr", none]],
  asks: false
})

export const families: Readonly<Record<FamilyName, NodeFamily>> = {
  bsv,
  knots: core("/Satoshi:0.21.1/Knots:20210629/", 0x40dn, [2n, 1n]),
  litecoind: core("/LitecoinCore:0.21.2.1/", 0x0100_0409n, [3n, 2n, 1n]),
  bcoin: bcoin("/bcoin:v1.0.2/", 9n),
  bcash: bcoin("/bcash:1.1.1/", 1n)
}
