/**
 * What is kept of chits that take no effect, to be shown: so many for each half of a tally. Of what comes beyond them the event says that it is
 * not kept, and the meter counts that event. The same chit again takes no room.
 */
import { Effect } from "effect"
import type { Action } from "../../protocol/credit/Action.ts"
import type { Evidence } from "../../protocol/credit/ChainStep.ts"
import * as Chit from "../../protocol/credit/Chit.ts"
import type { TallyHalf } from "../../protocol/credit/TallyHalf.ts"
import { Records } from "../Records.ts"
import { CreditConfig } from "./CreditConfig.ts"
import * as Tables from "./CreditTables.ts"

/** Events that speak of evidence. */
const kinds: ReadonlySet<string> = new Set(["chit.conflict", "chit.forged", "chit.misfit"])

const said =
  (left: ReadonlySet<unknown>) =>
  (action: Action): Action =>
    action._tag === "Tell" && kinds.has(action.kind) && left.has(action.body["chit"])
      ? { ...action, body: { ...action.body, isKept: false } }
      : action

/**
 * Keeps what there is room for. The half is locked, and stored where its count has changed: `counted` is what the caller stores besides.
 * `said` is for the actions that tell of it.
 */
export const keep = Effect.fnUntraced(function* (half: TallyHalf, all: ReadonlyArray<Evidence>, at: number) {
  const records = yield* Records
  const { mostEvidence } = yield* CreditConfig
  const { evidence: before = 0, holder, id: tally } = half
  const left = new Set<unknown>()
  let count = before
  for (const { against, entry, reason } of all) {
    const { core } = entry.chit
    const digest = Chit.digest(core)
    const isKnown = (yield* records.get(Tables.evidence, [holder, tally, digest])) !== undefined
    if (!isKnown && count >= mostEvidence) left.add(core.uuid)
    else {
      const row = { tally, holder, entry, digest, reason, at }
      yield* records.put(Tables.evidence, against === undefined ? row : { ...row, against })
      count += isKnown ? 0 : 1
    }
  }
  const counted: Pick<TallyHalf, "evidence"> = count === 0 ? {} : { evidence: count }
  if (count !== before) yield* records.put(Tables.halves, { ...half, ...counted })
  return { counted, said: said(left) }
})
