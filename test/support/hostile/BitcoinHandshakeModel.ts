/**
 * What a node makes of a Bitcoin peer's messages from the connection on, by the tables of docs/bitcoin.md: a second opinion,
 * against which the real peer is held.
 */
import type { Kind } from "../../../src/protocol/bitcoin/ConnectionState.ts"
import type { Ending } from "../../../src/protocol/bitcoin/Restarts.ts"
import type { Version } from "../../../src/protocol/bitcoin/Version.ts"

/** What comes in, as what it is. */
export type Input =
  | { readonly _tag: "Version"; readonly version: Version }
  /** A `version` that ends in a field, or has more than any. */
  | { readonly _tag: "Malformed" }
  | { readonly _tag: "Verack" }
  /** `final`: the peer will not have this node. */
  | { readonly _tag: "Reject"; readonly final: boolean }
  | { readonly _tag: "Ping" }
  | { readonly _tag: "Protoconf"; readonly valid: boolean }
  | { readonly _tag: "Sendheaders" }
  /** What BTC's nodes say before `verack`. */
  | { readonly _tag: "Harmless" }
  /** Anything else that follows a handshake; `heard`: whoever watches is told. */
  | { readonly _tag: "Other"; readonly heard: boolean; readonly times: number }
  /** A wrong checksum or command: it costs that message. */
  | { readonly _tag: "Spoiled" }
  /** Bytes after which nothing can be understood. */
  | { readonly _tag: "Fatal"; readonly ending: Ending }

export interface Terms {
  readonly kind: Kind
  /** Whether the network is BSV's. */
  readonly extended: boolean
  readonly ownNonce: bigint
}

export class Model {
  readonly said: Array<string> = []
  readonly #terms: Terms
  ending: Ending | undefined
  score = 0
  connected = 0
  heard = 0
  #sent = false
  #theirs: Version | undefined
  #acknowledged = false
  #unwanted = false
  #protoconf = false
  #headers = false

  constructor(terms: Terms) {
    this.#terms = terms
    if (terms.kind === "Outbound") this.#introduce()
  }

  get done(): boolean {
    return this.#theirs !== undefined && this.#acknowledged
  }

  take(input: Input): void {
    if (this.ending !== undefined) return
    switch (input._tag) {
      case "Version":
        return this.#theirs === undefined ? this.#judge(input.version) : this.#again()
      case "Malformed":
        return this.#theirs === undefined ? this.#refuse("unsuitable") : this.#again()
      case "Verack":
        return this.#acknowledge()
      case "Reject":
        this.#unwanted ||= input.final
        return
      case "Harmless":
        if (this.done) this.heard++
        return
      case "Spoiled":
        return
      case "Fatal":
        this.ending = input.ending
        return
      default:
        return this.done ? this.#afterwards(input) : this.#charge(input._tag === "Other" ? input.times : 1)
    }
  }

  /** The peer closes. */
  close(): Ending {
    const early = this.#theirs === undefined ? "unreachable" : "handshake"
    this.ending ??= this.done ? "lost" : this.#unwanted ? "unsuitable" : early
    return this.ending
  }

  #introduce(): void {
    if (!this.#sent) this.said.push("version")
    this.#sent = true
  }

  #judge(theirs: Version): void {
    const { extended, kind, ownNonce } = this.#terms
    if (kind !== "Outbound" && theirs.nonce === ownNonce) this.ending = "self"
    else if (theirs.version < 60_001) this.#refuse("unsuitable")
    else if (kind === "Outbound" && theirs.services % 2n === 0n) this.#refuse("unsuitable")
    else if (theirs.agent.includes("ABC")) this.ending = "agent"
    else {
      this.#introduce()
      this.said.push("verack", ...(extended ? ["protoconf"] : []))
      this.#theirs = theirs
      this.#complete()
    }
  }

  #refuse(ending: Ending): void {
    this.said.push("reject")
    this.ending = ending
  }

  #again(): void {
    this.said.push("reject")
    this.#charge(1)
  }

  #acknowledge(): void {
    if (this.#acknowledged) return
    if (!this.#sent) return this.#charge(1)
    this.#acknowledged = true
    this.#complete()
  }

  #complete(): void {
    if (!this.done) return
    if (this.#terms.kind === "OverCapacity") return this.#refuse("closed")
    this.connected++
    this.said.push("ping", ...((this.#theirs?.version ?? 0) >= 70_012 ? ["sendheaders"] : []))
  }

  #charge(times: number): void {
    this.score = Math.min(100, this.score + times)
    if (this.score >= 100) this.ending = "misbehaved"
  }

  #afterwards(input: Extract<Input, { readonly _tag: "Ping" | "Protoconf" | "Sendheaders" | "Other" }>): void {
    switch (input._tag) {
      case "Ping":
        return void this.said.push("pong")
      case "Sendheaders":
        if (this.#headers) this.#charge(1)
        this.#headers = true
        return
      case "Protoconf":
        if (this.#terms.extended && (this.#protoconf || !input.valid)) this.ending = "unsuitable"
        this.#protoconf = true
        return
      case "Other":
        if (input.heard) this.heard += input.times
    }
  }
}
