/**
 * `holdfast tally draft`, `offer`, `accept`, `refuse`, `revise`, `withdraw`, `resend`, `set` and `close`: what users agree on.
 */
import { Effect, Schema } from "effect"
import { Command } from "effect/cli"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import type { TallyId } from "../../protocol/credit/TallyDocument.ts"
import { print } from "../cli/Root.ts"
import { ExitCode } from "../ExitCode.ts"
import type { Command as UserCommand, Done } from "../http/CreditModels.ts"
import * as Acting from "./Acting.ts"
import * as CreditFlags from "./CreditFlags.ts"
import * as TermsFlags from "./TermsFlags.ts"

const one = { tally: CreditFlags.tally, ...CreditFlags.doing }
const versioned = { ...one, revision: CreditFlags.revision }

/** Tells the node what the user wants of a tally, and says what came of it. */
const doing = Effect.fnUntraced(function* <E, R>(
  given: Acting.Doing & { readonly tally: string },
  make: (tally: TallyId, user: Cuid) => Effect.Effect<UserCommand, E, R>,
  say: (tally: TallyId) => string
) {
  const { done, tally } = yield* Acting.onTally(given, make)
  yield* print<Done>(done, () => say(tally))
})

/** The revision that was given, or the one that is there now. */
const revisionOf = Effect.fnUntraced(function* (given: number | undefined, user: Cuid, tally: TallyId) {
  return given ?? (yield* Acting.halfOf(user, tally)).revision
})

export const DraftCommand = Command.make(
  "draft",
  { ...TermsFlags.flags, tally: CreditFlags.optionalTallyFlag, ...CreditFlags.doing },
  Effect.fnUntraced(function* ({ key, tally: text, user: named, ...terms }) {
    const user = yield* Acting.userOf(named)
    const tally = text === undefined ? undefined : yield* Acting.tallyOf(user, text)
    const before = tally === undefined ? undefined : yield* Acting.halfOf(user, tally)
    const wanted = yield* TermsFlags.wanted(terms, before)
    const which = tally === undefined ? {} : { tally }
    const done = yield* Acting.run(user, { _tag: "DraftTally", ...wanted, ...which }, key)
    yield* print(done, ({ tally }) => `Drafted tally ${tally}. Invite the partner with: holdfast tally ticket ${tally}`)
  })
).pipe(
  Command.withDescription(
    "Draft a tally, or change a draft that --tally names. You are stock unless --side says foil; what either side may owe the other " +
      "is said by --limit and --partner-limit. Nobody is told of it before a ticket is issued."
  ),
  Command.withShortDescription("Draft a tally, or change a draft"),
  Command.withExamples([{ command: "holdfast tally draft --limit 100 --partner-limit 20" }])
)

export const OfferCommand = Command.make(
  "offer",
  one,
  Effect.fnUntraced(function* (given) {
    yield* doing(
      given,
      (tally) => Effect.succeed({ _tag: "OfferTally", tally }),
      (tally) => `Offered. What comes of it: holdfast tally status ${tally}`
    )
  })
).pipe(Command.withDescription("Sign a draft whose partner has come, and offer it to them"))

export const AcceptCommand = Command.make(
  "accept",
  versioned,
  Effect.fnUntraced(function* (given) {
    yield* doing(
      given,
      (tally, user) =>
        Effect.map(revisionOf(given.revision, user, tally), (revision) => ({ _tag: "AcceptTally", tally, revision })),
      (tally) => `Accepted: the tally is open. Pay with: holdfast pay ${tally} <amount>`
    )
  })
).pipe(Command.withDescription("Accept an offer as it is, and sign it; the tally is open then"))

export const RefuseCommand = Command.make(
  "refuse",
  versioned,
  Effect.fnUntraced(function* (given) {
    yield* doing(
      given,
      (tally, user) =>
        Effect.map(revisionOf(given.revision, user, tally), (revision) => ({ _tag: "RefuseTally", tally, revision })),
      () => "Refused. The partner is told."
    )
  })
).pipe(Command.withDescription("Refuse an offer"))

export const ReviseCommand = Command.make(
  "revise",
  { ...versioned, ...TermsFlags.flags },
  Effect.fnUntraced(function* (given) {
    yield* doing(
      given,
      Effect.fnUntraced(function* (tally, user) {
        const half = yield* Acting.halfOf(user, tally)
        const wanted = yield* TermsFlags.wanted(given, half)
        return { _tag: "ReviseTally", ...wanted, tally, revision: given.revision ?? half.revision }
      }),
      (tally) => `The offer is refused, and the draft is yours. Offer it with: holdfast tally offer ${tally}`
    )
  })
).pipe(
  Command.withDescription(
    "Refuse an offer and draft something else, which is offered by holdfast tally offer. What is not said stays as it was offered."
  ),
  Command.withShortDescription("Refuse an offer and draft something else")
)

export const WithdrawCommand = Command.make(
  "withdraw",
  one,
  Effect.fnUntraced(function* (given) {
    yield* doing(
      given,
      (tally) => Effect.succeed({ _tag: "WithdrawTally", tally }),
      () => "Withdrawn, unless the partner has accepted by now."
    )
  })
).pipe(Command.withDescription("Take an offer or a draft back; if the partner has accepted by then, the tally is open"))

export const ResendCommand = Command.make(
  "resend",
  one,
  Effect.fnUntraced(function* (given) {
    yield* doing(
      given,
      (tally) => Effect.succeed({ _tag: "ResendTally", tally }),
      () => "Said to the partner's node again."
    )
  })
).pipe(Command.withDescription("Say to the partner's node again how the tally stands here"))

/** Nothing was said that is to be set. */
export class NothingToSet extends Schema.TaggedError<NothingToSet>()("CreditNothingToSet", {}) {
  readonly exitCode = ExitCode.usage
  override get message(): string {
    return "say what to set: --target <amount>, --bound <amount>, or both"
  }
}

export const SetCommand = Command.make(
  "set",
  {
    ...one,
    target: CreditFlags.money("target", "The balance in your favour that you would like"),
    bound: CreditFlags.money("bound", "The most that lifts may bring the balance to in your favour")
  },
  Effect.fnUntraced(function* ({ bound, target, ...given }) {
    if (bound === undefined && target === undefined) return yield* new NothingToSet()
    const sets = { ...(target === undefined ? {} : { target }), ...(bound === undefined ? {} : { bound }) }
    yield* doing(
      given,
      (tally) => Effect.succeed({ _tag: "SetTally", tally, sets }),
      () => "Set. The partner is told, and need not agree."
    )
  })
).pipe(
  Command.withDescription("Set what you want of a tally: the balance that you would like, and how far lifts may go")
)

export const CloseCommand = Command.make(
  "close",
  one,
  Effect.fnUntraced(function* (given) {
    yield* doing(
      given,
      (tally) => Effect.succeed({ _tag: "SetTally", tally, sets: { close: true } }),
      () => "It will be closed once its balance is nothing; until then only what settles it can be written."
    )
  })
).pipe(Command.withDescription("Let a tally end once its balance is nothing. This cannot be taken back"))
