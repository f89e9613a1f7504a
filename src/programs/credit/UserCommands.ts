/**
 * `holdfast user`: the users of the node.
 */
import { Clock, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import * as Chad from "../../protocol/credit/Chad.ts"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import { ask } from "../cli/Client.ts"
import { print } from "../cli/Root.ts"
import { dim } from "../cli/Style.ts"
import * as Flags from "../cli/ValueFlags.ts"
import { choice, text } from "../SettingValue.ts"
import * as Acting from "./Acting.ts"
import * as CreditFlags from "./CreditFlags.ts"
import * as CreditText from "./CreditText.ts"
import * as Value from "./CreditValue.ts"

const about = (user: Cuid) => ask((client) => client.credit.user({ params: { user } }))

const AddCommand = Command.make(
  "add",
  {
    cuid: CreditFlags.newUser,
    name: Flags.optionally(
      Flag.String("name").pipe(
        Flag.withMetavar("<text>"),
        Flag.withDescription("What the user is called (default the cuid)"),
        Flag.withSchema(text("a name", 256))
      )
    ),
    type: Flag.String("type").pipe(
      Flag.withMetavar("<type>"),
      Flag.withDescription("person or organisation (default person)"),
      Flag.withSchema(choice(["person", "organisation"])),
      Flag.withDefault("person" as const)
    ),
    signsWith: CreditFlags.userKey,
    key: CreditFlags.doing.key
  },
  Effect.fnUntraced(function* ({ cuid, key, name, signsWith, type }) {
    const own = signsWith === undefined ? {} : { key: signsWith }
    yield* Acting.run(cuid, { _tag: "PutUser", name: name ?? cuid, type, ...own }, key)
    yield* print(
      yield* about(cuid),
      ({ certificate }) => `${cuid} is a user of this node. Their address: ${Chad.format(certificate.chad)}`
    )
  })
).pipe(
  Command.withDescription(
    "Add a user to the node, or change what they tell of themselves in new tallies. Their key is made by the node, which signs for " +
      "them, unless --signs-with gives one; it never changes."
  ),
  Command.withShortDescription("Add a user, or change what they tell"),
  Command.withExamples([{ command: 'holdfast user add alice --name "Alice Example"' }])
)

const ListCommand = Command.make(
  "list",
  { limit: CreditFlags.limit, after: CreditFlags.after("Go on after this user", Value.cuid) },
  Effect.fnUntraced(function* ({ after, limit }) {
    const query = after === undefined ? { limit } : { limit, after }
    const page = yield* ask((client) => client.credit.users({ query }))
    yield* print(page, ({ items, next }) =>
      next === undefined
        ? CreditText.users(items)
        : `${CreditText.users(items)}\n${dim(`There is more: holdfast user list --after ${next}`)}`
    )
  })
).pipe(Command.withDescription("Show the users of the node"))

const ShowCommand = Command.make(
  "show",
  { cuid: CreditFlags.newUser },
  Effect.fnUntraced(function* ({ cuid }) {
    const now = yield* Clock.currentTimeMillis
    yield* print(yield* about(cuid), (user) => CreditText.user(user, now))
  })
).pipe(Command.withDescription("Show what a user tells of themselves, and who signs for them"))

export const UserCommand = Command.make("user").pipe(
  Command.withSubcommands([AddCommand, ListCommand, ShowCommand]),
  Command.withDescription("The users of the node, who give each other credit"),
  Command.withExamples([{ command: "holdfast user add alice" }, { command: "holdfast user list" }])
)
