/**
 * What came of the attempts to reach Bitcoin nodes, from the events of a manager: whether there was a connection at all, and why
 * there was none. Pure.
 */
import type { PeerEvent } from "../../services/bitcoin/PeerEvent.ts"

export interface Failure {
  /** Where the attempt went. */
  readonly remote: string
  /** One sentence. */
  readonly detail: string
  /** This node will not have the other one, or the other way round; else there was no answer. */
  readonly isRefusal: boolean
}

/** With where it went, which the detail may say already. */
export const text = ({ detail, remote }: Failure): string => (detail.includes(remote) ? detail : `${remote}: ${detail}`)

export interface Reach {
  /** Handshakes that were completed with nodes that this one has dialled. */
  readonly connected: number
  /** By remote, those that have not been connected since; at most `mostKept`. */
  readonly failures: ReadonlyMap<string, Failure>
  /** What the seeds have told, once they have: names that could not be looked up, and how many nodes were not known before. */
  readonly discovered: { readonly failed: ReadonlyArray<string>; readonly fresh: number } | undefined
}

/** Failures that are remembered; of more the oldest is forgotten. */
const mostKept = 100

export const initial: Reach = { connected: 0, failures: new Map(), discovered: undefined }

const otherNetwork = "it may be a node of another network"

const sentence = (event: Extract<PeerEvent, { readonly _tag: "Changed" }>): string => {
  const detail = event.detail ?? "the connection has ended"
  // Nothing but the magic names the network, and most nodes hang up on another one without a word.
  return event.from === "AwaitingHandshake" && event.to === "Failed" ? `${detail}; ${otherNetwork}` : detail
}

/** What an event says of one attempt, if it says that it has failed. */
export const failureOf = (event: PeerEvent): Failure | undefined => {
  if (event._tag !== "Changed" || event.kind !== "Outbound") return undefined
  const { remote, to } = event
  if (to !== "Failed" && to !== "Rejected" && to !== "Disconnected") return undefined
  return { remote, detail: sentence(event), isRefusal: to === "Rejected" }
}

const without = (failures: Reach["failures"], remote: string): Map<string, Failure> => {
  const left = new Map(failures)
  left.delete(remote)
  return left
}

export const note = (reach: Reach, event: PeerEvent): Reach => {
  if (event._tag === "Discovered") return { ...reach, discovered: { failed: event.failed, fresh: event.fresh } }
  if (event._tag === "Changed" && event.kind === "Outbound" && event.to === "Connected")
    return { ...reach, connected: reach.connected + 1, failures: without(reach.failures, event.remote) }
  const failure = failureOf(event)
  if (failure === undefined) return reach
  const failures = without(reach.failures, failure.remote).set(failure.remote, failure)
  const [oldest] = failures.keys()
  if (failures.size > mostKept && oldest !== undefined) failures.delete(oldest)
  return { ...reach, failures }
}

/**
 * Whether there was no connection, and will hardly be one: each of those that are named was tried, or nobody is named or known.
 * `attempts`: dials and connections that there are now.
 */
export const isHopeless = (reach: Reach, named: ReadonlyArray<string>, attempts: number): boolean => {
  const { connected, discovered, failures } = reach
  if (connected > 0) return false
  if (named.length > 0) return named.every((remote) => failures.has(remote))
  return discovered?.fresh === 0 && failures.size === 0 && attempts === 0
}
