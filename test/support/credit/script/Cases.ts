/**
 * The scenarios of credit as tests: each script comes to its end where nothing goes wrong but what it says, and keeps the laws of credit
 * amid random faults as well.
 */
import { describe, it } from "@effect/vitest"
import type { Entry } from "../../../../src/testing/faults/FaultPlan.ts"
import type { Profile } from "../../../../src/testing/faults/Swarm.ts"
import { worlds } from "../../worlds/Worlds.ts"
import { ScriptBroken } from "./Board.ts"
import { amid, type Moment, momentsOf, play, type Script, type Told, type Where } from "./ScriptedCredit.ts"

export interface Case extends Script {
  /** What happens, as a sentence about behaviour, with the names of the scenarios that it is. */
  readonly name: string
  /** What strikes at moments of the script. */
  readonly strikes?: (moment: (where: Where) => Moment) => ReadonlyArray<Entry>
  /** Referees lie: what honest nodes then make of it amid faults is not said. */
  readonly isOfLiars?: boolean
  /** What else must be so of the run without random faults. */
  readonly judge?: (told: Told) => void
}

const profiles = ["network", "crash"] as const satisfies ReadonlyArray<Profile>

/** For strikes that name no moments. */
const unknown = (): Moment => {
  throw new ScriptBroken("the moments of this script were not looked for")
}

const faultsOf = async ({ strikes, ...script }: Case): Promise<ReadonlyArray<Entry>> =>
  strikes === undefined ? [] : strikes(strikes.length === 0 ? unknown : await momentsOf(script))

/** Tests of a group; `from` is the first of its seeds. */
export const group = (name: string, from: number, cases: ReadonlyArray<Case>): void => {
  describe(name, { timeout: 1_200_000 }, () => {
    for (const [place, one] of cases.entries()) {
      it(one.name, async () => {
        const told = await play(one, await faultsOf(one))
        one.judge?.(told)
      })
      if (one.isOfLiars === true) continue
      it(`${one.name}, amid random faults`, async () => {
        const faults = await faultsOf(one)
        for (const [at, profile] of profiles.entries())
          for (let n = 0; n < worlds(1); n++)
            await amid(one, { profile, seed: from + place * 1_000 + at * 500 + n, faults })
      })
    }
  })
}
