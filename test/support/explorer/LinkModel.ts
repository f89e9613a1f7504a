/**
 * A model of a few nodes and the connections between them that runs the production link machines: dials, two HELLOs,
 * admission, messages in order per connection, closes with their lingering half, cuts, crashes, hanging dials, probes.
 *
 * Every change is one step that the real world could take next. The model performs the machines' actions the way
 * `Links` and `Registry` do and notes at once what must never happen (`State.broken`).
 */
import * as Admission from "../../../src/protocol/link/Admission.ts"
import * as Arbiter from "../../../src/protocol/link/Arbiter.ts"
import type { Hello, LinkMessage, RejectReason } from "../../../src/protocol/link/LinkMessage.ts"
import {
  type Conn,
  engaged,
  type Letter,
  newEnd,
  noHost,
  otherSide,
  remote,
  type Side,
  sideOf,
  type State,
  works
} from "./LinkState.ts"
import type { Machine } from "./Machine.ts"
import { keyOf, roleTowards, type Scenario } from "./Scenario.ts"

const versions = { min: 1, max: 1 }
const fin: Letter = { key: "F" }
const wordless = (reason: RejectReason, number: bigint): LinkMessage => ({
  _tag: "Reject",
  reject: { reason, number, detail: "" }
})

/** Performs changes on one state. */
export class Model {
  readonly scenario: Scenario
  readonly machine: Machine
  readonly state: State

  constructor(scenario: Scenario, machine: Machine, state: State) {
    this.scenario = scenario
    this.machine = machine
    this.state = state
  }

  dial(node: number): void {
    const { dials, target } = this.state.nodes[node]!
    this.state.nodes[node]!.dials = dials - 1
    this.state.conns.push({
      id: this.state.nextId++,
      sides: roleTowards(this.scenario, node, target!) === "arbiter" ? [node, target!] : [target!, node],
      dialer: node,
      hangs: this.scenario.nodes[node]!.firewalled === true,
      connected: false,
      cut: false,
      hurt: false,
      ends: [newEnd(), newEnd()],
      wires: [[], []]
    })
  }

  connect(conn: Conn): void {
    const dialled = conn.sides[0] === conn.dialer ? conn.sides[1] : conn.sides[0]
    if (!engaged(this.scenario, this.state, conn.dialer, keyOf(this.scenario, dialled))) {
      conn.connected = true
      return
    }
    // A dial that comes too late is dropped: something else with this peer is open by now. It was no attempt.
    this.state.nodes[conn.dialer]!.dials++
    this.remove(conn)
  }

  greet(conn: Conn, side: Side): void {
    const node = conn.sides[side]
    conn.ends[side].phase = "open"
    const { holds: holding, knows } = this.machine.standing(this.pair(node, this.peerOf(conn, side)))
    const { incarnation } = this.state.nodes[node]!
    const hello: Hello = {
      network: "n",
      instance: this.instance(node),
      database: this.scenario.nodes[node]!.database,
      incarnation: BigInt(incarnation),
      versions,
      knows,
      holds: holding,
      agent: "",
      protocols: []
    }
    this.send(conn, side, {
      key: `H${hello.instance}:${incarnation}:${knows}${holding}`,
      message: { _tag: "Hello", hello }
    })
  }

  deliver(conn: Conn, side: Side): void {
    const [letter, ...rest] = conn.wires[side]
    conn.wires[side] = rest
    if (letter!.message === undefined) return this.gone(conn, side)
    // Any frame is a sign of life.
    if (conn.ends[side].probing) this.answer(conn, side, true)
    if (conn.ends[side].phase === "open") this.receive(conn, side, letter!.message)
  }

