/**
 * Three nodes make the blocks of one chain in turns, one a second, each connected to both others.
 */
import type { ChainSettings } from "../../../src/protocol/chain/Genesis.ts"
import type { ChainNodes } from "./ChainNodes.ts"

export interface Outcome {
  readonly height: number
  /** Blocks that some node had, and has not any more: two were made for one place. */
  readonly reorganised: number
  readonly faults: ReadonlyArray<string>
}

/** Until the chain has so many blocks. */
export const run = async ({
  blocks,
  nodes
}: {
  readonly nodes: ChainNodes
  readonly blocks: number
}): Promise<Outcome> => {
  const three = await Promise.all([nodes.node("postgres"), nodes.node("postgres"), nodes.node("postgres")])
  const producers = await Promise.all(three.map(({ end, place }) => end.call("key", place.data)))
  const settings: ChainSettings = { id: "turns", time: 1_700_000_000_000, producers, intervalMillis: 1_000 }
  await Promise.all(three.map((node) => node.open(settings, { produce: true })))
  const [a, b, c] = [three[0]!, three[1]!, three[2]!]
  await Promise.all([a.connect(b), b.connect(c), c.connect(a)])
  await Promise.all(three.map(({ end }) => end.call("met", { sessions: 2 })))
  await Promise.all(three.map(({ end }) => end.call("reached", { height: blocks })))

  const faults: Array<string> = []
  const seen = await Promise.all(three.map(({ end }) => end.call("seen", undefined)))
  for (const [at, { ended, events, sessions }] of seen.entries()) {
    // Two that dial each other at once have one connection too many, which ends before it is a session.
    if (sessions !== 2) faults.push(`node ${at} has had ${sessions} sessions: ${ended.join()}`)
    if (events["FalsePeer"] !== undefined) faults.push(`node ${at} was given what is not so`)
  }
  // All have what a while ago was the tip, or will soon: the highest chain of the three is nobody's alone.
  const digests = await Promise.all(three.map(({ end }) => end.call("digest", blocks - 2)))
  if (new Set(digests).size !== 1) faults.push(`the first ${blocks - 2} blocks are not the same everywhere`)
  const height = Math.max(...seen.map(({ tip }) => tip.height))
  return { height, reorganised: seen.reduce((sum, { events }) => sum + (events["Reorganised"] ?? 0), 0), faults }
}
