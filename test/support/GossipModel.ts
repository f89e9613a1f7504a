/**
 * A network of announcement machines in virtual time: nodes with clocks that differ, links that keep their order, take
 * time and may lose frames, and an account of everything that goes over them.
 *
 * Signatures are hashes that anybody could make, and nobody here does for another; the machines are the real ones.
 */
import { createHash } from "node:crypto"
import { type Announcement, endOf, type Unsigned, signedBytes } from "../../src/protocol/gossip/Announcement.ts"
import { Announcements, defaults, type Limits } from "../../src/protocol/gossip/Announcements.ts"
import { addressBody } from "../../src/protocol/gossip/GossipFrame.ts"
import { NodeKey } from "../../src/protocol/NodeKey.ts"
import { seeded } from "./Malformed.ts"

export const network = "model"
/** Where all wall clocks begin, more or less. */
export const epoch = 1_800_000_000_000

export const keyOf = (number: number): NodeKey => NodeKey.make(number.toString(16).padStart(64, "0"))
export const hostOf = (number: number): string => `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`

const digest = (key: NodeKey, message: Uint8Array): Uint8Array =>
  createHash("sha512").update(key).update(message).digest()

export const signerOf =
  (key: NodeKey) =>
  (message: Uint8Array): Uint8Array =>
    digest(key, message)

/** As of the node with this number, if nothing else is said. */
export const announcement = (number: number, fields: Partial<Unsigned> = {}): Announcement => {
  const key = fields.key ?? keyOf(number)
  const unsigned: Unsigned = {
    key,
    host: hostOf(number),
    port: 4_000,
    issuedMillis: epoch,
    lifeMillis: defaults.lifeMillis,
    ...fields
  }
  return { ...unsigned, signature: digest(key, signedBytes(network, unsigned)) }
}

export const verify = (of: string, record: Announcement): boolean =>
  Buffer.compare(digest(record.key, signedBytes(of, record)), record.signature) === 0

export const bodyOf = (...records: ReadonlyArray<Announcement>): Uint8Array => addressBody.encode({ records })

export interface ModelNode {
  readonly number: number
  readonly key: NodeKey
  machine: Announcements
  /** How far its wall clock is ahead. */
  readonly skew: number
  /** Sessions by the number of the node at the other end. */
  readonly sessions: Map<number, number>
  flushAt: number
  readonly violations: Array<string>
}

interface Link {
  readonly ends: readonly [number, number]
  open: boolean
  /** When the last frame of each direction arrives, so that they keep their order. */
  readonly lastAt: [number, number]
}

export class GossipModel {
  now = 0
  /** The chance that a frame is lost. */
  loss = 0
  /** Announcements and frames that were sent over any link. */
  records = 0
  frames = 0
  /** When a frame was sent last. */
  sentAt = 0
  /** The shortest time between two frames of one direction of a session. */
  shortest = Number.POSITIVE_INFINITY
  readonly nodes: Array<ModelNode> = []
  readonly random: () => number
  readonly #limits: Limits
  readonly #links = new Map<string, Link>()
  readonly #events: Array<{ readonly at: number; readonly run: () => void }> = []
  readonly #lastSent = new Map<string, number>()

