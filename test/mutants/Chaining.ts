/**
 * Bugs in how a chain is brought here, applied and made longer, hunted in the scenario `chain`.
 */
import type { Mutant } from "./Mutant.ts"

const inOrder = "a block is applied once, behind the one before it"
const agree = "honest nodes have one chain"
const prompt = "a new block is everywhere soon"

export const chaining: ReadonlyArray<Mutant> = [
  {
    name: "chain-branch-not-undone",
    what: "What the program has made of the blocks of a branch is not taken back when the branch is left.",
    file: "src/services/chain/Applying.ts",
    find: `for (const block of left.toReversed()) yield* program.undo(block)`,
    replace: `for (const block of left.slice(left.length)) yield* program.undo(block)`,
    property: inOrder,
    also: ["a branch is left for a better one"],
    profile: "network",
    scenario: "chain"
  },
  {
    name: "chain-higher-id-wins",
    what: "Of two branches of equal weight the one whose tip has the higher id is taken.",
    file: "src/protocol/chain/NativeRules.ts",
    find: `prefers: (one, best) => one.id < best.id,`,
    replace: `prefers: (one, best) => one.id > best.id,`,
    property: "a branch is left for a better one",
    profile: "network",
    scenario: "chain"
  },
  {
    name: "chain-body-asked-again",
    what: "A body that has come counts as missing, and is asked for again.",
    file: "src/protocol/chain/BodySchedule.ts",
    find: `if (isWanted && fits) this.#window.hold(slot, bytes)`,
    replace: `if (isWanted && fits && bytes < 0) this.#window.hold(slot, bytes)`,
    property: "a body is asked for twice at most",
    profile: "calm",
    scenario: "chain"
  },
  {
    name: "chain-tip-untold",
    what: "Nobody is told of a new block: it is found when headers are asked for again.",
    file: "src/services/chain/ChainLink.ts",
    find: `if (last === undefined || neighbour.tip.id === last.id) continue`,
    replace: `if (last === undefined || neighbour.tip.id !== last.id) continue`,
    property: prompt,
    profile: "calm",
    scenario: "chain"
  },
  {
    name: "chain-others-dialled-again",
    what: "A peer that keeps another chain is dialled again as after any failure.",
    file: "src/protocol/link/Redial.ts",
    find: `"version", "genesis", "banned"`,
    replace: `"version", "banned"`,
    property: "who keeps another chain is left alone",
    profile: "calm",
    scenario: "chain"
  },
  {
    name: "chain-peers-forgotten",
    what: "When another branch is the best one, what peers have of it is not looked for again.",
    file: "src/services/chain/Fetching.ts",
    find: `for (const [id, known] of this.#heights) this.#schedule.raise(id, known)`,
    replace: `for (const [id, known] of this.#heights) if (known < 0) this.#schedule.raise(id, known)`,
    property: agree,
    profile: "swarm",
    scenario: "chain"
  },
  {
    name: "chain-never-hedged",
    what: "The block that comes next is never asked of a second peer, however late it is.",
    file: "src/protocol/chain/BodySchedule.ts",
    find: `    this.#watch.see(head, this.#now)
    const next = head === undefined ? never : this.#hurry(head, actions)`,
    replace: `    this.#watch.see(head, this.#now)
    const next = head === undefined ? never : this.#hurry(head, actions.slice())`,
    property: prompt,
    also: [agree],
    profile: "calm",
    scenario: "chain"
  }
]
