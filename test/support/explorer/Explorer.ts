/**
 * Visits the states that a model can reach, and judges every one in which nothing more happens unless another fault does.
 *
 * `explore` visits all of them, depth first; `wander` walks through a model that is too large for that. Both keep 53
 * bits of every state that they have seen: among ten million states two share them with a chance of one in a hundred.
 */
import { Seen } from "./Seen.ts"

/** Something that may happen next. */
export interface Move<S> {
  readonly label: () => string
  /** It may happen but need not: a state with nothing else to do is an end state. */
  readonly fault: boolean
  readonly to: () => S
}

/** A model as a graph of states, which are never changed. */
export interface Space<S> {
  readonly name: string
  readonly first: S
  readonly moves: (state: S) => ReadonlyArray<Move<S>>
  /** Equal exactly for states that behave alike. */
  readonly key: (state: S) => string
  /** Something that must never happen has happened. */
  readonly broken: (state: S) => string | undefined
  /** Why an end state is wrong (`wrong: …`) or excused (`excused: …`); nothing if it is good. */
  readonly verdict: (state: S) => string | undefined
}

export interface Wrong {
  readonly what: string
  readonly trail: ReadonlyArray<string>
}

export interface Report {
  readonly states: number
  readonly moves: number
  readonly ends: number
  /** End states by what excuses them. */
  readonly excused: Readonly<Record<string, number>>
  /** The first wrong state, and the steps that lead to it. */
  readonly wrong: Wrong | undefined
  /** Whether every state was visited. */
  readonly complete: boolean
}

interface Trail {
  readonly label: () => string
  readonly before: Trail | undefined
}

const steps = (trail: Trail | undefined): ReadonlyArray<string> => {
  const labels: Array<string> = []
  for (let at = trail; at !== undefined; at = at.before) labels.push(at.label())
  return labels.reverse()
}

/** What both ways of visiting keep of it. */
class Visit<S> {
  readonly space: Space<S>
  readonly seen = new Seen()
  readonly excused: Record<string, number> = {}
  moves = 0
  ends = 0
  wrong: Wrong | undefined

  constructor(space: Space<S>) {
    this.space = space
  }

  /** Whether this state is seen for the first time. Judges it if it is. */
  enter(state: S, moves: ReadonlyArray<Move<S>>, trail: Trail | undefined): void {
    if (!moves.every((move) => move.fault)) return
    this.ends++
    const verdict = this.space.verdict(state)
    if (verdict?.startsWith("wrong") === true) this.wrong = { what: verdict, trail: steps(trail) }
    else if (verdict !== undefined) this.excused[verdict] = (this.excused[verdict] ?? 0) + 1
  }

  /** Whether what a move leads to is seen for the first time. */
  takes(state: S, trail: Trail): boolean {
    this.moves++
    const broken = this.space.broken(state)
    if (broken !== undefined) this.wrong = { what: broken, trail: steps(trail) }
    return this.seen.add(this.space.key(state))
  }

  report(complete: boolean): Report {
    const { ends, excused, moves, wrong } = this
    return { states: this.seen.size, moves, ends, excused, wrong, complete: complete && wrong === undefined }
  }
}

/** Visits every state, up to the first wrong one or `limit`. */
export const explore = <S>(space: Space<S>, limit = 3_000_000): Report => {
  const visit = new Visit(space)
  visit.seen.add(space.key(space.first))
  const stack: Array<{ readonly state: S; readonly trail: Trail | undefined }> = [
    { state: space.first, trail: undefined }
  ]
  while (stack.length > 0) {
    const { state, trail } = stack.pop()!
    const moves = space.moves(state)
    visit.enter(state, moves, trail)
    if (visit.wrong !== undefined) return visit.report(false)
    for (const { label, to } of moves) {
      const next = to()
      const here = { label, before: trail }
      const isNew = visit.takes(next, here)
      if (visit.wrong !== undefined) return visit.report(false)
      if (isNew) stack.push({ state: next, trail: here })
    }
    if (visit.seen.size > limit) return visit.report(false)
  }
  return visit.report(true)
}

/** How often a walk takes a fault where it has a choice: so seldom that most of what follows from one is seen before the next. */
const faultChance = 0.06

/** Walks from the first state to an end at which even faults are over, `walks` times, choosing by `random` (0 to 1). */
export const wander = <S>(space: Space<S>, walks: number, random: () => number): Report => {
  const visit = new Visit(space)
  const pick = <A>(from: ReadonlyArray<A>): A | undefined => from[Math.floor(random() * from.length)]
  for (let walk = 0; walk < walks; walk++) {
    let state = space.first
    let trail: Trail | undefined
    let isNew = visit.seen.add(space.key(state))
    while (true) {
      const moves = space.moves(state)
      if (isNew) visit.enter(state, moves, trail)
      if (visit.wrong !== undefined) return visit.report(false)
      const wanted = random() < faultChance
      const move = pick(moves.filter((move) => move.fault === wanted)) ?? pick(moves)
      if (move === undefined) break
      state = move.to()
      trail = { label: move.label, before: trail }
      isNew = visit.takes(state, trail)
      if (visit.wrong !== undefined) return visit.report(false)
    }
  }
  return visit.report(false)
}
