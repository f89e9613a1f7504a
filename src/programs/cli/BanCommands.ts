/**
 * `holdfast ban`, `unban` and `bans`: whom the node keeps out, for how long and why.
 */
import { Clock, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { ofPeer, parseSubject, peerOf as peerIn, readSubject } from "../../protocol/link/Ban.ts"
import { NodeKey, short } from "../../protocol/NodeKey.ts"
import { BanReason, type BanView, longestBan } from "../http/Models.ts"
import { duration } from "../SettingValue.ts"
import { ask, PeerAmbiguous, peerOf } from "./Client.ts"
import { print } from "./Root.ts"
import { ahead, ago, lasting, printable, table } from "./Table.ts"

/** What was given is neither a node nor a host. */
export class SubjectUnknown extends Schema.TaggedError<SubjectUnknown>()("SubjectUnknown", { text: Schema.String }) {
  override get message(): string {
    return (
      `"${printable(this.text)}" is neither a node nor an IP address: give the key of a node, the beginning of a ` +
      `peer's key, an IPv4 or IPv6 address, or the /64 of an IPv6 address.`
    )
  }
}

/** Nobody is banned whose key begins so. */
export class NotBanned extends Schema.TaggedError<NotBanned>()("NotBanned", { prefix: Schema.String }) {
  override get message(): string {
    return `Nobody is banned whose key begins with "${this.prefix}". See who is with: holdfast bans`
  }
}

const isPrefix = (text: string): boolean => /^[0-9a-f]{1,64}$/i.test(text)
const isKey = Schema.is(NodeKey)
/** As short as people tell it apart. */
const named = (subject: string): string => (isKey(subject) ? short(subject) : subject)

/** Whom the operator means by a text: a whole key or a host, or what `find` finds for the beginning of a key. */
const subjectOf = Effect.fnUntraced(function* <E, R>(
  text: string,
  find: (prefix: string) => Effect.Effect<NodeKey, E, R>
) {
  const subject = parseSubject(text)
  if (subject !== undefined) return subject
  return isPrefix(text) ? ofPeer(yield* find(text.toLowerCase())) : yield* new SubjectUnknown({ text })
})

/** The banned key that begins so; it need not be a peer's. */
const bannedOf = Effect.fnUntraced(function* (prefix: string) {
  const bans = yield* ask((client) => client.bans())
  const keys = bans.flatMap(({ subject }) => peerIn(subject) ?? []).filter((key) => key.startsWith(prefix))
  const [only] = keys
  if (only === undefined) return yield* new NotBanned({ prefix })
  return keys.length === 1 ? only : yield* new PeerAmbiguous({ prefix, peers: keys.slice(0, 8) })
})

const who = (description: string) => Argument.String("key|ip").pipe(Argument.withDescription(description))

const sentence =
  (now: number) =>
  ({ subject, until }: BanView): string =>
    until === undefined
      ? `${named(subject)} is banned until you lift it with: holdfast unban ${named(subject)}`
      : `${named(subject)} is banned for ${lasting(until - now)}.`

export const BanCommand = Command.make(
  "ban",
  {
    subject: who("The key of a node or the beginning of a peer's, or an IP address; of IPv6 its /64 is banned"),
    for: Flag.String("for").pipe(
      Flag.withMetavar("<duration>"),
      Flag.withDescription("For how long, such as 30m, 12h or 7d; until it is lifted if left out"),
      Flag.withSchema(duration(1_000, longestBan)),
      Flag.optional
    ),
    reason: Flag.String("reason").pipe(
      Flag.withMetavar("<text>"),
      Flag.withDescription("Why, for those who look at the list and for the peer"),
      Flag.withSchema(BanReason),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* (given) {
    // What is no node may still be the beginning of a key; what is an address has to be somebody's.
    if (parseSubject(given.subject) !== undefined) yield* Effect.fromResult(readSubject(given.subject))
    const subject = yield* subjectOf(given.subject, peerOf)
    const forMillis = Option.isSome(given.for) ? { forMillis: given.for.value } : {}
    const reason = Option.isSome(given.reason) ? { reason: given.reason.value } : {}
    const ban = yield* ask((client) => client.ban({ payload: { subject, ...reason, ...forMillis } }))
    yield* print(ban, sentence(yield* Clock.currentTimeMillis))
  })
).pipe(
  Command.withDescription("Keep a node or a host out, and end the sessions with it; what is owed to it stays owed"),
  Command.withExamples([
    { command: "holdfast ban 3f2a91c0 --for 1h --reason spam" },
    { command: "holdfast ban 203.0.113.7", description: "Every node of that address, until it is lifted" }
  ])
)

export const UnbanCommand = Command.make(
  "unban",
  { subject: who("The key that is banned or the beginning of it, or the IP address") },
  Effect.fnUntraced(function* (given) {
    const subject = yield* subjectOf(given.subject, bannedOf)
    const lifted = yield* ask((client) => client.unban({ params: { subject } }))
    yield* print(lifted, () => `${named(subject)} may connect again.`)
  })
).pipe(
  Command.withDescription("Let a node or a host in again, and forget its former bans"),
  Command.withExamples([{ command: "holdfast unban 3f2a91c0" }])
)

const banTable = (now: number) => (bans: ReadonlyArray<BanView>) =>
  bans.length === 0
    ? "Nobody is banned."
    : table(
        ["WHO", "BY", "SINCE", "ENDS", "TIMES", "WHY"],
        bans.map(({ by, reason, since, subject, times, until }) => [
          named(subject),
          by,
          ago(since, now),
          until === undefined ? "when lifted" : ahead(until, now),
          times === 0 ? "" : String(times),
          printable(reason)
        ])
      )

export const BansCommand = Command.make(
  "bans",
  {},
  Effect.fnUntraced(function* () {
    const bans = yield* ask((client) => client.bans())
    yield* print(bans, banTable(yield* Clock.currentTimeMillis))
  })
).pipe(
  Command.withDescription("Show who is kept out: by whom, since when, for how long and why"),
  Command.withExamples([{ command: "holdfast bans" }, { command: "holdfast bans --json" }])
)
