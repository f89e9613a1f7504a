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

const itemSize = 36

const inventory = (command: string): Payload.Payload<ReadonlyArray<Item>> =>
  Payload.make<ReadonlyArray<Item>>(
    command,
    (reader) =>
      reader.list("items", itemSize, () => ({
        kind: reader.u32(),
        id: Hash.display(reader.bytes(32))
      })),
    (writer, items) => {
      writer.compactSize(items.length)
      for (const { id, kind } of items) writer.u32(kind).bytes(Hash.wire(id))
    }
  )

export const inv = inventory("inv")
export const getdata = inventory("getdata")
export const notfound = inventory("notfound")
