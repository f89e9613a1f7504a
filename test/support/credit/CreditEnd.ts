/**
 * A node whose users give credit as a process of its own: as users compose one, on the embedded database or on PostgreSQL, over TCP.
 * Whoever has started it calls the functions below. What waits looks at the node's own views until it is so.
 */
import { Effect, Layer, ManagedRuntime, Redacted, References, Schedule } from "effect"
import * as End from "../../../bench/End.ts"
import * as RoundTrips from "../../../bench/durable/RoundTrips.ts"
import * as Composition from "../../../src/programs/Composition.ts"
import * as Address from "../../../src/protocol/Address.ts"
import type { Cuid } from "../../../src/protocol/credit/Chad.ts"
import type { LiftId } from "../../../src/protocol/credit/LiftPlan.ts"
import type { LiftState } from "../../../src/protocol/credit/LiftState.ts"
import type { TallyHalf } from "../../../src/protocol/credit/TallyHalf.ts"
import * as Heartbeat from "../../../src/protocol/link/Heartbeat.ts"
import type { Command, Done } from "../../../src/services/credit/Command.ts"
import * as CreditConfig from "../../../src/services/credit/CreditConfig.ts"
import * as CreditProtocol from "../../../src/services/credit/CreditProtocol.ts"
import type { Payment } from "../../../src/services/credit/CreditTables.ts"
import { Attention } from "../../../src/services/delivery/Attention.ts"
import { Audit } from "../../../src/services/delivery/Audit.ts"
import type { Cursor } from "../../../src/services/delivery/Feed.ts"
import { CurrentTerm, Ownership } from "../../../src/services/delivery/Ownership.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import * as LinkConfig from "../../../src/services/link/LinkConfig.ts"
import { Node } from "../../../src/services/Node.ts"
import { credit, does, halfOf, type OfTally, type Told, until } from "./CreditAsking.ts"
import { events, type Heard } from "./FeedReading.ts"
import { begin, payOver, type PayingOver, type Planned, type Wanted, type Way, way } from "./LiftAsking.ts"

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

/** The same payment so many times, so many at once. */
export interface Paying extends OfTally {
  readonly units: bigint
  readonly count: number
  readonly inFlight: number
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
