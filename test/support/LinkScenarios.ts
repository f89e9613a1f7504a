/**
 * The situations in which the rule of one session per pair is explored, and ways to get the rule wrong.
 *
 * P is the arbiter of the pair, Q the follower, X another process with the key of one of them.
 */
import * as Arbiter from "../../src/protocol/link/Arbiter.ts"
import type { RejectReason } from "../../src/protocol/link/LinkMessage.ts"
import { type Machine, type NodeSpec, production, type Scenario } from "./LinkModel.ts"

const P: NodeSpec = { name: "P", role: "arbiter", database: "p", dials: 1, heartbeat: true }
const Q: NodeSpec = { name: "Q", role: "follower", database: "q", dials: 0, heartbeat: true }
const deaf = (node: NodeSpec): NodeSpec => ({ ...node, heartbeat: false })
const firewalled = (node: NodeSpec): NodeSpec => ({ ...node, firewalled: true })
const answersOnly = (node: NodeSpec): NodeSpec => ({ ...node, dials: undefined })

const three = { budget: 3, cuts: 0 }

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
  { name: "three cuts, only Q dials", nodes: [answersOnly(P), Q], ...three, cuts: 3 },
  { name: "three cuts, only P dials", nodes: [P, answersOnly(Q)], ...three, cuts: 3 },
  { name: "three cuts, P's dials hang", nodes: [firewalled(P), Q], ...three, cuts: 3 },
  { name: "three cuts, Q's dials hang", nodes: [P, firewalled(Q)], ...three, cuts: 3 },
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
    name: "two cuts and a crash of P, only Q dials",
    nodes: [{ ...answersOnly(P), crashes: 1 }, Q],
    ...three,
    cuts: 2,
    silentCrashes: true
  },
  { name: "P comes back from an older database", nodes: [{ ...deaf(P), rollbacks: 1 }, deaf(Q)], ...three },
  // A HELLO of the newer process that is still under way may replace the session of the rolled-back one, once.
  {
    name: "Q comes back from an older database",
    nodes: [deaf(P), { ...deaf(Q), rollbacks: 1 }],
    ...three,
    supersedes: true
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
    supersedes: true
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
  }
]

export const situation = (name: string): Situation => {
  const found = situations.find((candidate) => candidate.name === name)
  if (found === undefined) throw new Error(`no situation "${name}"`)
  return found
}

type Step = typeof Arbiter.step
const stepping = (step: (original: Step) => Step): Machine => ({ ...production, step: step(production.step) })
const refusing = (state: Arbiter.State, connection: number, reason: RejectReason): Arbiter.Step => ({
  state,
  actions: [{ _tag: "Refuse", connection, reason, number: state.highest }]
})
const without = (step: Arbiter.Step, dropped: (action: Arbiter.Action) => boolean): Arbiter.Step => ({
  ...step,
  actions: step.actions.filter((action) => !dropped(action))
})

/** A wrong rule, and a situation that shows it. */
export interface Mutation {
  readonly name: string
  readonly caughtBy: string
  /** What goes wrong there. */
  readonly shows: string
  readonly machine: Machine
}

