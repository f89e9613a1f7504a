/**
 * Who lives where in the scenario `credit`, and who keeps a tally with whom from the beginning: drawn from the nodes' keys, which are
 * others in every world, so that each node, and whoever watches, knows it without having been told.
 *
 * Neighbours in a line of the nodes, which a coin makes a ring, have one or two tallies; so have the users of one node among themselves.
 */
import { digestOf } from "../../protocol/credit/Canonical.ts"
import { Cuid } from "../../protocol/credit/Chad.ts"
import type { Referee } from "../../protocol/credit/LiftPlan.ts"
import { TallyId } from "../../protocol/credit/TallyDocument.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { port } from "../cluster/NodeProgram.ts"
import type { Nodes } from "../cluster/Scenario.ts"
import { Rng } from "../world/Rng.ts"

/** A user of a node. */
export interface Member {
  readonly node: string
  readonly agent: NodeKey
  readonly cuid: Cuid
}

/** A tally that is there from the beginning: `stock` drafts it. In milli-CHIP: what either side grants the other. */
export interface Bond {
  readonly id: TallyId
  readonly stock: Member
  readonly foil: Member
  readonly grants: { readonly stock: bigint; readonly foil: bigint }
}

export interface Cast {
  readonly members: ReadonlyArray<Member>
  readonly bonds: ReadonlyArray<Bond>
}

/** A UUID that follows from a name, in the form of version 5; those of version 8 are for the chits of lifts. */
export const uuidOf = (name: string): string => {
  const bytes = Buffer.from(digestOf({ name }), "base64url").subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x50
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString("hex")
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-")
}

/** Little for some: a world in which nobody runs short of room shows nothing of limits. */
const amounts = [300n, 1_000n, 5_000n, 1_000_000n] as const
const [isRing, isDouble, isMutual] = [500_000, 300_000, 400_000]

/** One to three of each node. */
const membersOf = (nodes: Nodes, random: Rng): ReadonlyArray<Member> =>
  nodes.flatMap(({ key, name }) =>
    Array.from({ length: random.between(1, 3) }, (_, at) => ({
      node: name,
      agent: key,
      cuid: Cuid.make(`${name}${at + 1}`)
    }))
  )

const bondOf = (pair: readonly [Member, Member], random: Rng, place: number): Bond => {
  const [stock, foil] = random.chance(500_000) ? pair : [pair[1], pair[0]]
  const id = TallyId.make(uuidOf(`${stock.agent} ${stock.cuid} ${foil.agent} ${foil.cuid} ${place}`))
  return {
    id,
    stock,
    foil,
    grants: { stock: random.pick(amounts), foil: random.chance(isMutual) ? random.pick(amounts) : 0n }
  }
}

/** Nodes whose users have tallies with each other. */
const neighbours = (nodes: Nodes, random: Rng): ReadonlyArray<readonly [string, string]> => {
  const line = nodes.slice(1).map(({ name }, at) => [nodes[at]!.name, name] as const)
  const isClosed = nodes.length > 2 && random.chance(isRing)
  return isClosed ? [...line, [nodes.at(-1)!.name, nodes[0]!.name]] : line
}

export const castOf = (nodes: Nodes): Cast => {
  const random = new Rng(nodes.map(({ key }) => key).join(" "), "credit")
  const members = membersOf(nodes, random)
  const at = (name: string) => members.filter(({ node }) => node === name)
  const pairs: Array<readonly [Member, Member]> = []
  for (const [one, two] of neighbours(nodes, random)) {
    for (let n = random.chance(isDouble) ? 2 : 1; n > 0; n--) pairs.push([random.pick(at(one))!, random.pick(at(two))!])
  }
  for (const { name } of nodes) {
    const all = at(name)
    for (const [n, member] of all.slice(1).entries()) pairs.push([all[n]!, member])
  }
  return { members, bonds: pairs.map((pair, place) => bondOf(pair, random, place)) }
}

/** A node as one that decides. */
export const refereeOf = ({ key, name }: Nodes[number]): Referee => ({ key, host: `${name}.sim`, port })
