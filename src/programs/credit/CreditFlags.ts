/**
 * The flags and arguments that several commands of credit have.
 */
import { Option, Schema } from "effect"
import { Argument, Flag } from "effect/cli"
import { IdempotencyKey } from "../http/CreditModels.ts"
import * as Flags from "../cli/ValueFlags.ts"
import { duration, type FromText, text } from "../SettingValue.ts"
import { referee } from "../settings/CreditSettings.ts"
import * as Value from "./CreditValue.ts"

const value = <A>(name: string, metavar: string, about: string, schema: FromText<A>) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(about), Flag.withSchema(schema))

/** Which user of the node a command is for. */
export const user = Flags.optionally(
  value("user", "<cuid>", "The user it is for (default the only one of the node)", Value.cuid)
)

const key = Flags.optionally(
  Flag.String("key").pipe(
    Flag.withMetavar("<text>"),
    Flag.withDescription("Do it once under this key of your own, however often the command is given, for a week"),
    Flag.withSchema(IdempotencyKey)
  )
)

/** Of every command that does something. */
export const doing = { user, key }

/** The tally that a command is about. */
export const tally = Argument.String("tally").pipe(
  Argument.withDescription("The id of the tally or its beginning, or the partner's cuid")
)

export const optionalTally = Argument.optional(tally)

/** A draft that is to be changed. */
export const optionalTallyFlag = Flags.optionally(
  Flag.String("tally").pipe(
    Flag.withMetavar("<tally>"),
    Flag.withDescription("A draft to change; a new one without it")
  )
)

const argument = <A>(name: string, about: string, schema: FromText<A>) =>
  Argument.String(name).pipe(Argument.withDescription(about), Argument.withSchema(schema))

export const amount = argument("amount", "CHIP, such as 12.5, or milli-CHIP, such as 12500m", Value.someAmount)
export const goal = argument("to", "Whom to pay, cuid:agent@host:port, or circle", Value.goal)
export const chit = argument("chit", "The id of the chit", Value.chitId)
export const lift = argument("lift", "The id of the lift", Value.liftId)
export const query = argument("search", "The id of the search", Value.queryId)
export const newUser = argument("cuid", "The user's id at this node: letters, digits, _ . and -", Value.cuid)

const note = (what: string) => text(what, 1_024)
export const memo = Flags.optionally(value("memo", "<text>", "A note for both sides", note("a note")))
export const ref = Flags.optionally(
  value("ref", "<text>", "What it refers to, such as an order's number", note("a reference"))
)

/** The version that a user has seen; the one that is there now unless said. */
export const revision = Flags.optionally(
  Flags.count("revision", "Only if this is still the revision (default: the one that is there now)", 1, 1_000_000)
)

export const money = (name: string, about: string) => Flags.optionally(value(name, "<amount>", about, Value.amount))

export const life = (about: string, mostMillis: number) =>
  Flags.optionally(
    Flag.String("life").pipe(
      Flag.withMetavar("<duration>"),
      Flag.withDescription(about),
      Flag.withSchema(duration(1_000, mostMillis))
    )
  )

export const referees = Flag.String("referee").pipe(
  Flag.withMetavar("<key@host:port>"),
  Flag.withDescription("Who decides; may be given several times, an odd number (default: the node's own choice)"),
  Flag.withSchema(referee),
  Flag.atLeast(0)
)

export const noWait = (about: string) =>
  Flag.Boolean("no-wait").pipe(Flag.withoutNegation, Flag.withDescription(about), Flag.withDefault(false))

export const userKey = Flags.optionally(
  value("signs-with", "<hex>", "The public key of a user who signs themselves; else the node signs", Value.userKey)
)

/** How many rows to show, and after which. */
export const limit = Flag.withDefault(Flags.count("limit", "How many to show, 1 to 256 (default 100)", 1, 256), 100)

export const after = <A>(about: string, schema: Schema.Codec<A, string>): Flag.Flag<A | undefined> =>
  Flag.String("after").pipe(
    Flag.withMetavar("<id>"),
    Flag.withDescription(about),
    Flag.withSchema(schema),
    Flag.optional,
    Flag.map(Option.getOrUndefined)
  )

/** What both sides are told of a chit or a lift. */
export const notes = ({
  memo,
  ref
}: {
  readonly memo: string | undefined
  readonly ref: string | undefined
}): { readonly memo?: string; readonly ref?: string } => ({
  ...(memo === undefined ? {} : { memo }),
  ...(ref === undefined ? {} : { ref })
})
