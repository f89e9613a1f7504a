/**
 * Plans whose ghosts come an hour or thirty days later. Nobody is there in between, so that the time costs nothing: all
 * nodes go down once everything else is over, come back, and meet what was sent before.
 */
import type { Dice } from "./Dice.ts"
import type { Entry, FaultPlan } from "./FaultPlan.ts"

/** Of the plans that have ghosts, in percent. */
const share = 20
/** Milliseconds. */
const ages = [3_600_000, 30 * 86_400_000] as const
/** Longer than any fault of `Families` keeps a node down. */
const over = 31_000
/** From the return of the nodes to the ghosts, and from there to the quiet end. */
const [settled, after] = [5_000, 10_000]

/** A node that comes back while everybody is away would be alone, and at work, for all of that time. */
const mayComeBack = ({ fault, when }: Entry): boolean => "down" in fault && !("at" in when)

/** The plan, or for some of those with ghosts one that lasts until they are old. */
export const haunted = (plan: FaultPlan, dice: Dice): FaultPlan => {
  const ghosts = plan.faults.flatMap(({ fault }) => (fault._tag === "Ghost" ? [fault] : []))
  if (ghosts.length === 0 || !dice.percent(share)) return plan
  const age = dice.rng.pick(ages)
  const away = plan.duration + over
  const duration = away + age + settled + after
  const at = (millis: number, fault: Entry["fault"]): Entry => ({ when: { at: millis }, fault })
  return {
    ...plan,
    duration,
    // Users work as hard as they would have.
    operations: Math.round((plan.operations * duration) / plan.duration),
    faults: [
      ...plan.faults.filter((entry) => !mayComeBack(entry)),
      ...dice.nodes.map((node) => at(away, { _tag: "Kill", node, down: age, end: "rst" })),
      ...ghosts.map((ghost, index) => at(away + 1 + index, { ...ghost, after: age + settled }))
    ]
  }
}
