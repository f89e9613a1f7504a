/**
 * The situations in which the rule of one session per pair is explored.
 *
 * P is the arbiter of the pair, Q the follower, X another process with the key of one of them, S a node with a key of
 * its own that comes from the same IP address as Q.
 */
import type { NodeSpec, Scenario } from "./Scenario.ts"

const P: NodeSpec = { name: "P", key: "4", database: "p", dials: 1, heartbeat: true }
const Q: NodeSpec = { name: "Q", key: "8", database: "q", dials: 0, heartbeat: true }
const deaf = (node: NodeSpec): NodeSpec => ({ ...node, heartbeat: false })
const firewalled = (node: NodeSpec): NodeSpec => ({ ...node, firewalled: true })
const answersOnly = (node: NodeSpec): NodeSpec => ({ ...node, dials: undefined })

const admitting = (node: NodeSpec): NodeSpec => ({ ...node, admits: "machine" })
const S: NodeSpec = { name: "S", key: "c", database: "s", dials: 0, heartbeat: true }
/** S is the arbiter of its pair with P. */
const lowS: NodeSpec = { ...S, key: "0" }
/** A later agent on the database of Q. */
const agent: NodeSpec = { ...Q, name: "X", incarnation: 9 }

const three = { budget: 3, cuts: 0 }
const anyCut = { cutBy: ["silence", "end"] } as const

/** What may be excused at most, by the words of the explorer; by default nothing is. */
export interface Situation extends Scenario {
  readonly excuses?: ReadonlyArray<string>
}

const unnoticed = ["excused: both sides hold dead sockets and nobody notices"]
const unaware = ["excused: only the side that has not noticed could dial"]

