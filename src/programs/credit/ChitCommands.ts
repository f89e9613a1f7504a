/**
 * `holdfast chit` and `holdfast pay`: what is written on a tally.
 */
import { Clock, Effect, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import type { ChitId } from "../../protocol/credit/Chit.ts"
import type { TallyId } from "../../protocol/credit/TallyDocument.ts"
import { ask } from "../cli/Client.ts"
import { print } from "../cli/Root.ts"
import { dim } from "../cli/Style.ts"
import { moment, printable, table } from "../cli/Table.ts"
import * as Flags from "../cli/ValueFlags.ts"
import { ExitCode } from "../ExitCode.ts"
import * as Acting from "./Acting.ts"
import * as CreditFlags from "./CreditFlags.ts"
import * as CreditText from "./CreditText.ts"
import * as Value from "./CreditValue.ts"

/** Of what moves, how much is shown at once. */
const mostMoving = 256

const ListCommand = Command.make(
  "list",
  {
    tally: CreditFlags.tally,
    user: CreditFlags.user,
    limit: CreditFlags.limit,
    after: Flags.optionally(Flags.count("after", "Only chits behind this place (default 0)", 0, 2 ** 40))
  },
  Effect.fnUntraced(function* ({ after, limit, tally: text, user: named }) {
    const user = yield* Acting.userOf(named)
    const tally = yield* Acting.tallyOf(user, text)
    const params = { user, tally }
    const query = after === undefined ? { limit } : { limit, after }
    const { side } = yield* Acting.halfOf(user, tally)
    const placed = yield* ask((client) => client.credit.chits({ params, query }))
    const moving = yield* ask((client) => client.credit.moving({ params, query: { limit: mostMoving } }))
    const now = yield* Clock.currentTimeMillis
    yield* print({ ...placed, moving: moving.items }, ({ items, moving, next }) => {
      if (items.length + moving.length === 0) return "Nothing is written there."
      const more = next === undefined ? "" : `\n${dim(`There is more: holdfast chit list ${tally} --after ${next}`)}`
      return `${CreditText.chits([...items, ...moving], side, now)}${more}`
    })
  })
).pipe(
  Command.withDescription(
    "Show the chits of a tally in their order, then what has no place yet: invoices, lifts that are promised, and what is on its way. " +
      "What the user gets has a plus, what the user gives a minus."
  ),
  Command.withShortDescription("Show the chits of a tally")
)

const AskCommand = Command.make(
  "ask",
  {
    tally: CreditFlags.tally,
    amount: CreditFlags.amount,
    memo: CreditFlags.memo,
    ref: CreditFlags.ref,
    again: Flags.optionally(
      Flag.String("again").pipe(
        Flag.withMetavar("<chit>"),
        Flag.withDescription("A declined invoice to ask anew"),
        Flag.withSchema(Value.chitId)
      )
    ),
    ...CreditFlags.doing
  },
  Effect.fnUntraced(function* ({ again, amount: units, memo, ref, ...given }) {
    const which = again === undefined ? {} : { chit: again }
    const { done } = yield* Acting.onTally(given, (tally) =>
      Effect.succeed({ _tag: "Ask", tally, units, ...CreditFlags.notes({ memo, ref }), ...which })
    )
    yield* print(done, ({ chit }) => `Asked for ${CreditText.exact(units)} by invoice ${chit}.`)
  })
).pipe(
  Command.withDescription("Ask the partner of a tally for an amount: an invoice, which they pay or decline"),
  Command.withExamples([{ command: 'holdfast chit ask bob 12.5 --memo "two hours"' }])
)

/** The revision of an invoice that was given, or the one that is there now. */
const invoiceRevision = Effect.fnUntraced(function* (
  given: number | undefined,
  params: { readonly user: Cuid; readonly tally: TallyId; readonly chit: ChitId }
) {
  return given ?? (yield* ask((client) => client.credit.chit({ params }))).revision
})

const DeclineCommand = Command.make(
  "decline",
  { tally: CreditFlags.tally, chit: CreditFlags.chit, revision: CreditFlags.revision, ...CreditFlags.doing },
  Effect.fnUntraced(function* ({ chit, revision: seen, ...given }) {
    const { done } = yield* Acting.onTally(given, (tally, user) =>
      Effect.map(invoiceRevision(seen, { user, tally, chit }), (revision) => ({
        _tag: "Decline",
        tally,
        chit,
        revision
      }))
    )
    yield* print(done, () => "Declined. The partner is told, and can ask anew.")
  })
).pipe(Command.withDescription("Decline an invoice"))

const EvidenceCommand = Command.make(
  "evidence",
  { tally: CreditFlags.tally, user: CreditFlags.user },
  Effect.fnUntraced(function* ({ tally: text, user: named }) {
    const user = yield* Acting.userOf(named)
    const tally = yield* Acting.tallyOf(user, text)
    const found = yield* ask((client) =>
      client.credit.evidence({ params: { user, tally }, query: { limit: mostMoving } })
    )
    const now = yield* Clock.currentTimeMillis
    yield* print(found, ({ items }) =>
      items.length === 0
        ? "There is none: every chit that has come takes effect."
        : table(
            ["SINCE", "CHIT", "WHY", "DIGEST"],
            items.map(({ at, digest, entry, reason }) => [
              moment(at, now),
              entry.chit.core.uuid,
              printable(reason),
              digest
            ])
          )
    )
  })
).pipe(
  Command.withDescription(
    "Show chits of a tally that take no effect, as they contradict others: kept to be shown to whom it concerns. --json has all of them"
  ),
  Command.withShortDescription("Show chits that take no effect, and why")
)

export const ChitCommand = Command.make("chit").pipe(
  Command.withSubcommands([ListCommand, AskCommand, DeclineCommand, EvidenceCommand]),
  Command.withDescription("Chits: what is written on a tally, and invoices"),
  Command.withExamples([
    { command: "holdfast chit list bob" },
    { command: "holdfast chit ask bob 12.5", description: "An invoice" },
    { command: "holdfast chit decline bob <chit>", description: "One of bob's" }
  ])
)

/** Notes go with a pledge of one's own; an invoice has what its asker has said. */
export class NotesNotTaken extends Schema.TaggedError<NotesNotTaken>()("CreditNotesNotTaken", {}) {
  readonly exitCode = ExitCode.usage
  override get message(): string {
    return "an invoice is paid as it was asked: leave out --memo and --ref"
  }
}

export const PayCommand = Command.make(
  "pay",
  {
    tally: CreditFlags.tally,
    what: Argument.String("amount | invoice").pipe(
      Argument.withDescription("CHIP, such as 12.5, milli-CHIP, such as 12500m, or the id of an invoice that waits"),
      Argument.withSchema(Value.paid)
    ),
    memo: CreditFlags.memo,
    ref: CreditFlags.ref,
    ...CreditFlags.doing
  },
  Effect.fnUntraced(function* ({ memo, ref, what, ...given }) {
    if ("invoice" in what && (memo !== undefined || ref !== undefined)) return yield* new NotesNotTaken()
    const { done } = yield* Acting.onTally(given, (tally) =>
      Effect.succeed(
        "invoice" in what
          ? { _tag: "PayInvoice", tally, chit: what.invoice }
          : { _tag: "Pay", tally, units: what.units, ...CreditFlags.notes({ memo, ref }) }
      )
    )
    yield* print(done, ({ chit = "" }) =>
      "units" in what ? `Paid ${CreditText.exact(what.units)} by chit ${chit}.` : `Paid invoice ${chit}.`
    )
  })
).pipe(
  Command.withDescription(
    "Pay the partner of a tally, unasked or by the id of an invoice. Once this returns, it is signed and on the disk, and binds. With " +
      "--key the same command again pays nothing twice. Others than partners are paid by holdfast lift pay."
  ),
  Command.withShortDescription("Pay the partner of a tally"),
  Command.withExamples([
    { command: 'holdfast pay bob 12.5 --memo "two hours" --key order-17' },
    { command: "holdfast pay bob 0197f3c2-8a40-7d10-9b1e-0f1e2d3c4b5a", description: "An invoice" }
  ])
)
