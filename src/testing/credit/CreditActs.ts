/**
 * One thing that a user of the scenario `credit` does: what it is comes from the seed, and what it is about from what the user has.
 */
import { isDeepStrictEqual } from "node:util"
import { Clock, Effect } from "effect"
import { SecureRandom } from "effect/crypto"
import { isSamePerson, type Person } from "../../protocol/credit/Chad.ts"
import type { ChitState } from "../../protocol/credit/ChitState.ts"
import { ChitId } from "../../protocol/credit/Chit.ts"
import * as LiftPlan from "../../protocol/credit/LiftPlan.ts"
import { QueryId } from "../../protocol/credit/Route.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import type { Command } from "../../services/credit/Command.ts"
import { Credit } from "../../services/credit/Credit.ts"
import * as Users from "../../services/credit/Users.ts"
import type { Nodes, Self } from "../cluster/Scenario.ts"
import type { Rng } from "../world/Rng.ts"
import { type Bond, type Member, refereeOf, uuidOf } from "./CreditCast.ts"
import { draft, hand } from "./CreditTickets.ts"
import { personOf, walk } from "./LiftWays.ts"
import { config } from "./SimulatedCredit.ts"

const [mostTallies, mostMoving] = [64, 32]

/** What the users of a life have begun. */
export interface Memory {
  readonly queries: Array<{ readonly query: QueryId; readonly payee: Person }>
  readonly lifts: Array<LiftPlan.LiftId>
}

/** Everything that an act may go by. */
interface Scene {
  readonly self: Self
  readonly who: Member
  readonly nodes: Nodes
  readonly members: ReadonlyArray<Member>
  readonly bonds: ReadonlyArray<Bond>
  readonly memory: Memory
  readonly halves: ReadonlyArray<TallyHalf>
}

/** Out of a hundred. */
const acts = [
  ["pay", 22],
  ["ask", 12],
  ["answer", 14],
  ["set", 7],
  ["begin", 4],
  ["talk", 10],
  ["find", 5],
  ["pay over", 16],
  ["lift", 6],
  ["abort", 4]
] as const
type Act = (typeof acts)[number][0]

const actOf = (random: Rng): Act => {
  let left = random.below(100)
  for (const [act, share] of acts) if ((left -= share) < 0) return act
  return "pay"
}

/** Mostly little, now and then more than there is room for. */
const amount = (random: Rng): bigint => BigInt(1 + random.below(random.chance(150_000) ? 3_000 : 150))

const openOf = ({ halves, self: { random } }: Scene): TallyHalf | undefined =>
  random.pick(halves.filter(({ status }) => status === "open"))

/** In a million: payments whose payor chooses the chit's id, and so badly that the other side may have another chit of that id. */
const chosen = 150_000

const pay = (scene: Scene): Command | undefined => {
  const { random } = scene.self
  const half = openOf(scene)
  const chit = half && ChitId.make(uuidOf(`${half.id} ${random.below(3)}`))
  const own = chit !== undefined && random.chance(chosen) ? { chit } : {}
  return half && { _tag: "Pay", tally: half.id, units: amount(random), ...own }
}

const ask = (scene: Scene, invoices: ReadonlyArray<ChitState>): Command | undefined => {
  const { random } = scene.self
  const half = openOf(scene)
  const declined = random.pick(invoices.filter(({ status }) => status === "void"))
  if (declined !== undefined && random.chance(300_000))
    return { _tag: "Ask", tally: declined.core.tally, units: 1n, chit: declined.core.uuid }
  return half && { _tag: "Ask", tally: half.id, units: amount(random) }
}

/** Pays an invoice that waits, or declines it. */
const answer = ({ halves, self: { random } }: Scene, moving: ReadonlyArray<ChitState>): Command | undefined => {
  const sides = new Map(halves.map(({ id, side }) => [id, side]))
  const invoices = moving.filter(
    ({ core, status }) => core.type === "tran" && status === "asked" && core.by === sides.get(core.tally)
  )
  const one = random.pick(invoices)
  if (one === undefined) return undefined
  const { revision } = one
  const { tally, uuid: chit } = one.core
  return random.chance(700_000) ? { _tag: "PayInvoice", tally, chit } : { _tag: "Decline", tally, chit, revision }
}

