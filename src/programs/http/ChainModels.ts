/**
 * What the API says about the chain of a node. Ids and the bytes of items are lower-case hex digits, times are milliseconds since 1970.
 */
import { Schema } from "effect"
import type { ChainBlock } from "../../services/chain/Chain.ts"
import { Hex } from "effect/encoding"

export { ChainStatus } from "../../services/chain/ChainStatus.ts"
export { ChainEvent } from "../../services/chain/ChainEvent.ts"

/** Where a block is. */
export const Place = Schema.Struct({ height: Schema.Int, id: Schema.String })

export const BlockView = Schema.Struct({
  ...Place.fields,
  previous: Schema.String,
  /** SHA-256 of the encoded items. */
  payload: Schema.String,
  time: Schema.Number,
  /** The node key of who has made it; zeros for the first block. */
  producer: Schema.String,
  weight: Schema.Int,
  signed: Schema.Boolean,
  /** Missing where they were pruned. */
  items: Schema.optionalKey(Schema.Array(Schema.String))
})
export type BlockView = typeof BlockView.Type

export const blockView = ({ header, items }: ChainBlock): BlockView => {
  const { height, id, payload, previous, producer, signature, time, weight } = header
  const block = { height, id, previous, payload, time, producer, weight, signed: signature !== undefined }
  return items === undefined ? block : { ...block, items: items.map((item) => Hex.encode(item)) }
}

/** `next` is the height to go on above, if there is more. */
export const BlockPage = Schema.Struct({ items: Schema.Array(BlockView), next: Schema.optionalKey(Schema.Int) })
export type BlockPage = typeof BlockPage.Type

/** An item of a block: a text, in UTF-8, or bytes. */
export const NewItem = Schema.Union([
  Schema.Struct({ text: Schema.String }),
  Schema.Struct({
    hex: Schema.String.check(
      Schema.isPattern(/^(?:[0-9A-Fa-f]{2})*$/, {
        message: "give bytes as pairs of hex digits, without anything between"
      })
    )
  })
])
export type NewItem = typeof NewItem.Type

/** How many items wait for a block of this node. */
export const Waiting = Schema.Struct({ waiting: Schema.Int })

export const VerifyItem = Schema.Union([
  /** How far it is: blocks up to `height` of those up to `of`. */
  Schema.TaggedStruct("Checking", { height: Schema.Int, of: Schema.Int, pruned: Schema.Int }),
  /** The end: all blocks up to `height` are as they must be. Of those that were pruned only the headers were checked. */
  Schema.TaggedStruct("Sound", { height: Schema.Int, pruned: Schema.Int }),
  /** The end: the first block that is not as it must be. */
  Schema.TaggedStruct("Broken", { height: Schema.Int, problem: Schema.String }),
  /** The end, without a result. */
  Schema.TaggedStruct("Failed", { message: Schema.String, fix: Schema.String })
])
export type VerifyItem = typeof VerifyItem.Type
