/** What is in the blocks of the scenario `chain`: items that each carry a number, of which every node keeps the sum. */
import { Result } from "effect"
import * as Block from "../../protocol/chain/Block.ts"

const numberSize = 4

/** An item of this number, and of so many bytes behind it. */
export const encode = (number: number, padding: number): Uint8Array => {
  const out = new Uint8Array(numberSize + padding)
  new DataView(out.buffer).setUint32(0, number)
  return out
}

/** The sum of the numbers in a body; a body of others counts as nothing. */
export const sumOf = (body: Uint8Array): number => {
  const items = Result.getOrElse(Block.decode(body), () => [])
  let sum = 0
  for (const { buffer, byteOffset, length } of items) {
    if (length >= numberSize) sum += new DataView(buffer, byteOffset, length).getUint32(0)
  }
  return sum
}
