/**
 * `holdfast user`: the users of the node.
 */
import { Clock, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import type { UserKey } from "../../protocol/credit/Signature.ts"
import { ask } from "../cli/Client.ts"
import { print } from "../cli/Root.ts"
import { dim } from "../cli/Style.ts"
import * as Flags from "../cli/ValueFlags.ts"
import type { User } from "../http/CreditModels.ts"
import { choice, text } from "../SettingValue.ts"
import * as Acting from "./Acting.ts"
import * as CreditFlags from "./CreditFlags.ts"
import * as CreditText from "./CreditText.ts"
import * as Value from "./CreditValue.ts"
import * as UserText from "./UserText.ts"

const about = (user: Cuid) => ask((client) => client.credit.user({ params: { user } }))

interface Wanted {
  readonly name: string | undefined
  readonly type: "person" | "organisation" | undefined
  readonly key: UserKey | undefined
}

/** What the user tells from now on: what is not said stays as it was, and a user who signs themselves goes on to do so. */
const profileOf = (cuid: Cuid, known: User | undefined, { key, name, type }: Wanted) => {
  const { chad: _chad, date: _date, public: former, ...told } = known?.certificate ?? {}
  const own = key ?? (known?.isKept === false ? former : undefined)
  return {
    ...told,
    name: name ?? known?.certificate.name ?? cuid,
    type: type ?? known?.certificate.type ?? ("person" as const),
    ...(own === undefined ? {} : { key: own })
  }
}

const AddCommand = Command.make(
  "add",
  {
    cuid: CreditFlags.newUser,
    name: Flags.optionally(
      Flag.String("name").pipe(
        Flag.withMetavar("<text>"),
        Flag.withDescription("What the user is called (default what is there already, or the cuid)"),
        Flag.withSchema(text("a name", 256))
      )
    ),
    type: Flags.optionally(
      Flag.String("type").pipe(
        Flag.withMetavar("<type>"),
        Flag.withDescription("person or organisation (default what is there already, or person)"),
        Flag.withSchema(choice(["person", "organisation"]))
      )
    ),
    signsWith: CreditFlags.userKey,
    key: CreditFlags.doing.key
  },
  Effect.fnUntraced(function* ({ cuid, key, name, signsWith, type }) {
    const known = yield* Effect.catchTag(about(cuid), "NotFound", () => Effect.succeed(undefined))
    const profile = profileOf(cuid, known, { name, type, key: signsWith })
    yield* Acting.run(cuid, { _tag: "PutUser", ...profile }, key)
    yield* print(yield* about(cuid), ({ certificate }) => UserText.added(known?.certificate, certificate))
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
