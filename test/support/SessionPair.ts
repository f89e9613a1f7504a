/**
 * Two sessions joined back to back, without a link: what one sends the other finds in its frames, in order. Cutting the
 * pair ends both, and drops what had not been read.
 */
import { Deferred, Effect, Queue } from "effect"
import type { Frame } from "../../src/protocol/link/Frame.ts"
import type { GoodbyeReason, Hello } from "../../src/protocol/link/LinkMessage.ts"
import type { NodeKey } from "../../src/protocol/NodeKey.ts"
import type { Session } from "../../src/services/link/Session.ts"

export interface Closed {
  readonly by: NodeKey | undefined
  readonly reason: GoodbyeReason | "cut"
  readonly detail: string
}

export interface SessionPair {
  readonly left: Session
  readonly right: Session
  /** Every frame that was sent, in order. */
  readonly sent: Array<Frame & { readonly from: NodeKey }>
  /** Whom a peer was of use to, once for each time. */
  readonly useful: Array<NodeKey>
  readonly closed: Deferred.Deferred<Closed>
  readonly cut: Effect.Effect<void>
}

const hello: Hello = {
  network: "test",
  instance: "00000000-0000-4000-8000-000000000000",
  database: "00000000-0000-4000-8000-000000000000",
  incarnation: 1n,
  versions: { min: 1, max: 1 },
  knows: 0n,
  holds: false,
  agent: "test",
  protocols: []
}

export const make = Effect.fnUntraced(function* (leftKey: NodeKey, rightKey: NodeKey) {
  const closed = yield* Deferred.make<Closed>()
  const toLeft = yield* Queue.bounded<Frame>(16)
  const toRight = yield* Queue.bounded<Frame>(16)
  const sent: SessionPair["sent"] = []
  const useful: SessionPair["useful"] = []

  const session = (self: NodeKey, peer: NodeKey, own: Queue.Queue<Frame>, other: Queue.Queue<Frame>): Session => {
    const send = (kind: number, body: Uint8Array) =>
      Effect.suspend(() => {
        sent.push({ kind, body, from: self })
        return Effect.asVoid(Queue.offer(other, { kind, body }))
      })
    return {
      peer,
      number: 1n,
      direction: "outbound",
      remote: "test:1",
      hello,
      frames: { take: Queue.take(own), takeAll: Queue.takeAll(own) },
      send,
      sendAll: (kind, bodies) => Effect.forEach(bodies, (body) => send(kind, body), { discard: true }),
      gossip: (kind, body) => {
        sent.push({ kind, body, from: self })
        Queue.offerUnsafe(other, { kind, body })
      },
      lanes: 1,
      openLanes: [0],
      lane: () => Effect.never,
      useful: () => void useful.push(self),
      close: (reason, detail) => Effect.asVoid(Deferred.succeed(closed, { by: self, reason, detail }))
    }
  }
  const pair: SessionPair = {
    left: session(leftKey, rightKey, toLeft, toRight),
    right: session(rightKey, leftKey, toRight, toLeft),
    sent,
    useful,
    closed,
    cut: Effect.asVoid(Deferred.succeed(closed, { by: undefined, reason: "cut", detail: "" }))
  }
  return pair
})
