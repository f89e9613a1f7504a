/**
 * Amounts of money: whole milli-CHIP as `bigint`, shown to people as CHIP with three decimals.
 *
 * In JSON, in what is signed, and on the wire an amount is a decimal text, because a JSON number holds 53 bits.
 */
import { Option, Schema, SchemaTransformation } from "effect"

/** The largest amount, and the largest balance: it fits 63 bits with room to add two of them. */
export const most = 2n ** 61n - 1n

/** One amount, one text: no zeros in front, no `-0`. Its length is bounded before it is read, which for long ones takes long. */
const AmountText = Schema.String.check(
  Schema.isPattern(/^(?:0|-?[1-9][0-9]{0,18})$/, {
    message: `an amount is a whole number in decimal digits, at most ${most} milli-CHIP`
  })
)

const amount = (minimum: bigint, message: string) =>
  AmountText.pipe(
    Schema.decodeTo(
      Schema.BigInt.check(Schema.isBetweenBigInt({ minimum, maximum: most }, { message })),
      SchemaTransformation.bigintFromString
    )
  )

/** Milli-CHIP, 0 to `most`. */
export const Units = amount(0n, `an amount is 0 to ${most} milli-CHIP`)
/** Milli-CHIP of something that moves, 1 to `most`. */
export const SomeUnits = amount(1n, `an amount is 1 to ${most} milli-CHIP`)
/** Milli-CHIP of a balance, which has a sign. */
export const Balance = amount(-most, `a balance is at most ${most} milli-CHIP either way`)

const pattern = /^(-?)(\d{1,16})(?:\.(\d{1,3}))?$/

/** Milli-CHIP of CHIP as people write them, such as `12`, `0.5` or `-3.125`; none of anything else or more than `most`. */
export const parse = (text: string): Option.Option<bigint> => {
  const [, sign, whole, part = ""] = pattern.exec(text.trim()) ?? []
  if (whole === undefined) return Option.none()
  const units = BigInt(whole) * 1_000n + BigInt(part.padEnd(3, "0"))
  if (units > most) return Option.none()
  return Option.some(sign === "-" ? -units : units)
}

/** CHIP with three decimals: `-3.125`. */
export const format = (units: bigint): string => {
  const size = units < 0n ? -units : units
  const text = `${size / 1_000n}.${String(size % 1_000n).padStart(3, "0")}`
  return units < 0n ? `-${text}` : text
}
