/**
 * Two parties of a tally, with keys that are the same in every run, and the documents that they may offer: one for each side and
 * revision, so that equal commands make equal messages.
 */
import type { Certificate } from "../../src/protocol/credit/Certificate.ts"
import { Cuid } from "../../src/protocol/credit/Chad.ts"
import * as Chit from "../../src/protocol/credit/Chit.ts"
import { type Purpose, type Signature, signWith } from "../../src/protocol/credit/Signature.ts"
import type { Digest } from "../../src/protocol/credit/Canonical.ts"
import * as Document from "../../src/protocol/credit/TallyDocument.ts"
import type { Draft } from "../../src/protocol/credit/TallyHalf.ts"
import type { NodeKey } from "../../src/protocol/NodeKey.ts"
import * as NodeSecret from "../../src/protocol/NodeSecret.ts"

export const sides: ReadonlyArray<Document.Side> = ["stock", "foil"]

export const tally = Document.TallyId.make("10000000-0000-4000-8000-000000000001")

export interface Party {
  readonly node: NodeKey
  readonly cuid: Cuid
  readonly cert: Certificate
  readonly sign: (purpose: Purpose, digest: Digest) => Signature
}

const secret = (seed: number) => NodeSecret.fromSeed(new Uint8Array(32).fill(seed))

/** A user of the node that grows from one seed, with a key that grows from another. */
export const party = (name: string, nodeSeed: number, userSeed: number): Party => {
  const node = secret(nodeSeed).key
  const user = secret(userSeed)
  const cuid = Cuid.make(name)
  return {
    node,
    cuid,
    cert: { date: 0, chad: { cuid, agent: node, host: "127.0.0.1", port: 1 }, type: "person", name, public: user.key },
    sign: (purpose, digest) => signWith((bytes) => NodeSecret.sign(user, bytes), purpose, digest)
  }
}

export interface Parties {
  readonly stock: Party
  readonly foil: Party
}

const nodeSeeds = [1, 2].sort((one, two) => (secret(one).key < secret(two).key ? -1 : 1))

/** Stock and foil; `first` is the one whose offer stands where two have the same revision. */
export const parties = (first: Document.Side = "stock"): Parties => {
  const [low, high] = nodeSeeds
  const stock = first === "stock" ? low : high
  return { stock: party("sue", stock!, 11), foil: party("fay", stock === low ? high! : low!, 12) }
}

/** What the party on this side offers with this revision. */
export const documentBy = (
  { foil, stock }: Parties,
  by: Document.Side,
  revision: number,
  memo = ""
): Document.TallyDocument => ({
  version: 1,
  uuid: tally,
  revision,
  date: 1_000 + revision,
  memo: `${by} ${revision} ${memo}`,
  agree: { name: "Fair", rid: "fair-1" },
  stock: { cert: stock.cert, terms: { limit: 10_000n } },
  foil: { cert: foil.cert, terms: { limit: 5_000n } }
})

export const signed = (party: Party, document: Document.TallyDocument): Signature =>
  party.sign("tally", Document.digest(document))

/** What the party on this side has in mind before there is a document. */
export const draftOf = (parties: Parties, side: Document.Side): Draft => ({
  memo: "",
  agree: { name: "Fair", rid: "fair-1" },
  cert: parties[side].cert,
  terms: { limit: 10_000n },
  partnerTerms: { limit: 5_000n }
})

/** A pledge of a side, with an id that ends in `n`. */
export const pledge = (by: Document.Side, n: number, units: bigint): typeof Chit.Pledge.Type => ({
  tally,
  uuid: Chit.ChitId.make(`20000000-0000-4000-8000-${String(n).padStart(12, "0")}`),
  by,
  date: 5_000,
  type: "tran",
  units
})
