/**
 * Halves of tallies to judge by: who keeps them, what they grant, and where the balance stands, as a test says it.
 */
import { createHash } from "node:crypto"
import type { Person } from "../../../src/protocol/credit/Chad.ts"
import { Cuid } from "../../../src/protocol/credit/Chad.ts"
import type { Settings } from "../../../src/protocol/credit/Chit.ts"
import { genesis } from "../../../src/protocol/credit/ChitLog.ts"
import * as Tally from "../../../src/protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../../src/protocol/credit/TallyHalf.ts"
import * as NodeSecret from "../../../src/protocol/NodeSecret.ts"

const secrets = new Map<string, NodeSecret.NodeSecret>()

/** The secret of a user or of a node, which follows from its name. */
export const secretOf = (name: string): NodeSecret.NodeSecret => {
  const known = secrets.get(name)
  if (known !== undefined) return known
  const secret = NodeSecret.fromSeed(createHash("sha256").update(name).digest())
  secrets.set(name, secret)
  return secret
}

/** Signs as a user or a node does. */
export const signerOf =
  (name: string) =>
  (message: Uint8Array): Uint8Array =>
    NodeSecret.sign(secretOf(name), message)

/** A user of a node, each by its name. */
export const person = (cuid: string, node: string): Person => ({ cuid: Cuid.make(cuid), agent: secretOf(node).key })

/** A UUID that follows from a number. */
export const uuid = (kind: number, n: number): string =>
  `${kind.toString(16).padStart(8, "0")}-0000-4000-8000-${n.toString(16).padStart(12, "0")}`

export const tallyId = (n: number): Tally.TallyId => Tally.TallyId.make(uuid(1, n))

export interface Drawn {
  readonly id: Tally.TallyId
  readonly stock: Person
  readonly foil: Person
  /** The most that stock may be owed, and foil. */
  readonly limits?: { readonly stock: bigint; readonly foil: bigint }
  readonly net?: bigint
  readonly up?: bigint
  readonly down?: bigint
  readonly sets?: { readonly stock?: typeof Settings.Type; readonly foil?: typeof Settings.Type }
  readonly status?: TallyHalf["status"]
}

const partyOf = (who: Person, limit: bigint): Tally.TallyDocument["stock"] => ({
  cert: {
    date: 0,
    chad: { ...who, host: "127.0.0.1", port: 4_000 },
    type: "person",
    name: who.cuid,
    public: secretOf(who.cuid).key
  },
  terms: { limit }
})

export const documentOf = ({ foil, id, limits = { stock: 0n, foil: 0n }, stock }: Drawn): Tally.TallyDocument => ({
  version: 1,
  uuid: id,
  revision: 1,
  date: 0,
  memo: "",
  agree: { name: "none", rid: "" },
  stock: partyOf(stock, limits.stock),
  foil: partyOf(foil, limits.foil)
})

/** One half: open, without chits. Nobody has signed it. */
export const halfOf = (drawn: Drawn, side: Tally.Side): TallyHalf => {
  const { down = 0n, net = 0n, sets, status = "open", up = 0n } = drawn
  const document = documentOf(drawn)
  return {
    holder: drawn[side].cuid,
    id: drawn.id,
    side,
    partner: document[Tally.other(side)].cert.chad,
    status,
    revision: 1,
    document,
    signs: {},
    sets: { stock: sets?.stock ?? {}, foil: sets?.foil ?? {} },
    sums: { net, up, down },
    chain: { at: genesis(Tally.digest(document)), told: 0, agreed: 0, unplaced: 0, closedThere: false }
  }
}
