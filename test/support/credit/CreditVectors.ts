/**
 * The published vectors of credit, by the name of their file in `test/vectors/credit`: what another implementation has to agree with.
 *
 * `test/vectors/credit/write.ts` writes them, `verify.py` beside it checks them and shares nothing with the sources.
 */
import { Option, Result, Schema } from "effect"
import { Hex } from "effect/encoding"
import { canonical, digestOf } from "../../../src/protocol/credit/Canonical.ts"
import * as Chad from "../../../src/protocol/credit/Chad.ts"
import * as Chit from "../../../src/protocol/credit/Chit.ts"
import * as ChitLog from "../../../src/protocol/credit/ChitLog.ts"
import * as Invitation from "../../../src/protocol/credit/Invitation.ts"
import * as LiftPlan from "../../../src/protocol/credit/LiftPlan.ts"
import * as LiftRecord from "../../../src/protocol/credit/LiftRecord.ts"
import { type Purpose, signedBytes, signWith } from "../../../src/protocol/credit/Signature.ts"
import * as Tally from "../../../src/protocol/credit/TallyDocument.ts"
import { Token } from "../../../src/protocol/credit/Token.ts"
import * as Samples from "./CreditSamples.ts"
import { messages } from "./MessageSamples.ts"

const names = ["alice", "bob", "carol", "site-a", "site-b", "site-c", "referee-1", "referee-2", "referee-3"]
const purposes: ReadonlyArray<Purpose> = [
  "tally",
  "chit",
  "lift",
  "head",
  "promise",
  "refusal",
  "abort",
  "vote",
  "ready"
]

const values: ReadonlyArray<unknown> = [
  {},
  [],
  "",
  { b: 1, a: [true, false, null], B: { z: 0, y: "" } },
  { "\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\u{1f600}": 5, "\u0080": 6, "\u00f6": 7 },
  { "10": 1, "9": 2, "-": 3, "": 4 },
  '\b\t\n\f\r"\\/\u0000\u001f\u007f\u0080é€\u2028\u{1f600}e\u0301',
  [0, -0, 1, -1, 9007199254740991, 333333333.3333333, 1e30, 4.5, 0.002, 1e-27, 1e21, 1e20, 0.000001, 1e-7, 5e-324],
  { units: "2305843009213693951", at: 1780000000000 }
]

const withDigest = (json: unknown) => ({ json, text: canonical(json), digest: digestOf(json) })

const keys = () =>
  names.map((name) => ({
    name,
    seed: Hex.encode(Samples.seedOf(name)),
    key: Samples.keyOf(name),
    agent: Chad.agentText(Samples.keyOf(name))
  }))

const signatures = () =>
  purposes.map((purpose) => ({
    by: "alice",
    purpose,
    digest: Tally.digest(Samples.document),
    bytes: Hex.encode(signedBytes(purpose, Tally.digest(Samples.document))),
    sign: signWith(Samples.signerOf("alice"), purpose, Tally.digest(Samples.document))
  }))

const tallies = () => ({
  ...withDigest(Schema.encodeSync(Tally.TallyDocument)(Samples.document)),
  signs: Samples.signs,
  chits: Samples.entries.map(({ chit }) => ({
    ...withDigest(Schema.encodeSync(Chit.Core)(chit.core)),
    sign: chit.sign ?? null
  })),
  effects: Samples.entries.map(({ chit }) => Chit.effect(chit.core).toString()),
  positions: Samples.positions,
  heads: Samples.positions.map((at) => ChitLog.signHead(Samples.document.uuid, at, Samples.signerOf("site-b"))),
  headBy: "site-b"
})

const encodeRecord = Schema.encodeSync(LiftRecord.LiftRecord)

const lifts = () => {
  const { goodRecord, plan, planDigest, promises, voidRecord } = Samples
  const [first, second] = promises
  const records: ReadonlyArray<readonly [string, LiftRecord.LiftRecord]> = [
    ["good in round 0", goodRecord],
    ["void in round 1", voidRecord],
    ["a promise missing", { ...goodRecord, promises: [first!, second!] }],
    ["one vote of three", { ...goodRecord, votes: goodRecord.votes.slice(0, 1) }],
    ["one vote twice", { ...goodRecord, votes: [goodRecord.votes[0]!, goodRecord.votes[0]!] }],
    ["the votes of another ballot", { ...voidRecord, ballot: { round: 2, by: Samples.keyOf("site-b") } }],
    ["the votes for another verdict", { ...goodRecord, ballot: Samples.laterBallot, votes: voidRecord.votes }],
    ["another plan", { ...goodRecord, plan: { ...plan, memo: "für Kaese" } }],
    ["an authority for another purpose", { ...goodRecord, authority: Samples.signs.stock }]
  ]
  const votes = [LiftRecord.first, Samples.laterBallot].map((ballot) => {
    const verdict = ballot.round === 0 ? "good" : "void"
    const digest = LiftRecord.voteDigest(planDigest, ballot, verdict)
    return { ballot, verdict, digest, by: "referee-1", sign: Samples.votesFor(ballot, verdict, ["referee-1"])[0]!.sign }
  })
  return {
    ...withDigest(Schema.encodeSync(LiftPlan.LiftPlan)(plan)),
    authority: Samples.authority,
    nodes: LiftPlan.nodes(plan),
    majority: LiftPlan.majority(plan),
    chits: plan.legs.map((_, leg) => Schema.encodeSync(Chit.Core)(LiftPlan.chitOf(plan, leg))),
    promises,
    votes,
    records: records.map(([what, record]) => ({
      what,
      valid: LiftRecord.isValid(record),
      record: encodeRecord(record)
    }))
  }
}

