/**
 * A node whose users give credit as a process of its own: as users compose one, on the embedded database or on PostgreSQL, over TCP.
 * Whoever has started it calls the functions below. What waits looks at the node's own views until it is so.
 */
import {
  Clock,
  Deferred,
  Effect,
  Layer,
  ManagedRuntime,
  Option,
  Redacted,
  References,
  Schedule,
  Schema,
  Stream
} from "effect"
import { SecureRandom } from "effect/crypto"
import * as End from "../../../bench/End.ts"
import * as RoundTrips from "../../../bench/durable/RoundTrips.ts"
import * as Composition from "../../../src/programs/Composition.ts"
import * as Address from "../../../src/protocol/Address.ts"
import type { Cuid, Person } from "../../../src/protocol/credit/Chad.ts"
import { digest as digestOf, LiftId, type LiftPlan } from "../../../src/protocol/credit/LiftPlan.ts"
import type { LiftState } from "../../../src/protocol/credit/LiftState.ts"
import { QueryId } from "../../../src/protocol/credit/Route.ts"
import type { RouteState } from "../../../src/protocol/credit/RouteState.ts"
import type { TallyId } from "../../../src/protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../../src/protocol/credit/TallyHalf.ts"
import * as Heartbeat from "../../../src/protocol/link/Heartbeat.ts"
import type { Command, Done } from "../../../src/services/credit/Command.ts"
import { Credit } from "../../../src/services/credit/Credit.ts"
import * as CreditConfig from "../../../src/services/credit/CreditConfig.ts"
import * as CreditProtocol from "../../../src/services/credit/CreditProtocol.ts"
import type { Payment } from "../../../src/services/credit/CreditTables.ts"
import * as Users from "../../../src/services/credit/Users.ts"
import { Attention } from "../../../src/services/delivery/Attention.ts"
import { Audit } from "../../../src/services/delivery/Audit.ts"
import { type Cursor, Feed } from "../../../src/services/delivery/Feed.ts"
import type { FeedEvent } from "../../../src/services/delivery/FeedStore.ts"
import { CurrentTerm, Ownership } from "../../../src/services/delivery/Ownership.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import * as LinkConfig from "../../../src/services/link/LinkConfig.ts"
import { Node } from "../../../src/services/Node.ts"

export interface Opening {
  /** The data folder. */
  readonly data: string
  /** The database embedded there unless the URL of one is given. */
  readonly database?: string | undefined
  /** Where it listens; a free port by default. */
  readonly port?: number
  /** What it tells its peers instead. */
  readonly advertise?: number
  /** Waits while another process owns the node. */
  readonly standsBy?: boolean
}

interface OfTally {
  readonly user: Cuid
  readonly tally: TallyId
}

/** What somebody tells their node to do, and under which key. */
export interface Told {
  readonly user: Cuid
  readonly command: Command
  readonly key?: string
}

/** The same payment so many times, so many at once. */
export interface Paying extends OfTally {
  readonly units: bigint
  readonly count: number
  readonly inFlight: number
}

/** The same over others. */
export interface PayingOver {
  readonly user: Cuid
  readonly to: Person
  readonly units: bigint
  readonly count: number
  readonly inFlight: number
  /** The payor's node unless given. */
  readonly referees?: LiftPlan["referees"]
}

const link: LinkConfig.Config = {
  ...LinkConfig.defaults,
  heartbeat: Heartbeat.profiles.fast,
  firstDialDelay: 0,
  // A node that dies again and again must not be left alone for it.
  redial: { ...LinkConfig.defaults.redial, baseMillis: 100, capMillis: 1_000, starts: 10_000 }
}

const host = "127.0.0.1"

const optionsOf = ({ advertise, data, database, port, standsBy }: Opening) => ({
  data,
  database: database === undefined ? undefined : Redacted.make(database),
  maxConnections: 16,
  listen: { host, port: port ?? 0 },
  ...(advertise === undefined ? {} : { advertise: new Address.Endpoint({ host, port: advertise }) }),
  protocols: [CreditProtocol.Credit.handled],
  credit: CreditConfig.defaults,
  standby: standsBy === true,
  link
})

