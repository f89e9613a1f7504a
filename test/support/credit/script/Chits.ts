/** What parties of a scripted run write on their tally, and what both must have of it. */
import { isDeepStrictEqual } from "node:util"
import { Effect } from "effect"
import { Cuid } from "../../../../src/protocol/credit/Chad.ts"
import * as Chit from "../../../../src/protocol/credit/Chit.ts"
import type { Entry } from "../../../../src/protocol/credit/ChitLog.ts"
import type { TallyHalf } from "../../../../src/protocol/credit/TallyHalf.ts"
import { Credit } from "../../../../src/services/credit/Credit.ts"
import { uuidOf } from "../../../../src/testing/credit/CreditCast.ts"
import { type Board, type Kind, ScriptBroken, type Way } from "./Board.ts"
import { tally } from "./Parties.ts"
import { awaits, does, finds, nodeOf, now, sees, step, type Step, until } from "./Steps.ts"

/** The id of a chit of this name. */
export const chit = (name: string): Chit.ChitId => Chit.ChitId.make(uuidOf(`chit ${name}`))

export const pays = (user: string, units: bigint, name: string): Step =>
  does(user, `${user} pays ${name}`, { _tag: "Pay", tally, units, chit: chit(name) })

/** The chit that a step has kept. */
export const chitIn = (board: Board): Chit.ChitId => {
  const kept = board.kept.get("chit")
  if (typeof kept !== "string") throw new ScriptBroken("no chit is kept")
  return Chit.ChitId.make(kept)
}

const hasAll =
  (net: bigint, places: number) =>
  ({ chain, sums }: TallyHalf) =>
    sums.net === net && chain?.at.index === places && chain.agreed === places && chain.unplaced === 0

/** Both ends have come to this balance, over so many chits, and know it of each other. */
export const bothHave = (net: bigint, places: number): ReadonlyArray<Step> =>
  ["a1", "b1"].map((user) => sees(user, tally, `${places} chits that make ${net}`, hasAll(net, places)))

/** The chits have these names, in this order. */
export const hasOrder = (user: string, names: ReadonlyArray<string>): Step =>
  finds(user, `the order ${names.join(", ")}`, (credit, cuid) =>
    Effect.map(credit.placed(cuid, tally, { limit: 100 }), (all) =>
      isDeepStrictEqual(
        all.map(({ core }) => core.uuid),
        names.map(chit)
      )
    )
  )

/** What takes no effect is kept to be shown. */
export const hasEvidence = (user: string): Step =>
  awaits(user, "evidence", (credit, cuid) => Effect.map(credit.evidence(cuid, tally, 10), (all) => all.length > 0))

const countOf = (kind: Kind, { from, to }: Pick<Way, "from" | "to">) => `${kind} from ${from} to ${to}`

/** Counts what has come of a kind up to here. */
export const noted = (kind: Kind, way: Pick<Way, "from" | "to">): Step =>
  now(`${countOf(kind, way)} is counted`, (board) => {
    board.kept.set(countOf(kind, way), board.heard(kind, way.from, way.to).length)
  })

/** So many more have come since, each of which has got an answer. */
export const came = (kind: Kind, way: Pick<Way, "from" | "to">, more: number): Step =>
  until(way.to, `${more} more of ${countOf(kind, way)}`, (board) => {
    const before = board.kept.get(countOf(kind, way))
    return board.heard(kind, way.from, way.to).length >= Number(before) + more
  })

/** The same signature on another amount. */
export const forged = (entry: Entry): Entry => {
  const { core } = entry.chit
  return core.type === "tran"
    ? { ...entry, chit: { ...entry.chit, core: { ...core, uuid: chit("forged"), units: 900n } } }
    : entry
}

/** A user pays one milli-CHIP so many times, in one step. */
export const paysOften = (user: string, times: number): Step =>
  step(nodeOf(user), `${user} pays ${times} times`, (_, key) =>
    Effect.gen(function* () {
      const { run } = yield* Credit
      for (let n = 0; n < times; n++)
        yield* run(Cuid.make(user), { _tag: "Pay", tally, units: 1n, chit: chit(`${user} ${n}`) }, `${key} ${n}`)
      return true
    })
  )
