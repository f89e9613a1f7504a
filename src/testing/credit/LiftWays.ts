/**
 * Ways for lifts that the users of the scenario `credit` plan by hand, over the tallies that are there from the beginning: linear, in a
 * circle, over one node only, or through one node more than once.
 */
import { isSamePerson, type Person } from "../../protocol/credit/Chad.ts"
import type { Leg } from "../../protocol/credit/LiftPlan.ts"
import type { Rng } from "../world/Rng.ts"
import type { Bond, Member } from "./CreditCast.ts"

export interface Planned {
  readonly legs: ReadonlyArray<Leg>
  readonly payee: Person
}

export const personOf = ({ agent, cuid }: Member): Person => ({ agent, cuid })

/** The first steps are likelier: each one more costs a node more. */
const goesOn = 700_000
const mostLegs = 6

/** A walk from tally to tally that uses none of them twice; nothing for who has none. */
export const walk = (random: Rng, bonds: ReadonlyArray<Bond>, who: Member): Planned | undefined => {
  const left = [...bonds]
  const legs: Array<Leg> = []
  let at = who
  do {
    const near = left.filter(({ foil, stock }) => isSamePerson(foil, at) || isSamePerson(stock, at))
    const bond = random.pick(near)
    if (bond === undefined) break
    left.splice(left.indexOf(bond), 1)
    const by = isSamePerson(bond.stock, at) ? "stock" : "foil"
    const next = by === "stock" ? bond.foil : bond.stock
    legs.push({ tally: bond.id, from: at.agent, to: next.agent, by })
    at = next
  } while (legs.length < mostLegs && random.chance(goesOn))
  return legs.length === 0 ? undefined : { legs, payee: personOf(at) }
}
