/**
 * Payments over others, by command or as a lift that is planned here, of somebody who asks a running node for them.
 */
import { Clock, Deferred, Effect, Stream } from "effect"
import { SecureRandom } from "effect/crypto"
import * as End from "../../../bench/End.ts"
import type { Cuid, Person } from "../../../src/protocol/credit/Chad.ts"
import { digest as digestOf, LiftId, type LiftPlan } from "../../../src/protocol/credit/LiftPlan.ts"
import { QueryId } from "../../../src/protocol/credit/Route.ts"
import type { RouteState } from "../../../src/protocol/credit/RouteState.ts"
import * as Users from "../../../src/services/credit/Users.ts"
import { Feed } from "../../../src/services/delivery/Feed.ts"
import type { FeedEvent } from "../../../src/services/delivery/FeedStore.ts"
import { credit, does, until } from "./CreditAsking.ts"

/** The same payment over others so many times, so many at once. */
export interface PayingOver {
  readonly user: Cuid
  readonly to: Person
  readonly units: bigint
  readonly count: number
  readonly inFlight: number
  /** The payor's node unless given. */
  readonly referees?: LiftPlan["referees"]
}

/** The kinds that end a payment over others. */
const ends: ReadonlySet<string> = new Set(["payment.good", "payment.void", "payment.failed"])

/** Microseconds of each payment over others, from the command to the event of its end, which must be good. */
export const payOver = Effect.fnUntraced(function* ({ count, inFlight, user, ...paying }: PayingOver) {
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

/** The legs from the payor to the payee. */
export type Way = RouteState["ways"][number]["legs"]

/** Whom a user wants to pay over others. */
export interface Wanted {
  readonly user: Cuid
  readonly to: Person
  readonly units: bigint
}

/** The first way to somebody, once the search for one has ended; without one this dies. */
export const way = Effect.fnUntraced(function* ({ to, units, user }: Wanted) {
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

/** Begins a lift over a way that was found before; the plan is signed here. */
export const begin = Effect.fnUntraced(function* ({ legs, life, referees, to, units, user: cuid }: Planned) {
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
