/**
 * An honest world of three nodes, and ways to plant something wrong in it and to say what is found.
 */
import type { ChitState } from "../../../src/protocol/credit/ChitState.ts"
import { type Invariant, ofSite, ofWorld, type Site, type Violation } from "../../../src/protocol/credit/Invariants.ts"
import type { TallyHalf } from "../../../src/protocol/credit/TallyHalf.ts"
import { person, tallyId } from "./Halves.ts"
import { HonestWorld } from "./HonestWorld.ts"

export const quiet = (): boolean => true
export const busy = (): boolean => false

/**
 * Ann at a, Bob and Bea at b, Cyd at c. Tally 1: Ann's with Bob, 2: Cyd's with Bob, 3: Bob's with Bea, both at b. Lift 1 has gone from Ann to
 * Cyd, 2 from Bea over Bob to Cyd, 3 is void, 4 is promised, unless all is to be quiet.
 */
export const honest = (isQuiet = false): ReadonlyArray<Site> => honestWorld(isQuiet).sites()

export const honestWorld = (isQuiet = false): HonestWorld => {
  const world = new HonestWorld({ ann: "a", bob: "b", bea: "b", cyd: "c" })
  world.open(1, "ann", "bob")
  world.open(2, "cyd", "bob")
  world.open(3, "bob", "bea")
  world.pledge(1, "foil", 500n)
  world.pledge(1, "stock", 70n)
  world.set(1, "stock", { bound: 900n })
  world.pledge(2, "foil", 40n)
  world.pledge(3, "stock", 5n)
  world.lift(
    1,
    [
      [1, "stock"],
      [2, "foil"]
    ],
    30n,
    "good"
  )
  world.lift(
    2,
    [
      [3, "foil"],
      [2, "foil"]
    ],
    7n,
    "good"
  )
  world.lift(
    3,
    [
      [1, "stock"],
      [2, "foil"]
    ],
    9n,
    "void"
  )
  if (!isQuiet)
    world.lift(
      4,
      [
        [1, "stock"],
        [2, "foil"]
      ],
      11n,
      "promised"
    )
  return world
}

export const a = person("x", "a").agent
export const b = person("x", "b").agent
export const c = person("x", "c").agent
export type Change<Row> = (row: Row) => Row | ReadonlyArray<Row>

/** The world but for one node's halves or chits. */
export const but = <Key extends "halves" | "chits" | "lifts">(
  sites: ReadonlyArray<Site>,
  agent: string | undefined,
  key: Key,
  change: Change<Site[Key][number]>
): ReadonlyArray<Site> =>
  sites.map((site) => {
    const rows: ReadonlyArray<Site[Key][number]> = site[key]
    return site.agent === agent ? { ...site, [key]: rows.flatMap(change) } : site
  })

export const onHalf =
  (n: number, holder: string, change: (half: TallyHalf) => Partial<TallyHalf>): Change<TallyHalf> =>
  (half) =>
    half.id === tallyId(n) && half.holder === holder ? { ...half, ...change(half) } : half
export const onChit =
  (fits: (chit: ChitState) => boolean, change: (chit: ChitState) => Partial<ChitState>): Change<ChitState> =>
  (chit) =>
    fits(chit) ? { ...chit, ...change(chit) } : chit

export const isLift =
  (n: number, status?: string) =>
  ({ core, status: now }: ChitState): boolean =>
    core.type === "lift" && core.lift.endsWith(String(n)) && (status === undefined || now === status)
export const isPledge =
  (n: number, units: bigint) =>
  ({ core }: ChitState): boolean =>
    core.type === "tran" && core.tally === tallyId(n) && core.units === units

export const named = (all: ReadonlyArray<Violation>): ReadonlyArray<Invariant> =>
  [...new Set(all.map(({ invariant }) => invariant))].sort()
export const inWorld = (sites: ReadonlyArray<Site>, isQuiet = quiet): ReadonlyArray<Invariant> =>
  named(ofWorld(sites, isQuiet))
export const atSite = (sites: ReadonlyArray<Site>, agent: string | undefined): ReadonlyArray<Invariant> =>
  named(ofSite(sites.find((site) => site.agent === agent)!))