  /** The end vanishes and its node hears of it. */
  gone(conn: Conn, side: Side): void {
    const end = conn.ends[side]
    if (end.phase === "gone") return
    const saidLast = end.phase === "finishing"
    const probing = end.probing
    end.phase = "gone"
    end.probing = false
    end.held = false
    conn.wires[side] = []
    if (!saidLast) this.send(conn, side, fin)
    const connection = conn.id
    const node = conn.sides[side]
    this.tell(node, this.peerOf(conn, side), { _tag: "Closed", connection })
    this.gate(node, { _tag: "Closed", connection })
    // A session that a fault has doomed may have cost the other side its dials.
    if (conn.hurt && end.number !== undefined) this.renew()
    if (probing) this.probed(conn, side, false)
    if (conn.ends[0].phase === "gone" && conn.ends[1].phase === "gone") this.remove(conn)
  }

  answer(conn: Conn, side: Side, answered: boolean): void {
    conn.ends[side].probing = false
    this.probed(conn, side, answered)
  }

  /** Nothing gets through any more, and nobody is told. */
  cut(conn: Conn): void {
    this.state.cuts--
    this.silence(conn)
    this.renew()
  }

  /** Somebody between the two ends the connection towards both, behind what is under way. */
  sever(conn: Conn): void {
    this.state.cuts--
    for (const side of [0, 1] as const) this.send(conn, side, fin)
    conn.cut = true
    conn.hurt = true
    for (const side of [0, 1] as const) if (conn.ends[side].phase === "none") conn.ends[side].phase = "gone"
    this.tidy(conn)
    this.renew()
  }

  giveUp(conn: Conn, side: Side): void {
    this.state.hasty--
    conn.hurt = true
    this.gone(conn, side)
    this.renew()
  }

  crash(node: number, incarnation: number): void {
    const own = this.state.nodes[node]!
    for (const conn of this.state.conns) {
      const side = sideOf(conn, node)
      if (side === undefined || (!conn.connected && conn.dialer !== node)) continue
      if (!conn.connected) {
        this.remove(conn)
        continue
      }
      const before = conn.ends[side].phase
      conn.hurt = true
      conn.ends[side] = { ...newEnd(), phase: "gone" }
      conn.wires[side] = []
      if (this.scenario.silentCrashes === true) this.silence(conn)
      else if (before === "none" || before === "open") this.send(conn, side, fin)
      if (conn.ends[otherSide(side)].phase === "gone") this.remove(conn)
    }
    own.instance++
    own.incarnation = incarnation
    own.pairs = this.scenario.nodes.map(() => Arbiter.initial)
    own.gate = noHost
    own.target = this.scenario.nodes[node]!.dials
    this.renew()
  }

  remove(conn: Conn): void {
    this.state.conns = this.state.conns.filter((other) => other !== conn)
  }

  private silence(conn: Conn): void {
    conn.cut = true
    conn.hurt = true
    conn.wires[0] = []
    conn.wires[1] = []
    for (const end of conn.ends) if (end.phase === "none") end.phase = "gone"
    this.tidy(conn)
  }

  private tidy(conn: Conn): void {
    if (conn.ends[0].phase === "gone" && conn.ends[1].phase === "gone") this.remove(conn)
  }

  private renew(): void {
    for (const node of this.state.nodes) node.dials = this.scenario.budget
  }

  private instance(node: number): string {
    return `${this.scenario.nodes[node]!.name}${this.state.nodes[node]!.instance}`
  }

  private peerOf(conn: Conn, side: Side): number {
    return conn.sides[otherSide(side)]
  }

  /** The states of a node are by the first node that has the peer's key. */
  private slot(peer: number): number {
    return this.scenario.nodes.findIndex(({ key }) => key === this.scenario.nodes[peer]!.key)
  }

  private pair(node: number, peer: number): Arbiter.State {
    return this.state.nodes[node]!.pairs[this.slot(peer)]!
  }

  /** What comes to an end that has said its last is thrown away there, so it is not even sent. */
  private send(conn: Conn, side: Side, letter: Letter): void {
    const to = otherSide(side)
    const { phase } = conn.ends[to]
    if (!conn.cut && (phase === "none" || phase === "open")) conn.wires[to] = [...conn.wires[to], letter]
  }