  constructor(seed: number, limits: Partial<Limits> = {}) {
    this.random = seeded(seed)
    this.#limits = { ...defaults, ...limits }
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit)
  }

  node(number: number): ModelNode {
    return this.nodes[number]!
  }

  at(node: ModelNode) {
    return { now: this.now, wall: epoch + this.now + node.skew }
  }

  /** `skew`: how far the clocks of nodes may differ. */
  add(skew = 0): ModelNode {
    const number = this.nodes.length
    const node: ModelNode = {
      number,
      key: keyOf(number),
      machine: this.#machine(number, hostOf(number)),
      skew: Math.floor((this.random() - 0.5) * skew),
      sessions: new Map(),
      flushAt: Number.POSITIVE_INFINITY,
      violations: []
    }
    this.nodes.push(node)
    this.#flushSoon(node, this.now)
    return node
  }

  /** Begins a new life without memory, somewhere else if a host is given. */
  restart(number: number, host: string = hostOf(number)): void {
    const node = this.node(number)
    const peers = [...node.sessions.keys()]
    for (const peer of peers) this.cut(number, peer)
    node.machine = this.#machine(number, host)
    this.#flushSoon(node, this.now)
    for (const peer of peers) this.connect(number, peer)
  }

  stop(number: number): void {
    for (const peer of this.node(number).sessions.keys()) this.cut(number, peer)
    this.node(number).flushAt = Number.POSITIVE_INFINITY
  }

  connect(a: number, b: number): void {
    if (a === b || this.node(a).sessions.has(b)) return
    this.#links.set(linkName(a, b), { ends: [Math.min(a, b), Math.max(a, b)], open: true, lastAt: [0, 0] })
    for (const [from, to] of [
      [a, b],
      [b, a]
    ] as const) {
      const node = this.node(from)
      node.sessions.set(to, node.machine.join(keyOf(to), "private", this.now))
      this.#flushSoon(node, this.now)
    }
  }

  cut(a: number, b: number): void {
    const link = this.#links.get(linkName(a, b))
    if (link === undefined) return
    link.open = false
    this.#links.delete(linkName(a, b))
    for (const [from, to] of [
      [a, b],
      [b, a]
    ] as const) {
      const { machine, sessions } = this.node(from)
      machine.leave(sessions.get(to)!)
      sessions.delete(to)
    }
  }

  /** Sends bytes as if the node had meant to. */
  say(from: number, to: number, body: Uint8Array): void {
    const link = this.#links.get(linkName(from, to))
    if (link === undefined || this.random() < this.loss) return
    const side = link.ends[0] === from ? 0 : 1
    const at = Math.max(link.lastAt[side], this.now + 1 + this.below(200))
    link.lastAt[side] = at
    this.#schedule(at, () => {
      if (!link.open) return
      const node = this.node(to)
      const violation = node.machine.receive(node.sessions.get(from)!, body, this.at(node))
      if (violation !== undefined) node.violations.push(violation)
      this.#flushSoon(node, this.now)
    })
  }

  /** Lets time pass. */
  run(millis: number): void {
    const until = this.now + millis
    for (let next = this.#events[0]; next !== undefined && next.at <= until; next = this.#events[0]) {
      this.#events.shift()
      this.now = next.at
      next.run()
    }
    this.now = until
  }

  /** What a node knows of another one, if it counts. */
  knows(number: number, other: number): Announcement | undefined {
    const node = this.node(number)
    const record = node.machine.known.find(({ key }) => key === keyOf(other))
    return record !== undefined && endOf(record) > this.at(node).wall ? record : undefined
  }

  #machine(number: number, host: string): Announcements {
    const key = keyOf(number)
    const own = { host, port: 4_000, signer: signerOf(key) }
    return new Announcements({ self: key, network, own, limits: this.#limits, verify })
  }

  #flushSoon(node: ModelNode, at: number): void {
    if (at >= node.flushAt) return
    node.flushAt = at
    this.#schedule(at, () => {
      if (node.flushAt !== at) return
      node.flushAt = Number.POSITIVE_INFINITY
      this.#flush(node)
    })
  }

  #flush(node: ModelNode): void {
    const { batches, waitMillis } = node.machine.flush(this.at(node))
    for (const { records, to } of batches) {
      const body = bodyOf(...records)
      for (const [peer, session] of node.sessions) {
        if (!to.includes(session)) continue
        this.frames++
        this.records += records.length
        this.sentAt = this.now
        const way = `${node.number}>${peer}`
        this.shortest = Math.min(this.shortest, this.now - (this.#lastSent.get(way) ?? Number.NEGATIVE_INFINITY))
        this.#lastSent.set(way, this.now)
        this.say(node.number, peer, body)
      }
    }
    if (waitMillis < Number.POSITIVE_INFINITY) this.#flushSoon(node, this.now + Math.max(1, waitMillis))
  }

  #schedule(at: number, run: () => void): void {
    let from = 0
    for (let to = this.#events.length; from < to;) {
      const middle = (from + to) >>> 1
      if (this.#events[middle]!.at <= at) from = middle + 1
      else to = middle
    }
    this.#events.splice(from, 0, { at, run })
  }
}

const linkName = (a: number, b: number): string => `${Math.min(a, b)}-${Math.max(a, b)}`
