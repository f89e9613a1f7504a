/**
 * `holdfast route`: ways for value to users elsewhere.
 */
import { Effect, Schema } from "effect"
import { Command } from "effect/cli"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import type { QueryId } from "../../protocol/credit/Route.ts"
import { ask } from "../cli/Client.ts"
import { print } from "../cli/Root.ts"
import { ExitCode } from "../ExitCode.ts"
import type { RouteState } from "../http/CreditModels.ts"
import * as Acting from "./Acting.ts"
import * as CreditFlags from "./CreditFlags.ts"
import * as LiftText from "./LiftText.ts"
import { untilOver } from "./Waiting.ts"

const routeOf = (user: Cuid, query: QueryId) => ask((client) => client.credit.route({ params: { user, query } }))

const isOver = ({ status }: RouteState): boolean => status === "found" || status === "none"

/** Nobody knows a way with enough room. */
export class NoWay extends Schema.TaggedError<NoWay>()("CreditNoWay", { query: Schema.String }) {
  readonly exitCode = ExitCode.refused
  override get message(): string {
    return (
      `The search ${this.query} has found no way with room for so much. Ask for less, or open tallies with more people; ` +
      `how much they let you owe them: holdfast tally list`
    )
  }
}

const FindCommand = Command.make(
  "find",
  {
    to: CreditFlags.goal,
    amount: CreditFlags.amount,
    noWait: CreditFlags.noWait("Print the id of the search and do not wait for what it finds"),
    ...CreditFlags.doing
  },
  Effect.fnUntraced(function* ({ amount: units, key, noWait, to: goal, user: named }) {
    const user = yield* Acting.userOf(named)
    const to = "to" in goal ? { to: goal.to } : {}
    const done = yield* Acting.run(user, { _tag: "FindWays", ...to, units }, key)
    const { query } = done
    if (noWait || query === undefined) {
      return yield* print(done, () => `Searching. What comes of it: holdfast route show ${query}`)
    }
    const found = yield* untilOver({
      look: routeOf(user, query),
      isOver,
      text: ({ branches, status, tries }: RouteState) =>
        status === "waiting"
          ? `Nobody has answered, ${tries} tries; asking again soon`
          : `Asked over ${branches.length} tallies`,
      stopped: `The search goes on: holdfast route show ${query}`
    })
    if (found.status === "none") return yield* new NoWay({ query })
    yield* print(found, LiftText.route)
  })
).pipe(
  Command.withDescription(
    "Look for ways over which an amount can get to somebody, over tallies of people who know each other; circle looks for one that " +
      "comes back. Nothing is reserved, and what is found is kept for an hour."
  ),
  Command.withShortDescription("Look for ways to somebody"),
  Command.withExamples([
    { command: "holdfast route find carol:pQ3…@site.example:4000 12.5" },
    { command: "holdfast route find circle 5" }
  ])
)

const ShowCommand = Command.make(
  "show",
  { query: CreditFlags.query, user: CreditFlags.user },
  Effect.fnUntraced(function* ({ query, user: named }) {
    const user = yield* Acting.userOf(named)
    yield* print(yield* routeOf(user, query), LiftText.route)
  })
).pipe(Command.withDescription("Show what a search has found"))

export const RouteCommand = Command.make("route").pipe(
  Command.withSubcommands([FindCommand, ShowCommand]),
  Command.withDescription("Ways for value over others' tallies"),
  Command.withExamples([{ command: "holdfast route find carol:pQ3…@site.example:4000 12.5" }])
)
