/**
 * Lifts of scripted runs: over the line a1, b1, c1 and back to b2, each of whom takes the word of who is before them. Users plan them
 * themselves, so that the script says who decides and how long they may take.
 */
import { Clock, Effect } from "effect"
import { Cuid } from "../../../../src/protocol/credit/Chad.ts"
import * as LiftPlan from "../../../../src/protocol/credit/LiftPlan.ts"
import type { LiftState } from "../../../../src/protocol/credit/LiftState.ts"
import { TallyId } from "../../../../src/protocol/credit/TallyDocument.ts"
import { Credit } from "../../../../src/services/credit/Credit.ts"
import * as Users from "../../../../src/services/credit/Users.ts"
import { refereeOf, uuidOf } from "../../../../src/testing/credit/CreditCast.ts"
import type { TraceEvent } from "../../../../src/testing/world/Trace.ts"
import type { Board } from "./Board.ts"
import { sees } from "./Steps.ts"
import { awaits, finds, nodeOf, step, type Step } from "./Steps.ts"
import type { Opened } from "./ScriptedCredit.ts"

/** Milli-CHIP of a lift, and of what everybody grants: there is room for one lift and not for two. */
export const units = 70n
const limit = 100n

const tallyOf = (from: string, to: string): TallyId => TallyId.make(uuidOf(`tally of ${from} and ${to}`))

export const between = (from: string, to: string): Opened => ({
  id: tallyOf(from, to),
  stock: to,
  foil: from,
  grants: { stock: limit, foil: 0n }
})

/** The tallies from one user to the next. */
export const along = (...users: ReadonlyArray<string>): ReadonlyArray<Opened> =>
  users.slice(1).map((to, at) => between(users[at]!, to))

export const idOf = (name: string): LiftPlan.LiftId => LiftPlan.LiftId.make(uuidOf(`lift ${name}`))

export interface Wanted {
  readonly name: string
  readonly over: ReadonlyArray<string>
  /** Names of nodes. */
  readonly referees: ReadonlyArray<string>
  /** Milliseconds in which all must have promised. */
  readonly life: number
}

const planOf = Effect.fnUntraced(function* ({ life, name, over, referees }: Wanted, board: Board) {
  const person = (user: string) => ({ cuid: Cuid.make(user), agent: board.keyOf(nodeOf(user)) })
  const payor = person(over[0]!)
  const user = yield* Users.get(payor.cuid)
  if (user === undefined) return undefined
  const date = yield* Clock.currentTimeMillis
  const plan: LiftPlan.LiftPlan = {
    version: 1,
    lift: idOf(name),
    legs: over.slice(1).map((to, at) => {
      const from = over[at]!
      return { tally: tallyOf(from, to), from: person(from).agent, to: person(to).agent, by: "foil" }
    }),
    units,
    date,
    expires: date + life,
    referees: referees.map((one) => refereeOf({ name: one, key: board.keyOf(one) })),
    payor,
    payee: person(over.at(-1)!),
    payorKey: user.certificate.public
  }
  const authority = yield* Users.sign(user, "lift", LiftPlan.digest(plan), undefined)
  return authority && { plan, authority }
})

/** The payor begins a lift. The plan is the same one however often that takes. */
export const begins = (wanted: Wanted): Step => {
  const payor = wanted.over[0]!
  const signed = new WeakMap<Board, LiftPlan.SignedPlan>()
  return step(
    nodeOf(payor),
    `${payor} begins ${wanted.name}`,
    Effect.fnUntraced(function* (board, key) {
      const plan = signed.get(board) ?? (yield* planOf(wanted, board))
      if (plan === undefined) return false
      signed.set(board, plan)
      yield* (yield* Credit).run(Cuid.make(payor), { _tag: "Lift", ...plan }, key)
      return true
    })
  )
}

type Status = LiftState["status"]

const statusOf =
  (name: string, ...statuses: ReadonlyArray<Status | undefined>) =>
  (credit: Credit["Service"]) =>
    Effect.map(credit.lift(idOf(name)), (lift) => statuses.includes(lift?.status))

/** The script waits until the lift is so at these users' nodes, one after the other. */
export const comesTo = (
  name: string,
  users: ReadonlyArray<string>,
  ...statuses: ReadonlyArray<Status>
): ReadonlyArray<Step> =>
  users.map((user) => awaits(user, `${name} ${statuses.join(" or ")}`, statusOf(name, ...statuses)))

/** The lift is so now. */
export const is = (
  name: string,
  users: ReadonlyArray<string>,
  ...statuses: ReadonlyArray<Status | undefined>
): ReadonlyArray<Step> =>
  users.map((user) => finds(user, `${name} ${statuses.join(" or ")}`, statusOf(name, ...statuses)))

/** What both ends of a tally have come to: what foil owes stock, and what is still held. */
export const stands = (from: string, to: string, net: bigint, held = 0n): ReadonlyArray<Step> =>
  [from, to].map((user) =>
    sees(user, tallyOf(from, to), `${net} and ${held} held`, ({ sums }) => {
      return sums.net === net && sums.up + sums.down === held
    })
  )

/** A lift gets a status at a node. */
export const at =
  (node: string, status: Status) =>
  (event: TraceEvent): boolean =>
    event.kind === "lift" && event.node === node && event.detail["status"] === status

/** The newest thing that was seen of lifts at a node. */
export const lastAt = (trace: ReadonlyArray<TraceEvent>, node: string): unknown =>
  trace.findLast((event) => event.kind === "lift" && event.node === node)?.detail["status"]
