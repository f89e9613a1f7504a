/**
 * The link model as a graph of states: what may happen next, which states are the same, and which ends are good.
 *
 * An end is good if two sides hold one working connection, excused if no rule of the link could help (nobody who knows
 * of the loss is able to dial), and wrong otherwise.
 */
import type { Move, Space } from "./Explorer.ts"
import { Model } from "./LinkModel.ts"
import {
  type Conn,
  copy,
  type End,
  engaged,
  holds,
  otherSide,
  type Side,
  start,
  type State,
  works
} from "./LinkState.ts"
import type { Machine } from "./Machine.ts"
import { keyOf, type Scenario } from "./Scenario.ts"

const bothSides = [0, 1] as const

export const linkSpace = (scenario: Scenario, machine: Machine): Space<State> => ({
  name: scenario.name,
  first: start(scenario),
  moves: (state) => new Moves(scenario, machine, state).all(),
  key: (state) => textOf(scenario, state),
  broken: (state) => state.broken,
  verdict: (state) => verdict(scenario, state)
})

class Moves {
  readonly scenario: Scenario
  readonly machine: Machine
  readonly state: State
  readonly out: Array<Move<State>> = []

  constructor(scenario: Scenario, machine: Machine, state: State) {
    this.scenario = scenario
    this.machine = machine
    this.state = state
  }

  all(): ReadonlyArray<Move<State>> {
    for (let node = 0; node < this.scenario.nodes.length; node++) this.ofNode(node)
    for (const [index, conn] of this.state.conns.entries()) {
      if (conn.connected) this.ofConnection(index, conn)
      else if (conn.hangs) this.on(index, "times out", (model, it) => model.remove(it))
      else this.on(index, "connects", (model, it) => model.connect(it))
    }
    return this.out
  }

  private add(label: () => string, change: (model: Model) => void, fault = false): void {
    const to = () => {
      const model = new Model(this.scenario, this.machine, copy(this.state))
      change(model)
      return model.state
    }
    this.out.push({ label, fault, to })
  }

  private on(index: number, what: string, change: (model: Model, conn: Conn) => void, fault = false): void {
    const label = () => `connection ${this.state.conns[index]!.id} ${what}`
    this.add(label, (model) => change(model, model.state.conns[index]!), fault)
  }

  private at(index: number, side: Side, what: string, change: (model: Model, conn: Conn) => void, fault = false): void {
    const { id, sides } = this.state.conns[index]!
    const label = () => `connection ${id} at ${this.scenario.nodes[sides[side]]!.name} ${what}`
    this.add(label, (model) => change(model, model.state.conns[index]!), fault)
  }

  private ofNode(index: number): void {
    const { crashes, dials, incarnation, rollbacks, target } = this.state.nodes[index]!
    const { name } = this.scenario.nodes[index]!
    if (target !== undefined && dials > 0 && !this.dialling(index, target)) {
      this.add(
        () => `${name} dials ${this.scenario.nodes[target]!.name}`,
        (model) => model.dial(index)
      )
    }
    if (crashes > 0) {
      const crash = (model: Model) => {
        model.state.nodes[index]!.crashes--
        model.crash(index, incarnation + 1)
      }
      this.add(() => `${name} crashes`, crash, true)
    }
    if (rollbacks > 0) {
      const rollback = (model: Model) => {
        model.state.nodes[index]!.rollbacks--
        model.crash(index, incarnation - 1)
      }
      this.add(() => `${name} comes back from an older database`, rollback, true)
    }
  }

  /** Whether a node has a connection with its target, or a dial on the way: it does not dial then. */
  private dialling(node: number, target: number): boolean {
    const underWay = this.state.conns.some(
      (conn) => conn.dialer === node && (!conn.connected || conn.ends[conn.sides[0] === node ? 0 : 1].phase === "none")
    )
    return underWay || engaged(this.scenario, this.state, node, keyOf(this.scenario, target))
  }

  private ofConnection(index: number, conn: Conn): void {
    if (!conn.cut && this.state.cuts > 0) {
      for (const way of this.scenario.cutBy ?? ["silence"]) {
        if (way === "silence") this.on(index, "is cut", (model, it) => model.cut(it), true)
        else this.on(index, "is ended by something between", (model, it) => model.sever(it), true)
      }
    }
    for (const side of bothSides) this.ofEnd(index, conn, side)
  }

  private ofEnd(index: number, conn: Conn, side: Side): void {
    const end = conn.ends[side]
    const letter = conn.wires[side][0]
    if (end.phase === "none" && !conn.cut) this.at(index, side, "greets", (model, it) => model.greet(it, side))
    if (end.phase === "finishing") this.at(index, side, "stops waiting", (model, it) => model.gone(it, side))
    if (end.phase !== "open") return
    if (letter !== undefined && !end.held) {
      this.at(index, side, `gets ${letter.key}`, (model, it) => model.deliver(it, side))
    }
    this.ofOpenEnd(index, conn, side)
  }

