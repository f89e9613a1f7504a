/**
 * What `holdfast bitcoin headers` prints: a tip, and headers that are stored. Pure.
 */
import type { BlockHeader } from "../../protocol/bitcoin/BlockHeader.ts"
import type { Placed } from "../../protocol/chain/HeaderTree.ts"
import { list } from "../cli/Table.ts"

export interface Tip {
  readonly _tag: "Tip"
  readonly network: string
  readonly height: number
  /** As it is displayed: the bytes of the hash reversed, in hex. */
  readonly id: string
  /** Seconds since 1970, as its header says. */
  readonly time: number
}

export interface Header {
  readonly _tag: "Header"
  readonly height: number
  readonly id: string
  readonly previous: string
  readonly merkleRoot: string
  readonly version: number
  /** Seconds since 1970. */
  readonly time: number
  readonly bits: number
  readonly nonce: number
}

export const tip = (network: string, { header, height }: Pick<Placed<BlockHeader>, "header" | "height">): Tip => ({
  _tag: "Tip",
  network,
  height,
  id: header.id,
  time: header.time
})

export const header = (height: number, it: BlockHeader): Header => ({
  _tag: "Header",
  height,
  id: it.id,
  previous: it.previous,
  merkleRoot: it.merkleRoot,
  version: it.version,
  time: it.time,
  bits: it.bits,
  nonce: it.nonce
})

/** `2009-01-03 18:15:05Z`. */
export const date = (seconds: number): string =>
  new Date(seconds * 1_000).toISOString().replace("T", " ").replace(".000Z", "Z")

export const tipText = ({ height, id, network, time }: Tip): string =>
  list([
    ["Network", network],
    ["Height", String(height)],
    ["Tip", id],
    ["Time", date(time)]
  ])

/** A tip or a header in one line. */
export const line = ({ height, id, time }: Pick<Tip, "height" | "id" | "time">): string =>
  `${String(height).padStart(8)}  ${id}  ${date(time)}`