const makeRuntime = (opening: Opening) => {
  const options = optionsOf(opening)
  const node = Layer.unwrap(
    Effect.gen(function* () {
      const term = yield* (yield* Ownership).own
      return Layer.provide(Composition.node(options), Layer.succeed(CurrentTerm, term))
    })
  )
  return ManagedRuntime.make(
    node.pipe(
      Layer.provideMerge(Composition.standing(options)),
      Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "Error")),
      Layer.provideMerge(Layer.succeed(References.TracerEnabled, false))
    )
  )
}

let opened: ReturnType<typeof makeRuntime> | undefined
const runtime = (): ReturnType<typeof makeRuntime> => {
  if (opened === undefined) throw new Error("the node is not open")
  return opened
}

/** The service, whose layer is there because the node was given `credit`. */
const credit = Effect.flatMap(Effect.serviceOption(Credit), Effect.fromOption)

const does = Effect.fnUntraced(function* ({ command, key, user }: Told) {
  return yield* (yield* credit).run(user, command, key)
})

/** Looks until it is so. */
const until = <A, E, R>(look: Effect.Effect<A | undefined, E, R>, isSo: (now: A) => boolean): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    for (;;) {
      const now = yield* look
      if (now !== undefined && isSo(now)) return now
      yield* Effect.sleep("10 millis")
    }
  })

const halfOf = ({ tally, user }: OfTally) => Effect.flatMap(credit, (credit) => credit.tally(user, tally))

/** Statements that were asked for the sake of waiting: one for each look. */
let looks = 0
const lookAt = (of: OfTally) =>
  Effect.suspend(() => {
    looks++
    return halfOf(of)
  })

/** Whether so many chits have a place at both ends, as far as this one knows. */
const isSettled = ({ chain }: TallyHalf, count: number): boolean =>
  chain !== undefined && chain.at.index >= count && chain.agreed >= count && chain.unplaced === 0

/** The kinds that end a payment over others. */
const ends: ReadonlySet<string> = new Set(["payment.good", "payment.void", "payment.failed"])

/** Microseconds of each payment over others, from the command to the event of its end, which must be good. */
const payOver = Effect.fnUntraced(function* ({ count, inFlight, user, ...paying }: PayingOver) {
  const feed = yield* Feed
  const waiting = new Map<string, Deferred.Deferred<string>>()
  const wait = (lift: string) => {
    const known = waiting.get(lift) ?? Deferred.makeUnsafe<string>()
    waiting.set(lift, known)
    return known
  }
  const hear = ({ kind, subject }: FeedEvent) =>
    ends.has(kind) ? Effect.asVoid(Deferred.succeed(wait(subject), kind)) : Effect.void
  yield* feed.follow({ after: yield* feed.now, audience: user }).pipe(
    Stream.runForEach((item) => (item._tag === "Event" ? hear(item.event) : Effect.void)),
    Effect.forkScoped({ startImmediately: true })
  )
  const pay = Effect.gen(function* () {
    const from = End.now()
    const { lift = "" } = yield* does({ user, command: { _tag: "PayOver", ...paying } })
    const kind = yield* Deferred.await(wait(lift))
    if (kind !== "payment.good") return yield* Effect.die(new Error(`${lift}: ${kind}`))
    return (End.now() - from) / 1_000
  })
  return yield* Effect.forEach(Array.from({ length: count }), () => pay, { concurrency: inFlight })
}, Effect.scoped)

type Way = RouteState["ways"][number]["legs"]

/** Whom a user wants to pay over others. */
export interface Wanted {
  readonly user: Cuid
  readonly to: Person
  readonly units: bigint
}

const way = Effect.fnUntraced(function* ({ to, units, user }: Wanted) {
  const { query = "" } = yield* does({ user, command: { _tag: "FindWays", to, units } })
  const route = Effect.flatMap(credit, (credit) => credit.route(user, QueryId.make(query)))
  const { ways } = yield* until(route, ({ status }) => status !== "asking")
  return ways[0]?.legs ?? (yield* Effect.die(new Error("no way was found")))
})

/** A lift over a way, who decides, and how long it may take, in milliseconds. */
export interface Planned extends Wanted {
  readonly legs: Way
  readonly referees: LiftPlan["referees"]
  readonly life: number
}

