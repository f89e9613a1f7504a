/**
 * The audit of each half of a tally by itself: every chit on it that counts, in the order of its chain, page by page.
 *
 * Rows that cannot be read, or are not where they say, are another check's: here they are passed over.
 */
import { Effect, Result, Stream } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { ChitState } from "../../protocol/credit/ChitState.ts"
import { HalfCheck } from "../../protocol/credit/HalfInvariants.ts"
import { Proofs } from "../../protocol/credit/Proofs.ts"
import { chitName } from "../../protocol/credit/Snapshot.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Examination, Flaw } from "../delivery/ProtocolAudit.ts"
import { Identity } from "../link/Identity.ts"
import { Records } from "../Records.ts"
import * as RecordsAudit from "../RecordsAudit.ts"
import { CreditFlaws } from "./CreditFlaws.ts"
import * as Tables from "./CreditTables.ts"

type Flaws = Stream.Stream<Flaw, SqlError, Records>

/** I8: room that is held is a promised lift's. */
const held = Effect.fnUntraced(function* (chit: ChitState, flaws: CreditFlaws) {
  if (chit.core.type !== "lift" || chit.status !== "asked") return
  const records = yield* Records
  const [found] = yield* records.look(Tables.lifts, "key", { prefix: [chit.core.lift], limit: 1 })
  const status = found && (Result.isSuccess(found.row) ? found.row.success.status : "unreadable")
  flaws.expect(
    status !== undefined,
    "I8",
    chitName(chit),
    `It holds room for lift ${chit.core.lift}, which is not here.`
  )
})

const ofHalf = (agent: NodeKey, half: TallyHalf): Flaws =>
  Stream.suspend(() => {
    const flaws = new CreditFlaws({ half })
    const check = new HalfCheck(agent, half, new Proofs(), flaws.expect)
    const look = Effect.fnUntraced(function* (chits: ReadonlyArray<ChitState>) {
      for (const chit of chits) {
        flaws.about = { half, chit }
        check.chit(chit)
        yield* held(chit, flaws)
      }
      return flaws.taken()
    })
    const chits = (index: "place" | "loose" | "asked") =>
      Stream.mapEffect(RecordsAudit.readable(Tables.chits, index, [half.holder, half.id]), look)
    const end = Stream.sync(() => {
      flaws.about = { half }
      check.end()
      return flaws.taken()
    })
    const all = Stream.concat(Stream.concat(chits("place"), chits("loose")), Stream.concat(chits("asked"), end))
    return Stream.flatMap(all, (found) => Stream.fromIterable(found))
  })

export const halves: Examination<Records | Identity> = {
  what: "tallies and their chits",
  flaws: Stream.unwrap(
    Effect.map(Identity, ({ key }) =>
      Stream.flatMap(RecordsAudit.readable(Tables.halves), (page) =>
        Stream.flatMap(Stream.fromIterable(page), (half) => ofHalf(key, half))
      )
    )
  )
}

/** Rows of chits as they are stored, and the tally of each: their key begins with it, so that it is asked for once. */
export const chits: Examination<Records> = {
  what: "rows of credit_chits, and their tallies",
  flaws: Stream.suspend(() => {
    let last = ""
    const alone = Effect.fnUntraced(function* ({ core, holder }: ChitState) {
      const tally = `${holder} ${core.tally}`
      if (tally === last) return []
      last = tally
      const records = yield* Records
      const found = yield* records.look(Tables.halves, "key", { prefix: [holder, core.tally], limit: 1 })
      if (found.length > 0) return []
      const about = `${Tables.chits.name} [${holder}, ${core.tally}, ${core.uuid}]`
      const detail = `It is on a tally that ${holder} does not have here, maybe with others. (I3)`
      return [{ name: "chit-alone", about, detail, fix: RecordsAudit.restore }]
    })
    const ofPage = Effect.fnUntraced(function* (page: Stream.Success<ReturnType<typeof stored>>) {
      const found: Array<Flaw> = []
      for (const one of page) {
        found.push(...RecordsAudit.misfit(Tables.chits.name, one))
        if (Result.isSuccess(one.row) && one.isInPlace) found.push(...(yield* alone(one.row.success)))
      }
      return found
    })
    return Stream.flatMap(Stream.mapEffect(stored(), ofPage), (found) => Stream.fromIterable(found))
  })
}

const stored = () => RecordsAudit.pages(Tables.chits)
