/** A chain that is nothing but hashes and weights, for tests of what all chains have in common. */
import { hash } from "node:crypto"
import type { ChainRules } from "../../src/protocol/chain/ChainRules.ts"
import type { StoredHeader } from "../../src/services/chain/HeaderStore.ts"

export interface ToyHeader {
  readonly id: string
  readonly previous: string
  /** At most 255. Below 1 it may not come anywhere, and who says so is at fault. */
  readonly weight: number
  /** Tells branches apart. */
  readonly branch: number
}

export type ToyFault = "weightless"

const encode = ({ branch, previous, weight }: Omit<ToyHeader, "id">): Uint8Array =>
  Buffer.concat([Buffer.from(previous, "hex"), Uint8Array.of(weight, branch)])

const identified = (header: Omit<ToyHeader, "id">): ToyHeader => ({ ...header, id: hash("sha256", encode(header)) })

const decode = (bytes: Uint8Array): ToyHeader | undefined => {
  const [weight, branch] = bytes.subarray(32)
  if (bytes.length !== 34 || weight === undefined || branch === undefined) return undefined
  return identified({ previous: Buffer.from(bytes.subarray(0, 32)).toString("hex"), weight, branch })
}

export const genesis = identified({ previous: "0".repeat(64), weight: 0, branch: 0 })

/** `checked` hears of every header that is looked at. */
export const rules = (
  changes: Partial<ChainRules<ToyHeader, ToyFault>> = {},
  checked: (header: ToyHeader) => void = () => {}
): ChainRules<ToyHeader, ToyFault> => ({
  name: "toy",
  genesis,
  genesisBody: new Uint8Array(),
  page: 20,
  atOnce: 5,
  depth: 50,
  mostBeside: 100,
  prefers: (one, best) => one.id < best.id,
  weight: ({ weight }) => BigInt(weight),
  encode,
  decode,
  objection: (_tree, _parent, header) => {
    checked(header)
    return header.weight > 0 ? undefined : { fault: "weightless", detail: `block ${header.id} weighs nothing` }
  },
  ...changes
})

/** So many headers after another, of which each weighs so much. */
export const chain = (after: ToyHeader, count: number, branch = 0, weight = 1): ReadonlyArray<ToyHeader> => {
  const out: Array<ToyHeader> = []
  for (let last = after; out.length < count; out.push(last)) last = identified({ previous: last.id, weight, branch })
  return out
}

/** These as the store has them, the first of them at a height, of the weight 1 each. */
export const stored = (headers: ReadonlyArray<ToyHeader>, from: number): ReadonlyArray<StoredHeader> =>
  headers.map((header, at) => ({
    id: header.id,
    height: from + at,
    bytes: encode(header),
    weight: BigInt(from + at)
  }))