  private receive(conn: Conn, side: Side, message: LinkMessage): void {
    const node = conn.sides[side]
    const peer = this.peerOf(conn, side)
    const end = conn.ends[side]
    const self = { key: keyOf(this.scenario, node), network: "n", instance: this.instance(node), versions }
    const step = this.machine.handshake(self, keyOf(this.scenario, peer), end.hs, { _tag: "Message", message })
    end.hs = step.state
    const connection = conn.id
    switch (step.action?._tag) {
      case "Propose":
        return this.propose(conn, side, step.action.hello)
      case "Obey": {
        const { hello, number } = step.action
        return this.tell(node, peer, { _tag: "Commit", connection, claim: hello, number })
      }
      case "Rejected": {
        const { number, reason } = step.action.reject
        const alone = !engaged(this.scenario, this.state, node, keyOf(this.scenario, peer), conn)
        if (reason === "duplicate") this.tell(node, peer, { _tag: "Duplicate", number, alone })
        if (reason === "owner") this.state.nodes[node]!.target = this.scenario.nodes[peer]!.owner
        return this.gone(conn, side)
      }
      case "Refuse":
        this.state.broken ??= `${this.scenario.nodes[node]!.name} calls an honest peer a violator: ${step.action.detail}`
    }
  }

  private propose(conn: Conn, side: Side, hello: Hello): void {
    const node = conn.sides[side]
    const { admits, owner } = this.scenario.nodes[node]!
    if (owner !== undefined) return this.refuse(conn, side, "owner", 0n)
    if (admits === undefined) {
      return this.tell(node, this.peerOf(conn, side), { _tag: "Hello", connection: conn.id, claim: hello })
    }
    conn.ends[side].held = true
    const peer = keyOf(this.scenario, this.peerOf(conn, side))
    const at = { connection: conn.id, peer, remote, listens: undefined }
    this.gate(node, { _tag: "Hello", applicant: Admission.applicant(admits, at) })
  }

  private probed(conn: Conn, side: Side, answered: boolean): void {
    const node = conn.sides[side]
    this.tell(node, this.peerOf(conn, side), { _tag: "Probed", connection: conn.id, answered })
    this.gate(node, { _tag: "Probed", connection: conn.id, answered })
  }

  private refuse(conn: Conn, side: Side, reason: RejectReason, number: bigint): void {
    if (conn.ends[side].phase !== "open") return
    conn.ends[side].held = false
    this.send(conn, side, { key: `R${reason}${number}`, message: wordless(reason, number) })
    this.finish(conn, side)
  }

  private probe(conn: Conn, side: Side): void {
    if (conn.ends[side].phase === "open") conn.ends[side].probing = true
    else this.answer(conn, side, false)
  }

  /** One event of a node's admission machine, and what follows from it. */
  private gate(node: number, event: Admission.Event): void {
    const own = this.state.nodes[node]!
    const { admits } = this.scenario.nodes[node]!
    if (admits === undefined) return
    const { actions, state } = this.machine.admission({ ...Admission.defaults, policy: admits }, own.gate, event)
    own.gate = state
    for (const action of actions) {
      const conn = this.state.conns.find((other) => other.id === action.connection)
      const side = conn === undefined ? undefined : sideOf(conn, node)
      if (conn !== undefined && side !== undefined) this.let(conn, side, action)
    }
  }