const begin = Effect.fnUntraced(function* ({ legs, life, referees, to, units, user: cuid }: Planned) {
  const user = yield* Effect.fromNullishOr(yield* (yield* credit).user(cuid))
  const { agent } = user.certificate.chad
  const lift = LiftId.make(yield* (yield* SecureRandom.SecureRandom).uuidV7())
  const date = yield* Clock.currentTimeMillis
  const plan: LiftPlan = {
    version: 1,
    lift,
    legs,
    units,
    date,
    expires: date + life,
    referees,
    payor: { cuid, agent },
    payee: to,
    payorKey: user.certificate.public
  }
  const authority = yield* Effect.fromNullishOr(yield* Users.sign(user, "lift", digestOf(plan), undefined))
  yield* does({ user: cuid, command: { _tag: "Lift", plan, authority } })
  return lift
})

/** What is kept of an event for whoever reads. */
export interface Heard {
  readonly cursor: Cursor
  readonly protocol: string
  readonly kind: string
  readonly subject: string
  /** The chit that it is about, if it is about one. */
  readonly chit: string | undefined
}

const decodeBody = Schema.decodeUnknownOption(Schema.Struct({ chit: Schema.String }))

/** All that a user has not read yet. */
const events = Effect.fnUntraced(function* ({ after, user }: { readonly user: Cuid; readonly after?: Cursor }) {
  const feed = yield* Feed
  const heard: Array<Heard> = []
  for (let from = after; ; from = heard.at(-1)?.cursor ?? from) {
    const items = yield* feed.read({ audience: user, limit: 256, ...(from === undefined ? {} : { after: from }) })
    for (const item of items) {
      if (item._tag !== "Event") return yield* Effect.die(new Error(`the feed says ${item._tag}`))
      const { body, kind, protocol, subject } = item.event
      const chit = Option.getOrUndefined(decodeBody(body))?.chit
      heard.push({ cursor: item.cursor, protocol, kind, subject, chit })
    }
    if (items.length === 0) return heard
  }
})

