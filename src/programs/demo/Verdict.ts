/**
 * Whether the demo has shown what it is there to show. Pure; every condition that does not hold is one sentence.
 */
import type { Audited } from "./Audit.ts"
import { type Fault, type Name, names } from "./Board.ts"

/** How a node answered the request to stop. */
export interface Stop {
  readonly node: Name
  readonly code: number | null
  readonly signal: string | null
  readonly millis: number
}

export interface Outcome {
  readonly audited: Audited
  readonly faults: ReadonlyArray<Fault>
  readonly stops: ReadonlyArray<Stop>
  /** Messages from each node to each other one. */
  readonly messages: number
  /** Whether the time ran out before everything was delivered, and after how many seconds. */
  readonly ranOutAfter: number | undefined
}

/** A node has this long to stop, in milliseconds. */
export const stopLimit = 5_000
/** Each pair of nodes is connected once; this many sessions more are the least that the faults must have caused. */
export const leastReconnects = 3

const isNode = (name: string): boolean => names.some((node) => node === name)

const plural = (count: number, one: string): string => `${count.toLocaleString("en")} ${one}${count === 1 ? "" : "s"}`

const aboutDirections = ({ audited, messages }: Outcome): ReadonlyArray<string> =>
  audited.directions.flatMap(({ doubled, foreign, from, lost, owed, sent, to }) => {
    const way = `from ${from} to ${to}`
    return [
      ...(sent < messages && isNode(from) ? [`only ${sent} of ${plural(messages, "message")} ${way} were sent`] : []),
      ...(sent > messages ? [`${plural(sent, "message")} ${way} were sent, ${messages} were asked for`] : []),
      ...(lost > 0
        ? [`${plural(lost, "message")} ${way} had no effect${owed > 0 ? `, and ${owed} are still owed` : ""}`]
        : []),
      ...(lost === 0 && owed > 0 ? [`${plural(owed, "message")} ${way} had their effect but are still owed`] : []),
      ...(doubled > 0 ? [`${plural(doubled, "message")} ${way} took effect more than once`] : []),
      ...(foreign > 0
        ? [`${plural(foreign, "effect")} ${way} ${foreign === 1 ? "belongs" : "belong"} to no message in the ledger`]
        : [])
    ]
  })

const aboutFaults = ({ audited, faults }: Outcome): ReadonlyArray<string> =>
  (["kill", "cut", "freeze"] as const).flatMap((kind) => {
    const index = faults.findIndex((fault) => fault.kind === kind)
    const fault = faults[index]
    if (fault === undefined) return [`the ${kind} did not happen`]
    if (fault.until === undefined) return [`the ${kind} was not undone`]
    if (kind === "freeze") return []
    const interrupted = audited.interrupted[index] ?? 0
    if (fault.owed > 0 && interrupted > 0) return []
    return [
      `the ${kind} came at a moment when nothing was owed (the nodes said ${fault.owed}, the databases show ${interrupted})`
    ]
  })

const aboutStops = ({ stops }: Outcome): ReadonlyArray<string> =>
  stops.flatMap(({ code, millis, node, signal }) => {
    if (code !== 0)
      return [`node ${node} did not stop in order: it ended ${signal === null ? `with code ${code}` : `by ${signal}`}`]
    return millis > stopLimit ? [`node ${node} took ${Math.round(millis)} ms to stop, ${stopLimit} are allowed`] : []
  })

/** What has failed; empty if everything holds. */
export const failures = (outcome: Outcome): ReadonlyArray<string> => {
  const { audited, messages, ranOutAfter } = outcome
  const { deliveredOnce, duplicatesSuppressed, reconnects } = audited.totals
  const expected = messages * 6
  const found = aboutDirections(outcome)
  return [
    ...(ranOutAfter === undefined ? [] : [`not everything was delivered within ${ranOutAfter} s`]),
    ...found,
    ...(found.length === 0 && deliveredOnce !== expected
      ? [`${deliveredOnce} messages took effect exactly once, ${expected} should have`]
      : []),
    ...aboutFaults(outcome),
    ...(reconnects < leastReconnects
      ? [`there were ${plural(reconnects, "reconnect")}, ${leastReconnects} at least belong to the faults`]
      : []),
    ...(duplicatesSuppressed === 0 ? ["no duplicate came, so none was suppressed"] : []),
    ...aboutStops(outcome)
  ]
}
