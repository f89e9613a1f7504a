/**
 * What a peer asks of this node after the handshake: headers instead of ids, no transactions below a fee, compact blocks,
 * no larger payloads than it takes. Remembered for whoever sends to it.
 */
import { Result } from "effect"
import * as Command from "../../protocol/bitcoin/Command.ts"
import type { Fault } from "../../protocol/bitcoin/Misbehaviour.ts"
import * as Settings from "../../protocol/bitcoin/Settings.ts"
import type { Frame } from "../../protocol/link/Frame.ts"

export type Heard =
  | { readonly _tag: "Noted" }
  /** It is no wish. */
  | { readonly _tag: "Other" }
  | { readonly _tag: "Malformed"; readonly detail: string }
  | { readonly _tag: "Fault"; readonly fault: Fault; readonly detail: string }
  /** Nodes of BSV close on it. */
  | { readonly _tag: "Close"; readonly detail: string }

const noted: Heard = { _tag: "Noted" }
const other: Heard = { _tag: "Other" }

/** All satoshis that there will be: no fee is higher. */
const mostSatoshis = 21_000_000n * 100_000_000n
/** Versions of compact blocks that are remembered. */
const mostVersions = 4

const kinds = {
  sendheaders: Command.kindOf("sendheaders"),
  feefilter: Command.kindOf("feefilter"),
  sendcmpct: Command.kindOf("sendcmpct"),
  protoconf: Command.kindOf("protoconf")
} as const

export class Wishes {
  /** New blocks are to be announced with their headers. */
  headers = false
  /** Satoshis for each thousand bytes below which it wants no transactions. */
  fee = 0n
  /** How it takes compact blocks, by their versions. */
  readonly compact = new Map<bigint, Settings.SendCompact>()
  #protoconf: Settings.ProtoConf | undefined

  /** The largest payload that is not a block's, in bytes: what it said, or what every node takes. */
  get largestPayload(): number {
    return this.#protoconf?.largestPayload ?? Settings.leastPayload
  }

  /** `extended`: on a network whose nodes say what they may be sent. */
  hear({ body, kind }: Frame, extended: boolean): Heard {
    switch (kind) {
      case kinds.sendheaders:
        return this.#headers()
      case kinds.feefilter:
        return this.#fee(body)
      case kinds.sendcmpct:
        return this.#compact(body)
      case kinds.protoconf:
        return extended ? this.#limits(body) : noted
      default:
        return other
    }
  }

  #headers(): Heard {
    if (this.headers) return { _tag: "Fault", fault: "sendheaders-twice", detail: "sendheaders came twice" }
    this.headers = true
    return noted
  }

  /** One out of range is ignored. */
  #fee(body: Uint8Array): Heard {
    const fee = Settings.feefilter.decode(body)
    if (Result.isFailure(fee)) return { _tag: "Malformed", detail: fee.failure.message }
    if (fee.success >= 0n && fee.success <= mostSatoshis) this.fee = fee.success
    return noted
  }

  #compact(body: Uint8Array): Heard {
    const wish = Settings.sendcmpct.decode(body)
    if (Result.isFailure(wish)) return { _tag: "Malformed", detail: wish.failure.message }
    const { version } = wish.success
    if (this.compact.size < mostVersions || this.compact.has(version)) this.compact.set(version, wish.success)
    return noted
  }

  #limits(body: Uint8Array): Heard {
    if (this.#protoconf !== undefined) return { _tag: "Close", detail: "protoconf came twice" }
    const limits = Settings.protoconf.decode(body)
    if (Result.isFailure(limits)) return { _tag: "Close", detail: limits.failure.message }
    this.#protoconf = limits.success
    return noted
  }
}
