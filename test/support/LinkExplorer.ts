/**
 * Explores every state that a link scenario can reach, and judges each end state.
 *
 * A depth-first search over `LinkModel` with a set of visited states. An end state is one in which nothing more
 * happens unless another fault does. It is good if two sides hold one working socket, excused if no rule of the link
 * could help (nobody who knows of the loss is able to dial), and wrong otherwise.
 */
import {
  copy,
  held,
  type Machine,
  Model,
  type Scenario,
  type State,
  start,
  type Transition,
  works
} from "./LinkModel.ts"

export interface Report {
  readonly states: number
  readonly transitions: number
  readonly ends: number
  /** End states by what excuses them. */
  readonly excused: Readonly<Record<string, number>>
  /** The first wrong state, and the steps that lead to it. */
  readonly wrong: { readonly what: string; readonly trail: ReadonlyArray<string> } | undefined
}

const sides = [0, 1] as const

/** What may happen next. */
export const transitions = (scenario: Scenario, state: State): ReadonlyArray<Transition> => {
  const out: Array<Transition> = []
  const add = (label: string, run: (model: Model) => void, fault = false) => out.push({ label, run, fault })
  const name = (node: number) => scenario.nodes[node]!.name
  state.nodes.forEach((node, index) => {
    const { dials } = scenario.nodes[index]!
    const waits = state.conns.some(
      (conn) =>
        (!conn.connected && conn.dialer === index) ||
        conn.sides.some((owner, side) => owner === index && ["open", "finishing"].includes(conn.ends[side]!.phase))
    )
    const underWay = state.conns.some(
      (conn) => conn.dialer === index && conn.connected && conn.ends[conn.sides[0] === index ? 0 : 1].phase === "none"
    )
    if (dials !== undefined && node.dials > 0 && !waits && !underWay)
      add(`${name(index)} dials`, (model) => model.dial(index))
    if (node.crashes > 0) {
      const crash = (model: Model) => {
        model.state.nodes[index]!.crashes--
        model.crash(index, node.incarnation + 1)
      }
      add(`${name(index)} crashes`, crash, true)
    }
    if (node.rollbacks > 0) {
      const rollback = (model: Model) => {
        model.state.nodes[index]!.rollbacks--
        model.crash(index, node.incarnation - 1)
      }
      add(`${name(index)} comes back from an older database`, rollback, true)
    }
  })
  state.conns.forEach((conn, index) => {
    const of = (model: Model) => model.state.conns[index]!
    const label = `connection ${conn.id}`
    if (!conn.connected) {
      if (conn.hangs) add(`${label} times out`, (model) => model.remove(of(model)))
      else add(`${label} connects`, (model) => model.connect(of(model)))
      return
    }
    if (!conn.cut && state.cuts > 0) add(`${label} is cut`, (model) => model.cut(of(model)), true)
    for (const side of sides) {
      const end = conn.ends[side]
      const other = conn.ends[side === 0 ? 1 : 0]
      const at = `${label} at ${name(conn.sides[side])}`
      if (end.phase === "none" && !conn.cut) add(`${at} greets`, (model) => model.greet(of(model), side))
      if (end.phase === "finishing") add(`${at} stops waiting`, (model) => model.gone(of(model), side))
      if (end.phase === "none" || end.phase === "gone") continue
      const letter = conn.wires[side][0]
      if (letter !== undefined) add(`${at} gets ${letter.key}`, (model) => model.deliver(of(model), side))
      if (end.phase !== "open") continue
      if (state.hasty > 0) add(`${at} is given up too early`, (model) => model.giveUp(of(model), side), true)
      const dead = conn.cut || (other.phase === "gone" && letter === undefined)
      if (dead && end.number === undefined) add(`${at} times out`, (model) => model.gone(of(model), side))
      if (dead && end.number !== undefined && scenario.nodes[conn.sides[side]]!.heartbeat) {
        add(`${at} is found silent`, (model) => model.gone(of(model), side))
      }
      if (!end.probing) continue
      if (dead) add(`${at} does not answer`, (model) => model.answer(of(model), side, false))
      else if (other.phase === "open" && other.number !== undefined) {
        add(`${at} answers`, (model) => model.answer(of(model), side, true))
      }
    }
  })
  return out
}

/** Why an end state is wrong (`wrong: …`), excused, or `undefined` if it is good. */
const verdict = (scenario: Scenario, state: State): string | undefined => {
  if (state.conns.some((conn) => conn.ends.some((end) => end.phase === "open" && end.number === undefined))) {
    return "wrong: a candidate waits for ever"
  }
  const holders = scenario.nodes.flatMap((_, node) => (held(state, node) === undefined ? [] : [node]))
  const working = state.conns.filter((conn) => works(state, conn))
  if (working.length > 1) return "wrong: two sessions"
  const idle = holders.filter((node) => working[0]?.id !== held(state, node)!.id)
  if (idle.some((node) => !held(state, node)!.cut)) return "wrong: one side's session is not the other's"
  if (working.length === 1)
    return idle.length === 0 ? undefined : "excused: another node with the key holds a dead socket"
  const able = scenario.nodes.flatMap((spec, node) =>
    spec.dials !== undefined && spec.firewalled !== true && held(state, node) === undefined ? [node] : []
  )
  if (able.length > 0)
    return holders.length === 0
      ? "wrong: no session although nothing is in the way"
      : "wrong: a dead socket locks the other side out"
  if (holders.length === 0) return "excused: nobody is able to dial"
  if (holders.length === scenario.nodes.length) return "excused: both sides hold dead sockets and nobody notices"
  return "excused: only the side that has not noticed could dial"
}

