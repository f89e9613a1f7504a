/**
 * Who is kept out (docs/PROTOCOL.md, 4.4): told of offences and of what operators want, asked for every connection.
 *
 * All bans are in memory, so that asking costs a look-up, and in the database, so that they outlast the process. One is
 * in force at once; it is written as soon as the database takes it. A new one ends the connections that it is about.
 */
import { Clock, Context, Effect, FiberSet, Latch, Layer, Schema, Semaphore } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { isLoopback } from "../../protocol/Address.ts"
import { hostOf } from "../../protocol/HostNetwork.ts"
import * as Ban from "../../protocol/link/Ban.ts"
import { TokenBuckets } from "../../protocol/link/TokenBuckets.ts"
import { type NodeKey, short } from "../../protocol/NodeKey.ts"
import { BanStore } from "./BanStore.ts"
import { PeerBook } from "./PeerBook.ts"
import type { Connection } from "./Connection.ts"
import { type Known, Registry } from "./Registry.ts"

/** The figures of bans. */
export const BanPolicy = Context.Reference<Ban.Policy>("holdfast/services/link/Bans/BanPolicy", {
  defaultValue: () => Ban.defaults
})

/** As many bans as are kept are those of operators: one has to be lifted first. */
export class BansFull extends Schema.TaggedError<BansFull>()("BansFull", { limit: Schema.Int }) {
  override get message(): string {
    return `${this.limit} bans of operators are in force, which is the limit`
  }
}

/** Who has done something: the key is proven, the host is where the connection came from. */
export interface Offender {
  readonly peer?: NodeKey | undefined
  readonly host?: string | undefined
}

export class Bans extends Context.Service<
  Bans,
  {
    /** The ban on this key that is in force. */
    readonly ofPeer: (peer: NodeKey) => Ban.Ban | undefined
    /** The ban on the host of this IP address that is in force. */
    readonly ofHost: (ip: string) => Ban.Ban | undefined
    /**
     * Something happened that bans. Returns at once. Nothing comes of it for a wanted peer, for the hosts of loopback, and
     * for a host that has tries left. A key that offends from loopback is banned as any other.
     */
    readonly report: (offence: Ban.Offence, by: Offender, detail: string) => void
    /**
     * Bans until it is lifted, or for so many milliseconds. In force at once, also if it then fails because it could not
     * be written; it is tried again.
     */
    readonly order: (
      subject: Ban.Subject,
      order: { readonly reason: string; readonly forMillis?: number | undefined }
    ) => Effect.Effect<Ban.Ban, BansFull | SqlError>
    /** Lifts a ban and forgets those before it. False if there is none in force. Fails as `order` does. */
    readonly lift: (subject: Ban.Subject) => Effect.Effect<boolean, SqlError>
    /** Those in force, the newest first. */
    readonly list: () => ReadonlyArray<Ban.Ban>
  }
>()("holdfast/services/link/Bans") {
  static readonly layer: Layer.Layer<Bans, SqlError, BanStore | PeerBook | Registry> = Layer.effect(
    Bans,
    Effect.flatMap(Registry, ({ connections }) => make(connections))
  )
}

/** What a ban needs of an open connection: whose it is, the IP address at the other end, and its end. */
export interface Closable extends Pick<Known, "peer" | "keepOut"> {
  readonly connection: Pick<Connection, "host">
}

/** Characters of a reason; the rest is cut off. */
const longestReason = 200
/** How long to wait before writing again after a failure, in milliseconds. */
const writeAgain = 5_000
/** How long the last write may take when the node stops, in milliseconds. */
const lastWrite = 1_000
/** Bans of one statement. */
const writtenAtOnce = 1_000

/** The bans of a node that are to be written, and the writing. */
const writing = (store: BanStore["Service"], bans: ReadonlyMap<Ban.Subject, Ban.Ban>) => {
  const changed = new Set<Ban.Subject>()
  const some = Latch.makeUnsafe(false)
  const turn = Semaphore.makeUnsafe(1)

  const writeSome = Effect.gen(function* () {
    const subjects = [...changed].slice(0, writtenAtOnce)
    const written = subjects.map((subject) => [subject, bans.get(subject)] as const)
    const there = written.flatMap(([, ban]) => (ban === undefined ? [] : [ban]))
    const gone = written.flatMap(([subject, ban]) => (ban === undefined ? [subject] : []))
    if (there.length > 0) yield* store.put(there)
    if (gone.length > 0) yield* store.remove(gone)
    for (const [subject, ban] of written) if (bans.get(subject) === ban) changed.delete(subject)
  })
  const write = turn.withPermit(
    Effect.whileLoop({ while: () => changed.size > 0, body: () => writeSome, step: () => undefined })
  )

  return {
    /** This one has changed. */
    note: (subject: Ban.Subject) => {
      changed.add(subject)
      some.openUnsafe()
    },
    write,
    /** Writes what changes, for ever. */
    run: Effect.gen(function* () {
      yield* some.await
      some.closeUnsafe()
      yield* Effect.catch(write, (error) =>
        Effect.gen(function* () {
          yield* Effect.logWarning("Bans cannot be written; they are in force until this process ends", error)
          some.openUnsafe()
          yield* Effect.sleep(writeAgain)
        })
      )
    }).pipe(Effect.forever)
  }
}

