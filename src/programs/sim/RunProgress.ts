/**
 * How far a campaign has come, as one line.
 */
import type { Totals } from "../../testing/campaign/Campaign.ts"
import { lasting } from "../cli/Table.ts"

/** The line, after so many milliseconds. */
export const line = (
  { failed, runs, virtualMillis }: Pick<Totals, "failed" | "runs" | "virtualMillis">,
  of: number,
  millis: number
): string => {
  const rate = millis === 0 ? 0 : (runs * 1_000) / millis
  const left = rate === 0 ? "" : `, ${lasting(((of - runs) / rate) * 1_000)} left`
  const failures = failed === 0 ? "" : `, ${failed} FAILED`
  return `${runs} of ${of} seeds, ${rate.toFixed(1)} a second${failures}, ${lasting(virtualMillis)} of virtual time${left}`
}
