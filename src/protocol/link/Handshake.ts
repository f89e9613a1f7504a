/**
 * One connection from its first frame to its last: which message is legal when (docs/PROTOCOL.md, 4).
 *
 * Both sides send HELLO at once and run this machine, whichever of them dialled. It checks what the peer says of
 * itself; which connection becomes the session is the arbiter's business (`Arbiter.ts`).
 */
import { type ChainClaim, mismatch } from "../chain/ChainClaim.ts"
import type { NodeKey } from "../NodeKey.ts"
import { roleOf } from "./Arbiter.ts"
import { Kind, mayBeIgnored } from "./Frame.ts"
import type { Goodbye, Hello, Join, LinkMessage, Reject, RejectReason } from "./LinkMessage.ts"

export type State =
  /** Our HELLO is out, theirs is awaited. */
  | { readonly phase: "greeting" }
  /** Their HELLO is fine; the arbiter's word is awaited. */
  | { readonly phase: "candidate"; readonly hello: Hello }
  /** This connection is the session. */
  | { readonly phase: "active"; readonly hello: Hello }
  /** Refused, ended, left, or to be a lane of a session: whatever still comes in is not looked at here. */
  | { readonly phase: "closed" }

export const initial: State = { phase: "greeting" }

export type Event =
  /** A message about the link itself came in. */
  | { readonly _tag: "Message"; readonly message: LinkMessage }
  /** A frame of any other kind came in. */
  | { readonly _tag: "Frame"; readonly kind: number }
  /** The pair's arbiter machine made this connection the session. */
  | { readonly _tag: "Activated" }

export type Action =
  /** Ask the pair's arbiter machine about this connection. */
  | { readonly _tag: "Propose"; readonly hello: Hello }
  /** The arbiter's COMMIT, for the pair's arbiter machine. */
  | { readonly _tag: "Obey"; readonly hello: Hello; readonly number: bigint }
  /** The peer asks for this connection to be a lane of a session that is live. */
  | { readonly _tag: "Join"; readonly join: Join }
  /** Hand the frame to the session. */
  | { readonly _tag: "Deliver" }
  /** A frame of a kind that may be ignored and is not known. */
  | { readonly _tag: "Ignore" }
  /** The peer refused this connection. */
  | { readonly _tag: "Rejected"; readonly reject: Reject }
  /** The peer ended the session. */
  | { readonly _tag: "Left"; readonly goodbye: Goodbye }
  /** Tell the peer why and close: REJECT before the session is live, GOODBYE after. */
  | { readonly _tag: "Refuse"; readonly reason: RejectReason; readonly detail: string }

export interface Step {
  readonly state: State
  readonly action: Action | undefined
}

/** What a node compares a peer's HELLO with. */
export interface Self {
  readonly key: NodeKey
  readonly network: string
  readonly instance: string
  readonly versions: { readonly min: number; readonly max: number }
  /** The chain that it keeps, if any. */
  readonly chain?: Pick<ChainClaim, "id" | "genesis"> | undefined
}

const refuse = (reason: RejectReason, detail: string): Step => ({
  state: { phase: "closed" },
  action: { _tag: "Refuse", reason, detail }
})

const sessionKinds: ReadonlySet<number> = new Set([
  Kind.Ping,
  Kind.Pong,
  Kind.Resume,
  Kind.Data,
  Kind.Receipt,
  Kind.Stream,
  Kind.Ask,
  Kind.Headers,
  Kind.Want,
  Kind.Blocks,
  Kind.Tip,
  Kind.Gossip
])

/** Why a HELLO from `peer` cannot lead to a session, if so. */
export const objection = (
  self: Self,
  peer: NodeKey,
  hello: Hello
): { readonly reason: RejectReason; readonly detail: string } | undefined => {
  if (peer === self.key) {
    return hello.instance === self.instance
      ? { reason: "self", detail: "this address leads back to the node that dialled it" }
      : { reason: "clone", detail: "another process uses the same node key" }
  }
  if (hello.network !== self.network) {
    return { reason: "network", detail: `network "${hello.network}", this node is on "${self.network}"` }
  }
  const { max, min } = hello.versions
  if (Math.max(min, self.versions.min) > Math.min(max, self.versions.max)) {
    return {
      reason: "version",
      detail: `versions ${min} to ${max}, this node speaks ${self.versions.min} to ${self.versions.max}`
    }
  }
  const otherChain = mismatch(self.chain, hello.chain)
  return otherChain === undefined ? undefined : { reason: "genesis", detail: otherChain }
}

const greeted = (self: Self, peer: NodeKey, hello: Hello): Step => {
  const wrong = objection(self, peer, hello)
  return wrong === undefined
    ? { state: { phase: "candidate", hello }, action: { _tag: "Propose", hello } }
    : refuse(wrong.reason, wrong.detail)
}

const received = (self: Self, peer: NodeKey, state: State, message: LinkMessage): Step => {
  switch (message._tag) {
    case "Hello":
      return state.phase === "greeting" ? greeted(self, peer, message.hello) : refuse("violation", "HELLO came twice")
    case "Commit":
      return state.phase === "candidate"
        ? { state, action: { _tag: "Obey", hello: state.hello, number: message.commit.number } }
        : refuse("violation", state.phase === "greeting" ? "COMMIT came before HELLO" : "COMMIT came twice")
    case "Reject":
      // The follower may refuse what the arbiter has just committed: it had a higher number, or another session lives.
      return state.phase === "active" && roleOf(self.key, peer) === "follower"
        ? refuse("violation", "REJECT came on a live session")
        : { state: { phase: "closed" }, action: { _tag: "Rejected", reject: message.reject } }
    case "Goodbye":
      return { state: { phase: "closed" }, action: { _tag: "Left", goodbye: message.goodbye } }
    case "Join":
      return state.phase === "greeting"
        ? { state: { phase: "closed" }, action: { _tag: "Join", join: message.join } }
        : refuse("violation", "JOIN came after HELLO")
    case "Joined":
      return refuse("violation", "JOINED came without JOIN")
  }
}

const framed = (state: State, kind: number): Step => {
  if (!sessionKinds.has(kind)) {
    return mayBeIgnored(kind)
      ? { state, action: { _tag: "Ignore" } }
      : refuse("violation", `unknown frame kind ${kind}`)
  }
  if (state.phase === "active") return { state, action: { _tag: "Deliver" } }
  return refuse("violation", `a frame of kind ${kind} came before the session was live`)
}

/** Whether a frame of this kind is the session's: what `step` answers with Deliver, without the step. */
export const isForSession = (state: State, kind: number): boolean => state.phase === "active" && sessionKinds.has(kind)

/** One event of one connection with `peer`. */
export const step = (self: Self, peer: NodeKey, state: State, event: Event): Step => {
  if (state.phase === "closed") return { state, action: undefined }
  switch (event._tag) {
    case "Message":
      return received(self, peer, state, event.message)
    case "Frame":
      return framed(state, event.kind)
    case "Activated":
      return state.phase === "candidate"
        ? { state: { phase: "active", hello: state.hello }, action: undefined }
        : { state, action: undefined }
  }
}
