/**
 * `holdfast events`: what has happened, from wherever one left off.
 */
import { Clock, Console, Effect, Option, Ref, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import type { EventView } from "../http/Models.ts"
import { untilSignal } from "../Main.ts"
import { existing, following } from "./Following.ts"
import * as Given from "./Given.ts"
import { json, Root } from "./Root.ts"
import { bold, dim, yellow } from "./Style.ts"
import { moment, printable } from "./Table.ts"

/** What was missed may have asked for something. */
const matters = ({ attention }: { readonly attention: ReadonlyArray<unknown> }): string =>
  attention.length === 0 ? "" : `; see what needs attention with: holdfast attention`

const line = (item: EventView, now: number): string => {
  switch (item._tag) {
    case "Event":
      return `${dim(moment(item.at, now))}  ${bold(printable(item.kind))}  ${printable(JSON.stringify(item.body))}`
    case "Now":
      return dim("What happens from now on")
    case "Reset":
      return yellow(`The cursor belongs to another database: starting over at the oldest event${matters(item)}`)
    case "Gap":
      return yellow(`${item.missed} events after the cursor are no longer kept${matters(item)}`)
  }
}

export const EventsCommand = Command.make(
  "events",
  {
    follow: Flag.Boolean("follow").pipe(
      Flag.withAlias("f"),
      Flag.withoutNegation,
      Flag.withDescription("Wait for what happens; waits for the node as well, should it go away"),
      Flag.withDefault(false)
    ),
    after: Flag.String("after").pipe(
      Flag.withMetavar("<cursor>"),
      Flag.withDescription('Begin after this cursor, as it was printed at the end; "now" leaves out what has happened'),
      Flag.withSchema(Given.after),
      Flag.optional
    ),
    audience: Flag.String("for").pipe(
      Flag.withMetavar("<audience>"),
      Flag.withDescription("Only what is for this user, such as a user of credit; what is for anybody by default"),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ after, audience, follow }) {
    const root = yield* Root
    const from = Option.getOrUndefined(after)
    const whose = Option.getOrUndefined(audience)
    const again = whose === undefined ? "holdfast events" : `holdfast events --for ${whose}`
    const seen = yield* Ref.make<string | undefined>(from)
    const lost = Console.error(dim("The node is gone, waiting for it to come back"))
    const resume = Effect.flatMap(Ref.get(seen), (cursor) =>
      root.json || cursor === undefined || cursor === "now"
        ? Effect.void
        : Console.error(dim(`Go on from here with: ${again} --after ${cursor}`))
    )
    yield* (follow ? following(from, lost, whose) : existing(from, whose)).pipe(
      Stream.tap(({ cursor }) => Ref.set(seen, cursor)),
      Stream.runForEach((item) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => Console.log(root.json ? json(item) : line(item, now)))
      ),
      Effect.ensuring(resume),
      untilSignal
    )
  })
).pipe(
  Command.withDescription(
    "Show what has happened, in order, each event once; every event carries a cursor to go on from"
  ),
  Command.withExamples([
    { command: "holdfast events --follow" },
    { command: "holdfast events --for alice --follow", description: "What is for one user" },
    {
      command: "holdfast events --after <cursor> --json",
      description: "What has happened since, one JSON object a line"
    }
  ])
)
