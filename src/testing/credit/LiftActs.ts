/**
 * What users of the scenario `credit` do over several tallies: look for ways, pay over others, lift over plans of their own, and think
 * better of it.
 */
import { Clock, Effect } from "effect"
import { SecureRandom } from "effect/crypto"
import * as LiftPlan from "../../protocol/credit/LiftPlan.ts"
import { QueryId } from "../../protocol/credit/Route.ts"
import type { Command } from "../../services/credit/Command.ts"
import { Credit } from "../../services/credit/Credit.ts"
import * as Users from "../../services/credit/Users.ts"
import { refereeOf } from "./CreditCast.ts"
import { amount, elsewhere, type Scene } from "./CreditScene.ts"
import { personOf, walk } from "./LiftWays.ts"
import { config } from "./SimulatedCredit.ts"

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

export const fresh = Effect.flatMap(SecureRandom.SecureRandom, ({ uuidV7 }) => uuidV7())

/** Looks for ways, and remembers to whom. */
export const find = Effect.fnUntraced(function* (scene: Scene) {
  const query = QueryId.make(yield* fresh)
  const to = target(scene)
  scene.memory.queries.push({ query, payee: to.to ?? personOf(scene.who) })
  const command: Command = { _tag: "FindWays", query, units: amount(scene.self.random), ...to }
  return command
})

export const payOver = Effect.fnUntraced(function* (scene: Scene) {
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
export const lift = Effect.fnUntraced(function* (scene: Scene) {
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

export const abort = ({ memory, self: { random } }: Scene): Command | undefined => {
  const lift = random.pick(memory.lifts.slice(-3))
  return lift && { _tag: "AbortLift", lift }
}

/** In a million: lifts that the payor thinks better of at once, and within how many milliseconds. */
const [regretted, regret] = [200_000, 300]

/** Thinks better of a lift that has just begun, whether it is good by now or not. */
export const repent = Effect.fnUntraced(function* ({ memory, self: { random }, who }: Scene) {
  const lift = memory.lifts.at(-1)
  if (lift === undefined || !random.chance(regretted)) return
  yield* Effect.sleep(random.below(regret))
  yield* Effect.ignore((yield* Credit).run(who.cuid, { _tag: "AbortLift", lift }))
})
