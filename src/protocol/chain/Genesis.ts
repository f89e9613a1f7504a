/**
 * A native chain as it is configured, and the first header that follows from it (docs/PROTOCOL.md, 11.1).
 *
 * Whatever decides which blocks are valid is in that header's payload, so that nodes whose configurations differ in it have chains
 * that begin differently, and do not mix. No node takes its first block from another one.
 */
import { Schema } from "effect"
import { NodeKey } from "../NodeKey.ts"
import * as Block from "./Block.ts"
import * as BlockHeader from "./BlockHeader.ts"
import { ChainName } from "./ChainClaim.ts"
import * as Id from "./Id.ts"

/** Most nodes that may take turns in making blocks. */
export const mostProducers = 1_024
/** Headers below the best tip that are kept to change to another branch, and so the most that a limit may say. */
export const mostReorganised = 10_000

const Producers = Schema.Array(NodeKey).check(
  Schema.isMinLength(1),
  Schema.isMaxLength(mostProducers),
  Schema.makeFilter((keys: ReadonlyArray<NodeKey>) => new Set(keys).size === keys.length, {
    message: "no producer is named twice"
  })
)

/** The last millisecond that a header can say. */
const Millis = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))

/**
 * `producers` are the nodes that must sign its blocks, in the order of their turns; without them nobody signs, and whoever reaches a
 * node can extend its chain. `intervalMillis` is how often this node makes one, if it does; `reorganisationLimit` is how
 * many blocks it takes back by itself at the least, twice as many at the most: a branch that begins deeper is not followed until the
 * limit is raised. Those two are each node's own, all else is the chain's.
 */
export const ChainSettings = Schema.Struct({
  id: ChainName,
  /** Of the first header, in milliseconds since 1970. */
  time: Millis,
  producers: Schema.optionalKey(Producers),
  intervalMillis: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 86_400_000 }))),
  maxBlockBytes: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1_024, maximum: Block.mostBytes }))),
  reorganisationLimit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: mostReorganised })))
})
export type ChainSettings = typeof ChainSettings.Type

/** Most bytes of a body in this chain. */
export const maxBlockBytes = (settings: ChainSettings): number => settings.maxBlockBytes ?? Block.defaultBytes

const utf8 = new TextEncoder()

/** Canonical JSON (RFC 8785) of what all nodes of the chain must agree on: the names in order, no blanks. */
export const consensus = (settings: ChainSettings): string => {
  const { id, producers, time } = settings
  return JSON.stringify({ id, maxBlockBytes: maxBlockBytes(settings), producers, time })
}

/** The body of the first block, whose hash its header has. */
export const genesisBody = (settings: ChainSettings): Uint8Array => utf8.encode(consensus(settings))

/** The first header: nobody's, unsigned, of no weight. */
export const genesisOf = (settings: ChainSettings): BlockHeader.BlockHeader =>
  BlockHeader.identified({
    height: 0,
    previous: Id.zero,
    payload: Id.sha256(genesisBody(settings)),
    time: settings.time,
    producer: Id.zero,
    weight: 0
  })