const functions = {
  /** Returns once the node is ready; its address. */
  open: async (opening: Opening): Promise<string> => {
    RoundTrips.count(opening.database)
    opened = makeRuntime(opening)
    return String((await opened.runPromise(Node)).address)
  },
  connect: (address: string): Promise<void> =>
    runtime().runPromise(
      Effect.gen(function* () {
        yield* (yield* Node).connect(yield* Effect.fromResult(Address.parse(address)))
      })
    ),
  /** A command that must be done. */
  does: (told: Told): Promise<Done> => runtime().runPromise(does(told)),
  /** Commands of one user, one after the other, which must be done. */
  all: ({ commands, user }: { readonly user: Cuid; readonly commands: ReadonlyArray<Command> }) =>
    runtime().runPromise(Effect.forEach(commands, (command) => does({ user, command }))),
  /** The same until there is an answer: the database may be away. */
  insists: (told: Told & { readonly key: string }): Promise<Done> =>
    runtime().runPromise(
      Effect.retry(does(told), { schedule: Schedule.spaced("100 millis"), while: ({ _tag }) => _tag === "SqlError" })
    ),
  /** Why a command is refused; nothing if it is done. */
  refused: (told: Told): Promise<string | undefined> =>
    runtime().runPromise(
      does(told).pipe(
        Effect.as(undefined),
        Effect.catchTag("CreditRefused", ({ reason }) => Effect.succeed(reason))
      )
    ),
  /** Nanoseconds of `End.now` before the first one. */
  pay: async ({ count, inFlight, tally, units, user }: Paying): Promise<number> => {
    const from = End.now()
    const command: Command = { _tag: "Pay", tally, units }
    const all = Array.from({ length: count }, () => does({ user, command }))
    await runtime().runPromise(Effect.all(all, { concurrency: inFlight, discard: true }))
    return from
  },
  /** Microseconds that each has taken. */
  payOver: (paying: PayingOver): Promise<ReadonlyArray<number>> => runtime().runPromise(payOver(paying)),
  half: (of: OfTally): Promise<TallyHalf | undefined> => runtime().runPromise(halfOf(of)),
  untilHalf: ({ status, ...of }: OfTally & { readonly status: TallyHalf["status"] }): Promise<TallyHalf> =>
    runtime().runPromise(until(halfOf(of), (half) => half.status === status)),
  /** Returns once a ticket for this draft has been shown. */
  untilRequested: (of: OfTally): Promise<TallyHalf> =>
    runtime().runPromise(until(halfOf(of), ({ draft }) => draft?.partner !== undefined)),
  /** Returns once so many chits have a place at both ends; the nanoseconds of `End.now` then. */
  untilSettled: async ({ count, ...of }: OfTally & { readonly count: number }): Promise<number> => {
    await runtime().runPromise(until(lookAt(of), (half) => isSettled(half, count)))
    return End.now()
  },
  liftOf: (lift: LiftId): Promise<LiftState | undefined> =>
    runtime().runPromise(Effect.flatMap(credit, (credit) => credit.lift(lift))),
  untilLift: ({ lift, status }: { readonly lift: LiftId; readonly status: LiftState["status"] }): Promise<LiftState> =>
    runtime().runPromise(
      until(
        Effect.flatMap(credit, (credit) => credit.lift(lift)),
        (state) => state.status === status
      )
    ),
  untilPayment: ({
    lift,
    status,
    user
  }: {
    readonly user: Cuid
    readonly lift: LiftId
    readonly status: Payment["status"]
  }): Promise<Payment> =>
    runtime().runPromise(
      until(
        Effect.flatMap(credit, (credit) => credit.payment(user, lift)),
        (payment) => payment.status === status
      )
    ),
  /** Returns once so many chits have a place here. */
  untilPlaced: async ({ count, ...of }: OfTally & { readonly count: number }): Promise<void> => {
    await runtime().runPromise(until(halfOf(of), ({ chain }) => chain !== undefined && chain.at.index >= count))
  },
  /** Begins a lift over a way that was found before, and is planned and signed here. */
  lift: (planned: Planned): Promise<LiftId> => runtime().runPromise(begin(planned)),
  /** The first way to somebody, once there is one. */
  way: (wanted: Wanted): Promise<Way> => runtime().runPromise(way(wanted)),
  /** What waits for a user. */
  attention: (user: Cuid): Promise<ReadonlyArray<string>> =>
    runtime().runPromise(
      Effect.map(
        Effect.flatMap(Attention, (attention) => attention.list({ audience: user, limit: 1_000 })),
        (items) => items.map(({ kind }) => kind)
      )
    ),
  events: (of: { readonly user: Cuid; readonly after?: Cursor }): Promise<ReadonlyArray<Heard>> =>
    runtime().runPromise(events(of)),
  /** Returns once a user has so many events of a kind, counted from the first one or from behind a cursor. */
  untilTold: ({
    count,
    kind,
    ...of
  }: {
    readonly user: Cuid
    readonly after?: Cursor
    readonly kind: string
    readonly count: number
  }): Promise<ReadonlyArray<Heard>> =>
    runtime().runPromise(until(events(of), (heard) => heard.filter((event) => event.kind === kind).length >= count)),
  /** Returns once so many searches have ended, counted from behind a cursor, found or not. */
  untilQueried: async ({
    count,
    ...of
  }: {
    readonly user: Cuid
    readonly after: Cursor
    readonly count: number
  }): Promise<void> => {
    const isEnd = ({ kind }: Heard): boolean => kind === "route.found" || kind === "route.none"
    await runtime().runPromise(until(events(of), (heard) => heard.filter(isEnd).length >= count))
  },
  /** Returns once nothing is owed any more. */
  untilDelivered: (): Promise<void> =>
    runtime().runPromise(
      Effect.asVoid(
        until(
          Effect.flatMap(RetryStore, (store) => store.debtors(1)),
          (debtors) => debtors.length === 0
        )
      )
    ),
  /** How many messages are owed. */
  owed: (): Promise<number> =>
    runtime().runPromise(
      Effect.map(
        Effect.flatMap(RetryStore, (store) => store.totals(64)),
        (links) => links.reduce((sum, { owed }) => sum + owed, 0)
      )
    ),
  /** What the audit finds. */
  audit: (): Promise<ReadonlyArray<string>> =>
    runtime().runPromise(
      Effect.gen(function* () {
        const { findings } = yield* (yield* Audit).run(() => Effect.void)
        return findings.map(({ about, detail, kind }) => `${kind} ${about}: ${detail}`)
      })
    ),
  /** Statements of this process so far, without those of waiting. */
  statements: (): number => RoundTrips.asked().statements - looks
}
export type Functions = typeof functions

End.serve(functions, () => opened?.dispose())
