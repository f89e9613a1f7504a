/**
 * The five sites of the demo of credit, each a node with one user, and what stands between them: everybody lets the one before them in
 * the ring owe them something.
 */
import { Cuid } from "../../../protocol/credit/Chad.ts"

export const sites = ["A", "B", "C", "D", "E"] as const
export type Site = (typeof sites)[number]

export const users: Readonly<Record<Site, Cuid>> = {
  A: Cuid.make("alice"),
  B: Cuid.make("bob"),
  C: Cuid.make("carol"),
  D: Cuid.make("dave"),
  E: Cuid.make("erin")
}

/** A tally of two neighbours. */
export interface Pair {
  /** Whose user may owe. */
  readonly debtor: Site
  /** Whose user is owed. */
  readonly creditor: Site
}

export const pairs: ReadonlyArray<Pair> = [
  { debtor: "A", creditor: "B" },
  { debtor: "B", creditor: "C" },
  { debtor: "C", creditor: "D" },
  { debtor: "D", creditor: "E" },
  { debtor: "E", creditor: "A" }
]

export const nameOf = ({ creditor, debtor }: Pair): string => `${users[debtor]} owes ${users[creditor]}`

/** Milli-CHIP that everybody lets the one before them owe. */
export const limit = 100_000n
/** What everybody asks of the one before them. */
export const invoice = 10_000n
/** What alice pays dave over bob and carol: more than what erin's debt to alice would let through the other way round. */
export const payment = 25_000n
/** What goes once around in the end. All of it is owed everywhere, so it clears what was asked for. */
export const circle = invoice

/** Over these the payment goes, one after the other; the lift is decided by the one that is none of them. */
export const way: ReadonlyArray<Site> = ["A", "B", "C", "D"]
export const referee: Site = "E"
/** Which of them is killed once it has promised, and between which the line is cut when the lift is decided. */
export const relay: Site = "C"
export const line: readonly [Site, Site] = ["B", "C"]

/** Whether the payment adds to this debt. */
const isOnWay = ({ creditor, debtor }: Pair): boolean =>
  way.indexOf(creditor) === way.indexOf(debtor) + 1 && debtor !== "E"

/** Milli-CHIP that are owed in the end. */
export const owed = (pair: Pair): bigint => invoice + (isOnWay(pair) ? payment : 0n) - circle
