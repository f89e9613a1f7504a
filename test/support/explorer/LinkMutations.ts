/**
 * Ways to get the link's rule wrong, and a situation that shows each.
 */
import type * as Admission from "../../../src/protocol/link/Admission.ts"
import type * as Arbiter from "../../../src/protocol/link/Arbiter.ts"
import type { RejectReason } from "../../../src/protocol/link/LinkMessage.ts"
import { type Machine, production } from "./Machine.ts"

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

type Admit = typeof Admission.step
const admitting = (admission: (original: Admit) => Admit): Machine => ({
  ...production,
  admission: admission(production.admission)
})
/** As if everybody had a place of its own. */
const alone = (event: Admission.Event): Admission.Event =>
  event._tag === "Hello" ? { ...event, applicant: { ...event.applicant, place: event.applicant.identity } } : event

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
  },
  {
    name: "a second key at an occupied address is let in",
    caughtBy: "S has Q's address",
    shows: "a second node of an address got to the arbiter",
    machine: admitting((step) => (options, state, event) => step(options, state, alone(event)))
  },
  {
    name: "a second key takes the address over without a question",
    caughtBy: "S has Q's address",
    shows: "a live session was closed",
    machine: admitting((step) => (options, state, event) => {
      const first = step(options, state, event)
      const probe = first.actions.find((action) => action._tag === "Probe")
      if (probe === undefined) return first
      return step(options, first.state, { _tag: "Probed", connection: probe.connection, answered: false })
    })
  },
  {
    name: "an address is occupied for as long as nobody has noticed that its node is dead",
    caughtBy: "S has Q's address, Q only answers, and a cut that P does not notice",
    shows: "locks the other side out",
    machine: admitting(
      (step) => (options, state, event) =>
        step(options, state, event._tag === "Probed" ? { ...event, answered: true } : event)
    )
  },
  {
    name: "who waits for an address is forgotten when that becomes free",
    caughtBy: "S has Q's address, and a cut",
    shows: "a candidate waits for ever",
    machine: admitting((step) => (options, state, event) => {
      const next = step(options, state, event)
      const isLate = event._tag === "Closed" && next.actions.some((action) => action._tag === "Admit")
      return isLate ? { ...next, actions: [] } : next
    })
  }
]
