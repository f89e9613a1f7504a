/**
 * How tallies, chits and users are shown to people: amounts in CHIP with three decimals, as the user sees them. Pure.
 */
import * as Chad from "../../protocol/credit/Chad.ts"
import type { Core } from "../../protocol/credit/Chit.ts"
import { other, type Side } from "../../protocol/credit/TallyDocument.ts"
import * as Money from "../../protocol/credit/Units.ts"
import { dim, green, red, yellow } from "../cli/Style.ts"
import { ago, list, moment, printable, table } from "../cli/Table.ts"
import type { ChitState, TallyHalf, User } from "../http/CreditModels.ts"

/** `12.500 CHIP`. */
export const chip = (units: bigint): string => `${Money.format(units)} CHIP`

/** `12.500 CHIP (12500 milli-CHIP)`. */
export const exact = (units: bigint): string => `${chip(units)} (${units} milli-CHIP)`

/** What the partner owes the holder; negative is what the holder owes. */
export const balanceOf = ({ side, sums }: Pick<TallyHalf, "side" | "sums">): bigint =>
  side === "stock" ? sums.net : -sums.net

/** What promised lifts will bring the holder, and what they will take. */
export const reservedOf = ({ side, sums }: Pick<TallyHalf, "side" | "sums">) =>
  side === "stock" ? { incoming: sums.up, outgoing: sums.down } : { incoming: sums.down, outgoing: sums.up }

/** What either side may owe the other at the most, as agreed or as drafted. */
export const limitsOf = ({ document, draft, side }: TallyHalf) => {
  if (document !== undefined) {
    return { theirs: document[side].terms.limit, mine: document[other(side)].terms.limit }
  }
  return { theirs: draft?.terms.limit ?? 0n, mine: draft?.partnerTerms.limit ?? 0n }
}

/** `chip` of a balance, with who owes. */
export const owing = (balance: bigint): string => {
  if (balance === 0n) return "settled"
  return balance > 0n ? green(`${chip(balance)} owed to you`) : red(`${chip(-balance)} owed by you`)
}

const waits: Readonly<Record<TallyHalf["status"], string>> = {
  draft: "a draft",
  offered: "offered, the partner has to answer",
  received: "an offer that waits for your answer",
  open: "open",
  closed: "closed",
  void: "void"
}

/** In one word for tables; whoever has to act is told so. */
export const statusOf = ({ chain, sets, status, trouble, wish }: TallyHalf): string => {
  if (trouble !== undefined) return red("trouble")
  if (status === "received") return yellow("received")
  if (status === "open" && (sets.stock.close === true || sets.foil.close === true)) return "closing"
  if (wish === "withdraw" && status !== "void") return "withdrawing"
  return status === "open" && chain !== undefined && chain.unplaced > 0 ? "open *" : status
}

export const partnerOf = ({ draft, partner }: TallyHalf): string => partner?.cuid ?? draft?.partner?.chad.cuid ?? ""

const reserved = (half: TallyHalf): string => {
  const { incoming, outgoing } = reservedOf(half)
  const parts = [incoming > 0n ? `+${Money.format(incoming)}` : "", outgoing > 0n ? `-${Money.format(outgoing)}` : ""]
  return parts.filter((part) => part !== "").join(" ")
}

export const tallies = (items: ReadonlyArray<TallyHalf>): string =>
  items.length === 0
    ? "No tallies. Draft one with: holdfast tally draft"
    : table(
        ["TALLY", "PARTNER", "SIDE", "STATE", "REV", "BALANCE", "RESERVED", "THEY MAY OWE", "YOU MAY OWE"],
        items.map((half) => {
          const { mine, theirs } = limitsOf(half)
          return [
            half.id,
            printable(partnerOf(half)),
            half.side,
            statusOf(half),
            String(half.revision),
            Money.format(balanceOf(half)),
            reserved(half),
            Money.format(theirs),
            Money.format(mine)
          ]
        })
      )

const settings = (half: TallyHalf, side: Side): string => {
  const { bound, close, target } = half.sets[side]
  const parts = [
    target === undefined ? "" : `target ${chip(target)}`,
    bound === undefined ? "" : `lifts up to ${chip(bound)}`,
    close === true ? "closes at zero" : ""
  ]
  return parts.filter((part) => part !== "").join(", ") || "none"
}