const set = (scene: Scene): Command | undefined => {
  const { random } = scene.self
  const half = openOf(scene)
  if (half === undefined) return undefined
  const amounts = [50n, 200n, 900n, 100_000n] as const
  const which = random.below(10)
  const sets =
    which < 2
      ? ({ close: true } as const)
      : which < 6
        ? { bound: random.pick(amounts) }
        : { target: random.pick(amounts) }
  return { _tag: "SetTally", tally: half.id, sets }
}

/** Goes on with the agreement on a tally in one of the ways that there are, whether that fits or not. */
const talk = ({ halves, self: { random } }: Scene): Command | undefined => {
  const unopened = halves.filter(({ status }) => status !== "open" && status !== "closed")
  const half = random.pick(random.chance(900_000) ? unopened : halves)
  if (half === undefined) return undefined
  const { id: tally, revision: seen, side } = half
  const revision = Math.max(1, seen)
  const limits = [0n, 700n, 2_000n] as const
  const wanted = { terms: { limit: random.pick(limits) }, partnerTerms: { limit: random.pick(limits) } }
  switch (random.below(9)) {
    case 0:
      return { _tag: "RefuseTally", tally, revision }
    case 1:
    case 2:
      return { _tag: "WithdrawTally", tally }
    case 3:
      return { _tag: "ResendTally", tally }
    case 4:
      return { _tag: "ReviseTally", tally, revision, side, ...wanted }
    case 5:
    case 6:
      return { _tag: "OfferTally", tally }
    default:
      return { _tag: "AcceptTally", tally, revision }
  }
}

const elsewhere = ({ members, self: { random }, who }: Scene): Member | undefined =>
  random.pick(members.filter((one) => !isSamePerson(one, who)))

/** One, or three of them. */
const referees = ({ nodes, self: { random } }: Scene): ReadonlyArray<LiftPlan.Referee> =>
  random
    .shuffle(nodes)
    .slice(0, nodes.length >= 3 && random.chance(400_000) ? 3 : 1)
    .map(refereeOf)

/** To somebody, or in a circle. */
const target = (scene: Scene) => {
  const to = elsewhere(scene)
  return to === undefined || scene.self.random.chance(300_000) ? {} : { to: personOf(to) }
}

const fresh = Effect.flatMap(SecureRandom.SecureRandom, ({ uuidV7 }) => uuidV7())

/** Looks for ways, and remembers to whom. */
const find = Effect.fnUntraced(function* (scene: Scene) {
  const query = QueryId.make(yield* fresh)
  const to = target(scene)
  scene.memory.queries.push({ query, payee: to.to ?? personOf(scene.who) })
  const command: Command = { _tag: "FindWays", query, units: amount(scene.self.random), ...to }
  return command
})

const payOver = Effect.fnUntraced(function* (scene: Scene) {
  const lift = LiftPlan.LiftId.make(yield* fresh)
  scene.memory.lifts.push(lift)
  const common = { units: amount(scene.self.random), lift, ...target(scene) }
  const command: Command = { _tag: "PayOver", ...common, referees: referees(scene) }
  return command
})

/** One of the ways that were found of late, or one that is made up. */
const wayOf = Effect.fnUntraced(function* ({ bonds, memory, self: { random }, who }: Scene) {
  const asked = random.pick(memory.queries)
  if (asked === undefined || random.chance(600_000)) return walk(random, bonds, who)
  const route = yield* (yield* Credit).route(who.cuid, asked.query)
  const way = random.pick(route?.ways ?? [])
  return way && { legs: way.legs, payee: asked.payee }
})

