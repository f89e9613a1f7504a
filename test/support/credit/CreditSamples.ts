/**
 * One good value of everything in the vocabulary of credit, always the same: parties at three sites, a tally with its chits, and a lift
 * over two tallies with three referees.
 */
import { createHash } from "node:crypto"
import { type Chad, Cuid } from "../../../src/protocol/credit/Chad.ts"
import * as Chit from "../../../src/protocol/credit/Chit.ts"
import * as ChitLog from "../../../src/protocol/credit/ChitLog.ts"
import * as LiftPlan from "../../../src/protocol/credit/LiftPlan.ts"
import * as LiftRecord from "../../../src/protocol/credit/LiftRecord.ts"
import { signWith } from "../../../src/protocol/credit/Signature.ts"
import * as Tally from "../../../src/protocol/credit/TallyDocument.ts"
import * as NodeSecret from "../../../src/protocol/NodeSecret.ts"

/** The seed of somebody's key. */
export const seedOf = (name: string): Uint8Array =>
  createHash("sha256").update(`holdfast-credit sample ${name}`).digest()

export const secretOf = (name: string): NodeSecret.NodeSecret => NodeSecret.fromSeed(seedOf(name))
export const keyOf = (name: string) => secretOf(name).key
export const signerOf =
  (name: string) =>
  (message: Uint8Array): Uint8Array =>
    NodeSecret.sign(secretOf(name), message)

export const noon = 1_780_000_000_000
const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`

export const chadOf = (user: string, site: string): Chad => ({
  cuid: Cuid.make(user),
  agent: keyOf(site),
  host: `${site}.example`,
  port: 4_000
})

const certificate = (user: string, site: string, more: Partial<Tally.TallyDocument["stock"]["cert"]> = {}) => ({
  date: noon,
  chad: chadOf(user, site),
  type: "person" as const,
  name: user,
  public: keyOf(user),
  ...more
})

export const alice = certificate("alice", "site-a", {
  name: "Alice Ångström 😀",
  connect: [{ media: "email", address: "alice@site-a.example", comment: "daytime" }],
  place: [{ type: "mail", address: "1 High Street\nSpringfield" }],
  identity: { birth: "1990-01-31", state: "XX" },
  file: [{ media: "image/png", digest: "3q2-7w" }]
})
export const bob = certificate("bob", "site-b", { type: "organisation" })
export const carol = certificate("carol", "site-c")

const documentOf = (id: number, stock: typeof alice, foil: typeof alice): Tally.TallyDocument => ({
  version: 1,
  uuid: Tally.TallyId.make(uuid(id)),
  revision: 1,
  date: noon,
  memo: 'Café "€uro" \\ line\nnext\u0001',
  agree: { name: "Standard", rid: "dGVzdA", source: "https://contracts.example/standard" },
  stock: { cert: stock, terms: { limit: 50_000n, call: 30 } },
  foil: { cert: foil, terms: { limit: 0n } }
})

/** Between alice, who is stock, and bob, who is foil; and the second tally of the lift, between bob and carol. */
export const document = documentOf(1, alice, bob)
export const secondDocument = documentOf(2, carol, bob)

export const signs = {
  stock: signWith(signerOf("alice"), "tally", Tally.digest(document)),
  foil: signWith(signerOf("bob"), "tally", Tally.digest(document))
} satisfies Tally.Signatures

const common = { tally: document.uuid, date: noon + 1_000 }
const chitId = (n: number) => Chit.ChitId.make(uuid(100 + n))

export const pledge = {
  ...common,
  uuid: chitId(1),
  by: "foil",
  type: "tran",
  units: 12_345n,
  memo: "Zwölf Äpfel, 12 €, 😀",
  ref: "order 7"
} satisfies Chit.Core
export const plainPledge = { ...common, uuid: chitId(2), by: "stock", type: "tran", units: 1n } satisfies Chit.Core
export const setting = {
  ...common,
  uuid: chitId(3),
  by: "stock",
  type: "set",
  sets: { target: 20_000n, bound: 40_000n, close: true }
} satisfies Chit.Core

const signed = (core: Chit.Core, name: string): Chit.Chit => ({
  core,
  sign: signWith(signerOf(name), "chit", Chit.digest(core))
})

export const plan: LiftPlan.LiftPlan = {
  version: 1,
  lift: LiftPlan.LiftId.make(uuid(200)),
  legs: [
    { tally: document.uuid, from: keyOf("site-a"), to: keyOf("site-b"), by: "stock" },
    { tally: secondDocument.uuid, from: keyOf("site-b"), to: keyOf("site-c"), by: "foil" }
  ],
  units: 5_000n,
  date: noon + 2_000,
  expires: noon + 122_000,
  referees: ["referee-1", "referee-2", "referee-3"].map((name) => ({
    key: keyOf(name),
    host: `${name}.example`,
    port: 4_100
  })),
  payor: { cuid: Cuid.make("alice"), agent: keyOf("site-a") },
  payee: { cuid: Cuid.make("carol"), agent: keyOf("site-c") },
  payorKey: keyOf("alice"),
  memo: "für Käse"
}
export const planDigest = LiftPlan.digest(plan)
export const authority = signWith(signerOf("alice"), "lift", planDigest)
export const promises = ["site-a", "site-b", "site-c"].map((site) =>
  LiftRecord.promise(planDigest, keyOf(site), signerOf(site))
)
export const votesFor = (ballot: LiftRecord.Ballot, verdict: LiftRecord.Verdict, names: ReadonlyArray<string>) =>
  names.map((name) => LiftRecord.vote(planDigest, ballot, verdict, keyOf(name), signerOf(name)))

/** A lift that took place, and one that did not. */
export const goodRecord: LiftRecord.LiftRecord = {
  plan,
  authority,
  verdict: "good",
  ballot: LiftRecord.first,
  votes: votesFor(LiftRecord.first, "good", ["referee-1", "referee-3"]),
  promises
}
export const laterBallot: LiftRecord.Ballot = { round: 1, by: keyOf("site-b") }
export const voidRecord: LiftRecord.LiftRecord = {
  plan,
  authority,
  verdict: "void",
  ballot: laterBallot,
  votes: votesFor(laterBallot, "void", ["referee-1", "referee-2"]),
  promises: []
}

/** What stands on the first tally, in its order. */
export const entries: ReadonlyArray<ChitLog.Entry> = [
  { chit: signed(pledge, "bob") },
  { chit: signed(plainPledge, "alice") },
  { chit: signed(setting, "alice") },
  { chit: { core: LiftPlan.chitOf(plan, 0) }, record: goodRecord }
]
export const positions: ReadonlyArray<ChitLog.Position> = entries.reduce(
  (all, { chit }) => [...all, ChitLog.next(all.at(-1)!, chit)],
  [ChitLog.genesis(Tally.digest(document))]
)
export const head = ChitLog.signHead(document.uuid, positions.at(-1)!, signerOf("site-b"))
