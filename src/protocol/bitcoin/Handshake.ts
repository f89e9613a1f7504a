/**
 * From the connection to the first message of any other kind: four flags, `version` and `verack` sent and received, in any
 * order that can be, the same machine for whoever dialled. What real nodes do decides what becomes of everything else.
 *
 * A listener speaks second, so that a node that has dialled itself learns nothing from it.
 */
import type { Fault } from "./Misbehaviour.ts"
import { Code } from "./Reject.ts"
import type { Version } from "./Version.ts"

/** Older ones neither ping with a number nor answer. Nodes of BSV and BTC deal with some that are older, bcoin with none below 70001. */
export const oldest = 60_001

/** Why a peer's `version` leads nowhere. Only that of its agent is its own fault for good. */
export type Objection = "self" | "obsolete" | "services" | "agent"

/** What this node wants of its peers. */
export interface Terms {
  /** Bits that a node must have which this one has dialled. */
  readonly services: bigint
  /** Why an agent is not wanted, if it is not. */
  readonly agent: (agent: string) => string | undefined
  /** Whether this node has sent that nonce on a connection that it has dialled and whose handshake is not over. */
  readonly isOwn: (nonce: bigint) => boolean
}

export interface State {
  readonly direction: "inbound" | "outbound"
  readonly phase: "open" | "done" | "closed"
  readonly versionSent: boolean
  /** What the peer has said of itself: its version has been received. */
  readonly version: Version | undefined
  readonly verackSent: boolean
  readonly verackReceived: boolean
}

export const initial = (direction: State["direction"]): State => ({
  direction,
  phase: "open",
  versionSent: false,
  version: undefined,
  verackSent: false,
  verackReceived: false
})

export type Event =
  /** The connection is there. */
  | { readonly _tag: "Connected" }
  | { readonly _tag: "Version"; readonly version: Version }
  | { readonly _tag: "Verack" }
  /** Any other message, before the end of the handshake. */
  | { readonly _tag: "Other"; readonly command: string }

export interface Rejection {
  readonly command: "version"
  readonly code: number
  readonly reason: string
}

export type Action =
  | { readonly _tag: "SendVersion" }
  | { readonly _tag: "SendVerack" }
  | { readonly _tag: "SendReject"; readonly reject: Rejection }
  /** Both sides have said everything; this is what the peer has said. */
  | { readonly _tag: "Complete"; readonly version: Version }
  /** Close behind what was sent. */
  | { readonly _tag: "Close"; readonly objection: Objection; readonly detail: string }
  /** The message is skipped. */
  | { readonly _tag: "Ignore" }
  /** It is skipped, and was what no node sends that follows the protocol. */
  | { readonly _tag: "Fault"; readonly fault: Fault; readonly detail: string }

export interface Step {
  readonly state: State
  readonly actions: ReadonlyArray<Action>
}

/** What BTC's nodes say between `version` and `verack`; it means nothing here. */
const harmless: ReadonlySet<string> = new Set(["wtxidrelay", "sendaddrv2"])

const close = (state: State, objection: Objection, detail: string, code?: number): Step => {
  const end: Action = { _tag: "Close", objection, detail }
  const closed: State = { ...state, phase: "closed" }
  if (code === undefined) return { state: closed, actions: [end] }
  return {
    state: closed,
    actions: [{ _tag: "SendReject", reject: { command: "version", code, reason: detail } }, end]
  }
}

const ignored = (state: State): Step => ({ state, actions: [{ _tag: "Ignore" }] })

const early = (state: State, detail: string): Step => ({
  state,
  actions: [{ _tag: "Fault", fault: "before-handshake", detail }]
})

/** Completes if nothing is missing any more. */
const complete = (state: State, actions: ReadonlyArray<Action>): Step =>
  state.version !== undefined && state.verackReceived
    ? { state: { ...state, phase: "done" }, actions: [...actions, { _tag: "Complete", version: state.version }] }
    : { state, actions }

const refusal = (terms: Terms, state: State, version: Version): Step | undefined => {
  if (state.direction === "inbound" && terms.isOwn(version.nonce)) {
    return close(state, "self", "this node has connected to itself")
  }
  if (version.version < oldest) {
    return close(state, "obsolete", `Version must be ${oldest} or greater`, Code.obsolete)
  }
  if (state.direction === "outbound" && (version.services & terms.services) !== terms.services) {
    const services = `Expected to offer services ${terms.services.toString(16).padStart(8, "0")}`
    return close(state, "services", services, Code.nonstandard)
  }
  const unwanted = terms.agent(version.agent)
  return unwanted === undefined ? undefined : close(state, "agent", unwanted)
}

const introduced = (terms: Terms, state: State, version: Version): Step => {
  const refused = refusal(terms, { ...state, version }, version)
  if (refused !== undefined) return refused
  const next: State = { ...state, versionSent: true, version, verackSent: true }
  const verack: Action = { _tag: "SendVerack" }
  return complete(next, state.versionSent ? [verack] : [{ _tag: "SendVersion" }, verack])
}

/** It comes twice from nobody who is well, and changes nothing then. */
const again = (state: State): Step => {
  const reject: Rejection = { command: "version", code: Code.duplicate, reason: "Duplicate version message" }
  return {
    state,
    actions: [
      { _tag: "SendReject", reject },
      { _tag: "Fault", fault: "version-twice", detail: "version came twice" }
    ]
  }
}

const acknowledged = (state: State): Step => {
  if (state.verackReceived) return ignored(state)
  // There was nothing yet that it could acknowledge.
  if (!state.versionSent) return early(state, "verack came before version was sent")
  return complete({ ...state, verackReceived: true }, [])
}

export const step = (terms: Terms, state: State, event: Event): Step => {
  if (state.phase === "closed") return { state, actions: [] }
  switch (event._tag) {
    case "Connected":
      return state.direction === "inbound" || state.versionSent
        ? { state, actions: [] }
        : { state: { ...state, versionSent: true }, actions: [{ _tag: "SendVersion" }] }
    case "Version":
      return state.version === undefined ? introduced(terms, state, event.version) : again(state)
    case "Verack":
      return acknowledged(state)
    case "Other":
      if (harmless.has(event.command)) return ignored(state)
      return early(state, `${event.command} came before the handshake was over`)
  }
}
