/**
 * How commands of credit find out what they are about, and tell the node what a user wants.
 */
import { Effect, Option, Schema } from "effect"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import { TallyId } from "../../protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import { mostRows } from "../../services/credit/Credit.ts"
import { ask } from "../cli/Client.ts"
import { printable } from "../cli/Table.ts"
import { ExitCode } from "../ExitCode.ts"
import type { Command } from "../http/CreditModels.ts"

/** It was not said which user, and the node has none or several. */
export class UserUnclear extends Schema.TaggedError<UserUnclear>()("CreditUserUnclear", { isNone: Schema.Boolean }) {
  readonly exitCode = ExitCode.usage
  override get message(): string {
    return this.isNone
      ? "This node has no users. Add one with: holdfast user add <cuid>"
      : "This node has several users: say whose command this is with --user <cuid>. See them with: holdfast user list"
  }
}

/** No tally of the user is meant by a text, or several are. */
export class TallyUnclear extends Schema.TaggedError<TallyUnclear>()("CreditTallyUnclear", {
  text: Schema.String,
  user: Schema.String,
  tallies: Schema.Array(TallyId)
}) {
  readonly exitCode = ExitCode.usage
  override get message(): string {
    const name = printable(this.text).slice(0, 80)
    const see = `See them with: holdfast tally list --user ${this.user}`
    return this.tallies.length === 0
      ? `${this.user} has no tally whose id begins with "${name}", and none with a partner ${name}. ${see}. ` +
          `To open one: holdfast tally draft --user ${this.user} --limit <amount>, and holdfast tally ticket prints what the other party shows`
      : `Several tallies of ${this.user} are meant by "${name}": ${this.tallies.slice(0, 8).join(", ")}. Give more of the id. ${see}`
  }
}

/** The user that is named, or else the only one of the node. */
export const userOf = Effect.fnUntraced(function* (named: Cuid | undefined) {
  if (named !== undefined) return named
  const { items } = yield* ask((client) => client.credit.users({ query: { limit: 2 } }))
  const [only] = items
  return only !== undefined && items.length === 1
    ? only.certificate.chad.cuid
    : yield* new UserUnclear({ isNone: only === undefined })
})

/** Pages of tallies that are looked at for the one that is meant, and for sums. */
const mostPages = 64

/** The tallies of a user; of more than 16,384 the first ones. */
export const talliesOf = Effect.fnUntraced(function* (user: Cuid) {
  const all: Array<TallyHalf> = []
  let after: TallyId | undefined
  for (let page = 0; page < mostPages; page++) {
    const query = after === undefined ? { limit: mostRows } : { limit: mostRows, after }
    const { items, next } = yield* ask((client) => client.credit.tallies({ params: { user }, query }))
    all.push(...items)
    if (next === undefined) break
    after = next
  }
  return all
})

const isOver = ({ status }: TallyHalf): boolean => status === "void" || status === "closed"

/** Those that a text can mean: by the beginning of the id, or by the partner, of whom those that are not over count first. */
export const meant = (tallies: ReadonlyArray<TallyHalf>, text: string): ReadonlyArray<TallyHalf> => {
  const ofPartner = tallies.filter(({ draft, partner }) => partner?.cuid === text || draft?.partner?.chad.cuid === text)
  const lively = ofPartner.filter((half) => !isOver(half))
  if (lively.length > 0) return lively
  if (ofPartner.length > 0) return ofPartner
  return text === "" ? [] : tallies.filter(({ id }) => id.startsWith(text.toLowerCase()))
}

const wholeId = Schema.decodeUnknownOption(TallyId)

/** The tally of a user that a text means: a whole id is not looked for. */
export const tallyOf = Effect.fnUntraced(function* (user: Cuid, text: string) {
  const whole = wholeId(text.toLowerCase())
  if (Option.isSome(whole)) return whole.value
  const found = meant(yield* talliesOf(user), text)
  const [only] = found
  if (only !== undefined && found.length === 1) return only.id
  return yield* new TallyUnclear({ text, user, tallies: found.map(({ id }) => id) })
})

/** Has the node do what the user wants, once under a key. */
export const run = Effect.fnUntraced(function* (user: Cuid, command: Command, key: string | undefined) {
  const headers = key === undefined ? {} : { "idempotency-key": key }
  return yield* ask((client) => client.credit.run({ params: { user }, headers, payload: command }))
})

/** Whose command it is, and under which key. */
export interface Doing {
  readonly user: Cuid | undefined
  readonly key: string | undefined
}

/** Has the node do what `make` makes for the user and the tally that are meant. */
export const onTally = Effect.fnUntraced(function* <E, R>(
  { key, tally: text, user: named }: Doing & { readonly tally: string },
  make: (tally: TallyId, user: Cuid) => Effect.Effect<Command, E, R>
) {
  const user = yield* userOf(named)
  const tally = yield* tallyOf(user, text)
  return { user, tally, done: yield* run(user, yield* make(tally, user), key) }
})

/** A tally as the node has it now. */
export const halfOf = (user: Cuid, tally: TallyId) => ask((client) => client.credit.tally({ params: { user, tally } }))
