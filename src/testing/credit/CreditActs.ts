/**
 * One thing that a user of the scenario `credit` does: what it is comes from the seed, and what it is about from what the user has.
 */
import { isDeepStrictEqual } from "node:util"
import { Effect } from "effect"
import { Credit } from "../../services/credit/Credit.ts"
import type { Rng } from "../world/Rng.ts"
import { elsewhere, type Scene } from "./CreditScene.ts"
import { draft, hand } from "./CreditTickets.ts"
import { abort, find, fresh, lift, payOver, repent } from "./LiftActs.ts"
import { answer, ask, pay, set, talk } from "./TallyActs.ts"

const [mostTallies, mostMoving] = [64, 32]

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
