/**
 * Two users with a tally between them, each at a node of their own, and what they sign. Everything follows from the seeds.
 */
import * as NodeSecret from "../../../src/protocol/NodeSecret.ts"
import { Cuid, type Chad } from "../../../src/protocol/credit/Chad.ts"
import * as Chit from "../../../src/protocol/credit/Chit.ts"
import * as ChitLog from "../../../src/protocol/credit/ChitLog.ts"
import * as LiftPlan from "../../../src/protocol/credit/LiftPlan.ts"
import * as LiftRecord from "../../../src/protocol/credit/LiftRecord.ts"
import { signWith } from "../../../src/protocol/credit/Signature.ts"
import * as Tally from "../../../src/protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../../src/protocol/credit/TallyHalf.ts"

const secret = (seed: number) => NodeSecret.fromSeed(new Uint8Array(32).fill(seed))
const signer = (seed: number) => {
  const own = secret(seed)
  return { key: own.key, sign: (message: Uint8Array) => NodeSecret.sign(own, message) }
}

export const agents = { stock: signer(1), foil: signer(2) }
export const users = { stock: signer(3), foil: signer(4) }
export const referee = signer(5)
export const stranger = signer(6)

/** The n-th UUID of a kind. */
export const uuid = (kind: number, n: number): string =>
  `${kind.toString(16).padStart(8, "0")}-0000-4000-8000-${n.toString(16).padStart(12, "0")}`

const date = 1_700_000_000_000

const chad = (side: Tally.Side): Chad => ({
  cuid: Cuid.make(side),
  agent: agents[side].key,
  host: "127.0.0.1",
  port: side === "stock" ? 4_001 : 4_002
})

const party = (side: Tally.Side) => ({
  cert: { date, chad: chad(side), type: "person" as const, name: side, public: users[side].key },
  terms: { limit: 1_000_000_000n }
})

export const tally = Tally.TallyId.make(uuid(1, 1))

export const document: Tally.TallyDocument = {
  version: 1,
  uuid: tally,
  revision: 1,
  date,
  memo: "",
  agree: { name: "none", rid: "none" },
  stock: party("stock"),
  foil: party("foil")
}

/** A side's half of the tally, just opened. */
export const opened = (side: Tally.Side): TallyHalf => ({
  holder: Cuid.make(side),
  id: tally,
  side,
  partner: chad(Tally.other(side)),
  status: "open",
  revision: 1,
  document,
  signs: {},
  sets: { stock: {}, foil: {} },
  sums: { net: 0n, up: 0n, down: 0n },
  chain: { at: ChitLog.genesis(Tally.digest(document)), told: 0, agreed: 0, unplaced: 0, closedThere: false }
})

/** Signed by its issuer, or by whoever is named. */
export const signed = (core: Chit.Core, by = users[core.by]): ChitLog.Entry => ({
  chit: { core, sign: signWith(by.sign, "chit", Chit.digest(core)) }
})

export const pledge = (by: Tally.Side, n: number, units = 1_000n, memo = ""): ChitLog.Entry =>
  signed({ type: "tran", tally, uuid: Chit.ChitId.make(uuid(2, n)), by, date: date + n, units, memo })

export const setting = (by: Tally.Side, n: number, sets: Chit.Settings): ChitLog.Entry =>
  signed({ type: "set", tally, uuid: Chit.ChitId.make(uuid(3, n)), by, date: date + n, sets })

/** A good lift over the tally and nothing else; its chit with the record. */
export const lifted = (
  by: Tally.Side,
  n: number,
  units = 100n,
  between = agents
): ChitLog.Entry & { record: LiftRecord.LiftRecord } => {
  const from = between[by]
  const to = between[Tally.other(by)]
  const plan: LiftPlan.LiftPlan = {
    version: 1,
    lift: LiftPlan.LiftId.make(uuid(4, n)),
    legs: [{ tally, from: from.key, to: to.key, by }],
    units,
    date: date + n,
    expires: date + n + 120_000,
    referees: [{ key: referee.key, host: "127.0.0.1", port: 4_003 }],
    payor: { cuid: Cuid.make(by), agent: from.key },
    payee: { cuid: Cuid.make(Tally.other(by)), agent: to.key },
    payorKey: users[by].key
  }
  const digest = LiftPlan.digest(plan)
  const record: LiftRecord.LiftRecord = {
    plan,
    authority: signWith(users[by].sign, "lift", digest),
    verdict: "good",
    ballot: LiftRecord.first,
    votes: [LiftRecord.vote(digest, LiftRecord.first, "good", referee.key, referee.sign)],
    promises: [from, to].map(({ key, sign }) => LiftRecord.promise(digest, key, sign))
  }
  return { chit: { core: LiftPlan.chitOf(plan, 0) }, record }
}
