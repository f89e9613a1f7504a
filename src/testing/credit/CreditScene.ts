/**
 * What a user of the scenario `credit` has before them when they do something.
 */
import { isSamePerson, type Person } from "../../protocol/credit/Chad.ts"
import type { LiftId } from "../../protocol/credit/LiftPlan.ts"
import type { QueryId } from "../../protocol/credit/Route.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import type { Nodes, Self } from "../cluster/Scenario.ts"
import type { Rng } from "../world/Rng.ts"
import type { Bond, Member } from "./CreditCast.ts"

/** What the users of a life have begun. */
export interface Memory {
  readonly queries: Array<{ readonly query: QueryId; readonly payee: Person }>
  readonly lifts: Array<LiftId>
}

/** Everything that an act may go by. */
export interface Scene {
  readonly self: Self
  readonly who: Member
  readonly nodes: Nodes
  readonly members: ReadonlyArray<Member>
  readonly bonds: ReadonlyArray<Bond>
  readonly memory: Memory
  readonly halves: ReadonlyArray<TallyHalf>
}

/** Mostly little, now and then more than there is room for. */
export const amount = (random: Rng): bigint => BigInt(1 + random.below(random.chance(150_000) ? 3_000 : 150))

export const elsewhere = ({ members, self: { random }, who }: Scene): Member | undefined =>
  random.pick(members.filter((one) => !isSamePerson(one, who)))
