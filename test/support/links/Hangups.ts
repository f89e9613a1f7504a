/**
 * Peers that accept and close: at once, after the handshake of the secure channel, or as soon as there is a session. How
 * often a node dials them that wants them.
 */
import { Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import * as IdentityMemory from "../../../src/layers/IdentityMemory.ts"
import { Address } from "../../../src/protocol/Address.ts"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import * as LinkMessage from "../../../src/protocol/link/LinkMessage.ts"
import * as Redial from "../../../src/protocol/link/Redial.ts"
import * as Handshaking from "../../../src/services/link/Handshaking.ts"
import type { Noted } from "../../../src/services/link/LinkObserver.ts"
import type { Accepted, Transport } from "../../../src/services/link/Transport.ts"
import { greeting } from "../HostilePeer.ts"
import * as TcpNode from "./TcpNode.ts"

export const kinds = ["at once", "after the handshake", "after the session's start"] as const
export type Kind = (typeof kinds)[number]

export interface Options {
  readonly kind: Kind
  /** For how long the dials are counted, in milliseconds. */
  readonly span: number
  /** Every time is divided by this, those of redialling too. */
  readonly scale: number
}

/** As they would be without a scale. */
export interface Figures {
  readonly kind: Kind
  /** When it was dialled, in milliseconds after the first time. */
  readonly dials: ReadonlyArray<number>
  /** When sessions started on the side that dials, likewise. */
  readonly starts: ReadonlyArray<number>
  readonly sessions: number
  /** The most dials within a minute, wherever it begins. */
  readonly inMinute: number
}

const [dialler, peer] = [TcpNode.arbiter, TcpNode.follower]

/** Says HELLO as the follower of the pair does, and waits for the word that makes a session of it. */
const untilCommitted = Effect.fnUntraced(function* ({ socket }: Accepted) {
  const channel = yield* Handshaking.accept(socket)
  const hello = LinkMessage.hello.encode(greeting)
  yield* channel.write([Frame.encode(Frame.Kind.Hello, hello)])
  const decoder = new Frame.Decoder(Frame.maxOnSession)
  const frames: Array<Frame.Frame> = []
  while (!frames.some(({ kind }) => kind === Frame.Kind.Commit)) {
    yield* channel.pull((piece) => void decoder.feed(piece, frames))
  }
})

const behaviour = (kind: Kind, accepted: Accepted) => {
  switch (kind) {
    case "at once":
      return Effect.void
    case "after the handshake":
      return Effect.asVoid(Handshaking.accept(accepted.socket))
    case "after the session's start":
      return untilCommitted(accepted)
  }
}

/** Listens as this peer; gives the moments at which somebody came. */
const listening = Effect.fnUntraced(function* (transport: Transport["Service"], kind: Kind) {
  const moments: Array<number> = []
  const listener = yield* Effect.orDie(transport.listen({ host: "127.0.0.1", port: 0 }))
  const self = Layer.merge(IdentityMemory.layerFromSeed(TcpNode.seedOf(peer)), SecureRandom.layerWebCrypto)
  const serve = (accepted: Accepted) =>
    Effect.suspend(() => {
      moments.push(performance.now())
      return behaviour(kind, accepted)
    }).pipe(Effect.scoped, Effect.ignore, Effect.provide(self))
  yield* Effect.forkScoped(listener.run(serve), { startImmediately: true })
  const { host, port } = listener.endpoint
  return { moments, address: new Address({ key: TcpNode.keyOf(peer), host, port }) }
})

const scaled = (scale: number): Redial.Policy => {
  const { answeredMillis, baseMillis, capMillis, maxOpenMillis, openMillis, windowMillis, ...others } = Redial.defaults
  return {
    ...others,
    answeredMillis: answeredMillis / scale,
    baseMillis: baseMillis / scale,
    capMillis: capMillis / scale,
    maxOpenMillis: maxOpenMillis / scale,
    openMillis: openMillis / scale,
    windowMillis: windowMillis / scale
  }
}

export const run = Effect.fnUntraced(function* ({ kind, scale, span }: Options) {
  const live: Array<number> = []
  const noted = ({ to }: Noted) => void (to === "active" && live.push(performance.now()))
  const link = { redial: scaled(scale), firstDialDelay: 0 }
  const node = yield* TcpNode.start({ number: dialler, link, observer: { noted } })
  const { address, moments } = yield* listening(node.transport, kind)
  yield* Effect.orDie(node.node.connect(address))
  yield* node.until(() => moments.length > 0)
  yield* Effect.sleep(span / scale)
  const since = (at: number) => Math.round((at - moments[0]!) * scale)
  const [dials, starts] = [moments.map(since), live.map(since)]
  const { started } = node.reading()
  const figures: Figures = {
    kind,
    dials,
    starts,
    sessions: started.inbound + started.outbound,
    inMinute: Math.max(...dials.map((from) => dials.filter((at) => at >= from && at < from + 60_000).length))
  }
  return figures
}, Effect.scoped)
