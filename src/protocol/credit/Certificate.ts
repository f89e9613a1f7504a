/**
 * What a party tells of itself in a tally: who it is, by which key it signs, and as much more as it wants to disclose.
 */
import { Schema } from "effect"
import { Chad } from "./Chad.ts"
import { Instant } from "./Instant.ts"
import { UserKey } from "./Signature.ts"

/** Text of at most so many characters, with nothing in it that a database or canonical JSON cannot hold. */
export const shortText = (most: number) =>
  Schema.String.check(
    Schema.isMaxLength(most),
    Schema.makeFilter((text) => text.isWellFormed() && !text.includes("\0"), {
      message: "text without the character 0 and halves of surrogate pairs"
    })
  )

const list = <A, I>(item: Schema.Codec<A, I>) => Schema.optionalKey(Schema.Array(item).check(Schema.isMaxLength(16)))

const Connection = Schema.Struct({
  media: shortText(32),
  address: shortText(256),
  comment: Schema.optionalKey(shortText(256))
})
const Place = Schema.Struct({
  type: shortText(32),
  address: shortText(512),
  comment: Schema.optionalKey(shortText(256))
})
const File = Schema.Struct({ media: shortText(64), digest: shortText(86), comment: Schema.optionalKey(shortText(256)) })

export const Certificate = Schema.Struct({
  date: Instant,
  chad: Chad,
  type: Schema.Literals(["person", "organisation"]),
  name: shortText(256),
  /** The key that this party signs tallies and chits with. */
  public: UserKey,
  connect: list(Connection),
  place: list(Place),
  identity: Schema.optionalKey(
    Schema.Struct({ birth: Schema.optionalKey(shortText(64)), state: Schema.optionalKey(shortText(64)) })
  ),
  file: list(File)
})
export type Certificate = typeof Certificate.Type