export const situations: ReadonlyArray<Situation> = [
  { name: "both dial", nodes: [deaf(P), deaf(Q)], ...three },
  { name: "both dial, one connection given up too early", nodes: [deaf(P), deaf(Q)], ...three, hasty: 1 },
  { name: "one cut that nobody notices", nodes: [deaf(P), deaf(Q)], ...three, cuts: 1, excuses: unnoticed },
  { name: "two cuts that nobody notices", nodes: [deaf(P), deaf(Q)], ...three, cuts: 2, excuses: unnoticed },
  { name: "two cuts that both notice", nodes: [P, Q], ...three, cuts: 2 },
  { name: "two cuts that only Q notices", nodes: [deaf(P), Q], budget: 2, cuts: 2 },
  { name: "two cuts that only P notices", nodes: [P, deaf(Q)], budget: 2, cuts: 2 },
  { name: "three cuts, only Q dials", nodes: [answersOnly(P), Q], ...three, cuts: 3, ...anyCut },
  { name: "three cuts, only P dials", nodes: [P, answersOnly(Q)], ...three, cuts: 3, ...anyCut },
  { name: "three cuts, P's dials hang", nodes: [firewalled(P), Q], ...three, cuts: 3, ...anyCut },
  { name: "three cuts, Q's dials hang", nodes: [P, firewalled(Q)], ...three, cuts: 3, ...anyCut },
  {
    name: "both dials hang",
    nodes: [firewalled(P), firewalled(Q)],
    ...three,
    excuses: ["excused: nobody is able to dial"]
  },
  { name: "P crashes", nodes: [{ ...deaf(P), crashes: 1 }, deaf(Q)], ...three },
  { name: "Q crashes", nodes: [deaf(P), { ...deaf(Q), crashes: 1 }], ...three },
  {
    name: "P and Q crash",
    nodes: [
      { ...P, crashes: 1 },
      { ...Q, crashes: 1 }
    ],
    ...three
  },
  { name: "P crashes twice, silently", nodes: [{ ...deaf(P), crashes: 2 }, deaf(Q)], ...three, silentCrashes: true },
  { name: "Q crashes twice, silently", nodes: [deaf(P), { ...deaf(Q), crashes: 2 }], ...three, silentCrashes: true },
  { name: "a cut, and P crashes silently", nodes: [{ ...P, crashes: 1 }, Q], ...three, cuts: 1, silentCrashes: true },
  { name: "a cut, and Q crashes silently", nodes: [P, { ...Q, crashes: 1 }], ...three, cuts: 1, silentCrashes: true },
  {
    name: "a cut and a crash of Q, whose dials hang, and P notices nothing",
    nodes: [deaf(P), { ...firewalled(Q), crashes: 1 }],
    ...three,
    cuts: 1,
    excuses: unaware
  },
  {
    name: "two cuts, both crash silently, and P's dials hang",
    nodes: [
      { ...firewalled(P), crashes: 1 },
      { ...Q, crashes: 1 }
    ],
    ...three,
    cuts: 2,
    silentCrashes: true
  },
  {
    name: "two cuts and a crash of P, only Q dials",
    nodes: [{ ...answersOnly(P), crashes: 1 }, Q],
    ...three,
    cuts: 2,
    silentCrashes: true
  },
  { name: "P comes back from an older database", nodes: [{ ...deaf(P), rollbacks: 1 }, deaf(Q)], ...three },
  // Each of the two HELLOs of the newer process that may still be under way replaces a session of the rolled-back one.
  {
    name: "Q comes back from an older database",
    nodes: [deaf(P), { ...deaf(Q), rollbacks: 1 }],
    ...three,
    supersedes: 2
  },
  {
    name: "P comes back from an older database, silently",
    nodes: [{ ...P, rollbacks: 1 }, Q],
    ...three,
    silentCrashes: true
  },
  {
    name: "Q comes back from an older database, silently",
    nodes: [deaf(P), { ...deaf(Q), rollbacks: 1 }],
    ...three,
    silentCrashes: true
  },
  {
    name: "X has Q's key and another database",
    nodes: [deaf(P), deaf(Q), { ...deaf(Q), name: "X", database: "x" }],
    budget: 2,
    cuts: 0
  },
  {
    name: "X has Q's key, its database and its incarnation",
    nodes: [deaf(P), deaf(Q), { ...deaf(Q), name: "X" }],
    budget: 1,
    cuts: 0
  },
  {
    name: "X is a newer agent on Q's database",
    nodes: [deaf(P), deaf(Q), { ...deaf(Q), name: "X", incarnation: 6 }],
    budget: 1,
    cuts: 0,
    supersedes: 1
  },
  {
    name: "X has P's key and another database",
    nodes: [deaf(P), deaf(Q), { ...deaf(P), name: "X", database: "x" }],
    budget: 1,
    cuts: 0
  },
  {
    name: "X has P's key, its database and its incarnation",
    nodes: [deaf(P), deaf(Q), { ...deaf(P), name: "X" }],
    budget: 1,
    cuts: 0
  },
  {
    name: "X has Q's key, and a cut",
    nodes: [answersOnly(P), Q, { ...Q, name: "X", database: "x" }],
    budget: 1,
    cuts: 1
  },
  {
    name: "X has P's key, and a cut",
    nodes: [P, answersOnly(Q), { ...P, name: "X", database: "x" }],
    budget: 1,
    cuts: 1
  },
  // After each loss Q may be back before X is.
  {
    name: "X is a newer agent on Q's database, and P crashes",
    nodes: [{ ...answersOnly(P), crashes: 1 }, Q, agent],
    budget: 2,
    cuts: 0,
    supersedes: 2
  },
  {
    name: "X sends P to the agent that keeps the link",
    nodes: [{ ...P, dials: 2 }, Q, { ...answersOnly(Q), name: "X", owner: 1 }],
    ...three
  },
  {
    name: "X sends P to the agent that keeps the link, which only answers, and a cut",
    nodes: [{ ...P, dials: 2 }, answersOnly(Q), { ...answersOnly(Q), name: "X", owner: 1 }],
    ...three,
    cuts: 1
  },
  { name: "S has Q's address", nodes: [admitting(P), Q, S], budget: 2, cuts: 0 },
  { name: "S has Q's address and a lower key than P", nodes: [admitting(P), Q, lowS], budget: 2, cuts: 0 },
  {
    name: "S has Q's address, and a cut",
    nodes: [admitting(answersOnly(P)), Q, S],
    budget: 2,
    cuts: 1,
    ...anyCut
  },
  {
    name: "S has Q's address, and a cut that P does not notice",
    nodes: [admitting(deaf(answersOnly(P))), Q, S],
    budget: 2,
    cuts: 1
  },
  {
    name: "S has Q's address, Q only answers, and a cut that P does not notice",
    nodes: [admitting(deaf(P)), answersOnly(Q), S],
    budget: 1,
    cuts: 1
  },
  {
    name: "S has Q's address and a lower key than P, and a cut",
    nodes: [admitting(answersOnly(P)), Q, lowS],
    budget: 2,
    cuts: 1,
    ...anyCut
  },
  {
    name: "S has Q's address and a lower key than P, and a cut that P does not notice",
    nodes: [admitting(deaf(answersOnly(P))), Q, lowS],
    budget: 2,
    cuts: 1
  },
  {
    name: "S has Q's address, P's dials hang, and a cut",
    nodes: [admitting(firewalled(P)), Q, S],
    budget: 1,
    cuts: 1
  },
  {
    name: "S has Q's address, and P crashes",
    nodes: [{ ...admitting(answersOnly(P)), crashes: 1 }, Q, S],
    budget: 2,
    cuts: 0
  },
  {
    name: "S has Q's address, and Q crashes silently",
    nodes: [admitting(answersOnly(P)), { ...Q, crashes: 1 }, S],
    budget: 2,
    cuts: 0,
    silentCrashes: true
  },
  {
    name: "S has Q's address, and Q comes back from an older database, silently",
    nodes: [admitting(deaf(answersOnly(P))), { ...deaf(Q), rollbacks: 1 }, S],
    budget: 2,
    cuts: 0,
    silentCrashes: true
  },
  {
    name: "S has Q's address, and X is a newer agent on Q's database",
    nodes: [admitting(answersOnly(P)), Q, agent, S],
    budget: 1,
    cuts: 0,
    supersedes: 1
  },
  {
    name: "S has Q's address where that is nobody's concern, and a cut",
    nodes: [{ ...answersOnly(P), admits: "authenticated" }, Q, S],
    budget: 1,
    cuts: 1
  }
]

