/**
 * Who is kept out, and for how long (docs/PROTOCOL.md, 4.4).
 *
 * Only what nobody honest sends bans: never a rate, nothing that was asked for, nothing that somebody on the path could
 * have caused. A key answers for what it has proven to have sent; a host answers for strangers, and has more than one
 * try. Pure: times are milliseconds since 1970 and come with the call.
 */
import { Effect, Result, Schema, SchemaGetter, SchemaIssue } from "effect"
import { hostOf, parseHost } from "../HostNetwork.ts"
import { NodeKey } from "../NodeKey.ts"

/** Whom a ban is about: a node key, or a host as `HostNetwork` writes it. */
export const Subject = Schema.String.check(
  Schema.isPattern(/^[\x21-\x7e]{1,255}$/, { message: "a ban is about a node key or a host" })
).pipe(Schema.brand("BanSubject"))
export type Subject = typeof Subject.Type

export const ofPeer = (peer: NodeKey): Subject => Subject.make(peer)
export const ofHost = (host: string): Subject => Subject.make(hostOf(host))

const isKey = Schema.is(NodeKey)
/** The node that a ban is about, unless it is about a host. */
export const peerOf = (subject: Subject): NodeKey | undefined => (isKey(subject) ? subject : undefined)

/** Reads what an operator types: a whole node key, an IP address, or the /64 of one. */
export const parseSubject = (text: string): Subject | undefined => {
  const key = text.trim().toLowerCase()
  if (isKey(key)) return ofPeer(key)
  const host = parseHost(text)
  return host === undefined ? undefined : ofHost(host)
}

/** A text that is nobody whom one could ban; `problem` says why, and what to write. */
export class SubjectInvalid extends Schema.TaggedError<SubjectInvalid>()("SubjectInvalid", {
  text: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `${JSON.stringify(this.text.slice(0, 80))} cannot be banned: ${this.problem}`
  }
}

const forms = "give the key of a node, an IP address, or the /64 of an IPv6 address"

/** The hosts of the addresses that stand for every one of a machine. That of `::` is the host of `::1` too. */
const nobodys: ReadonlySet<Subject> = new Set(["0.0.0.0", "::"].map(ofHost))

/**
 * The same, of whom one can ban. Not an address with a zone: the host would be everybody's on every interface. Nor a
 * host that is nobody's, however it is written. What was banned before can be lifted whatever it is.
 */
export const readSubject = (text: string): Result.Result<Subject, SubjectInvalid> => {
  const invalid = (problem: string) => Result.fail(new SubjectInvalid({ text, problem }))
  const subject = parseSubject(text)
  if (subject === undefined) return invalid(forms)
  if (text.includes("%")) return invalid("give the address without the zone; its /64 is banned on every interface")
  return nobodys.has(subject)
    ? invalid(`${subject} stands for every address of a machine, or itself, and is nobody's; ${forms}`)
    : Result.succeed(subject)
}

const fromText = (read: (text: string) => Result.Result<Subject, string>) =>
  Schema.String.pipe(
    Schema.decodeTo(Subject, {
      decode: SchemaGetter.transformEffect((text: string) =>
        Effect.mapError(Effect.fromResult(read(text)), (message) => new SchemaIssue.InvalidValue({ message }))
      ),
      encode: SchemaGetter.transform((subject) => subject)
    })
  )

/** The schema of a subject as somebody types it, for arguments and HTTP bodies. */
export const SubjectFromString = fromText((text) => Result.fromNullishOr(parseSubject(text), () => forms))

/** The same, of whom one can ban. */
export const BannableFromString = fromText((text) => Result.mapError(readSubject(text), ({ message }) => message))

export const Ban = Schema.Struct({
  subject: Subject,
  /** `rule`: by an offence. `operator`: somebody asked for it. */
  by: Schema.Literals(["rule", "operator"]),
  /** One sentence. */
  reason: Schema.String,
  since: Schema.Int,
  /** Absent: until it is lifted. */
  until: Schema.optionalKey(Schema.Int),
  /** How often in a row an offence has banned it, this time included; 0 if none has. */
  times: Schema.Int
})
export type Ban = typeof Ban.Type

/**
 * What bans. Those of a key were opened with that key's record keys, so that nobody else can have sent them; those of a
 * host came before any key was proven.
 */