  private let(conn: Conn, side: Side, action: Admission.Action): void {
    const end = conn.ends[side]
    switch (action._tag) {
      case "Admit": {
        end.held = false
        if (end.phase !== "open" || !("hello" in end.hs)) return
        if (this.scenario.nodes[conn.sides[side]]!.admits === "machine" && this.isTaken(conn, side)) {
          this.state.broken ??= "a second node of an address got to the arbiter"
        }
        const claim = end.hs.hello
        return this.tell(conn.sides[side], this.peerOf(conn, side), { _tag: "Hello", connection: conn.id, claim })
      }
      case "Refuse":
        return this.refuse(conn, side, action.reason, 0n)
      case "Probe":
        return this.probe(conn, side)
      case "Evict":
        if (works(this.state, conn)) this.state.broken ??= "a live session was closed by the rule"
        return this.gone(conn, side)
    }
  }

  /** Whether somebody of another key has a session that works with this node. */
  private isTaken(newcomer: Conn, side: Side): boolean {
    const node = newcomer.sides[side]
    const { key } = this.scenario.nodes[this.peerOf(newcomer, side)]!
    return this.state.conns.some((conn) => {
      const own = sideOf(conn, node)
      return own !== undefined && this.scenario.nodes[this.peerOf(conn, own)]!.key !== key && works(this.state, conn)
    })
  }

  /** One event of a node's arbiter machine for one peer, and what follows from it. */
  private tell(node: number, peer: number, event: Arbiter.Event): void {
    const own = this.state.nodes[node]!
    const slot = this.slot(peer)
    const before = own.pairs[slot]!
    const { actions, state } = this.machine.step(roleTowards(this.scenario, node, peer), before, event)
    if (state !== before) own.pairs = own.pairs.with(slot, state)
    if (state.highest < before.highest) this.state.broken ??= "a number went back"
    for (const action of actions) {
      const conn = this.state.conns.find((other) => other.id === action.connection)
      if (conn !== undefined) this.perform(node, conn, action, before)
    }
  }

  private perform(node: number, conn: Conn, action: Arbiter.Action, before: Arbiter.State): void {
    const side = sideOf(conn, node)!
    const end = conn.ends[side]
    switch (action._tag) {
      case "Close":
        if (end.phase === "open") this.finish(conn, side)
        return
      case "Refuse":
        return this.refuse(conn, side, action.reason, action.number)
      case "Probe":
        return this.probe(conn, side)
      case "Activate": {
        if (end.phase !== "open") return
        if (action.send && action.number <= before.highest) this.state.broken ??= "a number was given before"
        const self = { key: keyOf(this.scenario, node), network: "n", instance: "", versions }
        const peer = keyOf(this.scenario, this.peerOf(conn, side))
        end.hs = this.machine.handshake(self, peer, end.hs, { _tag: "Activated" }).state
        end.number = action.number
        const commit = { number: action.number }
        if (action.send) this.send(conn, side, { key: `C${action.number}`, message: { _tag: "Commit", commit } })
        this.count(node)
      }
    }
  }

  /** No side ever has two sessions with one key, nor one that admits machines two sessions at all. */
  private count(node: number): void {
    const sessions = this.state.conns.flatMap((conn) => {
      const side = sideOf(conn, node)
      const end = side === undefined ? undefined : conn.ends[side]
      return end?.phase === "open" && end.number !== undefined ? [keyOf(this.scenario, this.peerOf(conn, side!))] : []
    })
    if (new Set(sessions).size < sessions.length) this.state.broken ??= "one side has two sessions"
    else if (sessions.length > 1 && this.scenario.nodes[node]!.admits === "machine") {
      this.state.broken ??= "two nodes of one address have sessions"
    }
  }

  /** Says the last and waits for the other side to close. */
  private finish(conn: Conn, side: Side): void {
    const working =
      !conn.cut &&
      conn.ends.every((end) => end.phase === "open" && end.number !== undefined && end.number === conn.ends[0].number)
    if (working && ++this.state.superseded > (this.scenario.supersedes ?? 0)) {
      this.state.broken ??= "a live session was closed by the rule"
    }
    conn.ends[side].phase = "finishing"
    conn.wires[side] = []
    this.send(conn, side, fin)
    this.gate(conn.sides[side], { _tag: "Closed", connection: conn.id })
  }
}
