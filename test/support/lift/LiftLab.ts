/**
 * Nodes, plans and halves of tallies for tests of lifts: the same keys and ids for the same names, always.
 */
import { createHash } from "node:crypto"
import { Cuid } from "../../../src/protocol/credit/Chad.ts"
import { ChitId } from "../../../src/protocol/credit/Chit.ts"
import { endsAt, type Found } from "../../../src/protocol/credit/LiftEnds.ts"
import { defaults, type Rules, type Site } from "../../../src/protocol/credit/LiftEvent.ts"
import * as LiftPlan from "../../../src/protocol/credit/LiftPlan.ts"
import { signWith } from "../../../src/protocol/credit/Signature.ts"
import { TallyId } from "../../../src/protocol/credit/TallyDocument.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import * as NodeSecret from "../../../src/protocol/NodeSecret.ts"

const bytesOf = (name: string): Uint8Array => createHash("sha256").update(name).digest()

const secrets = new Map<string, NodeSecret.NodeSecret>()

export const secretOf = (name: string): NodeSecret.NodeSecret => {
  const known = secrets.get(name) ?? NodeSecret.fromSeed(bytesOf(name))
  secrets.set(name, known)
  return known
}

/** The key of a node or a user. */
export const keyOf = (name: string): NodeKey => secretOf(name).key

export const siteOf = (name: string, rules: Partial<Rules> = {}): Site => ({
  key: keyOf(name),
  sign: (message) => NodeSecret.sign(secretOf(name), message),
  rules: { ...defaults, ...rules }
})

const uuidOf = (name: string): string => {
  const hex = Buffer.from(bytesOf(name)).toString("hex")
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

export const liftId = (name: string): LiftPlan.LiftId => LiftPlan.LiftId.make(uuidOf(name))
export const chitId = (name: string): ChitId => ChitId.make(uuidOf(name))

/** When plans are made, and until when they hold: milliseconds since 1970. */
export const date = 1_700_000_000_000
export const expires = date + 120_000

export interface Shape {
  /** Names of nodes in the order in which value goes through them; `A B A` comes back. */
  readonly way: ReadonlyArray<string>
  readonly referees: ReadonlyArray<string>
  readonly name?: string
  readonly units?: bigint
}

/** A plan from the user `payor` to the user `payee`, or to `payor` again where the way is a circle. */
export const planOf = ({ name = "lift", referees, units = 5_000n, way }: Shape): LiftPlan.LiftPlan => {
  const nodes = way.map(keyOf)
  const legs = nodes.slice(1).map((to, leg) => ({
    tally: TallyId.make(uuidOf(`${name} tally ${leg}`)),
    from: nodes[leg]!,
    to,
    by: leg % 2 === 0 ? ("foil" as const) : ("stock" as const)
  }))
  const isCircle = way[0] === way.at(-1) && way.length > 3
  return {
    version: 1,
    lift: liftId(name),
    legs,
    units,
    date,
    expires,
    referees: referees.map((referee, at) => ({ key: keyOf(referee), host: "localhost", port: 4_000 + at })),
    payor: { cuid: Cuid.make("payor"), agent: nodes[0]! },
    payee: { cuid: Cuid.make(isCircle ? "payor" : "payee"), agent: nodes.at(-1)! },
    payorKey: keyOf("the payor's key")
  }
}

/** The plan with the payor's signature. */
export const signed = (plan: LiftPlan.LiftPlan): LiftPlan.SignedPlan => ({
  plan,
  authority: signWith((message) => NodeSecret.sign(secretOf("the payor's key"), message), "lift", LiftPlan.digest(plan))
})

/** Who holds the half of a leg: the payor first, the payee last, and in between one user of each node. */
const holderOf = ({ legs, payee, payor }: LiftPlan.LiftPlan, leg: number, end: "from" | "to"): Cuid => {
  if (leg === 0 && end === "from") return payor.cuid
  if (leg === legs.length - 1 && end === "to") return payee.cuid
  return Cuid.make(`between-${end === "to" ? leg : leg - 1}`)
}

/** What a node finds of its ends, all fit for the plan. */
export const foundAt = (plan: LiftPlan.LiftPlan, node: NodeKey): ReadonlyArray<Found> =>
  endsAt(plan, node).map(({ end, leg }) => {
    const { by, from, to } = plan.legs[leg]!
    const other = by === "foil" ? "stock" : "foil"
    return {
      leg,
      end,
      holder: holderOf(plan, leg, end),
      side: end === "from" ? by : other,
      partner: end === "from" ? to : from,
      pledger: leg === 0 ? plan.payorKey : keyOf(`pledger ${leg}`),
      hasRoom: true
    }
  })
