/**
 * Hashes and signatures that an audit looks at, each worked out once for each object: rows that are held in memory and never change cost
 * nothing when they are looked at again. What is not held any more is forgotten.
 */
import type { NodeKey } from "../NodeKey.ts"
import type { Digest } from "./Canonical.ts"
import * as Chit from "./Chit.ts"
import * as ChitLog from "./ChitLog.ts"
import type { ChitState } from "./ChitState.ts"
import * as LiftPlan from "./LiftPlan.ts"
import * as LiftRecord from "./LiftRecord.ts"
import { isSigned } from "./Signature.ts"
import * as Tally from "./TallyDocument.ts"

const remembered = <K extends object, V>(of: (key: K) => V): ((key: K) => V) => {
  const known = new WeakMap<K, V>()
  return (key) => {
    const value = known.get(key)
    if (value !== undefined) return value
    const made = of(key)
    known.set(key, made)
    return made
  }
}

export class Proofs {
  readonly #areChecked: boolean
  /** By the key that it was checked with. */
  readonly #signed = new WeakMap<object, NodeKey>()
  readonly #sealed = new WeakMap<ChitState, NodeKey>()
  readonly #places = new WeakMap<ChitState, { readonly prior: Digest; readonly at: ChitLog.Position }>()

  /** `signatures: false` takes every signature for good, which saves nearly all of the time. */
  constructor(options: { readonly signatures: boolean } = { signatures: true }) {
    this.#areChecked = options.signatures
  }

  readonly core = remembered(Chit.digest)
  readonly document = remembered(Tally.digest)
  readonly plan = remembered(LiftPlan.digest)

  /** The position behind `last` that a chit has there. */
  next(last: ChitLog.Position, chit: ChitState): ChitLog.Position {
    const known = this.#places.get(chit)
    if (known?.prior === last.hash && known.at.index === last.index + 1) return known.at
    const at = ChitLog.behind(last, this.core(chit.core), chit.sign ?? null)
    this.#places.set(chit, { prior: last.hash, at })
    return at
  }

  /** Whether the issuer, who signs with this key, has signed the chit. */
  isChitSigned(chit: ChitState, key: NodeKey): boolean {
    const { core, sign } = chit
    return sign !== undefined && this.#holds(chit, key, () => isSigned(key, "chit", this.core(core), sign))
  }

  /** Whether both parties have signed the document. */
  isDocumentSigned(document: Tally.TallyDocument, signs: typeof Tally.Signatures.Type): boolean {
    const isSignedBy = (side: Tally.Side): boolean => {
      const sign = signs[side]
      const key = document[side].cert.public
      return sign !== undefined && isSigned(key, "tally", this.document(document), sign)
    }
    return this.#holds(signs, document.stock.cert.public, () => isSignedBy("stock") && isSignedBy("foil"))
  }

  isHeadSigned(tally: Tally.TallyId, head: ChitLog.Head, agent: NodeKey): boolean {
    return this.#holds(head, agent, () => ChitLog.isHeadSigned(tally, head, agent))
  }

  /** Whether this agent, foil's, has signed the place that a chit has at stock. */
  isSealed(tally: Tally.TallyId, chit: ChitState, head: ChitLog.Head, agent: NodeKey): boolean {
    if (this.#sealed.get(chit) === agent) return true
    const holds = !this.#areChecked || ChitLog.isHeadSigned(tally, head, agent)
    if (holds) this.#sealed.set(chit, agent)
    return holds
  }

  /** Whether the record is a verdict of the plan's referees. */
  isVerdict(record: LiftRecord.LiftRecord): boolean {
    return this.#holds(record, record.plan.payorKey, () => LiftRecord.isValid(record))
  }

  #holds(what: object, key: NodeKey, check: () => boolean): boolean {
    if (!this.#areChecked || this.#signed.get(what) === key) return true
    const holds = check()
    if (holds) this.#signed.set(what, key)
    return holds
  }
}
