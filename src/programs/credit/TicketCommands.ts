/**
 * `holdfast tally ticket` and `show`: how two users who want a tally find each other.
 *
 * An invitation is one line of text, which goes from one to the other by whatever way; who has it can use it.
 */
import { Effect, Result, Schema, Stdio, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Invitation from "../../protocol/credit/Invitation.ts"
import { longestTicketMillis } from "../../services/credit/Command.ts"
import { print } from "../cli/Root.ts"
import { ExitCode } from "../ExitCode.ts"
import * as Acting from "./Acting.ts"
import * as CreditFlags from "./CreditFlags.ts"

/** What was given is no invitation. */
export class InvitationUnreadable extends Schema.TaggedError<InvitationUnreadable>()("CreditInvitationUnreadable", {
  problem: Schema.String
}) {
  readonly exitCode = ExitCode.usage
  override get message(): string {
    return (
      `${this.problem}. Give the line that holdfast tally ticket has printed there, in single quotation marks or on the standard input. ` +
      `To see a tally: holdfast tally status <tally>`
    )
  }
}

export const TicketCommand = Command.make(
  "ticket",
  {
    tally: CreditFlags.tally,
    life: CreditFlags.life("How long it can be used (default 2d)", longestTicketMillis),
    reuse: Flag.Boolean("reuse").pipe(
      Flag.withoutNegation,
      Flag.withDescription("Everybody who shows it gets a tally like the draft; else it is good once"),
      Flag.withDefault(false)
    ),
    ...CreditFlags.doing
  },
  Effect.fnUntraced(function* ({ life, reuse, ...given }) {
    const lasting = life === undefined ? {} : { life: Math.round(life) }
    const { done } = yield* Acting.onTally(given, (tally) =>
      Effect.succeed({ _tag: "IssueTicket", tally, reuse, ...lasting })
    )
    const text = done.invitation === undefined ? {} : { text: Invitation.print(done.invitation) }
    yield* print({ ...done, ...text }, ({ text = "" }) => text)
  })
).pipe(
  Command.withDescription(
    "Issue a ticket for a draft and print the invitation: one line to hand to the partner, who gives it to holdfast tally show. " +
      "Whoever has it can use it."
  ),
  Command.withShortDescription("Print an invitation to a draft"),
  Command.withExamples([{ command: "holdfast tally ticket 0197f3 --life 1h > invitation" }])
)

/** Characters of the standard input that are looked at. */
const longestInput = 4 * Invitation.longest

/** The first line of the standard input that is not blank; no more is waited for. */
const typed = Effect.gen(function* () {
  const { stdin } = yield* Stdio.Stdio
  let size = 0
  const lines = stdin.pipe(
    Stream.decodeText,
    Stream.takeWhile((text) => (size += text.length) - text.length < longestInput),
    Stream.splitLines,
    Stream.filter((line) => line.trim() !== ""),
    Stream.take(1),
    Stream.runCollect
  )
  const [line] = yield* Effect.orElseSucceed(lines, () => [])
  return line ?? ""
})

const read = Effect.fnUntraced(function* (given: string | undefined) {
  const text = given === undefined || given === "-" ? yield* typed : given
  const invitation = Invitation.parse(text)
  return Result.isSuccess(invitation)
    ? invitation.success
    : yield* new InvitationUnreadable({ problem: invitation.failure.message })
})

export const ShowCommand = Command.make(
  "show",
  {
    invitation: Argument.String("invitation").pipe(
      Argument.withDescription("The invitation as it was printed; from the standard input without it, or for -"),
      Argument.withDefault("-")
    ),
    ...CreditFlags.doing
  },
  Effect.fnUntraced(function* ({ invitation: given, key, user: named }) {
    const invitation = yield* read(given)
    const user = yield* Acting.userOf(named)
    const done = yield* Acting.run(user, { _tag: "ShowTicket", invitation }, key)
    yield* print(
      done,
      ({ request }) => `Shown as request ${request}. The partner's offer comes into: holdfast tally list --user ${user}`
    )
  })
).pipe(
  Command.withDescription(
    "Show a ticket that you were given to the node of who has issued it, with your certificate: they can offer you a tally then. " +
      "Their node is looked for where the invitation says until the ticket expires."
  ),
  Command.withShortDescription("Show a ticket that you were given"),
  Command.withExamples([{ command: "holdfast tally show < invitation" }])
)
