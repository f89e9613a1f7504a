/**
 * Bugs in the database in memory, on which simulations stand: what a database must never do to its users.
 */
import type { Mutant } from "./Mutant.ts"

const file = "src/layers/MemoryDatabase.ts"

export const database: ReadonlyArray<Mutant> = [
  {
    name: "rollback-skips-one",
    what: "A rollback leaves the first change as it is.",
    file: "src/layers/UndoLog.ts",
    find: `while (this.changes.length > mark)`,
    replace: `while (this.changes.length > mark + 1)`,
    property: "effect exactly once",
    also: ["sent is acked, pending or shed"],
    profile: "calm"
  },
  {
    name: "crash-keeps-open-writes",
    what: "What an open transaction has written survives the crash of its process.",
    file,
    find: `  const crash = (): void => {
    log.rollback(0)`,
    replace: `  const crash = (): void => {
    log.clear()`,
    property: "effect exactly once",
    also: ["sent is acked, pending or shed", "nothing before its commit"],
    profile: "crash"
  },
  {
    name: "dirty-read",
    what: "A lone statement does not wait for the transaction that is open.",
    file,
    find: `if (level === undefined) return within(statement(body))`,
    replace: `if (level === undefined) return statement(body)`,
    property: "nothing before its commit",
    also: ["sent is acked, pending or shed"],
    profile: "database"
  }
]
