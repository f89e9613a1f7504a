/**
 * The connections of a node with Bitcoin peers, from the place that is taken for one to its end: who may have a place is the
 * pool's to decide, and what it decides is done here, in the turn of the event.
 */
import { Result } from "effect"
import { hostOf } from "../../protocol/HostNetwork.ts"
import * as ConnectionState from "../../protocol/bitcoin/ConnectionState.ts"
import * as Pool from "../../protocol/bitcoin/Pool.ts"
import type { Ending } from "../../protocol/bitcoin/Restarts.ts"
import type { Version } from "../../protocol/bitcoin/Version.ts"
import type { BitcoinPeer } from "./Peer.ts"
import type { PeerEvent } from "./PeerEvent.ts"

/** A connection that has a place. */
export interface Entry {
  readonly id: number
  readonly kind: ConnectionState.Kind
  /** Where the other end is, for people. */
  readonly remote: string
  readonly state: ConnectionState.State
  /** What is said over it, once there is something to say it over. */
  readonly peer: BitcoinPeer | undefined
}

export interface Options {
  /** As they are now. */
  readonly settings: () => Pool.Settings
  /** Milliseconds of a clock that does not go back. */
  readonly now: () => number
  readonly probeTimeout: number
  readonly tell: (event: PeerEvent) => void
  /** A place may be free. */
  readonly freed: () => void
}

type Answer = Extract<Pool.Action, { readonly _tag: "Proceed" | "Refuse" }>

/** The state in which a connection ends, by where it was. */
const endOf = (from: ConnectionState.State, ending: Ending): ConnectionState.State => {
  if (ending === "closed") return from === "AwaitingHandshake" ? "Rejected" : "Disconnected"
  const isRefusal = ending !== "unreachable" && ending !== "lost" && ending !== "handshake" && ending !== "silent"
  return isRefusal ? "Rejected" : "Failed"
}

export class Roster {
  readonly #options: Options
  readonly #entries = new Map<number, Entry>()
  #pool = Pool.initial
  #lastId = 0

  constructor(options: Options) {
    this.#options = options
  }

  get entries(): ReadonlyArray<Entry> {
    return [...this.#entries.values()]
  }

  /** How many more are wanted. */
  get missing(): number {
    return Pool.missing(this.#options.settings(), this.#pool)
  }

  entry(id: number): Entry | undefined {
    return this.#entries.get(id)
  }

  /** Who a peer is, as far as its address tells. */
  nameOf(host: string, port: number | undefined): string {
    if (this.#options.settings().identity === "host") return hostOf(host)
    return port === undefined ? hostOf(host) : `${hostOf(host)}:${port}`
  }

  isEngaged(host: string, port: number): boolean {
    return Pool.isEngaged(this.#pool, this.nameOf(host, port))
  }

  /** Takes a place for a dial, or says why there is none. */
  dial(host: string, port: number, remote: string): Entry | Pool.Refusal {
    return this.#ask({ _tag: "Dial", id: ++this.#lastId, peer: this.nameOf(host, port) }, remote, "Connecting")
  }

  /** The same for a connection that has come in. */
  accept(host: string, remote: string): Entry | Pool.Refusal {
    const { identity } = this.#options.settings()
    const id = ++this.#lastId
    // By endpoint nobody knows yet who it is.
    const peer = identity === "host" ? this.nameOf(host, undefined) : `${remote} (${id})`
    return this.#ask({ _tag: "Accepted", id, peer, now: this.#options.now() }, remote, "AwaitingHandshake")
  }

  /** A dial has led to a connection. */
  opened(id: number): void {
    this.#become(id, "AwaitingHandshake")
    this.#step({ _tag: "Opened", id, now: this.#options.now() })
  }

  speaks(id: number, peer: BitcoinPeer): void {
    const entry = this.#entries.get(id)
    if (entry !== undefined) this.#entries.set(id, { ...entry, peer })
  }

  introduced(peer: BitcoinPeer, version: Version): void {
    const { id } = peer.connection
    // Where it listens is its own word, and 0 if it does not say.
    const port = peer.kind === "Outbound" ? peer.port : version.sender.port || undefined
    const name = this.nameOf(peer.host, port)
    this.#step({ _tag: "Introduced", id, peer: name, nonces: [peer.own.nonce, version.nonce] })
  }

  connected(peer: BitcoinPeer): void {
    const { id } = peer.connection
    this.#become(id, "Connected")
    this.#step({ _tag: "Connected", id })
  }

  /** It is over, and its place is free. */
  ended(id: number, ending: Ending, detail: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    this.#become(id, endOf(entry.state, ending), detail)
    this.#entries.delete(id)
    this.#step({ _tag: "Ended", id })
    this.#options.freed()
  }

  /** The connection that this node has dialled and that carries this nonce, before its handshake is over. */
  ofNonce(nonce: bigint): BitcoinPeer | undefined {
    for (const { peer, state } of this.#entries.values()) {
      const isCandidate = peer?.kind === "Outbound" && state === "AwaitingHandshake"
      if (isCandidate && peer.own.nonce === nonce) return peer
    }
    return undefined
  }

  #ask(
    event: Extract<Pool.Event, { readonly _tag: "Dial" | "Accepted" }>,
    remote: string,
    to: ConnectionState.State
  ): Entry | Pool.Refusal {
    const answer = this.#step(event)
    if (answer?._tag !== "Proceed") return answer?.why ?? "full"
    const { id } = event
    this.#entries.set(id, { id, kind: answer.kind, remote, state: "Disconnected", peer: undefined })
    return this.#become(id, to)
  }

  #become(id: number, to: ConnectionState.State, detail?: string): Entry {
    const entry = this.#entries.get(id)
    if (entry === undefined) throw new Error(`connection ${id} has no place`)
    const { kind, remote, state: from } = entry
    const next = { ...entry, state: Result.getOrThrow(ConnectionState.transition(kind, from, to)) }
    this.#entries.set(id, next)
    this.#options.tell({ _tag: "Changed", id, remote, kind, from, to, ...(detail === undefined ? {} : { detail }) })
    return next
  }

  /** What the pool says to whoever asks for a place; everything else is done. */
  #step(event: Pool.Event): Answer | undefined {
    const { actions, state } = Pool.step(this.#options.settings(), this.#pool, event)
    this.#pool = state
    let answer: Answer | undefined
    for (const action of actions) answer = this.#perform(action) ?? answer
    return answer
  }

  #perform(action: Pool.Action): Answer | undefined {
    switch (action._tag) {
      case "Proceed":
      case "Refuse":
        return action
      case "Probe":
        return void this.#probe(action.id, action.rival)
      case "Close":
        return void this.#entries.get(action.id)?.peer?.close("closed", action.detail)
    }
  }

  #probe(id: number, rival: number | undefined): void {
    const asked = rival === undefined ? {} : { rival }
    this.#entries.get(id)?.peer?.connection.probe(this.#options.probeTimeout, (answered) => {
      this.#step({ _tag: "Probed", id, ...asked, answered })
    })
  }
}
