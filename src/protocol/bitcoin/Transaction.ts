/**
 * `tx`, without witnesses: `version i32 | inputs | outputs | lock time u32`. BTC's form with witnesses has a marker in the place of the
 * inputs' count, which reads here as a transaction without inputs; BSV has no such form.
 */
import * as Hash from "./Hash.ts"
import * as Payload from "./Payload.ts"
import type { PayloadReader } from "./PayloadReader.ts"
import type { PayloadWriter } from "./PayloadWriter.ts"
import { sha256d } from "./Sha256d.ts"

export interface Input {
  /** The transaction whose output is spent, zeros for newly made coins. */
  readonly previous: string
  readonly index: number
  readonly script: Uint8Array
  readonly sequence: number
}

export interface Output {
  /** Satoshis. */
  readonly value: bigint
  readonly script: Uint8Array
}

export interface Transaction {
  readonly version: number
  readonly inputs: ReadonlyArray<Input>
  readonly outputs: ReadonlyArray<Output>
  readonly lockTime: number
}

/** The least that an input and an output take. */
const inputSize = 41
const outputSize = 9

/** Scripts are views of the payload. */
export const read = (reader: PayloadReader): Transaction => ({
  version: reader.i32(),
  inputs: reader.list("inputs", inputSize, () => ({
    previous: reader.hash(),
    index: reader.u32(),
    script: reader.sized("a script", reader.left),
    sequence: reader.u32()
  })),
  outputs: reader.list("outputs", outputSize, () => ({
    value: reader.i64(),
    script: reader.sized("a script", reader.left)
  })),
  lockTime: reader.u32()
})

export const write = (writer: PayloadWriter, { inputs, lockTime, outputs, version }: Transaction): void => {
  writer.i32(version).compactSize(inputs.length)
  for (const { index, previous, script, sequence } of inputs) {
    writer.bytes(Hash.wire(previous)).u32(index).sized(script).u32(sequence)
  }
  writer.compactSize(outputs.length)
  for (const { script, value } of outputs) writer.i64(value).sized(script)
  writer.u32(lockTime)
}

export const tx = Payload.make<Transaction>("tx", read, write)

export const idOf = (transaction: Transaction): string => Hash.display(sha256d(tx.encode(transaction)))
