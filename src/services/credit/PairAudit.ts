/**
 * The audit of tallies whose both ends are at this node: what one says, the other one says. Their ends hear each other within one
 * transaction, so that they are as equal as they can be at any time; one with trouble waits for a person.
 */
import { Effect, Stream } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { ChitState } from "../../protocol/credit/ChitState.ts"
import { agree, type Kept, lone, match } from "../../protocol/credit/PairInvariants.ts"
import { Proofs } from "../../protocol/credit/Proofs.ts"
import { other } from "../../protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Examination, Flaw } from "../delivery/ProtocolAudit.ts"
import { Identity } from "../link/Identity.ts"
import { Records } from "../Records.ts"
import * as RecordsAudit from "../RecordsAudit.ts"
import { CreditFlaws } from "./CreditFlaws.ts"
import * as Tables from "./CreditTables.ts"

/** Whether both have taken in all that the other one has said. */
const isQuiet = (one: TallyHalf, there: TallyHalf): boolean =>
  one.trouble === undefined &&
  there.trouble === undefined &&
  one.chain?.unplaced === 0 &&
  there.chain?.unplaced === 0 &&
  one.chain.at.index === there.chain.at.index

/** Those of these chits that the other half has. */
const counterparts = (half: TallyHalf, chits: ReadonlyArray<ChitState>) =>
  Effect.map(
    Effect.forEach(chits, ({ core }) => RecordsAudit.first(Tables.chits, "key", [half.holder, half.id, core.uuid])),
    (found) => found.flatMap((one) => (one === undefined ? [] : [one]))
  )

/** The good chits of one end against those of the other. */
const compared = (one: Kept, there: Kept, quiet: boolean): Stream.Stream<Flaw, SqlError, Records> => {
  const proofs = new Proofs()
  const { half } = one
  const look = Effect.fnUntraced(function* (chits: ReadonlyArray<ChitState>) {
    const others = { ...there, chits: yield* counterparts(there.half, chits) }
    return chits.flatMap((chit) => {
      const flaws = new CreditFlaws({ half, chit })
      agree({ ...one, chits: [chit] }, others, quiet, proofs, flaws.expect)
      return flaws.taken()
    })
  })
  const pages = (index: "place" | "loose") => RecordsAudit.readable(Tables.chits, index, [half.holder, half.id])
  const all = Stream.mapEffect(Stream.concat(pages("place"), pages("loose")), look)
  return Stream.flatMap(all, (found) => Stream.fromIterable(found))
}

const ofHalf = (agent: NodeKey, half: TallyHalf): Stream.Stream<Flaw, SqlError, Records> =>
  Stream.unwrap(
    Effect.gen(function* () {
      if (half.partner?.agent !== agent || half.chain === undefined) return Stream.empty
      const found = yield* RecordsAudit.first(Tables.halves, "side", [half.id, other(half.side), agent])
      const flaws = new CreditFlaws({ half })
      const one: Kept = { agent, half, chits: [] }
      if (found?.chain === undefined) {
        lone(one, new Set([agent]), flaws.expect)
        return Stream.fromIterable(flaws.taken())
      }
      const there: Kept = { agent, half: found, chits: [] }
      const quiet = isQuiet(half, found)
      // What holds of both at once is said once.
      if (half.side === "stock") match(one, there, quiet, flaws.expect)
      return Stream.concat(Stream.fromIterable(flaws.taken()), compared(one, there, quiet))
    })
  )

export const pairs: Examination<Records | Identity> = {
  what: "tallies between users of this node",
  flaws: Stream.unwrap(
    Effect.map(Identity, ({ key }) =>
      Stream.flatMap(RecordsAudit.readable(Tables.halves), (page) =>
        Stream.flatMap(Stream.fromIterable(page), (half) => ofHalf(key, half))
      )
    )
  )
}
