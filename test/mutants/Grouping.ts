/**
 * Bugs in what senders share: what may be numbered before what, and what is handled at once.
 */
import type { Mutant } from "./Mutant.ts"

const kept = "what was acknowledged takes effect once, in order"

const bugs: ReadonlyArray<Omit<Mutant, "scenario" | "property">> = [
  {
    name: "numbered-ahead-of-what-waits",
    what: "What is sent now gets its number although something older waits for one.",
    file: "src/layers/retry/MemorySending.ts",
    find: `if (Result.isFailure(row) || hasUnnumbered(rows, link.peer)) continue`,
    replace: `if (Result.isFailure(row)) continue`,
    profile: "swarm"
  },
  {
    name: "first-of-a-run-forgotten",
    what: "Of messages that are handled at once the first is left out.",
    file: "src/services/delivery/Handling.ts",
    find: `handleAll(messages.map(`,
    replace: `handleAll(messages.slice(messages.length > 1 ? 1 : 0).map(`,
    profile: "calm"
  }
]

export const grouping: ReadonlyArray<Mutant> = bugs.map((bug) => ({ ...bug, property: kept, scenario: "grouped" }))
