/**
 * Ids of blocks and transactions. On the wire they are 32 bytes; displayed, their bytes are reversed, in hex. That text is what this
 * project passes around: it is a key of maps and columns, and what explorers and other nodes show.
 */

/** Bytes of one. */
export const size = 32

/** 32 bytes of zeros: no block, as the parent of the first one. */
export const zero = "0".repeat(2 * size)

/** As many texts as are made in one step. A text that is kept keeps the others of its step, so these are few. */
const together = 16
const scratch = Buffer.alloc(together * size)
const scratchView = new DataView(scratch.buffer, scratch.byteOffset, scratch.length)

/** Copies 32 bytes to the scratch, the last one first: four at a time, as numbers that are read one way and written the other. */
const reverse = (view: DataView, at: number, to: number): void => {
  for (let index = 0; index < size; index += 4) {
    scratchView.setUint32(to + size - 4 - index, view.getUint32(at + index, true), false)
  }
}

/** A view of bytes for `displayAt` and `displayAll`. */
export const viewOf = ({ buffer, byteLength, byteOffset }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength)

/** The text of the 32 bytes of the wire that begin at `at`, which must be there. */
export const displayAt = (view: DataView, at: number): string => {
  reverse(view, at, 0)
  return scratch.toString("hex", 0, size)
}

/** The text of 32 bytes of the wire. */
export const display = (bytes: Uint8Array): string => displayAt(viewOf(bytes), 0)

/** The texts of `count` hashes that begin where `at` says, and must be there: quicker than one by one. */
export const displayAll = (view: DataView, count: number, at: (index: number) => number): Array<string> => {
  const texts: Array<string> = []
  for (let done = 0; done < count; done += together) {
    const now = Math.min(together, count - done)
    for (let index = 0; index < now; index++) reverse(view, at(done + index), index * size)
    const text = scratch.toString("hex", 0, now * size)
    for (let index = 0; index < now; index++) texts.push(text.slice(index * 2 * size, (index + 1) * 2 * size))
  }
  return texts
}

/** The bytes on the wire of such a text. */
export const wire = (text: string): Uint8Array => Buffer.from(text, "hex").reverse()

/** The number that the bytes are, the lowest first: what proof of work compares with its target. */
export const number = (text: string): bigint => BigInt(`0x${text}`)
