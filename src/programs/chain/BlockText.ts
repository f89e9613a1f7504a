/**
 * Blocks as a table: what they carry as text where it is some, else as hex, cut where it is long. Pure.
 */
import { Result } from "effect"
import { Hex } from "effect/encoding"
import { dim } from "../cli/Style.ts"
import { moment, size, table } from "../cli/Table.ts"
import type { BlockPage, BlockView } from "../http/ChainModels.ts"
import { shortId } from "./ChainText.ts"

/** Characters of an item that are shown, and items of a block. */
const longest = 60
const mostItems = 4

const utf8 = new TextDecoder("utf-8", { fatal: true })

const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    const text = utf8.decode(bytes)
    return text !== "" && /^[^\p{C}\p{Zl}\p{Zp}]*$/u.test(text) ? text : undefined
  } catch {
    return undefined
  }
}

const cut = (text: string): string => {
  const characters = [...text]
  return characters.length <= longest ? text : `${characters.slice(0, longest).join("")}…`
}

/** An item, given as hex digits: its text if all of it can be printed, else `0x` and the digits. */
export const item = (hex: string): string => {
  const text = textOf(Result.getOrElse(Hex.decode(hex), () => new Uint8Array(0)))
  return cut(text ?? `0x${hex}`)
}

const itemsOf = ({ items }: BlockView): string => {
  if (items === undefined) return dim("not kept")
  const shown = items.slice(0, mostItems).map(item)
  return [...shown, ...(items.length > mostItems ? [dim(`and ${items.length - mostItems} more`)] : [])].join(" | ")
}

const bytesOf = ({ items }: BlockView): string =>
  items === undefined ? "" : size(items.reduce((sum, hex) => sum + hex.length / 2, 0))

/** The last moment that a date can say. */
const lastMoment = 8_640_000_000_000_000

/** A producer that is none: of the first block. */
const nobody = /^0+$/

export const blocks =
  (now: number) =>
  ({ items, next }: BlockPage): string =>
    items.length === 0
      ? "No blocks there."
      : [
          table(
            ["HEIGHT", "ID", "TIME", "PRODUCER", "WEIGHT", "ITEMS", "BYTES", ""],
            items.map((block) => [
              String(block.height),
              shortId(block.id),
              block.time > lastMoment ? String(block.time) : moment(block.time, now),
              nobody.test(block.producer) ? "" : block.producer.slice(0, 8),
              String(block.weight),
              block.items === undefined ? "" : String(block.items.length),
              bytesOf(block),
              itemsOf(block)
            ])
          ),
          ...(next === undefined ? [] : [dim(`There is more: holdfast chain blocks --above ${next}`)])
        ].join("\n")
