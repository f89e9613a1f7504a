/**
 * Spans of links: `link.dial`, `link.handshake` from the open socket to the session, `link.session` until its end. A
 * dial, what it led to and the session are one trace. There are no spans per message.
 *
 * They are made by the tracer of `LinkTracer` and no other, so that giving links a tracer traces nothing else.
 */
import { Clock, Context, Effect, Exit, Option, Schema, type Tracer } from "effect"
import type { NodeKey } from "../protocol/NodeKey.ts"
import type { Ended, EndReason } from "../services/link/Ended.ts"
import type { Counters, Noted, Observer } from "../services/link/LinkObserver.ts"

/** Who makes the spans of links; without one there are none. */
export const LinkTracer = Context.Reference<Tracer.Tracer | undefined>("holdfast/layers/LinkSpans/LinkTracer", {
  defaultValue: () => undefined
})

/** Ends that are nobody's failure: a span that ends so is well. */
const proper: ReadonlySet<EndReason> = new Set(["goodbye", "shutdown", "replaced", "closed", "refused", "rejected"])
/** Dials that connected and whose connection has not been seen yet, at the most. */
const maxConnected = 256

interface Traced {
  readonly handshake: Tracer.Span
  session: Tracer.Span | undefined
  counters: Counters | undefined
}

/** Why a span has the status error. */
class LinkFailed extends Schema.TaggedError<LinkFailed>()("LinkFailed", {
  reason: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail === "" ? this.reason : `${this.reason}: ${this.detail}`
  }
}

const failed = (reason: string, detail: string) => Exit.fail(new LinkFailed({ reason, detail }))

const place = (endpoint: string): Readonly<Record<string, string | number>> => {
  const colon = endpoint.lastIndexOf(":")
  return {
    "server.address": endpoint.slice(0, colon).replace(/^\[|\]$/g, ""),
    "server.port": Number(endpoint.slice(colon + 1))
  }
}

const describe = (span: Tracer.Span, attributes: Readonly<Record<string, unknown>>): void => {
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) span.attribute(name, value)
}

/** An observer that makes spans with this tracer. */
export const make = (tracer: Tracer.Tracer, nanos: () => bigint): Observer => {
  const connected = new Map<string, Tracer.Span>()
  const open = new Map<number, Traced>()

  const begin = (name: string, kind: Tracer.SpanKind, parent: Tracer.Span | undefined): Tracer.Span =>
    tracer.span({
      name,
      kind,
      parent: Option.fromUndefinedOr(parent),
      root: parent === undefined,
      annotations: Context.empty(),
      links: [],
      startTime: nanos(),
      sampled: true
    })

  const opening = ({ connection, direction, peer, remote }: Noted): void => {
    const dial = direction === "outbound" ? connected.get(remote) : undefined
    connected.delete(remote)
    const handshake = begin("link.handshake", direction === "outbound" ? "client" : "server", dial)
    describe(handshake, {
      "holdfast.connection": connection,
      "holdfast.direction": direction,
      "holdfast.peer": peer,
      "network.peer.address": remote
    })
    open.set(connection, { handshake, session: undefined, counters: undefined })
  }

  const active = (traced: Traced, { connection, direction, peer, remote, session }: Noted): void => {
    traced.handshake.end(nanos(), Exit.void)
    traced.session = begin("link.session", "internal", traced.handshake)
    describe(traced.session, {
      "holdfast.connection": connection,
      "holdfast.direction": direction,
      "holdfast.peer": peer,
      "holdfast.session": session === undefined ? undefined : String(session),
      "network.peer.address": remote
    })
  }

  const closed = ({ counters, handshake, session }: Traced, { detail, reason }: Ended): void => {
    const span = session ?? handshake
    describe(span, { "holdfast.end.reason": reason, "holdfast.end.detail": detail, ...traffic(counters) })
    span.end(nanos(), proper.has(reason) ? Exit.void : failed(reason, detail))
  }

  return {
    dialling: (endpoint) => {
      const span = begin("link.dial", "client", undefined)
      describe(span, { ...place(endpoint), "network.transport": "tcp" })
      return (result) => {
        describe(span, { "holdfast.dial.result": result })
        span.end(nanos(), result === "connected" || result === "interrupted" ? Exit.void : failed(result, ""))
        if (result !== "connected") return
        if (connected.size >= maxConnected) connected.clear()
        connected.set(endpoint, span)
      }
    },
    entered: (_: NodeKey, connection) => {
      const traced = open.get(connection.id)
      if (traced !== undefined) traced.counters = connection
    },
    left: () => {},
    noted: (transition) => {
      if (transition.to === "opening") return opening(transition)
      const traced = open.get(transition.connection)
      if (traced === undefined) return
      if (transition.to === "candidate") describe(traced.handshake, { "holdfast.peer": transition.peer })
      else if (transition.to === "active" || transition.to === "lane") active(traced, transition)
      else {
        open.delete(transition.connection)
        closed(traced, { reason: transition.reason ?? "internal", detail: transition.detail ?? "" })
      }
    }
  }
}

const traffic = (counters: Counters | undefined): Readonly<Record<string, unknown>> =>
  counters === undefined
    ? {}
    : {
        "holdfast.frames.in": counters.framesIn,
        "holdfast.frames.out": counters.framesOut,
        "holdfast.bytes.in": counters.bytesIn,
        "holdfast.bytes.out": counters.bytesOut,
        "holdfast.rtt.ms": counters.heartbeat.rttMillis
      }

/** The observer that makes spans with the tracer of `LinkTracer`, if there is one. */
export const observer: Effect.Effect<Observer | undefined> = Effect.gen(function* () {
  const tracer = yield* LinkTracer
  const clock = yield* Clock.Clock
  return tracer === undefined ? undefined : make(tracer, () => clock.currentTimeNanosUnsafe())
})