export const offences = {
  "oversized-frame": { of: "key", what: "it announced a frame above the limit" },
  "impossible-number": { of: "key", what: "it claimed a session number that there cannot be" },
  "bad-signature": { of: "key", what: "it vouched for something whose signature is wrong" },
  "wrong-magic": { of: "host", what: "it does not speak this protocol" },
  "oversized-handshake": { of: "host", what: "it announced a handshake message above the limit" },
  "bitcoin-network": { of: "host", what: "it is on another Bitcoin network", millis: 86_400_000 },
  "bitcoin-agent": { of: "host", what: "its user agent is not wanted", millis: 86_400_000 },
  "bitcoin-misbehaviour": { of: "host", what: "it has broken the rules of Bitcoin's nodes", millis: 86_400_000 }
} as const satisfies Record<string, OffenceKind>
export type Offence = keyof typeof offences

interface OffenceKind {
  readonly of: "key" | "host"
  readonly what: string
  /** How long a ban lasts at the least. Such an offence is no accident: it bans at the first time. */
  readonly millis?: number
}

/** How long a ban for it lasts at the least, in milliseconds, where it bans at the first time. */
export const leastMillis = (offence: Offence): number | undefined => {
  const kind: OffenceKind = offences[offence]
  return kind.millis
}

export interface Policy {
  /** The first ban of a subject. */
  readonly firstMillis: number
  /** Each in a row lasts twice as long as the one before, up to this. */
  readonly longestMillis: number
  /** A subject that has behaved for this long after the end of its ban begins anew. */
  readonly memoryMillis: number
  /** What a host is allowed before it is banned: a stray program, a damaged byte. */
  readonly tries: { readonly burst: number; readonly perSecond: number }
  /** Hosts whose tries are remembered. */
  readonly maxTried: number
  /** Bans kept at once, those that are over but remembered among them. */
  readonly maxBans: number
}

export const defaults: Policy = {
  firstMillis: 600_000,
  longestMillis: 86_400_000,
  memoryMillis: 86_400_000,
  tries: { burst: 2, perSecond: 2 / 600 },
  maxTried: 4_096,
  maxBans: 10_000
}

/**
 * Whether the ban is in force. One by rule is over when the clock was set back to before it began: it would last too
 * long otherwise.
 */
export const isActive = ({ by, since, until }: Ban, now: number): boolean =>
  until === undefined || (now < until && (by === "operator" || now >= since))

/** Whether nothing is left to know of it: neither in force nor a reason for a longer one. */
export const isForgotten = (policy: Policy, ban: Ban, now: number): boolean =>
  !isActive(ban, now) && (ban.times === 0 || ban.until === undefined || now >= ban.until + policy.memoryMillis)

/** How often in a row a subject was banned, by what is known of it. */
const countOf = (policy: Policy, known: Ban | undefined, now: number): number =>
  known === undefined || isForgotten(policy, known, now) ? 0 : known.times

/** The ban after an offence. One that is in force stays as it is: several connections may offend at once. */
export const offended = (
  policy: Policy,
  subject: Subject,
  known: Ban | undefined,
  reason: string,
  now: number,
  leastMillis = 0
): Ban => {
  if (known !== undefined && isActive(known, now)) return known
  const before = countOf(policy, known, now)
  const lasts = Math.max(leastMillis, Math.min(policy.longestMillis, policy.firstMillis * 2 ** Math.min(before, 30)))
  return { subject, by: "rule", reason, since: now, until: now + lasts, times: before + 1 }
}

/** The ban that an operator asks for: until it is lifted, or for so many milliseconds. What was known stays known. */
export const ordered = (
  policy: Policy,
  subject: Subject,
  known: Ban | undefined,
  { forMillis, reason }: { readonly reason: string; readonly forMillis?: number | undefined },
  now: number
): Ban => ({
  subject,
  by: "operator",
  reason,
  since: now,
  ...(forMillis === undefined ? {} : { until: now + forMillis }),
  times: countOf(policy, known, now)
})

/**
 * Which bans to drop where there are more than are kept: the forgotten ones, else some by rule, first those that are
 * over, then those that end soonest. Never one of an operator's. More than are too many go, so that a crowd is not
 * gone through for each newcomer.
 */
export const crowdedOut = (policy: Policy, bans: ReadonlyArray<Ban>, now: number): ReadonlyArray<Subject> => {
  if (bans.length <= policy.maxBans) return []
  const room = policy.maxBans - Math.ceil(policy.maxBans / 16)
  const forgotten = bans.filter((ban) => isForgotten(policy, ban, now))
  const remembered = bans.filter((ban) => !isForgotten(policy, ban, now))
  const end = (ban: Ban): number => (isActive(ban, now) ? (ban.until ?? Infinity) : -Infinity)
  const soonest = remembered
    .filter((ban) => ban.by === "rule" || !isActive(ban, now))
    .toSorted((a, b) => end(a) - end(b))
    .slice(0, Math.max(0, remembered.length - room))
  return [...forgotten, ...soonest].map(({ subject }) => subject)
}
