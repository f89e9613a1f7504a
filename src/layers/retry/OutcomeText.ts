/**
 * How an outcome reads in a list of what is owed.
 */
import type { Outcome } from "../../protocol/delivery/Message.ts"

export const outcomeText = (outcome: Outcome): string => {
  switch (outcome._tag) {
    case "Ok":
      return "ok"
    case "Stale":
      return `stale: the peer is at revision ${outcome.revision}`
    case "Refused":
      return `refused: ${outcome.reason}${outcome.detail === "" ? "" : `: ${outcome.detail}`}`
    case "Later":
      return outcome.behind === undefined
        ? `later: not before ${outcome.retryAfterMillis} ms`
        : `later: behind ${outcome.behind}`
  }
}

/** Most ids that a link keeps as waiting at the receiver; beyond it new ones are dropped. */
export const maxHeld = 10_000
