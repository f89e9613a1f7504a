/**
 * RESUME, DATA and RECEIPT: the frames of durable delivery on a live session (docs/PROTOCOL.md, 7).
 */
import { Schema } from "effect"
import { type Codec, codec, text, U63, Uuid } from "../Cbor.ts"
import { maxBody, maxName, maxSubject, Outcome } from "./Message.ts"

/** Most messages in one DATA, and most answers in one RECEIPT or RESUME: so many fit a frame at their largest. */
export const maxMessages = 1_024
export const maxAnswers = 1_024
/** Most RESUME frames that carry the answers of one side. */
export const maxResumes = 8

/** Databases hold no NUL in a text. */
const plain = (limit: number) => text(limit).check(Schema.isPattern(/^[^\0]*$/, { message: "a text without NUL" }))

const Answers = Schema.Array(Schema.Struct({ seq: U63, outcome: Outcome })).check(Schema.isMaxLength(maxAnswers))

/**
 * Both sides send one before any DATA. `sending` is the own stream with the last number given out and the last one
 * receipted; `received` is the peer's stream as it arrived here: how far, and which receipts the peer has told to have
 * settled. The answers are those that the peer may not have yet; with `more`, another RESUME goes on with them.
 */
export const Resume = Schema.Struct({
  sending: Schema.Struct({ stream: Uuid, last: U63, receipted: U63 }),
  received: Schema.Struct({ stream: Schema.NullOr(Uuid), position: U63, seen: U63 }),
  answers: Answers,
  more: Schema.optionalKey(Schema.Boolean)
})
export type Resume = typeof Resume.Type

const Item = Schema.Struct({
  id: Uuid,
  protocol: plain(maxName),
  subject: plain(maxSubject),
  body: Schema.Uint8Array.check(Schema.isMaxLength(maxBody)),
  void: Schema.optionalKey(Schema.Boolean)
})
export type Item = typeof Item.Type

/** Messages with consecutive numbers from `first`. `seen` is the receipt position the sender has settled for good. */
export const Data = Schema.Struct({
  stream: Uuid,
  first: U63,
  seen: U63,
  items: Schema.Array(Item).check(Schema.isMinLength(1), Schema.isMaxLength(maxMessages))
})
export type Data = typeof Data.Type

/** Everything up to `upTo` has been handled and committed; `answers` are the outcomes that are not `Ok`. */
export const Receipt = Schema.Struct({ stream: Uuid, upTo: U63, answers: Answers })
export type Receipt = typeof Receipt.Type

export const resume: Codec<Resume> = codec("RESUME", Resume)
export const data: Codec<Data> = codec("DATA", Data)
export const receipt: Codec<Receipt> = codec("RECEIPT", Receipt)

/** The RESUME frames of one side: the answers do not always fit one. */
export const resumes = (whole: Resume): ReadonlyArray<Resume> => {
  const parts: Array<Resume> = []
  for (let at = 0; at === 0 || at < whole.answers.length; at += maxAnswers) {
    const answers = whole.answers.slice(at, at + maxAnswers)
    parts.push(at + maxAnswers < whole.answers.length ? { ...whole, answers, more: true } : { ...whole, answers })
  }
  return parts
}

/**
 * The RECEIPT frames for one position, with so many answers each at the most: each covers only what its answers, in the
 * order of their numbers, reach.
 */
export const receipts = (whole: Receipt, most: number = maxAnswers): ReadonlyArray<Receipt> => {
  const answers = [...whole.answers].sort((a, b) => (a.seq < b.seq ? -1 : 1))
  const parts: Array<Receipt> = []
  for (let at = 0; at === 0 || at < answers.length; at += most) {
    const next = answers[at + most]
    parts.push({
      stream: whole.stream,
      upTo: next === undefined ? whole.upTo : next.seq - 1n,
      answers: answers.slice(at, at + most)
    })
  }
  return parts
}