/** Three dials a side, three cuts of both kinds, two crashes, an older database, a second agent, and a second key. */
const everything = (
  name: string,
  change: Partial<Record<"P" | "Q" | "X" | "S", Partial<NodeSpec>>>,
  scenario: Partial<Scenario> = {}
): Scenario => ({
  name,
  nodes: [
    { ...admitting(P), crashes: 1, ...change.P },
    { ...Q, crashes: 1, rollbacks: 1, ...change.Q },
    { ...agent, ...change.X },
    { ...S, ...change.S }
  ],
  ...three,
  cuts: 3,
  ...anyCut,
  // X may take the link over after each of the six faults, and be taken for gone by two HELLOs from before a rollback.
  supersedes: 9,
  ...scenario
})

const hangs = { firewalled: true } as const
const notices = { heartbeat: false } as const

/** All of it at once: too much to be visited whole. */
export const together: ReadonlyArray<Scenario> = [
  everything("everything, P's dials hang", { P: hangs }),
  everything("everything, silently, P's dials hang", { P: hangs }, { silentCrashes: true }),
  everything("everything, Q's dials hang, S has the lowest key", { Q: hangs, S: { key: "0" } }),
  everything("everything, X is a clone", { P: hangs, X: { database: "x" } }, { silentCrashes: true }),
  everything("everything, X has Q's incarnation", { P: hangs, X: { incarnation: 5 } }),
  everything("everything, P notices nothing", { P: { ...hangs, ...notices } }, { silentCrashes: true })
]

/** Visited whole, if there is time. A side whose COMMIT was lost needs two dials after the last fault. */
export const large: ReadonlyArray<Scenario> = [
  { name: "three cuts that both notice", nodes: [P, Q], ...three, cuts: 3 },
  { name: "three cuts of both kinds, only P notices", nodes: [P, deaf(Q)], budget: 2, cuts: 3, ...anyCut },
  {
    name: "three cuts of both kinds and two crashes, P's dials hang",
    nodes: [
      { ...firewalled(P), crashes: 1 },
      { ...Q, crashes: 1 }
    ],
    ...three,
    cuts: 3,
    ...anyCut
  },
  { name: "S has Q's address, and two cuts", nodes: [admitting(answersOnly(P)), Q, S], budget: 2, cuts: 2, ...anyCut },
  { name: "S has Q's address, all dial, and a cut", nodes: [admitting(P), Q, S], budget: 1, cuts: 1 },
  {
    name: "S has Q's address, X is a newer agent on Q's database, and a cut that P does not notice",
    nodes: [admitting(deaf(answersOnly(P))), Q, agent, S],
    budget: 2,
    cuts: 1,
    supersedes: 2
  },
  {
    name: "X is a newer agent on Q's database, Q crashes, and two cuts that P does not notice",
    nodes: [deaf(answersOnly(P)), { ...Q, crashes: 1 }, agent],
    budget: 2,
    cuts: 2,
    supersedes: 4
  }
]

export const situation = (name: string): Situation => {
  const found = [...situations, ...large, ...together].find((candidate) => candidate.name === name)
  if (found === undefined) throw new Error(`no situation "${name}"`)
  return found
}
