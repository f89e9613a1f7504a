/**
 * The links of one node over a wire without cryptography, whose peers are what a test feeds: for inputs by the ten
 * thousand. Everything above the secure channel is the production code.
 */
import { Context, Effect, Layer, Logger, References } from "effect"
import * as Socket from "effect/socket/Socket"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { ChannelClosed, ChannelFailed, SocketLost } from "../../../src/services/link/ChannelFailure.ts"
import { ended } from "../../../src/services/link/Ended.ts"
import * as HoldfastWire from "../../../src/services/link/HoldfastWire.ts"
import * as LinkConfig from "../../../src/services/link/LinkConfig.ts"
import { Links } from "../../../src/services/link/Links.ts"
import { LinkTap, type Tap } from "../../../src/services/link/LinkTap.ts"
import { Registry } from "../../../src/services/link/Registry.ts"
import { Self } from "../../../src/services/link/Self.ts"
import { SessionHandler } from "../../../src/services/link/Session.ts"
import { type Channel, Wire } from "../../../src/services/link/Wire.ts"

/** What a peer does next: bytes come from it, it does nothing for so long, or it is gone. */
export type Act =
  | { readonly _tag: "Bytes"; readonly bytes: Uint8Array }
  | { readonly _tag: "Waits"; readonly millis: number }
  | { readonly _tag: "Closes" }
  | { readonly _tag: "Breaks" }

/** A connection with a peer that does one thing after the other, and then nothing. */
export class Script implements Channel<ChannelClosed | ChannelFailed> {
  readonly peer: NodeKey
  /** Frames that the node has written. */
  readonly written: Array<Frame.Frame> = []
  readonly socket: Socket.Socket
  readonly #acts: ReadonlyArray<Act>
  readonly #decoder = new Frame.Decoder(Frame.maxOnSession)
  #at = 0

  constructor(peer: NodeKey, acts: ReadonlyArray<Act>) {
    this.peer = peer
    this.#acts = acts
    this.socket = Socket.make({ reader: Effect.never, writer: Effect.never })
  }

  readonly pull: Channel<ChannelClosed | ChannelFailed>["pull"] = (take) =>
    Effect.suspend((): Effect.Effect<void, ChannelClosed | ChannelFailed> => {
      const act = this.#acts[this.#at++]
      switch (act?._tag) {
        case undefined:
          return Effect.never
        case "Bytes": {
          take(Uint8Array.from(act.bytes))
          return Effect.void
        }
        case "Waits":
          return Effect.sleep(act.millis)
        case "Closes":
          return Effect.fail(new ChannelClosed({}))
        case "Breaks":
          return Effect.fail(new ChannelFailed({ reason: new SocketLost({ detail: "broken off" }) }))
      }
    })

  readonly write: Channel<never>["write"] = (chunks) =>
    Effect.sync(() => {
      for (const chunk of chunks) {
        const failed = this.#decoder.feed(chunk, this.written)
        if (failed !== undefined) throw failed
      }
    })

  readonly end = Effect.void
}

export interface PlainLinks {
  /** Serves a connection to its end. */
  readonly serve: (script: Script, direction: "inbound" | "outbound") => ReturnType<Links["Service"]["serve"]>
  readonly registry: Registry["Service"]
  readonly links: Links["Service"]
  /** Everything of level Warn and above. */
  readonly log: ReadonlyArray<string>
}

export interface Options {
  readonly self: Self["Service"]
  readonly handler: SessionHandler["Service"]
  readonly config: LinkConfig.Config
  readonly tap?: Tap | undefined
}

/** In the clock of whoever runs it. */
export const make = Effect.fnUntraced(function* ({ config, handler, self, tap }: Options) {
  const scripts = new WeakMap<Socket.Socket, Script>()
  const log: Array<string> = []
  const logger = Logger.make<unknown, void>(({ message }) => void log.push(String(message)))
  const wire = Layer.succeed(Wire, {
    name: "plain",
    open: (socket) =>
      Effect.suspend(() => {
        const script = scripts.get(socket)
        return script === undefined
          ? Effect.die(new Error("a socket of nobody"))
          : Effect.succeed({ peer: script.peer, channel: script })
      }),
    describe: (error) => {
      if (error instanceof ChannelClosed) return ended("closed", error.message)
      return ended("network", error.message)
    },
    offence: () => undefined,
    ...HoldfastWire.framing
  })
  const layer = Links.layer.pipe(
    Layer.provideMerge(Registry.layer),
    Layer.provide([wire, Layer.succeed(SessionHandler, handler), Layer.succeed(Self, self)])
  )
  const surroundings = Context.empty().pipe(
    Context.add(LinkConfig.LinkConfig, config),
    Context.add(LinkTap, tap),
    Context.add(Logger.CurrentLoggers, new Set([logger])),
    Context.add(References.MinimumLogLevel, "Warn")
  )
  const context = yield* Effect.provide(Layer.build(Layer.fresh(layer)), surroundings)
  const links = Context.get(context, Links)
  const plain: PlainLinks = {
    serve: (script, direction) => {
      scripts.set(script.socket, script)
      const from = { direction, remote: "10.0.0.1:1", host: "10.0.0.1" }
      return Effect.provide(
        links.serve(script.socket, direction === "inbound" ? from : { ...from, expected: script.peer }),
        surroundings
      )
    },
    registry: Context.get(context, Registry),
    links,
    log
  }
  return plain
})