/** Everything of one tally. */
export const tally = (half: TallyHalf): string => {
  const { chain, document, draft, id, partner, revision, side, status, trouble } = half
  const { mine, theirs } = limitsOf(half)
  const { incoming, outgoing } = reservedOf(half)
  const memo = document?.memo ?? draft?.memo ?? ""
  const agree = document?.agree ?? draft?.agree
  const name = document?.[other(side)].cert.name ?? draft?.partner?.name
  const where = partner ?? draft?.partner?.chad
  const rows: Array<readonly [string, string]> = [
    ["Tally", id],
    ["State", status === "received" ? yellow(waits[status]) : waits[status]],
    ["Your side", side],
    ["Partner", where === undefined ? "nobody yet" : `${printable(name ?? where.cuid)}, ${Chad.format(where)}`],
    ["Revision", String(revision)],
    ["Balance", `${owing(balanceOf(half))} (${balanceOf(half)} milli-CHIP)`],
    [
      "Reserved",
      incoming + outgoing === 0n ? "nothing" : `lifts may bring ${chip(incoming)} and take ${chip(outgoing)}`
    ],
    ["They may owe", exact(theirs)],
    ["You may owe", exact(mine)],
    ["Your settings", settings(half, side)],
    ["Theirs", settings(half, other(side))]
  ]
  if (memo !== "") rows.push(["Memo", printable(memo)])
  if (agree !== undefined) rows.push(["Contract", `${printable(agree.name)}, ${printable(agree.rid)}`])
  if (chain !== undefined) rows.push(["Chain", `${chain.at.index} chits placed, ${chain.unplaced} not yet`])
  if (trouble !== undefined) rows.push(["Trouble", red(printable(trouble))])
  return list(rows)
}

/** All tallies of a user in a few lines. */
export const summary = (items: ReadonlyArray<TallyHalf>): string => {
  const sum = (of: (half: TallyHalf) => bigint) => items.reduce((total, half) => total + of(half), 0n)
  const positive = (amount: bigint) => (amount > 0n ? amount : 0n)
  const count = (status: TallyHalf["status"]) => items.filter((half) => half.status === status).length
  return list([
    ["Open", String(count("open"))],
    ["To answer", String(count("received"))],
    ["Offered", String(count("offered"))],
    ["Drafts", String(count("draft"))],
    ["Over", String(count("closed") + count("void"))],
    ["Owed to you", exact(sum((half) => positive(balanceOf(half))))],
    ["Owed by you", exact(sum((half) => positive(-balanceOf(half))))],
    ["Balance", exact(sum(balanceOf))],
    ["Coming", exact(sum((half) => reservedOf(half).incoming))],
    ["Going", exact(sum((half) => reservedOf(half).outgoing))]
  ])
}

/** What a chit does to the balance that a side sees. */
const worth = (core: Core, side: Side): string => {
  if (core.type === "set") {
    const { bound, close, target } = core.sets
    return [
      target === undefined ? "" : `target ${Money.format(target)}`,
      bound === undefined ? "" : `bound ${Money.format(bound)}`,
      close === true ? "close" : ""
    ]
      .filter((part) => part !== "")
      .join(" ")
  }
  return `${core.by === side ? "-" : "+"}${Money.format(core.units)}`
}

const noted = (core: Core): string => {
  if (core.type === "lift") return `lift ${core.lift}`
  return core.type === "set" ? "" : [core.memo ?? "", core.ref === undefined ? "" : `(${core.ref})`].join(" ").trim()
}

const standing = ({ core, revision, status }: ChitState, side: Side): string => {
  if (status !== "asked") return status
  if (core.type === "lift") return yellow("promised")
  return core.by === side ? yellow(`asked of you, ${revision}`) : `asked, ${revision}`
}

/** Chits as the side sees them: what it has is +, what it gives is -. */
export const chits = (items: ReadonlyArray<ChitState>, side: Side, now: number): string =>
  table(
    ["#", "CHIT", "WHEN", "TYPE", "STATE", "AMOUNT", "NOTE"],
    items.map((chit) => [
      chit.index === undefined ? "" : String(chit.index),
      chit.core.uuid,
      moment(chit.core.date, now),
      chit.core.type === "tran" ? "pledge" : chit.core.type === "set" ? "setting" : "lift",
      standing(chit, side),
      worth(chit.core, side),
      printable(noted(chit.core))
    ])
  )

export const users = (items: ReadonlyArray<User>): string =>
  items.length === 0
    ? "No users. Add one with: holdfast user add <cuid>"
    : table(
        ["USER", "NAME", "TYPE", "SIGNS", "ADDRESS"],
        items.map(({ certificate, isKept }) => [
          certificate.chad.cuid,
          printable(certificate.name),
          certificate.type,
          isKept ? "the node" : "themselves",
          Chad.format(certificate.chad)
        ])
      )

export const user = ({ certificate, former, isKept }: User, now: number): string => {
  const { chad, connect = [], date, name, type } = certificate
  return list([
    ["User", chad.cuid],
    ["Name", printable(name)],
    ["Type", type],
    ["Address", Chad.format(chad)],
    ["Key", certificate.public],
    ["Signs", isKept ? "the node, with the secret in its data folder" : "the user"],
    ...connect.map(({ address, media }) => [printable(media), printable(address)] as const),
    ["Said", ago(date, now)],
    ...(former.length === 0 ? [] : [["Before", dim(`${former.length} other certificates`)] as const])
  ])
}
