/**
 * The flags that say what a tally shall be: which side the user is, and what either side grants the other.
 */
import { Effect, Schema } from "effect"
import { Flag } from "effect/cli"
import { other, type Terms } from "../../protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../http/CreditModels.ts"
import { ExitCode } from "../ExitCode.ts"
import { choice, fromText } from "../SettingValue.ts"
import * as Flags from "../cli/ValueFlags.ts"
import * as CreditFlags from "./CreditFlags.ts"

/** `name=digest` of the text that both agree to. */
const contract = fromText(
  "a contract as name=digest, the name of 1 to 256 characters and the digest of its text of 1 to 86",
  (text) => {
    const [, name, rid] = /^([^=]{1,256})=([^=]{1,86})$/.exec(text) ?? []
    return name === undefined || rid === undefined ? undefined : { name, rid }
  },
  ({ name, rid }) => `${name}=${rid}`
)

const call = (name: string, about: string) => Flags.optionally(Flags.count(name, about, 0, 36_500))

export const flags = {
  side: Flags.optionally(
    Flag.String("side").pipe(
      Flag.withMetavar("<side>"),
      Flag.withDescription("stock, whom a positive balance is owed to, or foil (default stock)"),
      Flag.withSchema(choice(["stock", "foil"]))
    )
  ),
  limit: CreditFlags.money("limit", "The most that the partner may owe you (default 0)"),
  partnerLimit: CreditFlags.money("partner-limit", "The most that you may owe the partner (default 0)"),
  call: call("call", "Days in which the partner settles when you call for it"),
  partnerCall: call("partner-call", "Days in which you settle when the partner calls for it"),
  memo: CreditFlags.memo,
  contract: Flags.optionally(
    Flag.String("contract").pipe(
      Flag.withMetavar("<name=digest>"),
      Flag.withDescription("The contract that both agree to"),
      Flag.withSchema(contract)
    )
  )
}

interface Given {
  readonly side: "stock" | "foil" | undefined
  readonly limit: bigint | undefined
  readonly partnerLimit: bigint | undefined
  readonly call: number | undefined
  readonly partnerCall: number | undefined
  readonly memo: string | undefined
  readonly contract: { readonly name: string; readonly rid: string } | undefined
}

/** Neither side may owe the other one anything: nothing could ever be written on such a tally. */
export class TermsMissing extends Schema.TaggedError<TermsMissing>()("CreditTermsMissing", {}) {
  readonly exitCode = ExitCode.usage
  override get message(): string {
    return (
      "Nobody may owe anything on such a tally: say how much with --limit <amount>, what the partner may owe you, " +
      "or --partner-limit <amount>, what you may owe the partner."
    )
  }
}

const termsOf = (limit: bigint, call: number | undefined): Terms => (call === undefined ? { limit } : { limit, call })

/** What a half says of the terms already: this side's, and the other one's. */
const termsIn = (half: TallyHalf | undefined): { readonly own?: Terms; readonly partner?: Terms } => {
  if (half?.document !== undefined) {
    return { own: half.document[half.side].terms, partner: half.document[other(half.side)].terms }
  }
  return half?.draft === undefined ? {} : { own: half.draft.terms, partner: half.draft.partnerTerms }
}

/** What a command says that is wanted; what is left out is as it was, if there was something. */
export const wanted = Effect.fnUntraced(function* (given: Given, before?: TallyHalf) {
  const { own, partner } = termsIn(before)
  const theirs = given.limit ?? own?.limit ?? 0n
  const mine = given.partnerLimit ?? partner?.limit ?? 0n
  if (theirs + mine === 0n) return yield* new TermsMissing()
  const memo = given.memo ?? before?.document?.memo ?? before?.draft?.memo
  const agree = given.contract ?? before?.document?.agree ?? before?.draft?.agree
  return {
    side: given.side ?? before?.side ?? "stock",
    terms: termsOf(theirs, given.call ?? own?.call),
    partnerTerms: termsOf(mine, given.partnerCall ?? partner?.call),
    ...(memo === undefined ? {} : { memo }),
    ...(agree === undefined ? {} : { agree })
  }
})
