/**
 * A model of a few nodes and the connections between them that runs the production link machines: dials, two HELLOs,
 * messages in order per connection, closes with their lingering half, silent cuts, crashes, hanging dials, probes.
 *
 * Every transition is one step that the real world could take next. The model performs the machines' actions the way
 * `Links` and `Registry` do and notes at once what must never happen (`State.broken`).
 */
import * as Arbiter from "../../src/protocol/link/Arbiter.ts"
import * as Handshake from "../../src/protocol/link/Handshake.ts"
import type { Hello, LinkMessage } from "../../src/protocol/link/LinkMessage.ts"
import { NodeKey } from "../../src/protocol/NodeKey.ts"

/** The functions under test; a mutation replaces one of them. */
export interface Machine {
  readonly step: typeof Arbiter.step
  readonly standing: typeof Arbiter.standing
  readonly handshake: typeof Handshake.step
}

export const production: Machine = { step: Arbiter.step, standing: Arbiter.standing, handshake: Handshake.step }

/** One process. Nodes of one role share a key; which of two connections stays is decided between the two keys. */
export interface NodeSpec {
  readonly name: string
  readonly role: Arbiter.Role
  readonly database: string
  /** The node that it dials, by index; none if it only answers. */
  readonly dials: number | undefined
  /** Its dials never connect. */
  readonly firewalled?: boolean
  /** It notices a dead session by itself. */
  readonly heartbeat: boolean
  readonly incarnation?: number
  /** How often it crashes and comes back, and how often it comes back from an older database. */
  readonly crashes?: number
  readonly rollbacks?: number
}

export interface Scenario {
  readonly name: string
  readonly nodes: ReadonlyArray<NodeSpec>
  /** Dials that each node has between two faults. */
  readonly budget: number
  readonly cuts: number
  /** A crash says nothing to the other side, as when a machine loses its power. */
  readonly silentCrashes?: boolean
  /** Sessions that may be given up although they work: a heartbeat or a handshake deadline that fires too early. */
  readonly hasty?: number
  /** The peer of a live session may be another process by now, or again, so that the rule may close it. */
  readonly supersedes?: boolean
}

interface Letter {
  readonly key: string
  /** None: the end of the input. */
  readonly message?: LinkMessage
}

interface End {
  /** `none`: not yet greeted. `finishing`: has said its last and waits for the other side. */
  phase: "none" | "open" | "finishing" | "gone"
  hs: Handshake.State
  /** The number of the session that it is. */
  number: bigint | undefined
  probing: boolean
}

interface Conn {
  readonly id: number
  /** Node indices: arbiter's side, follower's side. */
  readonly sides: readonly [number, number]
  readonly dialer: number
  readonly hangs: boolean
  connected: boolean
  cut: boolean
  readonly ends: [End, End]
  /** Letters under way to each side. */
  readonly wires: [ReadonlyArray<Letter>, ReadonlyArray<Letter>]
}

interface Node {
  instance: number
  incarnation: number
  arbiter: Arbiter.State
  dials: number
  crashes: number
  rollbacks: number
}

export interface State {
  nodes: Array<Node>
  conns: Array<Conn>
  cuts: number
  hasty: number
  nextId: number
  broken: string | undefined
}

export interface Transition {
  readonly label: string
  /** A fault may happen but need not: a state with nothing else to do is an end state. */
  readonly fault: boolean
  readonly run: (model: Model) => void
}

const keys = {
  arbiter: NodeKey.make("0".repeat(64)),
  follower: NodeKey.make("f".repeat(64))
} as const
const versions = { min: 1, max: 1 }
const fin: Letter = { key: "F" }

export const start = (scenario: Scenario): State => ({
  nodes: scenario.nodes.map((spec) => ({
    instance: 0,
    incarnation: spec.incarnation ?? 5,
    arbiter: Arbiter.initial,
    dials: scenario.budget,
    crashes: spec.crashes ?? 0,
    rollbacks: spec.rollbacks ?? 0
  })),
  conns: [],
  cuts: scenario.cuts,
  hasty: scenario.hasty ?? 0,
  nextId: 1,
  broken: undefined
})

const copyEnd = (end: End): End => ({ ...end })
export const copy = (state: State): State => ({
  ...state,
  nodes: state.nodes.map((node) => ({ ...node })),
  conns: state.conns.map((conn) => ({
    ...conn,
    ends: [copyEnd(conn.ends[0]), copyEnd(conn.ends[1])],
    wires: [conn.wires[0], conn.wires[1]]
  }))
})

const newEnd = (): End => ({ phase: "none", hs: Handshake.initial, number: undefined, probing: false })
const busy = (end: End): boolean => end.phase === "open" || end.phase === "finishing"

