/**
 * What waits for users and for the operator, as the state says now: tallies and invoices that somebody has to answer, tickets that were
 * refused, tallies in trouble, and lifts that nobody has decided long after their time.
 *
 * What was there for the longest comes first, and there are 1,000 at the most.
 */
import { Clock, Effect } from "effect"
import { other, type TallyId } from "../../protocol/credit/TallyDocument.ts"
import type { ChitState } from "../../protocol/credit/ChitState.ts"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import type { LiftState } from "../../protocol/credit/LiftState.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import * as Units from "../../protocol/credit/Units.ts"
import type { Concern } from "../delivery/Protocol.ts"
import { Records } from "../Records.ts"
import * as Tables from "./CreditTables.ts"

/** As many as a node takes of a protocol. */
const mostConcerns = 1_000
/** How long after its time a lift concerns the operator, in milliseconds: ten minutes. */
export const lateMillis = 600_000
/** How long a ticket that was refused is a concern after its time, in milliseconds: a week. */
export const refusedMillis = 7 * 86_400_000
/** Pages of chits that are looked at for invoices: most of them may wait for others. */
const mostPages = 4

const chips = (units: bigint): string => `${Units.format(units)} CHIP`

const nameOf = ({ document, draft, side }: TallyHalf): string =>
  draft?.partner?.name ?? document?.[other(side)].cert.name ?? "somebody"

const ofHalf = (half: TallyHalf): Concern => {
  const { document, draft, holder, id, revision, status, trouble } = half
  const common = { audience: holder, subject: id, since: document?.date ?? draft?.partner?.date ?? 0 }
  if (trouble !== undefined) {
    return { ...common, kind: "tally.trouble", detail: `The tally with ${nameOf(half)} needs a person: ${trouble}` }
  }
  if (status === "received") {
    const detail = `${nameOf(half)} offers revision ${revision} of a tally: accept, refuse or revise it.`
    return { ...common, kind: "tally.received", detail }
  }
  return { ...common, kind: "tally.requested", detail: `${nameOf(half)} has come with a ticket: offer the tally.` }
}

const ofInvoice = ({ changed, core, holder }: ChitState): ReadonlyArray<Concern> => {
  if (core.type !== "tran") return []
  const what = core.memo === undefined ? "" : ` (${core.memo.slice(0, 200)})`
  const detail = `${chips(core.units)} are asked for${what}: pay or decline chit ${core.uuid}.`
  return [{ audience: holder, subject: core.tally, kind: "chit.asked", detail, since: changed }]
}

const ofRequest = ({ expires, issuer, reason, request, user }: Tables.Request): Concern => {
  const detail = `The ticket of ${issuer.cuid} was refused: ${reason ?? "no reason was given"}. Ask for a new one.`
  return { audience: user, subject: request, kind: "ticket.refused", detail, since: expires }
}

const ofLift = ({ attempts, plan }: LiftState): Concern => {
  const detail = `${chips(plan.units)} are held for lift ${plan.lift}, which nobody has decided; asked ${attempts} times.`
  return { audience: "", subject: plan.lift, kind: "lift.pending", detail, since: plan.expires }
}

/** Whether an invoice is asked of the half that it is on, whose side is looked up once for each tally. */
const isAskedHere = (sides: Map<string, TallyHalf["side"] | undefined>) =>
  Effect.fnUntraced(function* (holder: Cuid, tally: TallyId, by: TallyHalf["side"]) {
    const key = `${holder} ${tally}`
    if (!sides.has(key)) sides.set(key, (yield* (yield* Records).get(Tables.halves, [holder, tally]))?.side)
    return sides.get(key) === by
  })

const invoices = Effect.gen(function* () {
  const records = yield* Records
  const isHere = isAskedHere(new Map())
  const found: Array<Concern> = []
  let after: ReadonlyArray<string | number | bigint> | undefined
  for (let page = 0; page < mostPages && found.length < mostConcerns; page++) {
    const rows: ReadonlyArray<ChitState> = yield* records.page(Tables.chits, "asked", { limit: mostConcerns, after })
    for (const row of rows) {
      const { by, tally, type } = row.core
      if (type === "tran" && (yield* isHere(row.holder, tally, by))) found.push(...ofInvoice(row))
    }
    const last = rows.at(-1)
    if (rows.length < mostConcerns || last === undefined) break
    after = Tables.chits.parts("asked", last)
  }
  return found
})

/** All of them, as a node asks for them. */
export const all = Effect.gen(function* () {
  const records = yield* Records
  const now = yield* Clock.currentTimeMillis
  const page = { limit: mostConcerns }
  const waiting = yield* records.page(Tables.halves, "waits", page)
  const refused = yield* records.page(Tables.requests, "refused", { ...page, after: [now - refusedMillis] })
  const asking = yield* records.page(Tables.lifts, "wake", page)
  const late = asking.filter(({ plan, status }) => status === "promised" && now > plan.expires + lateMillis)
  const concerns = [...waiting.map(ofHalf), ...(yield* invoices), ...refused.map(ofRequest), ...late.map(ofLift)]
  return concerns.toSorted((one, two) => one.since - two.since).slice(0, mostConcerns)
})
