/**
 * What an audit looks at: what nodes hold at one moment, and what is found to be wrong with it.
 */
import type { NodeKey } from "../NodeKey.ts"
import type { ChitState } from "./ChitState.ts"
import type { LiftPlan } from "./LiftPlan.ts"
import type { LiftRecord } from "./LiftRecord.ts"
import type { TallyHalf } from "./TallyHalf.ts"

/** How a lift stands at a node. `refused`: the node has not promised, and never will. */
export interface LiftView {
  readonly plan: LiftPlan
  readonly status: "promised" | "refused" | "good" | "void"
  readonly record?: LiftRecord | undefined
  /** Who has come with it, where it was refused. */
  readonly asker?: NodeKey | undefined
}

/** The rows of one node, in any order. */
export interface Site {
  readonly agent: NodeKey
  readonly halves: ReadonlyArray<TallyHalf>
  readonly chits: ReadonlyArray<ChitState>
  readonly lifts: ReadonlyArray<LiftView>
}

/** Invariants of credit that can be judged by what is held; the others take the messages or the future. */
export type Invariant = "I1" | "I2" | "I3" | "I4" | "I5" | "I6" | "I7" | "I8" | "I9" | "I10" | "I11" | "I12" | "I15"

export interface Violation {
  readonly invariant: Invariant
  /** The row that it is found at: a half by its id and holder, a chit, a lift, or `the world`. */
  readonly about: string
  /** A sentence for people. */
  readonly detail: string
}

/** Notes what is wrong, unless it holds. */
export type Expect = (holds: boolean, invariant: Invariant, about: string, detail: string) => void

/** Everything that a check does not find to hold. */
export const violations = (check: (expect: Expect) => void): ReadonlyArray<Violation> => {
  const all: Array<Violation> = []
  check((holds, invariant, about, detail) => {
    if (!holds) all.push({ invariant, about, detail })
  })
  return all
}

/** How a half, and the chits on it, are told apart within a site. */
export const halfName = (holder: string, tally: string): string => `${tally} of ${holder}`
export const nameOf = ({ holder, id }: Pick<TallyHalf, "holder" | "id">): string => halfName(holder, id)
export const chitName = ({ core, holder }: Pick<ChitState, "holder" | "core">): string =>
  `${core.uuid} on ${halfName(holder, core.tally)}`

/** Values by a name, in their order. */
export const grouped = <A>(all: Iterable<A>, name: (one: A) => string): ReadonlyMap<string, ReadonlyArray<A>> => {
  const groups = new Map<string, Array<A>>()
  for (const one of all) {
    const key = name(one)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [one])
    else group.push(one)
  }
  return groups
}