const addresses = () => {
  const key = Chad.agentText(Samples.keyOf("site-a"))
  const hex = Samples.keyOf("site-a")
  const texts = [
    `alice:${key}@site-a.example:4000`,
    `chip://alice:${hex}@192.0.2.7:65535/`,
    `a.b-c_9:${key}@[2001:db8::1]:1`,
    "",
    "alice",
    `alice@site-a.example:4000`,
    `alice:${key}`,
    `-a:${key}@h:1`,
    `${"a".repeat(65)}:${key}@h:1`,
    `ä:${key}@h:1`,
    `a:${key.slice(1)}@h:1`,
    `a:${key}A@h:1`,
    `a:${key}=@h:1`,
    `a:${hex.toUpperCase()}@h:1`,
    `a:${key.slice(0, -1)}${key.endsWith("B") ? "C" : "B"}@h:1`,
    `a:${key}@h`,
    `a:${key}@h:0`,
    `a:${key}@h:65536`,
    `a:${key}@:1`,
    `a:${key}@h h:1`,
    `a:${key}@h..h:1`,
    `a:${key}@::1:1`,
    `a:${key}@300.1.1.1:1`,
    `a:${key}@[1.2.3.4]:1`
  ]
  return texts.map((text) =>
    Result.match(Chad.parse(text), {
      onSuccess: (chad) => ({ text, chad, printed: Chad.format(chad) }),
      onFailure: ({ problem }) => ({ text, problem })
    })
  )
}

const invitations = () => {
  const chad = Samples.alice.chad
  return [0, Samples.noon, Samples.noon + 1].map((expires) => {
    const invitation = { token: Token.make("00112233445566778899aabbccddeeff"), chad, expires }
    return { invitation, text: Invitation.print(invitation) }
  })
}

/** What is refused, by what it is refused as. */
const refused = () => {
  const document = Schema.encodeSync(Tally.TallyDocument)(Samples.document)
  const core = Schema.encodeSync(Chit.Core)(Samples.pledge)
  const plan = Schema.encodeSync(LiftPlan.LiftPlan)(Samples.plan)
  const amounts = ["", "-0", "00", "01", "+1", " 1", "1.0", "1e3", "0x10", "-1", "2305843009213693952"]
  return [
    ...amounts.map((units) => ({ as: "chit", why: `the amount "${units}"`, json: { ...core, units } })),
    { as: "chit", why: "an amount that is a number", json: { ...core, units: 5 } },
    { as: "chit", why: "nothing pledged", json: { ...core, units: "0" } },
    { as: "chit", why: "half a character", json: { ...core, memo: "\ud83d" } },
    { as: "chit", why: "the character 0", json: { ...core, memo: "a\0b" } },
    { as: "chit", why: "a text of 1,025 UTF-16 units", json: { ...core, memo: "x".repeat(1_025) } },
    { as: "chit", why: "a time before 1970", json: { ...core, date: -1 } },
    { as: "chit", why: "no side", json: { ...core, by: "payor" } },
    { as: "tally", why: "one party on both sides", json: { ...document, foil: document.stock } },
    { as: "tally", why: "revision 0", json: { ...document, revision: 0 } },
    { as: "tally", why: "another version", json: { ...document, version: 2 } },
    { as: "plan", why: "an even number of referees", json: { ...plan, referees: plan.referees.slice(1) } },
    { as: "plan", why: "legs that are not joined", json: { ...plan, legs: plan.legs.toReversed() } },
    { as: "plan", why: "a payor at another agent", json: { ...plan, payor: plan.payee } }
  ]
}

const schemas = { chit: Chit.Core, tally: Tally.TallyDocument, plan: LiftPlan.LiftPlan }

/** Whether a value is taken as what it says it is. */
export const isTaken = (as: string, json: unknown): boolean => {
  const schema = as === "chit" ? schemas.chit : as === "tally" ? schemas.tally : schemas.plan
  return Option.isSome(Schema.decodeUnknownOption(schema)(json))
}

export const vectors = () => ({
  "canonical.json": values.map(withDigest),
  "keys.json": { keys: keys(), signatures: signatures() },
  "tally.json": tallies(),
  "lift.json": lifts(),
  "addresses.json": addresses(),
  "invitations.json": invitations(),
  "messages.json": messages,
  "refused.json": refused()
})
