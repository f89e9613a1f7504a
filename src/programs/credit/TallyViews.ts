/**
 * `holdfast tally list` and `status`: the tallies of a user.
 */
import { Effect, Option } from "effect"
import { Command } from "effect/cli"
import { TallyId } from "../../protocol/credit/TallyDocument.ts"
import { ask } from "../cli/Client.ts"
import { print } from "../cli/Root.ts"
import { dim } from "../cli/Style.ts"
import * as Acting from "./Acting.ts"
import * as CreditFlags from "./CreditFlags.ts"
import * as CreditText from "./CreditText.ts"

export const ListCommand = Command.make(
  "list",
  {
    user: CreditFlags.user,
    limit: CreditFlags.limit,
    after: CreditFlags.after("Go on after this tally", TallyId)
  },
  Effect.fnUntraced(function* ({ after, limit, user: named }) {
    const user = yield* Acting.userOf(named)
    const query = after === undefined ? { limit } : { limit, after }
    const page = yield* ask((client) => client.credit.tallies({ params: { user }, query }))
    yield* print(page, ({ items, next }) => {
      const more = dim(`There is more: holdfast tally list --user ${user} --after ${next}`)
      return next === undefined ? CreditText.tallies(items) : `${CreditText.tallies(items)}\n${more}`
    })
  })
).pipe(
  Command.withDescription(
    "Show the tallies of a user. A balance is what the partner owes; what you owe has a minus. open * has chits without a place yet."
  ),
  Command.withShortDescription("Show the tallies of a user")
)

export const StatusCommand = Command.make(
  "status",
  { tally: CreditFlags.optionalTally, user: CreditFlags.user },
  Effect.fnUntraced(function* ({ tally: text, user: named }) {
    const user = yield* Acting.userOf(named)
    if (Option.isNone(text)) return yield* print(yield* Acting.talliesOf(user), CreditText.summary)
    const tally = yield* Acting.tallyOf(user, text.value)
    yield* print(yield* Acting.halfOf(user, tally), CreditText.tally)
  })
).pipe(
  Command.withDescription("Show everything of one tally, or how a user stands over all of them"),
  Command.withExamples([{ command: "holdfast tally status bob" }, { command: "holdfast tally status" }])
)