  private ofOpenEnd(index: number, conn: Conn, side: Side): void {
    const end = conn.ends[side]
    const other = conn.ends[otherSide(side)]
    const isDead = conn.cut || (other.phase === "gone" && conn.wires[side].length === 0)
    const gone = (model: Model, it: Conn) => model.gone(it, side)
    if (this.state.hasty > 0) {
      this.at(index, side, "is given up too early", (model, it) => model.giveUp(it, side), true)
    }
    if (isDead && end.number === undefined) this.at(index, side, "times out", gone)
    if (isDead && end.number !== undefined && this.scenario.nodes[conn.sides[side]]!.heartbeat) {
      this.at(index, side, "is found silent", gone)
    }
    if (!end.probing) return
    if (isDead) this.at(index, side, "does not answer", (model, it) => model.answer(it, side, false))
    else if (other.phase === "open") this.at(index, side, "answers", (model, it) => model.answer(it, side, true))
  }
}

/** What is judged together: nodes of which two may have one session. */
const contests = ({ nodes }: Scenario): ReadonlyArray<ReadonlyArray<number>> => {
  const all = nodes.map((_, index) => index)
  const keys = [...new Set(nodes.map(({ key }) => key))]
  if (keys.length < 3 || nodes.some(({ admits }) => admits === "machine")) return [all]
  // The node that the others dial has a session with each of them.
  const hub = nodes[0]!.key
  return keys.filter((key) => key !== hub).map((key) => all.filter((index) => [hub, key].includes(nodes[index]!.key)))
}

const verdict = (scenario: Scenario, state: State): string | undefined => {
  if (state.conns.some((conn) => conn.ends.some((end) => end.phase === "open" && end.number === undefined))) {
    return "wrong: a candidate waits for ever"
  }
  const verdicts = contests(scenario).map((nodes) => judge(scenario, state, nodes))
  return verdicts.find((one) => one?.startsWith("wrong")) ?? verdicts.find((one) => one !== undefined)
}

const judge = (scenario: Scenario, state: State, nodes: ReadonlyArray<number>): string | undefined => {
  const conns = state.conns.filter((conn) => conn.sides.every((node) => nodes.includes(node)))
  const working = conns.filter((conn) => works(state, conn))
  const stale = conns.filter(
    (conn) => conn !== working[0] && conn.sides.some((node) => nodes.includes(node) && holds(state, node, conn))
  )
  if (working.length > 1) return "wrong: two sessions"
  if (stale.some((conn) => !conn.cut)) return "wrong: one side's session is not the other's"
  if (working.length === 1) return stale.length === 0 ? undefined : "excused: another node holds a dead socket"
  const hasOne = (node: number) => conns.some((conn) => holds(state, node, conn))
  const holders = nodes.filter(hasOne)
  const able = nodes.filter((node) => {
    const { dials, firewalled } = scenario.nodes[node]!
    return dials !== undefined && firewalled !== true && !hasOne(node)
  })
  if (able.length > 0) {
    return holders.length === 0
      ? "wrong: no session although nothing is in the way"
      : "wrong: a dead socket locks the other side out"
  }
  if (holders.length === 0) return "excused: nobody is able to dial"
  if (holders.length === nodes.length) return "excused: both sides hold dead sockets and nobody notices"
  return "excused: only the side that has not noticed could dial"
}

/**
 * The state as text. Connections have no names there and no order but the one in which admission took them: what other
 * parts of the state say of a connection is written with it.
 */
const textOf = (scenario: Scenario, state: State): string => {
  let text = `${state.cuts},${state.hasty},${state.superseded}`
  for (const { crashes, dials, incarnation, instance, pairs, rollbacks, target } of state.nodes) {
    text += `|${instance},${incarnation},${dials},${crashes},${rollbacks},${target ?? ""}`
    for (const { current, highest } of pairs) {
      text += highest === 0n ? "/" : `/${highest}`
      if (current !== undefined) text += `:${current.number}${current.claim.instance}:${current.claim.incarnation}`
    }
  }
  return (
    text +
    state.conns
      .map((conn) => connText(scenario, state, conn))
      .sort()
      .join("")
  )
}

const connText = (scenario: Scenario, state: State, conn: Conn): string => {
  const flags = (conn.connected ? 1 : 0) + (conn.cut ? 2 : 0) + (conn.hurt ? 4 : 0)
  let text = `|${conn.dialer}${conn.sides[0]}${conn.sides[1]}${flags}`
  for (const side of bothSides) {
    text += endText(conn.ends[side]) + roleText(scenario, state, conn, conn.sides[side])
    for (const letter of conn.wires[side]) text += `,${letter.key}`
  }
  return text
}

const endText = ({ held, hs, number, phase, probing }: End): string => {
  const greeting = "hello" in hs ? `${hs.hello.instance}:${hs.hello.knows}${hs.hello.holds ? 1 : 0}` : ""
  return `;${phase[0]}${hs.phase[0]}${number ?? ""}${probing ? "?" : ""}${held ? "!" : ""}${greeting}`
}

/** What a node's machines think of a connection. */
const roleText = (scenario: Scenario, state: State, { id }: Conn, node: number): string => {
  const { gate, pairs } = state.nodes[node]!
  let text = ""
  for (const { current, suspended } of pairs) {
    if (current?.connection === id) text += "*"
    if (suspended?.connection === id) text += `~${suspended.reason}`
  }
  if (scenario.nodes[node]!.admits === undefined) return text
  const age = gate.admitted.findIndex(({ connection }) => connection === id)
  const asked = gate.waiting.some(({ asks }) => asks === id)
  const waits = gate.waiting.some(({ connection }) => connection === id)
  return `${text}${age < 0 ? "" : `@${age}`}${asked ? "a" : ""}${waits ? "w" : ""}`
}
