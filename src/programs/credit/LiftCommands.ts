/**
 * `holdfast lift`: payments over others' tallies, all of them or none.
 */
import { Clock, Effect, Schema } from "effect"
import { Command } from "effect/cli"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import { LiftId, longestMillis } from "../../protocol/credit/LiftPlan.ts"
import { ask } from "../cli/Client.ts"
import { print } from "../cli/Root.ts"
import { dim } from "../cli/Style.ts"
import { ExitCode } from "../ExitCode.ts"
import * as Acting from "./Acting.ts"
import * as CreditFlags from "./CreditFlags.ts"
import { exact } from "./CreditText.ts"
import * as LiftText from "./LiftText.ts"
import { untilOver } from "./Waiting.ts"

/** A payment and the lift of its newest try, as far as there is one at this node. */
const looking = Effect.fnUntraced(function* (user: Cuid, lift: LiftId) {
  const payment = yield* ask((client) => client.credit.payment({ params: { user, lift } }))
  const state = yield* Effect.catchTag(
    ask((client) => client.credit.lift({ params: { lift: payment.current } })),
    "NotFound",
    () => Effect.succeed(undefined)
  )
  return { payment, lift: state }
})

/** Nothing was paid, and nothing is reserved any more. */
export class NotPaid extends Schema.TaggedError<NotPaid>()("CreditNotPaid", {
  lift: Schema.String,
  reason: Schema.String
}) {
  readonly exitCode = ExitCode.refused
  override get message(): string {
    const why = this.reason === "" ? "" : `: ${LiftText.why(this.reason)}`
    return `Nothing was paid by ${this.lift}${why}. Try again, or see what there is room for: holdfast route find`
  }
}

const PayCommand = Command.make(
  "pay",
  {
    to: CreditFlags.goal,
    amount: CreditFlags.amount,
    memo: CreditFlags.memo,
    ref: CreditFlags.ref,
    life: CreditFlags.life(
      "How long it may take, search included, a day at the most (default as the node is set)",
      longestMillis
    ),
    referees: CreditFlags.referees,
    noWait: CreditFlags.noWait("Do not wait for the end"),
    ...CreditFlags.doing
  },
  Effect.fnUntraced(function* ({ amount: units, key, life, memo, noWait, ref, referees, to: goal, user: named }) {
    const user = yield* Acting.userOf(named)
    const notes = CreditFlags.notes({ memo, ref })
    const to = "to" in goal ? { to: goal.to } : {}
    const lasting = life === undefined ? {} : { life: Math.round(life) }
    const deciding = referees.length === 0 ? {} : { referees }
    const command = { _tag: "PayOver", ...to, units, ...notes, ...lasting, ...deciding } as const
    const done = yield* Acting.run(user, command, key)
    const { lift } = done
    if (noWait || lift === undefined) {
      return yield* print(done, () => `Begun. What comes of it: holdfast lift show ${lift}`)
    }
    const end = yield* untilOver({
      look: looking(user, lift),
      isOver: ({ payment }) => LiftText.isOver(payment),
      text: ({ lift, payment }) => LiftText.progress(payment, lift),
      stopped: `It goes on: holdfast lift show ${lift}; to have it no more: holdfast lift abort ${lift}`
    })
    const { reason = "", status } = end.payment
    if (status !== "good") return yield* new NotPaid({ lift, reason })
    yield* print(end.payment, () => `Paid ${exact(units)} by lift ${lift}.`)
  })
).pipe(
  Command.withDescription(
    "Pay somebody over as many tallies as it takes: a way is found, everybody on it promises, and referees decide. It happens on all " +
      "tallies or on none. circle clears what goes around. Waits for the end; ending the command changes nothing."
  ),
  Command.withShortDescription("Pay somebody with whom there is no tally"),
  Command.withExamples([
    { command: "holdfast lift pay carol:pQ3…@site.example:4000 12.5 --key order-18" },
    { command: "holdfast lift pay circle 5", description: "Clear what goes around" }
  ])
)

const ListCommand = Command.make(
  "list",
  {
    user: CreditFlags.user,
    limit: CreditFlags.limit,
    after: CreditFlags.after("Go on after this lift", LiftId)
  },
  Effect.fnUntraced(function* ({ after, limit, user: named }) {
    const user = yield* Acting.userOf(named)
    const query = after === undefined ? { limit } : { limit, after }
    const page = yield* ask((client) => client.credit.payments({ params: { user }, query }))
    const now = yield* Clock.currentTimeMillis
    yield* print(page, ({ items, next }) => {
      const more = dim(`There is more: holdfast lift list --user ${user} --after ${next}`)
      return next === undefined ? LiftText.payments(items, now) : `${LiftText.payments(items, now)}\n${more}`
    })
  })
).pipe(Command.withDescription("Show what a user pays over others; the newest last"))

const ShowCommand = Command.make(
  "show",
  { lift: CreditFlags.lift, user: CreditFlags.user },
  Effect.fnUntraced(function* ({ lift, user: named }) {
    const user = yield* Acting.userOf(named)
    const found = yield* looking(user, lift)
    const now = yield* Clock.currentTimeMillis
    yield* print(found, (found) => LiftText.payment({ ...found, now }))
  })
).pipe(Command.withDescription("Show a payment over others, and the lift that carries it"))

const AbortCommand = Command.make(
  "abort",
  { lift: CreditFlags.lift, ...CreditFlags.doing },
  Effect.fnUntraced(function* ({ key, lift, user: named }) {
    const user = yield* Acting.userOf(named)
    const done = yield* Acting.run(user, { _tag: "AbortLift", lift }, key)
    yield* print(done, () => `It is void, unless it is good by now: holdfast lift show ${lift}`)
  })
).pipe(Command.withDescription("Have a payment over others no more; if it is good by then, it stays good"))

export const LiftCommand = Command.make("lift").pipe(
  Command.withSubcommands([PayCommand, ListCommand, ShowCommand, AbortCommand]),
  Command.withDescription("Lifts: payments over others' tallies, on all of them or on none"),
  Command.withExamples([
    { command: "holdfast lift pay carol:pQ3…@site.example:4000 12.5" },
    { command: "holdfast lift list" }
  ])
)
