/**
 * One good message of each kind, as it is encoded: JSON of texts, whole numbers and booleans.
 */
import { Schema } from "effect"
import * as ChitLog from "../../../src/protocol/credit/ChitLog.ts"
import { LiftPlan } from "../../../src/protocol/credit/LiftPlan.ts"
import { LiftRecord } from "../../../src/protocol/credit/LiftRecord.ts"
import { Certificate } from "../../../src/protocol/credit/Certificate.ts"
import { Pledge } from "../../../src/protocol/credit/Chit.ts"
import { TallyDocument } from "../../../src/protocol/credit/TallyDocument.ts"
import * as Samples from "./CreditSamples.ts"

export interface EncodedMessage {
  readonly _tag: string
  readonly [field: string]: unknown
}

const tally = Samples.document.uuid
const uuid = "0b1c7a56-0000-4000-8000-00000000000a"
const cert = Schema.encodeSync(Certificate)(Samples.alice)
const document = Schema.encodeSync(TallyDocument)(Samples.document)
const entries = Schema.encodeSync(Schema.Array(ChitLog.Entry))(Samples.entries)
const plan = Schema.encodeSync(LiftPlan)(Samples.plan)
const record = Schema.encodeSync(LiftRecord)(Samples.goodRecord)
const { authority, head, positions, promises, signs } = Samples
const by = Samples.laterBallot.by
const node = Samples.keyOf("site-b")
const digested = { lift: Samples.plan.lift, plan: Samples.planDigest }
const signedPlan = { plan, authority }
const ballot = { round: 1, by }
const vote = Samples.votesFor(Samples.laterBallot, "void", ["referee-1"])[0]!
const readiness = { referee: vote.referee, sign: vote.sign, voted: { ballot, verdict: "void", sign: vote.sign } }
const against = { node, why: "refusal", sign: vote.sign }

export const messages: ReadonlyArray<EncodedMessage> = [
  { _tag: "Ticket", token: "00112233445566778899aabbccddeeff", request: uuid, cert },
  { _tag: "Offer", by: "stock", document, signs: { stock: signs.stock } },
  { _tag: "Open", by: "foil", document, signs, heard: true },
  { _tag: "Withdraw", tally, by: "foil", revision: 1 },
  { _tag: "Refuse", tally, by: "foil", revision: 2 },
  { _tag: "Revise", tally, by: "foil", revision: 3 },
  { _tag: "Invoice", core: Schema.encodeSync(Pledge)(Samples.pledge), revision: 1 },
  { _tag: "Decline", tally, chit: Samples.pledge.uuid, revision: 1 },
  { _tag: "Propose", tally, chits: entries.slice(1, 3), at: positions[1] },
  { _tag: "Entered", tally, after: positions[0], entries, head },
  { _tag: "Ack", tally, at: positions[4], closed: false },
  { _tag: "Where", tally, places: positions, head },
  { _tag: "Fetch", tally, after: 2 },
  { _tag: "History", tally, after: positions[2], entries: entries.slice(2), head },
  {
    _tag: "Query",
    query: uuid,
    tally,
    by: "stock",
    find: Samples.plan.payee,
    units: "5000",
    step: 1,
    expires: Samples.noon
  },
  { _tag: "Found", query: uuid, tally, by: "stock", way: { legs: plan.legs, room: "7000" } },
  { _tag: "None", query: uuid, tally, by: "stock", step: 1, expires: Samples.noon },
  { _tag: "Promise", ...signedPlan, promises: promises.slice(0, 1) },
  { _tag: "Refusal", ...digested, node, reason: "no-room", sign: vote.sign },
  { _tag: "Ended", record },
  { _tag: "Inquire", ...digested },
  { _tag: "Prepare", ...signedPlan, ballot },
  { _tag: "Ready", ...digested, ballot, readiness, promises },
  { _tag: "Decide", ...signedPlan, ballot, verdict: "void", promises: [], against, ready: [readiness] },
  { _tag: "Voted", ...digested, ballot, verdict: "void", vote },
  { _tag: "Unvoted", ...digested, ballot, why: "later-ballot", later: { round: 2, by } }
]