/** The bans of a node whose open connections are these. */
export const make = Effect.fnUntraced(function* (connections: () => ReadonlyArray<Closable>) {
  const store = yield* BanStore
  const book = yield* PeerBook
  const policy = yield* BanPolicy
  const clock = yield* Clock.Clock
  const run = yield* FiberSet.makeRuntime()
  const bans = new Map<Ban.Subject, Ban.Ban>()
  const tries = new TokenBuckets(policy.tries, policy.maxTried)
  const written = writing(store, bans)
  const now = () => clock.currentTimeMillisUnsafe()

  const forget = (subject: Ban.Subject) => {
    bans.delete(subject)
    written.note(subject)
  }

  const active = (subject: Ban.Subject): Ban.Ban | undefined => {
    const ban = bans.get(subject)
    return ban !== undefined && Ban.isActive(ban, now()) ? ban : undefined
  }

  /** An operator's ban on a host is about everybody there; one by rule only about strangers, for many may share it. */
  const isConcerned = ({ by, subject }: Ban.Ban, { connection, peer }: Closable): boolean => {
    const banned = Ban.peerOf(subject)
    return banned === undefined ? by === "operator" && hostOf(connection.host) === subject : peer === banned
  }

  const impose = Effect.fnUntraced(function* (ban: Ban.Ban) {
    bans.set(ban.subject, ban)
    written.note(ban.subject)
    for (const subject of Ban.crowdedOut(policy, [...bans.values()], ban.since)) forget(subject)
    yield* Effect.logWarning("Banned").pipe(Effect.annotateLogs(told(ban)))
    const forMillis = (ban.until ?? Number.POSITIVE_INFINITY) - now()
    for (const open of connections()) if (isConcerned(ban, open)) open.keepOut(ban.reason, forMillis)
  })

  /** Whether an operator or the configuration asked for this peer. It counts as one if nobody can tell. */
  const isWanted = (peer: NodeKey) =>
    book.find(peer).pipe(
      Effect.map((entry) => entry?.wanted === true),
      Effect.tapError((error) => Effect.logWarning("The peer book cannot be read", error)),
      Effect.catch(() => Effect.succeed(true))
    )

  const judge = Effect.fnUntraced(function* (subject: Ban.Subject, reason: string, leastMillis?: number) {
    const peer = Ban.peerOf(subject)
    if (peer !== undefined && (yield* isWanted(peer))) {
      return yield* Effect.logWarning("A wanted peer did what others are banned for").pipe(
        Effect.annotateLogs({ peer: short(peer), reason })
      )
    }
    const known = bans.get(subject)
    const ban = Ban.offended(policy, subject, known, reason, now(), leastMillis)
    if (ban !== known) yield* impose(ban)
  })

  const accused = (offence: Ban.Offence, { host, peer }: Offender): Ban.Subject | undefined => {
    if (Ban.offences[offence].of === "key") return peer === undefined ? undefined : Ban.ofPeer(peer)
    if (host === undefined || isLoopback(host)) return undefined
    const subject = Ban.ofHost(host)
    const bansAtOnce = Ban.leastMillis(offence) !== undefined
    return !bansAtOnce && tries.take(subject, now()) ? undefined : subject
  }

  for (const ban of yield* store.all(policy.maxBans)) {
    bans.set(ban.subject, ban)
    if (Ban.isForgotten(policy, ban, now())) forget(ban.subject)
  }
  yield* Effect.addFinalizer(() => written.write.pipe(Effect.timeoutOption(lastWrite), Effect.ignore))
  yield* Effect.forkScoped(written.run)

  return Bans.of({
    ofPeer: (peer) => (bans.size === 0 ? undefined : active(Ban.ofPeer(peer))),
    ofHost: (ip) => (bans.size === 0 ? undefined : active(Ban.ofHost(ip))),
    report: (offence, by, detail) => {
      const subject = accused(offence, by)
      if (subject === undefined || active(subject) !== undefined) return
      run(judge(subject, sentence(Ban.offences[offence].what, detail), Ban.leastMillis(offence)))
    },
    order: Effect.fn("Bans.order")(function* (subject, order) {
      const known = bans.get(subject)
      const orders = [...bans.values()].filter((ban) => ban.by === "operator" && Ban.isActive(ban, now()))
      if (known?.by !== "operator" && orders.length >= policy.maxBans) {
        return yield* new BansFull({ limit: policy.maxBans })
      }
      const reason = printable(order.reason).slice(0, longestReason)
      const ban = Ban.ordered(policy, subject, known, { ...order, reason }, now())
      yield* impose(ban)
      yield* written.write
      return ban
    }),
    lift: Effect.fn("Bans.lift")(function* (subject) {
      const ban = active(subject)
      if (ban === undefined) return false
      forget(subject)
      yield* Effect.logInfo("Ban lifted").pipe(Effect.annotateLogs(told(ban)))
      yield* written.write
      return true
    }),
    list: () => [...bans.values()].filter((ban) => Ban.isActive(ban, now())).toSorted(newestFirst)
  })
})

const newestFirst = (a: Ban.Ban, b: Ban.Ban): number => b.since - a.since || (a.subject < b.subject ? -1 : 1)

const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, " ")

const sentence = (what: string, detail: string): string =>
  (detail === "" ? what : `${what}: ${printable(detail)}`).slice(0, longestReason)

const told = ({ by, reason, subject, times, until }: Ban.Ban) => {
  const peer = Ban.peerOf(subject)
  return {
    subject: peer === undefined ? subject : short(peer),
    by,
    reason,
    times,
    ...(until === undefined ? {} : { until })
  }
}
