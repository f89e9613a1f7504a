/**
 * What an event of a trace says, in words, and whom it concerns. A kind that is not known here says its facts as they are.
 */
import type { TraceEvent } from "../world/Trace.ts"

/** What an event is about: how it is drawn, and its colour. */
export type Family = "network" | "session" | "message" | "database" | "process" | "fault" | "property" | "other"

type Facts = (key: string) => string

interface Kind {
  readonly family: Family
  /** The fact that names the other node. */
  readonly other?: string
  readonly says: (of: Facts, other: string) => string
}

/** A part that is left out when its fact is missing. */
const part = (before: string, value: string, after = ""): string => (value === "" ? "" : before + value + after)

const life = (of: Facts): string => part(", life ", of("life"))

const connection = (of: Facts): string => part("connection ", of("connection") || of("id")) || "a connection"

/** Messages have an id, or a number among those of their sender. */
const message = (of: Facts): string => `message ${of("id") || of("n")}`

/** Faults are counted from 1, in the order of their plan. */
const faultNumber = (of: Facts): string => (/^\d+$/.test(of("entry")) ? `fault ${Number(of("entry")) + 1}` : "a fault")

const faultWords = (of: Facts): string => part(": ", of("words") || of("fault"))

const touched = (of: Facts): string => (of("touched") === "0" ? " and had no effect" : "")

const on = (family: Family, says: Kind["says"], other?: string): Kind =>
  other === undefined ? { family, says } : { family, says, other }

const kinds: ReadonlyMap<string, Kind> = new Map([
  ["listening", on("network", (of) => `listens on port ${of("port")}`)],
  ["dial", on("network", (_, other) => `dials ${other}`, "to")],
  ["connected", on("network", (of, other) => `is connected to ${other}, ${connection(of)}`, "to")],
  ["dial-failed", on("network", (of, other) => `cannot reach ${other}${part(": ", of("reason"))}`, "to")],
  ["closed", on("network", (of, other) => `closes ${connection(of)} with ${other}`, "with")],
  ["reset", on("network", (of, other) => `resets ${connection(of)} with ${other}`, "with")],
  ["session", on("session", (of, other) => `has session ${of("number")} with ${other}`, "peer")],
  [
    "session-ended",
    on("session", (of, other) => `no longer has a session with ${other}${part(": ", of("reason"))}`, "peer")
  ],
  ["frame", on("message", (of, other) => `${of("kind")} to ${other}${part(", ", of("bytes"), " bytes")}`, "to")],
  ["sent", on("message", (of, other) => `sends ${message(of)} to ${other}`, "to")],
  ["effect", on("message", (of, other) => `${message(of)} of ${other} takes effect`, "from")],
  ["concluded", on("message", (of, other) => `${message(of)} to ${other} is concluded: ${of("outcome")}`, "to")],
  ["commit", on("database", (of) => `commit ${of("n")}`)],
  ["fault", on("fault", (of) => `${faultNumber(of)}${faultWords(of)}`)],
  ["fault-over", on("fault", (of) => `${faultNumber(of)} is over${touched(of)}${faultWords(of)}`)],
  ["quiet", on("fault", () => "no more faults: everything has to come right")],
  ["impaired", on("fault", (of) => `the network is impaired: ${of("what")}`)],
  ["relieved", on("fault", (of) => `the network is relieved: ${of("what")}`)],
  ["healed", on("fault", () => "the network is healed")],
  ["silenced", on("fault", (of) => `connections that fall silent: ${of("connections")}`)],
  ["severed", on("fault", (of) => `connections that are severed: ${of("connections")}${part(", with ", of("how"))}`)],
  ["moved", on("fault", (of) => `${of("node")} moves to ${of("to")}`)],
  ["ghost", on("fault", (of) => `what ${of("from")} sent to ${of("to")} comes again`)],
  ["start", on("process", (of) => `starts${life(of)}`)],
  ["kill", on("process", (of) => `is killed${life(of)}`)],
  ["stop", on("process", (of) => `is asked to stop${life(of)}`)],
  ["ended", on("process", (of) => `has ended${life(of)}${part(": ", of("words"))}`)],
  ["users failed", on("process", (of) => `its users fail${part(": ", of("words"))}`)],
  ["pause", on("process", (of) => `is paused${life(of)}`)],
  ["resume", on("process", (of) => `goes on${life(of)}`)],
  ["property", on("property", (of) => `${of("verdict") || "?"}: ${of("name")}${part(": ", of("words"))}`)],
  ["verdict", on("property", (of) => of("words"))],
  ["log", on("other", (of) => `${of("level")}: ${of("message")}`)]
])

/** The message that an event is about: unique among those of its sender to one receiver. */
export const messageOf = (event: TraceEvent): string => fact(event, "id") || fact(event, "n")

/** A fact of an event as text; "" if it has none of that name. */
export const fact = ({ detail }: TraceEvent, key: string): string =>
  Object.hasOwn(detail, key) ? String(detail[key]) : ""

export const familyOf = ({ kind }: TraceEvent): Family => kinds.get(kind)?.family ?? "other"

/** The other node that an event is about, or an endpoint of it, as the event names it. */
export const otherOf = (event: TraceEvent): string | undefined => {
  const key = kinds.get(event.kind)?.other
  return key === undefined ? undefined : fact(event, key) || undefined
}

/**
 * What happened, without its time and node.
 *
 * @param other the other node, if it is known
 */
export const describe = (event: TraceEvent, other = otherOf(event) ?? "somebody"): string =>
  kinds.get(event.kind)?.says((key) => fact(event, key), other) ??
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
