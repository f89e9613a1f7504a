/**
 * What the databases of the demo say when everything went well: every message once, three sessions of every pair.
 */
import type { Evidence } from "../../../src/programs/demo/Audit.ts"
import { type Name, names, othersOf } from "../../../src/programs/demo/Board.ts"

const numbers = (messages: number): ReadonlyArray<number> => Array.from({ length: messages }, (_, index) => index + 1)

/** `received` of node `of` as `change` makes it, if given. */
export const delivered = (
  messages: number,
  change?: (evidence: Evidence) => Evidence["received"],
  of?: Name
): ReadonlyArray<Evidence> =>
  names.map((node) => {
    const evidence: Evidence = {
      node,
      ledger: othersOf(node).flatMap((receiver) =>
        numbers(messages).map((number) => ({ receiver, number, sentAt: number * 1_000 }))
      ),
      received: othersOf(node).flatMap((sender) =>
        numbers(messages).map((number) => ({ sender, number, receivedAt: number * 1_000 + 20 }))
      ),
      links: othersOf(node).map((peer) => ({ peer, sessions: 3, duplicates: 0, owed: 0 }))
    }
    return change === undefined || node !== of ? evidence : { ...evidence, received: change(evidence) }
  })
