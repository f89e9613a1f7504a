/**
 * What a node of an honest world holds, as rows of its tables, and what an audit finds wrong with them.
 */
import { Effect, Schema } from "effect"
import * as ChitLog from "../../../src/protocol/credit/ChitLog.ts"
import * as LiftPlan from "../../../src/protocol/credit/LiftPlan.ts"
import type { LiftRecord } from "../../../src/protocol/credit/LiftRecord.ts"
import type { LiftState } from "../../../src/protocol/credit/LiftState.ts"
import type { RefereeState } from "../../../src/protocol/credit/RefereeState.ts"
import type { LiftView, Site } from "../../../src/protocol/credit/Snapshot.ts"
import * as CreditAudit from "../../../src/services/credit/CreditAudit.ts"
import * as Tables from "../../../src/services/credit/CreditTables.ts"
import { Audit } from "../../../src/services/delivery/Audit.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import { Records } from "../../../src/services/Records.ts"
import { signerOf } from "./Halves.ts"
import type { HonestWorld } from "./HonestWorld.ts"

/** Credit as far as an audit goes. */
export const audited = Protocol.make("credit", {
  messages: Schema.String,
  handle: () => Effect.void,
  audit: CreditAudit.checks
}).handled

export const migration = Effect.orDie(Effect.forEach(Tables.all, (table) => Records.migration(table)))

/** As a node keeps it that has seen all promises. */
export const liftOf = (world: HonestWorld, { plan, record, status }: LiftView): LiftState => {
  const { authority, promises } = world.record(plan, "good")
  const digest = LiftPlan.digest(plan)
  const state = { plan, authority, digest, status, promises, round: 0, attempts: 0 }
  return record === undefined ? state : { ...state, record }
}

/** As its only referee keeps it. */
export const refereed = (record: LiftRecord): RefereeState => {
  const { authority, ballot, plan, promises, verdict, votes } = record
  const voted = { ballot, verdict, sign: votes[0]!.sign }
  return { plan, authority, digest: LiftPlan.digest(plan), voted, promises, record }
}

/** Writes everything anew. `sealer` signs the places of stock's chits, as foil's agents do. */
export const store = Effect.fnUntraced(function* (world: HonestWorld, site: Site, sealer: string) {
  const records = yield* Records
  for (const half of site.halves) yield* records.put(Tables.halves, half)
  const stock = new Set(site.halves.filter(({ side }) => side === "stock").map(({ holder, id }) => `${holder} ${id}`))
  for (const chit of site.chits) {
    const { core, hash, holder, index } = chit
    const isSealed = stock.has(`${holder} ${core.tally}`) && hash !== undefined && index !== undefined
    const head = isSealed ? ChitLog.signHead(core.tally, { index, hash }, signerOf(sealer)).sign : undefined
    yield* records.put(Tables.chits, head === undefined ? chit : { ...chit, head })
  }
  for (const lift of site.lifts) yield* records.put(Tables.lifts, liftOf(world, lift))
})

/** Kinds and rows of the findings, in their order. */
export const found = Effect.gen(function* () {
  const { findings } = yield* (yield* Audit).run(() => Effect.void)
  return findings.map(({ about, kind }) => `${kind} ${about}`)
})
