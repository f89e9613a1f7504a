/**
 * What an event of a trace says, in words, and whom it concerns. A kind that is not known here says its facts as they are.
 */
import type { TraceEvent } from "../world/Trace.ts"

/** What an event is about: how it is drawn, and its colour. */
export type Family = "network" | "session" | "message" | "database" | "process" | "fault" | "property" | "other"

interface Kind {
  readonly family: Family
  /** The fact that names the other node. */
  readonly other?: string
  readonly says: (fact: (key: string) => string) => string
}

/** A part that is left out when its fact is missing. */
const part = (before: string, value: string): string => (value === "" ? "" : `${before}${value}`)

/** Faults are counted from 1, in the order of their plan. */
const faultNumber = (of: (key: string) => string): string =>
  /^\d+$/.test(of("entry")) ? `fault ${Number(of("entry")) + 1}` : "fault"

const faultWords = (of: (key: string) => string): string => of("words") || of("fault") || "no words"

const touched = (of: (key: string) => string): string => (of("touched") === "0" ? " and had no effect" : "")

const kinds: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ["dial", { family: "network", other: "to", says: (of) => `dials ${of("to")}` }],
  [
    "connected",
    { family: "network", other: "to", says: (of) => `is connected to ${of("to")}${part(", connection ", of("id"))}` }
  ],
  [
    "dial-failed",
    { family: "network", other: "to", says: (of) => `cannot reach ${of("to")}${part(": ", of("reason"))}` }
  ],
  [
    "closed",
    { family: "network", other: "with", says: (of) => `closes connection ${of("id")}${part(" with ", of("with"))}` }
  ],
  [
    "reset",
    { family: "network", other: "with", says: (of) => `resets connection ${of("id")}${part(" with ", of("with"))}` }
  ],
  ["session", { family: "session", other: "peer", says: (of) => `has session ${of("number")} with ${of("peer")}` }],
  [
    "session-ended",
    {
      family: "session",
      other: "peer",
      says: (of) => `no longer has a session with ${of("peer")}${part(": ", of("reason"))}`
    }
  ],
  [
    "frame",
    {
      family: "message",
      other: "to",
      says: (of) => `${of("kind")} to ${of("to") || "somebody"}${part(", ", of("bytes") && `${of("bytes")} bytes`)}`
    }
  ],
  ["sent", { family: "message", other: "to", says: (of) => `sends message ${of("id")} to ${of("to")}` }],
  ["effect", { family: "message", other: "from", says: (of) => `message ${of("id")} of ${of("from")} takes effect` }],
  ["commit", { family: "database", says: (of) => `commit ${of("n")}` }],
  ["fault", { family: "fault", says: (of) => `${faultNumber(of)}: ${faultWords(of)}` }],
  ["fault-over", { family: "fault", says: (of) => `${faultNumber(of)} is over${touched(of)}: ${faultWords(of)}` }],
  ["quiet", { family: "fault", says: () => "no more faults: everything has to come right" }],
  ["start", { family: "process", says: (of) => `starts${part(", life ", of("life"))}` }],
  ["kill", { family: "process", says: (of) => `is killed${part(", life ", of("life"))}` }],
  ["stop", { family: "process", says: (of) => `is asked to stop${part(", life ", of("life"))}` }],
  ["ended", { family: "process", says: (of) => `has ended${part(", life ", of("life"))}${part(": ", of("words"))}` }],
  ["pause", { family: "process", says: (of) => `is paused${part(", life ", of("life"))}` }],
  ["resume", { family: "process", says: (of) => `goes on${part(", life ", of("life"))}` }],
  [
    "property",
    { family: "property", says: (of) => `${of("verdict") || "?"}: ${of("name")}${part(": ", of("words"))}` }
  ],
  ["verdict", { family: "property", says: (of) => of("words") }],
  ["log", { family: "other", says: (of) => `${of("level")}: ${of("message")}` }]
])

/** A fact of an event as text; "" if it has none of that name. */
export const fact = ({ detail }: TraceEvent, key: string): string =>
  Object.hasOwn(detail, key) ? String(detail[key]) : ""

export const familyOf = ({ kind }: TraceEvent): Family => kinds.get(kind)?.family ?? "other"

/** The other node that an event is about. */
export const otherOf = (event: TraceEvent): string | undefined => {
  const key = kinds.get(event.kind)?.other
  return key === undefined ? undefined : fact(event, key) || undefined
}

/** What happened, without its time and node. */
export const describe = (event: TraceEvent): string =>
  kinds.get(event.kind)?.says((key) => fact(event, key)) ??
  [event.kind, ...Object.entries(event.detail).map(([key, value]) => `${key}=${String(value)}`)].join(" ")

/** Microseconds as seconds, to the microsecond. */
export const moment = (micros: number): string => (micros / 1_000_000).toFixed(6)

/** A stretch of time, in the unit that suits it. */
export const stretch = (micros: number): string => {
  if (micros < 1_000) return `${Math.round(micros)} µs`
  if (micros < 1_000_000) return `${Number((micros / 1_000).toPrecision(3))} ms`
  if (micros < 600_000_000) return `${Number((micros / 1_000_000).toPrecision(3))} s`
  return micros < 172_800_000_000
    ? `${Number((micros / 60_000_000).toPrecision(3))} min`
    : `${Number((micros / 86_400_000_000).toPrecision(3))} days`
}