export const mutations: ReadonlyArray<Mutation> = [
  {
    name: "the follower says that it does not hold the session after any REJECT",
    caughtBy: "both dial",
    shows: "no session although",
    machine: stepping(
      (step) => (role, state, event) =>
        step(role, state, event._tag === "Duplicate" ? { ...event, alone: true } : event)
    )
  },
  {
    name: "the newest connection wins",
    caughtBy: "both dial",
    shows: "a live session was closed",
    machine: stepping(
      (step) => (role, state, event) =>
        role === "arbiter" && event._tag === "Hello" && state.current !== undefined
          ? step(role, { ...state, current: { ...state.current, claim: { ...event.claim, incarnation: -1n } } }, event)
          : step(role, state, event)
    )
  },
  {
    name: "the first connection wins",
    caughtBy: "two cuts that only Q notices",
    shows: "locks the other side out",
    machine: stepping(
      (step) => (role, state, event) =>
        role === "arbiter" && event._tag === "Hello" && state.current !== undefined
          ? refusing(state, event.connection, "duplicate")
          : step(role, state, event)
    )
  },
  {
    name: "numbers go back: the arbiter counts from what the follower knows",
    caughtBy: "both dial, one connection given up too early",
    shows: "number was given before",
    machine: stepping(
      (step) => (role, state, event) =>
        role === "arbiter" && event._tag === "Hello" && state.current === undefined
          ? step(role, { ...state, highest: event.claim.knows }, event)
          : step(role, state, event)
    )
  },
  {
    name: "numbers go back: a restarted arbiter counts from nothing",
    caughtBy: "two cuts and a crash of P, only Q dials",
    shows: "no session although",
    machine: stepping(
      (step) => (role, state, event) =>
        role === "arbiter" && event._tag === "Hello" && state.current === undefined
          ? step(role, state, { ...event, claim: { ...event.claim, knows: 0n } })
          : step(role, state, event)
    )
  },
  {
    name: "the follower obeys any number",
    caughtBy: "both dial, one connection given up too early",
    shows: "a number went back",
    machine: stepping(
      (step) => (role, state, event) =>
        role === "follower" && event._tag === "Commit"
          ? step(role, { ...state, highest: event.number - 1n }, event)
          : step(role, state, event)
    )
  },
  {
    name: "the arbiter takes a crossing HELLO for a lost session",
    caughtBy: "both dial",
    shows: "a live session was closed",
    machine: stepping(
      (step) => (role, state, event) =>
        role === "arbiter" && event._tag === "Hello" && !event.claim.holds
          ? step(role, state, { ...event, claim: { ...event.claim, knows: state.highest } })
          : step(role, state, event)
    )
  },
  {
    name: "the arbiter takes a restarted follower for a clone",
    caughtBy: "Q crashes twice, silently",
    shows: "locks the other side out",
    machine: stepping(
      (step) => (role, state, event) =>
        role === "arbiter" &&
        event._tag === "Hello" &&
        (state.current?.claim.instance ?? event.claim.instance) !== event.claim.instance
          ? refusing(state, event.connection, "clone")
          : step(role, state, event)
    )
  },
  {
    name: "the arbiter lets a clone take over at once",
    caughtBy: "X has Q's key and another database",
    shows: "a live session was closed",
    machine: stepping((step) => (role, state, event) => {
      const first = step(role, state, event)
      const probe = first.actions.find((action) => action._tag === "Probe")
      return role === "arbiter" && probe !== undefined
        ? step(role, first.state, { _tag: "Probed", connection: probe.connection, answered: false })
        : first
    })
  },
  {
    name: "the follower lets a clone take over at once",
    caughtBy: "X has P's key and another database",
    shows: "a live session was closed",
    machine: stepping(
      (step) => (role, state, event) =>
        role === "follower" && event._tag === "Commit" && state.current !== undefined
          ? step(role, { ...state, current: { ...state.current, claim: event.claim } }, event)
          : step(role, state, event)
    )
  },
  {
    name: "the follower keeps the session that it replaces",
    caughtBy: "two cuts that only P notices",
    shows: "one side has two sessions",
    machine: stepping(
      (step) => (role, state, event) =>
        role === "follower"
          ? without(step(role, state, event), (action) => action._tag === "Close")
          : step(role, state, event)
    )
  },
  {
    name: "a doubtful newcomer is forgotten when the session is replaced",
    caughtBy: "X has Q's key, and a cut",
    shows: "a candidate waits for ever",
    machine: stepping((step) => (role, state, event) => {
      const next = step(role, state, event)
      return next.actions.some((action) => action._tag === "Activate")
        ? without(next, (action) => action._tag === "Refuse")
        : next
    })
  },
  {
    name: "HELLO always says that the session is held",
    caughtBy: "two cuts that only Q notices",
    shows: "locks the other side out",
    machine: { ...production, standing: (state) => ({ ...production.standing(state), holds: true }) }
  },
  {
    name: "HELLO never says which number is known",
    caughtBy: "two cuts that only Q notices",
    shows: "locks the other side out",
    machine: { ...production, standing: (state) => ({ ...production.standing(state), knows: 0n }) }
  },
  {
    name: "the arbiter takes the follower's REJECT of a COMMIT for a violation",
    caughtBy: "P crashes",
    shows: "calls an honest peer a violator",
    machine: {
      ...production,
      handshake: (self, peer, state, event) =>
        state.phase === "active" && event._tag === "Message" && event.message._tag === "Reject"
          ? { state: { phase: "closed" }, action: { _tag: "Refuse", reason: "violation", detail: "REJECT" } }
          : production.handshake(self, peer, state, event)
    }
  }
]
