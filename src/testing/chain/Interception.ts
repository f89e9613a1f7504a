/**
 * Something between a node's links and its chain that sees every frame, and may say or do something else: what watches an honest node,
 * and what makes another one misbehave.
 */
import { Effect, type Scope } from "effect"
import type { Frame } from "../../protocol/link/Frame.ts"
import type { LinkedChain } from "../../services/link/Beside.ts"
import type { Session } from "../../services/link/Session.ts"

export interface Interception {
  /** Instead of sending a frame, which is done with `session.send`. */
  readonly send?: (session: Session, frame: Frame) => Effect.Effect<void>
  /** A frame has come; false if the chain is not to hear of it. */
  readonly receive?: (session: Session, frame: Frame) => boolean
  /** Beside the chain, until the session ends. */
  readonly join?: (session: Session) => Effect.Effect<void, never, Scope.Scope>
  readonly claim?: LinkedChain["claim"]
}

const sendingBy = (session: Session, send: Session["send"]): Session => ({
  peer: session.peer,
  number: session.number,
  direction: session.direction,
  remote: session.remote,
  hello: session.hello,
  frames: session.frames,
  lanes: session.lanes,
  get openLanes() {
    return session.openLanes
  },
  send,
  sendAll: (kind, bodies) => Effect.forEach(bodies, (body) => send(kind, body), { discard: true }),
  gossip: (kind, body) => session.gossip(kind, body),
  lane: (number) => session.lane(number),
  useful: () => session.useful(),
  close: (reason, detail) => session.close(reason, detail)
})

export const intercepted = (chain: LinkedChain, { claim, join, receive, send }: Interception): LinkedChain => {
  const seen = new Map<Session, Session>()
  const enter = (session: Session): Session => {
    const seenAs = sendingBy(session, (kind, body) => send?.(session, { kind, body }) ?? session.send(kind, body))
    seen.set(session, seenAs)
    return seenAs
  }
  return {
    kinds: chain.kinds,
    claim: claim ?? chain.claim,
    join: (session) =>
      Effect.acquireRelease(
        Effect.sync(() => enter(session)),
        () => Effect.sync(() => void seen.delete(session))
      ).pipe(
        Effect.flatMap((seenAs) => chain.join(seenAs)),
        Effect.andThen(join?.(session) ?? Effect.void)
      ),
    receive: (session, frame) =>
      receive?.(session, frame) === false ? undefined : chain.receive(seen.get(session) ?? session, frame)
  }
}
