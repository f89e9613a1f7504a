/**
 * Which headers a native chain takes, and which of two branches is better (docs/PROTOCOL.md, 11.1).
 *
 * Where producers are configured each header has the signature of one of them. Where there are none, links give integrity and no
 * authority: whoever reaches a node can extend its chain, as heavily as the rules allow.
 */
import type { NodeKey } from "../NodeKey.ts"
import * as BlockHeader from "./BlockHeader.ts"
import type { ChainRules, Objection } from "./ChainRules.ts"
import { type ChainSettings, genesisBody, genesisOf, mostReorganised } from "./Genesis.ts"
import type { Node } from "./HeaderTree.ts"

/** What a peer whose headers are objected to has done. No clock is to blame for any of them. */
export type Fault = "height" | "time" | "weight" | "producer" | "signature"

type Header = BlockHeader.BlockHeader

/** How far ahead of this node's clock a header may be, in milliseconds. */
export const ahead = 120_000
/** The heaviest that a header may be. */
export const mostWeight = 1 << 16
/** Headers of an answer that is full. */
export const page = 2_000
const mostBeside = 2 * mostReorganised

/** Headers that are checked within about 5 ms. */
const atOnce = { unsigned: 500, signed: 50 } as const

const inTurn = 2
const outOfTurn = 1

/** What a header of this producer must weigh at a height, where `producers` take turns. */
export const weightOf = (producers: ReadonlyArray<NodeKey>, height: number, producer: string): number =>
  producers[height % producers.length] === producer ? inTurn : outOfTurn

const wrong = (fault: Fault, { id }: Header, detail: string): Objection<Fault> => ({
  fault,
  detail: `block ${id} ${detail}`
})

/** What is wrong with who has made it, with its weight and its signature. */
const unauthorised = (
  producers: ReadonlyArray<NodeKey>,
  known: ReadonlyMap<string, NodeKey>,
  header: Header
): Objection<Fault> | undefined => {
  const key = known.get(header.producer)
  if (key === undefined) return wrong("producer", header, `is made by ${header.producer}, who makes none in this chain`)
  const due = weightOf(producers, header.height, key)
  if (header.weight !== due) return wrong("weight", header, `weighs ${header.weight}, and must weigh ${due}`)
  if (header.signature === undefined) return wrong("signature", header, "is not signed")
  // Last, because it costs more than all else together.
  return BlockHeader.isSignedBy(header, key) ? undefined : wrong("signature", header, "has a wrong signature")
}

/** What is wrong with a header by itself and behind its parent, whoever may make one. */
const misplaced = (parent: Node<Header>, header: Header, nowMillis: number): Objection<Fault> | undefined => {
  if (header.height !== parent.height + 1) {
    return wrong("height", header, `says height ${header.height}, and comes at ${parent.height + 1}`)
  }
  if (header.time <= parent.header.time) return wrong("time", header, "is not later than the one before it")
  if (header.weight < 1 || header.weight > mostWeight) {
    return wrong("weight", header, `weighs ${header.weight}, and may weigh 1 to ${mostWeight}`)
  }
  if (header.time >= nowMillis + ahead) {
    return { fault: undefined, detail: `block ${header.id} is two minutes or more ahead of this node's clock` }
  }
  return undefined
}

/** The rules of the chain that is configured so. */
export const rulesOf = (settings: ChainSettings): ChainRules<Header, Fault> => {
  const { id, producers } = settings
  const known = new Map((producers ?? []).map((key) => [key, key]))
  return {
    // Bitcoin networks are stored under names of their own.
    name: `native:${id}`,
    genesis: genesisOf(settings),
    genesisBody: genesisBody(settings),
    page,
    atOnce: producers === undefined ? atOnce.unsigned : atOnce.signed,
    depth: settings.reorganisationLimit ?? mostReorganised,
    mostBeside,
    prefers: (one, best) => one.id < best.id,
    weight: (header) => BigInt(header.weight),
    encode: BlockHeader.encode,
    decode: BlockHeader.decode,
    objection: (_tree, parent, header, nowMillis) => {
      const objection = misplaced(parent, header, nowMillis)
      if (objection !== undefined) return objection
      if (producers !== undefined) return unauthorised(producers, known, header)
      return header.signature === undefined ? undefined : wrong("signature", header, "is signed, where nobody signs")
    }
  }
}