/** The connection of a node's session, if the node holds one. */
export const held = (state: State, node: number): Conn | undefined => {
  const current = state.nodes[node]!.arbiter.current
  return current === undefined ? undefined : state.conns.find((conn) => conn.id === current.connection)
}

/** Both sides hold this connection as their session and its socket works. */
export const works = (state: State, conn: Conn): boolean =>
  !conn.cut && conn.sides.every((node, side) => conn.ends[side]!.phase === "open" && held(state, node)?.id === conn.id)

/** Performs transitions on one state, which it changes. */
export class Model {
  readonly scenario: Scenario
  readonly machine: Machine
  readonly state: State

  constructor(scenario: Scenario, machine: Machine, state: State) {
    this.scenario = scenario
    this.machine = machine
    this.state = state
  }

  engaged(node: number, besides?: Conn): boolean {
    return this.state.conns.some(
      (conn) => conn !== besides && conn.sides.some((owner, side) => owner === node && busy(conn.ends[side]!))
    )
  }

  dial(node: number): void {
    const spec = this.scenario.nodes[node]!
    const target = spec.dials!
    this.state.nodes[node]!.dials--
    this.state.conns.push({
      id: this.state.nextId++,
      sides: spec.role === "arbiter" ? [node, target] : [target, node],
      dialer: node,
      hangs: spec.firewalled === true,
      connected: false,
      cut: false,
      ends: [newEnd(), newEnd()],
      wires: [[], []]
    })
  }

  connect(conn: Conn): void {
    if (!this.engaged(conn.dialer)) {
      conn.connected = true
      return
    }
    // A dial that comes too late is dropped: something else with this peer is open by now. It was no attempt.
    this.state.nodes[conn.dialer]!.dials++
    this.remove(conn)
  }

  greet(conn: Conn, side: 0 | 1): void {
    const end = conn.ends[side]
    const node = conn.sides[side]
    end.phase = "open"
    const { holds, knows } = this.machine.standing(this.state.nodes[node]!.arbiter)
    const { incarnation, instance } = this.state.nodes[node]!
    const { database, name } = this.scenario.nodes[node]!
    const hello: Hello = {
      network: "n",
      instance: `${name}${instance}`,
      database,
      incarnation: BigInt(incarnation),
      versions,
      knows,
      holds,
      agent: "",
      protocols: []
    }
    this.send(conn, side, {
      key: `H${hello.instance}:${incarnation}:${knows}${holds}`,
      message: { _tag: "Hello", hello }
    })
  }

  deliver(conn: Conn, side: 0 | 1): void {
    const [letter, ...rest] = conn.wires[side]
    conn.wires[side] = rest
    if (letter!.message === undefined) return this.gone(conn, side)
    if (conn.ends[side].phase === "open") this.receive(conn, side, letter!.message)
  }

  /** The end vanishes and its node hears of it. */
  gone(conn: Conn, side: 0 | 1): void {
    const end = conn.ends[side]
    if (end.phase === "gone") return
    const saidLast = end.phase === "finishing"
    const probing = end.probing
    end.phase = "gone"
    end.probing = false
    conn.wires[side] = []
    if (!saidLast) this.send(conn, side, fin)
    const connection = conn.id
    if (probing) this.tell(conn.sides[side], { _tag: "Probed", connection, answered: false })
    this.tell(conn.sides[side], { _tag: "Closed", connection })
    if (conn.ends[0].phase === "gone" && conn.ends[1].phase === "gone") this.remove(conn)
  }

  answer(conn: Conn, side: 0 | 1, answered: boolean): void {
    conn.ends[side].probing = false
    this.tell(conn.sides[side], { _tag: "Probed", connection: conn.id, answered })
  }

  cut(conn: Conn): void {
    this.state.cuts--
    this.silence(conn)
    this.renew()
  }

  giveUp(conn: Conn, side: 0 | 1): void {
    this.state.hasty--
    this.gone(conn, side)
    this.renew()
  }

  crash(node: number, incarnation: number): void {
    const own = this.state.nodes[node]!
    for (const conn of this.state.conns) {
      const side = conn.sides[0] === node ? 0 : conn.sides[1] === node ? 1 : undefined
      if (side === undefined || (!conn.connected && conn.dialer !== node)) continue
      if (!conn.connected) {
        this.remove(conn)
        continue
      }
      const before = conn.ends[side].phase
      conn.ends[side] = { ...newEnd(), phase: "gone" }
      conn.wires[side] = []
      if (this.scenario.silentCrashes === true) this.silence(conn)
      else if (before === "none" || before === "open") this.send(conn, side, fin)
      const other = conn.ends[side === 0 ? 1 : 0]
      if (other.phase === "gone") this.remove(conn)
    }
    own.instance++
    own.incarnation = incarnation
    own.arbiter = Arbiter.initial
    this.renew()
  }

