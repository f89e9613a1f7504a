/**
 * How the SQL stores read rows: every row passes a Schema, and 64-bit columns arrive as `bigint`.
 */
import { Schema, SchemaGetter } from "effect"

/** An int8 column that counts milliseconds or things of which there are fewer than 2^53. */
export const Int8Number = Schema.BigInt.pipe(
  Schema.decodeTo(Schema.Int, {
    decode: SchemaGetter.transform((n: bigint) => Number(n)),
    encode: SchemaGetter.transform((n: number) => BigInt(n))
  })
)

/** Reads rows; one of another shape is a defect, because the migrations have made the tables. */
export const reader = <A, I>(schema: Schema.Codec<A, I>): ((rows: ReadonlyArray<unknown>) => ReadonlyArray<A>) =>
  Schema.decodeUnknownSync(Schema.Array(schema))

/** Reads the one row that a statement always returns. */
export const single = <A, I>(schema: Schema.Codec<A, I>): ((rows: ReadonlyArray<unknown>) => A) => {
  const read = Schema.decodeUnknownSync(schema)
  return (rows) => read(rows[0])
}

/** A nullable column whose absence is `undefined`. */
export const optional = <A>(value: A | null): A | undefined => (value === null ? undefined : value)
