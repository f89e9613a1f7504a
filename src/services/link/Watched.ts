/**
 * One peer that is dialled: why, how that goes, and when the next dial is due (docs/PROTOCOL.md, 6). Plain and
 * synchronous: the supervisor tells it what happened.
 */
import { Latch } from "effect"
import type { Endpoint } from "../../protocol/Address.ts"
import { redirected } from "../../protocol/link/Redirect.ts"
import * as Redial from "../../protocol/link/Redial.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Ended } from "./Ended.ts"
import type { Outcome } from "./Outcome.ts"
import type { BookEntry } from "./PeerBook.ts"

/**
 * Why a peer is wanted: somebody asked for it, something is owed to it, or it was heard of. Who is wanted for nothing
 * but the last is opportunistic: such a peer is given up when it cannot be reached.
 */
export type Desire = "asked" | "owed" | "learned"

/** What a book knows of where a peer is. */
export type Places = Pick<BookEntry, "endpoint" | "alternative">

/** What the supervisor does about a peer. */
export interface Watch {
  readonly peer: NodeKey
  readonly desires: ReadonlyArray<Desire>
  readonly opportunistic: boolean
  readonly breaker: Redial.State["breaker"]
  /** Since the last stable session, or since it is wanted. */
  readonly failures: number
  /** Milliseconds until the next dial, while it waits for one. */
  readonly nextDialInMillis: number | undefined
  /** Why the last connection ended, or why there was none. */
  readonly lastEnded: Ended | undefined
}

/** A dial that was made. */
export interface Dialled {
  readonly endpoint: Endpoint
  /** The IP address that it led to, if there was a connection. */
  readonly host: string | undefined
}

/** What an outcome does not say itself. */
export interface Circumstances {
  /** Monotonic milliseconds. */
  readonly now: number
  /** Uniform in [0, 1). */
  readonly random: number
  /** The session lasted, and the peer answered on it. */
  readonly stable: boolean
  /** Other peers were lost at the same moment. */
  readonly outage: boolean
  /** Where this node dialled, if it did. */
  readonly dialled?: Dialled | undefined
}

export class Watched {
  readonly peer: NodeKey
  readonly desires: Set<Desire>
  /** Opened when a connection with the peer has ended, when it is to be dialled sooner, and when it is not wanted any more. */
  readonly changed: Latch.Latch = Latch.makeUnsafe(false)
  /** Somebody asked for a dial whatever the back-off says, and none has begun since. */
  poked = false
  lastEnded: Ended | undefined
  readonly #policy: Redial.Policy
  #redial: Redial.State = Redial.initial
  /** Monotonic milliseconds before which there is no dial, and before which none for a reason on this side. */
  #notBefore = 0
  #firmUntil = 0
  /** What another dial will not change, until when, and where: anywhere if it says nothing. */
  #hopeless: { readonly until: number; readonly at: string | undefined } | undefined
  /** Where the peer said that its link is kept. */
  #redirect: Endpoint | undefined

  constructor(peer: NodeKey, desire: Desire, policy: Redial.Policy) {
    this.peer = peer
    this.desires = new Set([desire])
    this.#policy = policy
  }

  get opportunistic(): boolean {
    return this.desires.has("learned") && this.desires.size === 1
  }

  get failures(): number {
    return this.#redial.failures
  }

  /** Until the next dial. */
  millisLeft(now: number): number {
    return this.poked ? 0 : Math.max(0, this.#notBefore - now)
  }

  /** For how long a dial of this endpoint, however much it is asked for, would be answered as the last one was. */
  hopelessFor(endpoint: Endpoint, now: number): number {
    if (this.#hopeless === undefined) return 0
    const { at, until } = this.#hopeless
    return at === undefined || at === endpoint.toString() ? Math.max(0, until - now) : 0
  }

  /**
   * Where to dial now: where the peer has asked to be dialled instead, once; else at one of the two addresses that the
   * book has, at the lesser one after every second failure. Both only if `isOpen` says that they can be dialled.
   */
  choose(known: Places | undefined, isOpen: (endpoint: Endpoint) => boolean): Endpoint | undefined {
    const redirect = this.#redirect
    this.#redirect = undefined
    if (redirect !== undefined && isOpen(redirect)) return redirect
    const alternative = this.failures % 3 === 2 ? known?.alternative : undefined
    return alternative !== undefined && isOpen(alternative) ? alternative : known?.endpoint
  }

  /** Dials as soon as nothing is open with the peer. */
  poke(): void {
    this.poked = true
    this.changed.openUnsafe()
  }

  /** Dials within `millis`, unless the peer has said otherwise or the breaker is open. */
  hasten(now: number, millis: number): void {
    const sooner = Math.max(this.#firmUntil, now + millis)
    if (sooner >= this.#notBefore) return
    this.#notBefore = sooner
    this.changed.openUnsafe()
  }

  /** A connection has come to its end, or a dial to nothing. */
  conclude(outcome: Outcome, circumstances: Circumstances): void {
    const { ended, goodbye, reject, session } = outcome
    const { dialled, now } = circumstances
    this.lastEnded = ended
    if (session !== undefined) {
      // Whatever an earlier failure had to wait for, and whoever asked for a dial, the session is past it.
      this.poked = false
      this.#notBefore = 0
      this.#firmUntil = 0
      this.#hopeless = undefined
      this.#advance({ _tag: "Started", now: session.startedAt })
    }
    const { absentMillis, firmMillis } = this.#advance(eventOf(outcome, circumstances))
    const at = dialled?.endpoint.toString()
    if (goodbye !== undefined) this.#hopeless = { until: now + absentMillis, at }
    if (reject === undefined) return
    const { address, reason } = reject
    if (reason === "owner" && address !== undefined && dialled?.host !== undefined) {
      this.#redirect = redirected(address, dialled.host)
    }
    if (!Redial.hopeless.has(reason)) return
    this.#hopeless = { until: now + firmMillis, at: reason === "banned" ? undefined : at }
  }

  view(now: number, engaged: boolean): Watch {
    return {
      peer: this.peer,
      desires: [...this.desires],
      opportunistic: this.opportunistic,
      breaker: this.#redial.breaker,
      failures: this.failures,
      nextDialInMillis: engaged ? undefined : this.millisLeft(now),
      lastEnded: this.lastEnded
    }
  }

  #advance(event: Redial.Event): Redial.Step {
    const step = Redial.step(this.#policy, this.#redial, event)
    const { firmMillis, state, waitMillis } = step
    this.#redial = state
    this.#notBefore = Math.max(this.#notBefore, event.now + waitMillis)
    this.#firmUntil = Math.max(this.#firmUntil, event.now + firmMillis)
    return step
  }
}

const eventOf = ({ goodbye, reject, session }: Outcome, circumstances: Circumstances): Redial.Event => {
  const { dialled, now, outage, random, stable } = circumstances
  if (reject !== undefined) {
    const { reason, retryAfterMillis } = reject
    const announced = retryAfterMillis === undefined ? {} : { retryAfterMillis }
    return { _tag: "Rejected", now, random, reason, ...announced }
  }
  if (goodbye !== undefined) {
    const { reason, retryAfterMillis } = goodbye
    return { _tag: "Goodbye", now, random, stable, reason, retryAfterMillis }
  }
  if (session !== undefined) return { _tag: "Ended", now, random, stable, outage }
  return { _tag: "Failed", now, random, answered: dialled?.host !== undefined }
}