  private silence(conn: Conn): void {
    conn.cut = true
    conn.wires[0] = []
    conn.wires[1] = []
    for (const end of conn.ends) if (end.phase === "none") end.phase = "gone"
    if (conn.ends[0].phase === "gone" && conn.ends[1].phase === "gone") this.remove(conn)
  }

  private renew(): void {
    for (const node of this.state.nodes) node.dials = this.scenario.budget
  }

  remove(conn: Conn): void {
    this.state.conns = this.state.conns.filter((other) => other !== conn)
  }

  private send(conn: Conn, side: 0 | 1, letter: Letter): void {
    const to = side === 0 ? 1 : 0
    if (!conn.cut && conn.ends[to].phase !== "gone") conn.wires[to] = [...conn.wires[to], letter]
  }

  private receive(conn: Conn, side: 0 | 1, message: LinkMessage): void {
    const node = conn.sides[side]
    const end = conn.ends[side]
    const { role, name } = this.scenario.nodes[node]!
    const self = { key: keys[role], network: "n", instance: `${name}${this.state.nodes[node]!.instance}`, versions }
    const peer = keys[role === "arbiter" ? "follower" : "arbiter"]
    const { action, state } = this.machine.handshake(self, peer, end.hs, { _tag: "Message", message })
    end.hs = state
    const connection = conn.id
    switch (action?._tag) {
      case "Propose":
        return this.tell(node, { _tag: "Hello", connection, claim: action.hello })
      case "Obey":
        return this.tell(node, { _tag: "Commit", connection, claim: action.hello, number: action.number })
      case "Rejected": {
        const { number, reason } = action.reject
        const alone = !this.engaged(node, conn)
        if (reason === "duplicate") this.tell(node, { _tag: "Duplicate", number, alone })
        return this.gone(conn, side)
      }
      case "Refuse":
        this.state.broken ??= `${name} calls an honest peer a violator: ${action.detail}`
    }
  }

  /** One event of one node's arbiter machine, and what follows from it. */
  private tell(node: number, event: Arbiter.Event): void {
    const own = this.state.nodes[node]!
    const before = own.arbiter
    const { actions, state } = this.machine.step(this.scenario.nodes[node]!.role, before, event)
    own.arbiter = state
    if (state.highest < before.highest) this.state.broken ??= "a number went back"
    for (const action of actions) {
      const conn = this.state.conns.find((other) => other.id === action.connection)
      if (conn !== undefined) this.perform(node, conn, action, before)
    }
  }

  private perform(node: number, conn: Conn, action: Arbiter.Action, before: Arbiter.State): void {
    const side = conn.sides[0] === node ? 0 : 1
    const end = conn.ends[side]
    switch (action._tag) {
      case "Close":
        if (end.phase === "open") this.finish(conn, side)
        return
      case "Refuse": {
        if (end.phase !== "open") return
        const { number, reason } = action
        const key = `R${reason}${number}`
        this.send(conn, side, { key, message: { _tag: "Reject", reject: { reason, number, detail: "" } } })
        return this.finish(conn, side)
      }
      case "Probe":
        if (end.phase === "open") end.probing = true
        else this.answer(conn, side, false)
        return
      case "Activate": {
        if (end.phase !== "open") this.state.broken ??= "a closed connection became the session"
        if (action.number <= before.highest) this.state.broken ??= "a session's number was given before"
        const self = { key: keys.arbiter, network: "n", instance: "", versions }
        end.hs = this.machine.handshake(self, keys.follower, end.hs, { _tag: "Activated" }).state
        end.number = action.number
        const commit = { number: action.number }
        if (action.send) this.send(conn, side, { key: `C${action.number}`, message: { _tag: "Commit", commit } })
        const sessions = this.state.conns.filter((other) => {
          const own = other.sides[0] === node ? 0 : 1
          return other.sides[own] === node && other.ends[own].phase === "open" && other.ends[own].number !== undefined
        })
        if (sessions.length > 1) this.state.broken ??= "one side has two sessions"
      }
    }
  }

  /** Says the last and waits for the other side to close. */
  private finish(conn: Conn, side: 0 | 1): void {
    const working =
      !conn.cut &&
      conn.ends.every((end) => end.phase === "open" && end.number !== undefined && end.number === conn.ends[0].number)
    if (working && this.scenario.supersedes !== true) this.state.broken ??= "a live session was closed by the rule"
    conn.ends[side].phase = "finishing"
    this.send(conn, side, fin)
  }
}
