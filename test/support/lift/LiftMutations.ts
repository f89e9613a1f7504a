/**
 * Ways to get the rules of a lift wrong, and a situation that shows each.
 */
import { against } from "../../../src/protocol/credit/LiftEvidence.ts"
import { endsAt } from "../../../src/protocol/credit/LiftEnds.ts"
import { still } from "../../../src/protocol/credit/LiftEvent.ts"
import { type Machine, production } from "./LiftModel.ts"

export interface Mutation {
  readonly name: string
  /** The name of a situation. */
  readonly caughtBy: string
  /** What goes wrong there. */
  readonly shows: string
  readonly machine: Machine
}

const one = "two nodes, either may ask, refuse or abort"
const three = "two nodes and three referees, nobody asks"

export const mutations: ReadonlyArray<Mutation> = [
  {
    name: "a node that ends what it has promised when the time is over",
    caughtBy: one,
    shows: "ended without a record",
    machine: {
      ...production,
      lift: (site, state, event) => {
        if (event._tag !== "Wake" || state?.status !== "promised") return production.lift(site, state, event)
        return { ...still({ ...state, status: "void" }, []), release: endsAt(state.plan, site.key) }
      }
    }
  },
  {
    name: "a node that sends its promise before it has stored it, and dies in between",
    caughtBy: one,
    shows: "good though not all have promised",
    machine: {
      ...production,
      lift: (site, state, event) => {
        const done = production.lift(site, state, event)
        const isLost = event._tag === "Heard" && event.message._tag === "Promise" && done._tag === "Stepped"
        if (!isLost || state !== undefined || done.state.status !== "promised") return done
        const no = against(done.state.digest, "refusal", site)
        const { wakeAt: _, ...kept } = done.state
        return { ...still({ ...kept, status: "refused", against: no }, done.actions) }
      }
    }
  },
  {
    name: "a referee that forgets how it has voted",
    caughtBy: one,
    shows: "good here and void there",
    machine: {
      ...production,
      referee: (me, state, event) => {
        if (event.message._tag !== "Prepare" || state === undefined) return production.referee(me, state, event)
        const { record: _record, voted: _voted, ...forgetful } = state
        return production.referee(me, { ...forgetful, promises: [] }, event)
      }
    }
  },
  {
    name: "a node that asks once, and then waits for ever",
    caughtBy: three,
    shows: "nothing ends any more",
    machine: {
      ...production,
      lift: (site, state, event) => {
        const done = production.lift(site, state, event)
        if (event._tag !== "Wake" || done._tag === "Unfit") return done
        const { wakeAt: _, ...deaf } = done.state
        return { ...done, state: deaf, actions: [] }
      }
    }
  },
  {
    name: "a referee that does not say how it has voted",
    caughtBy: three,
    shows: "nothing ends any more",
    machine: {
      ...production,
      referee: (me, state, event) => {
        const done = production.referee(me, state, event)
        if (done._tag === "Unfit" || event.message._tag !== "Prepare") return done
        return {
          ...done,
          actions: done.actions.filter((action) => action._tag !== "Send" || action.message._tag !== "Ready")
        }
      }
    }
  },
  {
    name: "a node that takes its promise back when another one refuses",
    caughtBy: "three nodes, two may refuse, nobody asks by himself",
    shows: "taken back",
    machine: {
      ...production,
      lift: (site, state, event) => {
        const done = production.lift(site, state, event)
        const isRefusal = event._tag === "Heard" && event.message._tag === "Refusal"
        if (!isRefusal || done._tag === "Unfit" || done.state.status !== "promised") return done
        return { ...done, state: { ...done.state, status: "refused" } }
      }
    }
  }
]