const arbiterKey = (state: State, node: number): string => {
  const { current, highest, suspended } = state.nodes[node]!.arbiter
  const index = (id: number) => state.conns.findIndex((conn) => conn.id === id)
  const session =
    current === undefined
      ? ""
      : `${index(current.connection)}#${current.number}${current.claim.instance}:${current.claim.incarnation}`
  const parked =
    suspended === undefined
      ? ""
      : `${index(suspended.connection)}${suspended.reason}${suspended.claim.instance}${suspended.claim.knows}`
  return `${highest}/${session}/${parked}`
}

/** The state as text: equal exactly for states that behave alike. Connections go by their order, not their names. */
const keyOf = (state: State): string => {
  let key = `${state.cuts},${state.hasty}`
  state.nodes.forEach((node, index) => {
    key += `|${node.instance},${node.incarnation},${node.dials},${node.crashes},${node.rollbacks},${arbiterKey(state, index)}`
  })
  for (const conn of state.conns) {
    key += `|${conn.dialer}${conn.sides[0]}${conn.sides[1]}${conn.connected ? 1 : 0}${conn.cut ? 1 : 0}`
    for (const side of sides) {
      const end = conn.ends[side]
      key += `;${end.phase[0]}${end.hs.phase[0]}${end.number ?? ""}${end.probing ? "?" : ""}${greeting(end.hs)}`
      for (const letter of conn.wires[side]) key += `,${letter.key}`
    }
  }
  return key
}

const greeting = (hs: Model["state"]["conns"][number]["ends"][number]["hs"]): string =>
  "hello" in hs ? `${hs.hello.instance}:${hs.hello.knows}${hs.hello.holds ? 1 : 0}` : ""

/** 53 bits of a text (cyrb53): among a million states two share one with a chance of one in ten thousand. */
const hash = (text: string): number => {
  let h1 = 0xdeadbeef
  let h2 = 0x41c6ce57
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    h1 = Math.imul(h1 ^ code, 2654435761)
    h2 = Math.imul(h2 ^ code, 1597334677)
  }
  h1 = Math.imul(h1 ^ (h1 >>> 16), 2246822507) ^ Math.imul(h2 ^ (h2 >>> 13), 3266489909)
  h2 = Math.imul(h2 ^ (h2 >>> 16), 2246822507) ^ Math.imul(h1 ^ (h1 >>> 13), 3266489909)
  return 4294967296 * (2097151 & h2) + (h1 >>> 0)
}

interface Trail {
  readonly label: string
  readonly before: Trail | undefined
}

const steps = (trail: Trail | undefined): ReadonlyArray<string> =>
  trail === undefined ? [] : [...steps(trail.before), trail.label]

/** Explores `scenario` to its end, or to the first wrong state, or to `limit` states (an error: nothing was proved). */
export const explore = (scenario: Scenario, machine: Machine, limit = 2_000_000): Report => {
  const first = start(scenario)
  const visited = new Set<number>([hash(keyOf(first))])
  const stack: Array<{ readonly state: State; readonly trail: Trail | undefined }> = [
    { state: first, trail: undefined }
  ]
  const excused: Record<string, number> = {}
  let taken = 0
  let ends = 0
  const report = (wrong: Report["wrong"]): Report => ({
    states: visited.size,
    transitions: taken,
    ends,
    excused,
    wrong
  })
  while (stack.length > 0) {
    const { state, trail } = stack.pop()!
    const next = transitions(scenario, state)
    if (next.every((transition) => transition.fault)) {
      ends++
      const judged = verdict(scenario, state)
      if (judged?.startsWith("wrong") === true) return report({ what: judged, trail: steps(trail) })
      if (judged !== undefined) excused[judged] = (excused[judged] ?? 0) + 1
    }
    for (const transition of next) {
      taken++
      const model = new Model(scenario, machine, copy(state))
      transition.run(model)
      const here = { label: transition.label, before: trail }
      if (model.state.broken !== undefined) return report({ what: model.state.broken, trail: steps(here) })
      const key = hash(keyOf(model.state))
      if (visited.has(key)) continue
      visited.add(key)
      if (visited.size > limit) throw new Error(`${scenario.name}: more than ${limit} states`)
      stack.push({ state: model.state, trail: here })
    }
  }
  return report(undefined)
}
