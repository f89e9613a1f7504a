/**
 * Bugs in who is let in and who may follow whom: a second key at an address, a clone, a later agent, an older database. No
 * simulated node has any of these, so they are hunted by the explorer, in one situation each.
 */
import type { Planted } from "./Mutant.ts"

export interface ExploreMutant extends Planted {
  /** One sentence. */
  readonly what: string
  /** The situation of `test/support/explorer/LinkScenarios.ts` that must show it. */
  readonly situation: string
  /** What goes wrong there, in the words of the explorer. */
  readonly shows: string
}

const admission = "src/protocol/link/Admission.ts"
const arbiter = "src/protocol/link/Arbiter.ts"

const flap = "a live session was closed by the rule"
const lockedOut = "a dead socket locks the other side out"

export const exploring: ReadonlyArray<ExploreMutant> = [
  {
    name: "second-key-let-in",
    what: "Nobody looks whether another key has the address.",
    file: admission,
    find: `other.place === place && other.identity !== identity`,
    replace: `other.place === place && other.identity === ""`,
    situation: "S has Q's address",
    shows: "a second node of an address got to the arbiter"
  },
  {
    name: "answer-condemns",
    what: "A node that answers loses its address to whoever comes.",
    file: admission,
    find: `      return event.answered
`,
    replace: `      return !event.answered
`,
    situation: "S has Q's address",
    shows: flap
  },
  {
    name: "silence-ignored",
    what: "A node keeps its address however silent it is.",
    file: admission,
    find: `      return event.answered
`,
    replace: `      return event.answered || !event.answered
`,
    situation: "S has Q's address, Q only answers, and a cut that P does not notice",
    shows: lockedOut
  },
  {
    name: "waiting-for-nothing",
    what: "Who waits for an address does not hear that it is free.",
    file: admission,
    find: `state.waiting.find(({ asks }) => asks === connection)`,
    replace: `state.waiting.find(({ asks }) => asks === -1)`,
    situation: "S has Q's address, and a cut",
    shows: "a candidate waits for ever"
  },
  {
    name: "return-overlooked",
    what: "A node that has come back meanwhile loses its address because its former connection was silent.",
    file: admission,
    find: `holder(released, newcomer) === undefined
`,
    replace: `released.waiting !== undefined
`,
    situation: "S has Q's address, and a cut",
    shows: "two nodes of one address have sessions"
  },
  {
    name: "many-wait",
    what: "Any number of newcomers wait for one address, and one of them hears of it.",
    file: admission,
    find: `if (state.waiting.some(({ place }) => place === newcomer.place)) {`,
    replace: `if (state.waiting.some(({ place }) => place === "")) {`,
    situation: "S has Q's address",
    shows: "a candidate waits for ever"
  },
  {
    name: "clone-takes-over",
    what: "A node with another database under the same key replaces a session that lives.",
    file: arbiter,
    find: `if (claim.database !== known.database) return probeFirst(state, current, connection, claim, "clone")`,
    replace: `if (claim.database !== known.database) return commitNext(state, connection, claim)`,
    situation: "X has Q's key and another database",
    shows: flap
  },
  {
    name: "equal-epoch-takes-over",
    what: "An agent with the same epoch replaces a session that lives.",
    file: arbiter,
    find: `if (claim.incarnation > known.incarnation) return commitNext`,
    replace: `if (claim.incarnation >= known.incarnation) return commitNext`,
    situation: "X has Q's key, its database and its incarnation",
    shows: flap
  },
  {
    name: "clone-obeyed",
    what: "The follower obeys a second node with the key of the arbiter.",
    file: arbiter,
    find: `current === undefined ? undefined : stranger(current.claim, claim)`,
    replace: `current === undefined ? undefined : stranger(claim, claim)`,
    situation: "X has P's key and another database",
    shows: flap
  },
  {
    name: "later-agent-refused",
    what: "A later agent waits until the session of the earlier one is found dead.",
    file: arbiter,
    find: `if (claim.incarnation > known.incarnation) return commitNext(state, connection, claim)`,
    replace: `if (claim.incarnation > known.incarnation) return refuse(state, connection, "duplicate")`,
    situation: "Q crashes twice, silently",
    shows: lockedOut
  },
  {
    name: "older-database-refused",
    what: "A process on an older database is refused without asking whether the later one is still there.",
    file: arbiter,
    find: `return probeFirst(state, current, connection, claim, reason)`,
    replace: `return refuse(state, connection, reason)`,
    situation: "Q comes back from an older database, silently",
    shows: lockedOut
  }
]