/** Begins a lift that the user has planned and signed. */
const lift = Effect.fnUntraced(function* (scene: Scene) {
  const { memory, self, who } = scene
  const user = yield* Users.get(who.cuid)
  const way = yield* wayOf(scene)
  if (user === undefined || way === undefined) return undefined
  const date = yield* Clock.currentTimeMillis
  const plan: LiftPlan.LiftPlan = {
    version: 1,
    lift: LiftPlan.LiftId.make(yield* fresh),
    ...way,
    units: amount(self.random),
    date,
    expires: date + self.random.between(500, config.liftLifeMillis),
    referees: referees(scene),
    payor: personOf(who),
    payorKey: user.certificate.public
  }
  const authority = yield* Users.sign(user, "lift", LiftPlan.digest(plan), undefined)
  memory.lifts.push(plan.lift)
  const command: Command | undefined = authority && { _tag: "Lift", plan, authority }
  return command
})

const abort = ({ memory, self: { random } }: Scene): Command | undefined => {
  const lift = random.pick(memory.lifts.slice(-3))
  return lift && { _tag: "AbortLift", lift }
}

/** What is asked, declined or promised on the tallies of a user. */
const movingOf = Effect.fnUntraced(function* ({ halves, who }: Scene) {
  const credit = yield* Credit
  const all = yield* Effect.forEach(halves, ({ id }) => credit.moving(who.cuid, id, mostMoving))
  return all.flat()
})

/** A new tally with somebody, which they are handed a ticket for. */
const begin = Effect.fnUntraced(function* (scene: Scene) {
  const { random } = scene.self
  const to = elsewhere(scene)
  if (to === undefined) return
  const side = random.chance(500_000) ? "stock" : "foil"
  const { tally } = yield* draft(scene.who, { side, limit: 500n, asks: random.chance(500_000) ? 0n : 800n })
  if (tally !== undefined) yield* hand(scene.who, tally, to, random.chance(200_000))
})

const commandOf = Effect.fnUntraced(function* (act: Exclude<Act, "begin">, scene: Scene) {
  switch (act) {
    case "pay":
      return pay(scene)
    case "ask":
      return ask(scene, yield* movingOf(scene))
    case "answer":
      return answer(scene, yield* movingOf(scene))
    case "set":
      return set(scene)
    case "talk":
      return talk(scene)
    case "find":
      return yield* find(scene)
    case "pay over":
      return yield* payOver(scene)
    case "lift":
      return yield* lift(scene)
    case "abort":
      return abort(scene)
  }
})

/** In a million: commands that are given under a key, and of those, such as are given again. */
const [keyed, again] = [400_000, 400_000]

/** In a million: lifts that the payor thinks better of at once, and within how many milliseconds. */
const [regretted, regret] = [200_000, 300]

/** Thinks better of a lift that has just begun, whether it is good by now or not. */
const repent = Effect.fnUntraced(function* ({ memory, self: { random }, who }: Scene) {
  const lift = memory.lifts.at(-1)
  if (lift === undefined || !random.chance(regretted)) return
  yield* Effect.sleep(random.below(regret))
  yield* Effect.ignore((yield* Credit).run(who.cuid, { _tag: "AbortLift", lift }))
})

/** Does one thing for a user; its name, with what came of it. */
export const act = Effect.fnUntraced(function* (given: Omit<Scene, "halves">) {
  const credit = yield* Credit
  const { random } = given.self
  const scene: Scene = { ...given, halves: yield* credit.tallies(given.who.cuid, { limit: mostTallies }) }
  const act = actOf(random)
  if (act === "begin") {
    yield* begin(scene)
    return act
  }
  const command = (yield* commandOf(act, scene)) ?? pay(scene)
  if (command === undefined) return "nothing to do"
  if (!random.chance(keyed)) {
    yield* credit.run(scene.who.cuid, command)
    if (command._tag === "Lift") yield* repent(scene)
    return act
  }
  const key = yield* fresh
  const done = yield* credit.run(scene.who.cuid, command, key)
  if (!random.chance(again)) return act
  const same = yield* credit.run(scene.who.cuid, command, key)
  return isDeepStrictEqual(done, same) ? `${act} again` : `${act} otherwise`
})
