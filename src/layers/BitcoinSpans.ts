/**
 * Spans of Bitcoin peers: `bitcoin.dial`, `bitcoin.handshake` from the connection to the end of the handshake, `bitcoin.peer` until
 * the end of the connection. Those of one connection are one trace. There are no spans per message.
 *
 * They are made by the tracer of links (`LinkSpans`), and no other.
 */
import { Clock, Context, Effect, Exit, Option, Schema, type Tracer } from "effect"
import type { Ending } from "../protocol/bitcoin/Restarts.ts"
import type { PeerEvent } from "../services/bitcoin/PeerEvent.ts"
import type { Observer } from "../services/bitcoin/PeerObserver.ts"
import type { Counters } from "../services/link/LinkObserver.ts"
import { LinkTracer } from "./LinkSpans.ts"

type Changed = Extract<PeerEvent, { readonly _tag: "Changed" }>

/** Ends that are nobody's failure: a span that ends so is well. */
const proper: ReadonlySet<Ending> = new Set<Ending>(["closed", "self", "unsuitable"])
/** Characters of why it ended; the rest is cut off. */
const longestDetail = 256

interface Traced {
  /** The span of the state that it is in. */
  readonly span: Tracer.Span
  readonly counters: Counters | undefined
  readonly ending: Ending | undefined
}

/** Why a span has the status error. */
class PeerFailed extends Schema.TaggedError<PeerFailed>()("PeerFailed", { detail: Schema.String }) {
  override get message(): string {
    return this.detail
  }
}

const names: Partial<Readonly<Record<Changed["to"], string>>> = {
  Connecting: "bitcoin.dial",
  AwaitingHandshake: "bitcoin.handshake",
  Connected: "bitcoin.peer"
}

const describe = (span: Tracer.Span, attributes: Readonly<Record<string, unknown>>): void => {
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) span.attribute(name, value)
}

const traffic = (counters: Counters | undefined): Readonly<Record<string, unknown>> =>
  counters === undefined
    ? {}
    : {
        "holdfast.messages.in": counters.framesIn,
        "holdfast.messages.out": counters.framesOut,
        "holdfast.bytes.in": counters.bytesIn,
        "holdfast.bytes.out": counters.bytesOut,
        "holdfast.rtt.ms": counters.heartbeat.rttMillis
      }

/** An observer that makes spans with this tracer. */
export const make = (tracer: Tracer.Tracer, nanos: () => bigint): Observer => {
  const open = new Map<number, Traced>()

  const begin = (name: string, { id, kind, remote }: Changed, parent: Tracer.Span | undefined): Tracer.Span => {
    const isFirst = name !== "bitcoin.peer"
    const span = tracer.span({
      name,
      kind: isFirst ? (kind === "Outbound" ? "client" : "server") : "internal",
      parent: Option.fromUndefinedOr(parent),
      root: parent === undefined,
      annotations: Context.empty(),
      links: [],
      startTime: nanos(),
      sampled: true
    })
    describe(span, { "holdfast.connection": id, "holdfast.kind": kind, "network.peer.address": remote })
    return span
  }

  const close = ({ counters, ending, span }: Traced, { detail = "", to }: Changed): void => {
    const said = detail.slice(0, longestDetail)
    describe(span, { "holdfast.end.reason": ending ?? to, "holdfast.end.detail": said, ...traffic(counters) })
    const isWell = ending === undefined ? to === "Disconnected" : proper.has(ending)
    span.end(nanos(), isWell ? Exit.void : Exit.fail(new PeerFailed({ detail: said === "" ? (ending ?? to) : said })))
  }

  const changed = (event: Changed): void => {
    const before = open.get(event.id)
    const name = names[event.to]
    if (name === undefined) {
      open.delete(event.id)
      if (before !== undefined) close(before, event)
      return
    }
    before?.span.end(nanos(), Exit.void)
    const span = begin(name, event, before?.span)
    open.set(event.id, { counters: before?.counters, ending: undefined, span })
  }

  const update = (id: number, change: Partial<Traced>): void => {
    const known = open.get(id)
    if (known !== undefined) open.set(id, { ...known, ...change })
  }

  return {
    told: (event) => (event._tag === "Changed" ? changed(event) : undefined),
    dialling: () => () => {},
    connected: (counters) => update(counters.id, { counters }),
    left: (id, ending) => update(id, { ending }),
    received: () => {},
    sent: () => {},
    missed: () => {}
  }
}

/** The observer that makes spans with the tracer of links, if there is one. */
export const observer: Effect.Effect<Observer | undefined> = Effect.gen(function* () {
  const tracer = yield* LinkTracer
  const clock = yield* Clock.Clock
  return tracer === undefined ? undefined : make(tracer, () => clock.currentTimeNanosUnsafe())
})
