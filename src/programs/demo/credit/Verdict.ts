/**
 * Whether the demo of credit has shown what it is there to show. Pure; every condition that does not hold is one sentence.
 */
import * as Units from "../../../protocol/credit/Units.ts"
import type { Facts, Standings } from "./Facts.ts"
import { line, nameOf, owed, pairs, relay, type Site, sites, users, way } from "./Sites.ts"

const chip = (units: bigint | undefined): string => (units === undefined ? "nothing known" : Units.format(units))

const where = (at: Standings): string => way.map((site) => `${users[site]} ${at[site] ?? "unknown"}`).join(", ")

const are = (at: Standings | undefined, expected: Standings): boolean =>
  way.every((site) => expected[site] === undefined || at?.[site] === expected[site])

const everywhere = (standing: Standings[Site]): Standings => Object.fromEntries(way.map((site) => [site, standing]))

const aboutFaults = ({ cutAt, killedAt, remembered }: Facts): ReadonlyArray<string> => {
  const behind = way.slice(way.indexOf(line[1]))
  const split = Object.fromEntries(way.map((site) => [site, behind.includes(site) ? "good" : "promised"] as const))
  return [
    ...(killedAt === undefined ? ["the relay was not killed"] : []),
    ...(killedAt !== undefined && !are(killedAt, everywhere("promised"))
      ? [`the lift was not promised everywhere when the relay was killed: ${where(killedAt)}`]
      : []),
    ...(killedAt !== undefined && remembered !== "promised"
      ? [`${users[relay]}'s node had promised before it was killed, and says ${remembered ?? "nothing"} afterwards`]
      : []),
    ...(cutAt === undefined ? ["the line was not cut when the lift was decided"] : []),
    ...(cutAt !== undefined && !are(cutAt, split)
      ? [`the lift was to be good behind the cut and promised before it: ${where(cutAt)}`]
      : [])
  ]
}

const aboutBalances = ({ balances }: Facts): ReadonlyArray<string> =>
  pairs.flatMap((pair) => {
    const found = balances.find(({ creditor, debtor }) => creditor === pair.creditor && debtor === pair.debtor)
    if (found === undefined) return [`nobody knows what ${nameOf(pair)}`]
    const { atCreditor, atDebtor, isQuiet } = found
    const expected = owed(pair)
    if (atCreditor !== expected || atDebtor !== expected) {
      const ends = `${chip(atDebtor)} there and ${chip(atCreditor)} here`
      return [`${nameOf(pair)} ${ends}, and it should be ${chip(expected)}`]
    }
    return isQuiet ? [] : [`what ${nameOf(pair)} is not settled`]
  })

const aboutAudits = ({ audits }: Facts): ReadonlyArray<string> =>
  sites.flatMap((site) => {
    const found = audits.find((audit) => audit.site === site)
    if (found === undefined || found.code === null) return [`the audit of site ${site} came to no end`]
    return found.code === 0 ? [] : [`the audit of site ${site} has found something (code ${found.code})`]
  })

const aboutStops = ({ stops }: Facts): ReadonlyArray<string> =>
  sites.flatMap((site) => {
    const stop = stops.find((one) => one.site === site)
    if (stop === undefined) return [`site ${site} was not stopped`]
    const how = stop.signal === null ? `with code ${stop.code}` : `by ${stop.signal}`
    return stop.code === 0 ? [] : [`site ${site} did not stop in order: it ended ${how}`]
  })

/** What has failed; empty if everything holds. */
export const failures = (facts: Facts): ReadonlyArray<string> => [
  ...(facts.ranOutAfter === undefined ? [] : [`not everything was settled within ${facts.ranOutAfter} s`]),
  ...(facts.invoices === pairs.length ? [] : [`${facts.invoices} of ${pairs.length} invoices were paid`]),
  ...aboutFaults(facts),
  ...(facts.payment === "good" ? [] : [`the payment is ${facts.payment ?? "under way"}, and not good`]),
  ...(are(facts.settled, everywhere("good")) ? [] : [`the lift is not good everywhere: ${where(facts.settled)}`]),
  ...(facts.circle === "good" ? [] : [`the circle is ${facts.circle ?? "not begun"}, and not good`]),
  ...aboutBalances(facts),
  ...aboutAudits(facts),
  ...aboutStops(facts)
]
