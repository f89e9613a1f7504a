/**
 * How searches for ways, payments over others and lifts are shown to people. Pure.
 */
import { agentText } from "../../protocol/credit/Chad.ts"
import type { Person } from "../../protocol/credit/Chad.ts"
import { nodes } from "../../protocol/credit/LiftPlan.ts"
import * as Money from "../../protocol/credit/Units.ts"
import { short } from "../../protocol/NodeKey.ts"
import { green, red, yellow } from "../cli/Style.ts"
import { ahead, list, moment, printable, table } from "../cli/Table.ts"
import type { LiftState, Payment, RouteState } from "../http/CreditModels.ts"
import { chip, exact } from "./CreditText.ts"

export const person = ({ agent, cuid }: Person): string => `${cuid}:${agentText(agent)}`

const whom = ({ to, user }: Pick<Payment, "to" | "user">): string =>
  to.cuid === user ? `${to.cuid} (circle)` : to.cuid

const waysOf = ({ ways }: RouteState): string =>
  table(
    ["WAY", "TALLIES", "ROOM", "OVER"],
    ways.map(({ legs, room }, index) => [
      String(index + 1),
      String(legs.length),
      chip(room),
      legs.map(({ to }) => short(to)).join(" > ")
    ])
  )

const searched = {
  asking: "is asking",
  waiting: "waits to ask again",
  found: "has found",
  none: "found nothing"
} as const

export const route = (state: RouteState): string => {
  const rows = list([
    ["Search", state.query],
    ["To", person(state.find)],
    ["Amount", exact(state.units)],
    ["State", state.status === "found" ? green("found") : searched[state.status]],
    ["Tries", String(state.tries)]
  ])
  return state.ways.length === 0 ? rows : `${rows}\n\n${waysOf(state)}`
}

const painted = ({ status }: Pick<Payment, "status">): string => {
  if (status === "good") return green(status)
  return status === "seeking" || status === "lifting" ? yellow(status) : red(status)
}

export const payments = (items: ReadonlyArray<Payment>, now: number): string =>
  items.length === 0
    ? "No payments over others."
    : table(
        ["LIFT", "WHEN", "TO", "AMOUNT", "STATE", "WHY", "MEMO"],
        items.map((payment) => [
          payment.lift,
          moment(payment.begun, now),
          printable(whom(payment)),
          Money.format(payment.units),
          painted(payment),
          printable(payment.reason ?? ""),
          printable(payment.memo ?? "")
        ])
      )

/** Why nothing was paid, with what may help where that is not clear from the name. */
export const why = (reason: string): string =>
  reason === "too-late"
    ? "too-late (by the clock of a node on the way its time was over or far ahead: most likely that clock or this node's is wrong)"
    : printable(reason)

/** One payment, and the lift that carries it, once there is one. */
export const payment = ({
  lift,
  now,
  payment
}: {
  readonly payment: Payment
  readonly lift: LiftState | undefined
  readonly now: number
}): string => {
  const rows: Array<readonly [string, string]> = [
    ["Lift", payment.lift],
    ["State", painted(payment)],
    ["To", person(payment.to)],
    ["Amount", exact(payment.units)]
  ]
  if (payment.reason !== undefined) rows.push(["Why", why(payment.reason)])
  if (payment.memo !== undefined) rows.push(["Memo", printable(payment.memo)])
  if (payment.ref !== undefined) rows.push(["Ref", printable(payment.ref)])
  if (!isOver(payment)) rows.push(["Time left", ahead(payment.expires, now)])
  if (lift !== undefined) {
    rows.push(["Tallies", String(lift.plan.legs.length)])
    rows.push(["Nodes", String(nodes(lift.plan).length)])
    rows.push(["Referees", lift.plan.referees.map(({ key }) => short(key)).join(", ")])
    if (lift.contrary !== undefined) rows.push(["Frozen", red("two records contradict each other: referees have lied")])
  }
  return list(rows)
}

/** Whether nothing comes of it any more. */
export const isOver = ({ status }: Pick<Payment, "status">): boolean => status !== "seeking" && status !== "lifting"

/** How far it is, in a line. */
export const progress = (payment: Payment, lift: LiftState | undefined): string => {
  if (payment.status === "seeking") return `Looking for a way to ${payment.to.cuid}`
  return lift === undefined
    ? "A way was found, promising begins"
    : `${nodes(lift.plan).length} nodes promise over ${lift.plan.legs.length} tallies, and the referees decide`
}
