/**
 * One connection of a scripted Bitcoin node, without the connection: what it says when, from the handshake on. Pure, so that
 * it can be put on anything that carries bytes.
 */
import { Result } from "effect"
import * as Beat from "../../protocol/bitcoin/Beat.ts"
import * as Headers from "../../protocol/bitcoin/Headers.ts"
import * as Inventory from "../../protocol/bitcoin/Inventory.ts"
import type { Message } from "../../protocol/bitcoin/MessageFrame.ts"
import type { Network } from "../../protocol/bitcoin/Network.ts"
import * as Version from "../../protocol/bitcoin/Version.ts"
import { heights } from "../../protocol/chain/Locator.ts"
import type { NodeFamily, Said } from "./NodeFamily.ts"
import type { RegtestChain } from "./RegtestChain.ts"

/** Of the block of an id: it, another payload, that it has it not, or nothing at all. */
export type Gives = (id: string) => "block" | "notfound" | "nothing" | Uint8Array

export interface Options {
  readonly network: Network
  readonly family: NodeFamily
  /** What it has; nothing but the first block, and no answer to anybody, without it. */
  readonly chain: RegtestChain | undefined
  /** Whether it has dialled. */
  readonly dialled: boolean
  /** What it says of itself. */
  readonly version: Version.Version
  /** Of its own ping. */
  readonly nonce: bigint
  /** What it answers, in place of the block, to who asks for one that it has. */
  readonly gives?: Gives | undefined
  /** Instead of what it would say itself in the handshake: a stimulus plays it. */
  readonly mute?: boolean | undefined
}

const none = new Uint8Array(0)

/** Ids in one `inv` that answers `getblocks`. */
const mostIds = 500

export class ScriptedPeer {
  /** What the other side has said of itself. */
  theirs: Version.Version | undefined
  /** It has had enough of the other side. */
  closed = false
  readonly #options: Options
  #spoken = false
  #acknowledged = false

  constructor(options: Options) {
    this.#options = options
  }

  /** Whether the handshake is over. */
  get connected(): boolean {
    return this.theirs !== undefined && this.#acknowledged && !this.closed
  }

  /** What it says when the connection is there. */
  start(): ReadonlyArray<Said> {
    const { dialled, family } = this.#options
    return dialled || family.eager ? this.#introduction() : []
  }

  /** What it says to a message. */
  hear(message: Message): ReadonlyArray<Said> {
    if (this.closed || message.spoiled !== undefined) return []
    if (message.command === "version") return this.#introduced(message.body)
    if (message.command === "verack") return this.#verack()
    if (message.command === "ping" && (this.connected || this.#options.family.eager)) return pong(message.body)
    return this.connected ? this.#answer(message) : []
  }

  #introduction(): ReadonlyArray<Said> {
    if (this.#spoken) return []
    this.#spoken = true
    return this.#say(["version", Version.version.encode(this.#options.version)])
  }

  /** Nothing of the handshake, if another plays it. */
  #say(...said: ReadonlyArray<Said>): ReadonlyArray<Said> {
    return this.#options.mute === true ? [] : said
  }

  #introduced(body: Uint8Array): ReadonlyArray<Said> {
    const { dialled, family, network } = this.#options
    if (this.theirs !== undefined) return []
    const version = (network.extended ? Version.withAssociation : Version.version).decode(body)
    if (Result.isFailure(version) || version.success.version < family.oldest) {
      this.closed = true
      return []
    }
    this.theirs = version.success
    const said = this.#say(...family.before(this.theirs.version), ["verack", none], ...family.behind(dialled))
    return [...this.#introduction(), ...said, ...(this.#acknowledged ? this.#afterwards() : [])]
  }

  #verack(): ReadonlyArray<Said> {
    if (this.#acknowledged || !this.#spoken) return []
    this.#acknowledged = true
    return this.theirs === undefined ? [] : this.#afterwards()
  }

  #afterwards(): ReadonlyArray<Said> {
    const { chain, family, nonce } = this.#options
    const said = family.afterwards(this.theirs?.version ?? 0)
    if (!family.asks) return said
    return [...said, ["ping", Beat.ping.encode(nonce)], ["getheaders", this.#question(chain)]]
  }

  #question(chain: RegtestChain | undefined): Uint8Array {
    const { network, version } = this.#options
    const best = Math.max(0, (chain?.height ?? 0) - 1)
    const locator = heights(best).map((height) => chain?.blocks[height]?.header.id ?? network.genesis)
    return Headers.getheaders.encode({ version: version.version, locator, stop: "0".repeat(64) })
  }

  #answer({ body, command }: Message): ReadonlyArray<Said> {
    switch (command) {
      case "getheaders":
        return this.#headers(body)
      case "getblocks":
        return this.#ids(body)
      case "getdata":
        return this.#data(body)
      default:
        return []
    }
  }

  #headers(body: Uint8Array): ReadonlyArray<Said> {
    const question = Headers.getheaders.decode(body)
    if (Result.isFailure(question)) return []
    const found = this.#options.chain?.after(question.success, Headers.mostHeaders)
    return found === undefined ? [] : [["headers", Headers.headers.encode(found)]]
  }

  #ids(body: Uint8Array): ReadonlyArray<Said> {
    const question = Headers.getblocks.decode(body)
    if (Result.isFailure(question)) return []
    const found = this.#options.chain?.after(question.success, mostIds) ?? []
    if (found.length === 0) return []
    return [["inv", Inventory.inv.encode(found.map(({ id }) => ({ kind: Inventory.Kind.block, id })))]]
  }

  /** Blocks one by one, and then what it has not. */
  #data(body: Uint8Array): ReadonlyArray<Said> {
    const { chain, family, gives } = this.#options
    const items = Inventory.getdata.decode(body)
    if (Result.isFailure(items)) return []
    const said: Array<Said> = []
    const missing: Array<Inventory.Item> = []
    for (const item of items.success) {
      const isBlock = item.kind === Inventory.Kind.block
      const found = isBlock ? chain?.payload(item.id) : undefined
      const given = found === undefined ? undefined : (gives?.(item.id) ?? "block")
      if (given === "block" || typeof given === "object") said.push(["block", given === "block" ? found! : given])
      else if (given === "notfound" || (given === undefined && (!isBlock || family.owns))) missing.push(item)
    }
    return missing.length === 0 ? said : [...said, ["notfound", Inventory.notfound.encode(missing)]]
  }
}

/** Those that are too short are none. */
const pong = (body: Uint8Array): ReadonlyArray<Said> => {
  const nonce = Beat.ping.decode(body)
  return Result.isFailure(nonce) ? [] : [["pong", Beat.pong.encode(nonce.success)]]
}
