/** `inv`, `getdata` and `notfound`: what a peer has, is asked for, and has not. */
import * as Hash from "./Hash.ts"
import * as Payload from "./Payload.ts"

/** Numbers of the kinds. 5 is a transaction by its witness id on BTC, whose nodes add bit 30 for witnesses. */
export const Kind = { transaction: 1, block: 2, filteredBlock: 3, compactBlock: 4, dataReference: 5 } as const

export interface Item {
  /** One of `Kind`, or a number that this node does not know. */
  readonly kind: number
  readonly id: string
}

/** Bytes of the kind, and of an item. */
const kindSize = 4
const itemSize = kindSize + Hash.size

const inventory = (command: string): Payload.Payload<ReadonlyArray<Item>> =>
  Payload.make<ReadonlyArray<Item>>(
    command,
    (reader) => {
      const count = reader.count("items", itemSize)
      const bytes = reader.bytes(count * itemSize)
      const view = Hash.viewOf(bytes)
      const ids = Hash.displayAll(view, count, (index) => index * itemSize + kindSize)
      return ids.map((id, index) => ({ kind: view.getUint32(index * itemSize, true), id }))
    },
    (writer, items) => {
      writer.compactSize(items.length)
      for (const { id, kind } of items) writer.u32(kind).bytes(Hash.wire(id))
    }
  )

export const inv = inventory("inv")
export const getdata = inventory("getdata")
export const notfound = inventory("notfound")
