/** Which chain a node keeps and how far it has come, as its HELLO says it (docs/PROTOCOL.md, 4 and 11.2). */
import { Schema } from "effect"
import { Id } from "./Id.ts"

/** The name of a chain: ASCII without spaces. */
export const ChainName = Schema.String.check(
  Schema.isPattern(/^[!-~]{1,64}$/, { message: "the id of a chain is 1 to 64 ASCII characters without spaces" })
)

export const ChainClaim = Schema.Struct({
  id: ChainName,
  /** Id of the first block. */
  genesis: Id,
  /** Id and height of the block that was applied last, when the HELLO was made. */
  tip: Id,
  height: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff }))
})
export type ChainClaim = typeof ChainClaim.Type

type Named = Pick<ChainClaim, "id" | "genesis">

const shown = ({ genesis, id }: Named): string => `chain "${id}" that begins with ${genesis.slice(0, 16)}`

/** Why two nodes keep different chains, if they do; nothing where either keeps none. */
export const mismatch = (own: Named | undefined, theirs: Named | undefined): string | undefined => {
  if (own === undefined || theirs === undefined) return undefined
  if (own.id === theirs.id && own.genesis === theirs.genesis) return undefined
  return `${shown(theirs)}, this node keeps ${shown(own)}`
}
