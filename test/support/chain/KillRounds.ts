/**
 * A node that syncs a chain is killed again and again, at points that nobody has chosen: what it has then is a valid beginning of the
 * chain, with everything that it had said it has, and it goes on from there.
 */
import { Rng } from "../../../src/testing/world/Rng.ts"
import { type ChainNode, type ChainNodes, type Driver, open } from "./ChainNodes.ts"

export interface Options {
  readonly nodes: ChainNodes
  readonly driver: Driver
  readonly rounds: number
  readonly seed: number
  /** Blocks of the chain; when a node is near its end another one begins anew. */
  readonly height: number
  readonly progress?: (line: string) => void
}

export interface Outcome {
  /** The heights that were there after each kill. */
  readonly heights: ReadonlyArray<number>
  /** Chains that were synced to their end. */
  readonly laps: number
  readonly faults: ReadonlyArray<string>
}

/** Turns of the event loop after which a node is killed at the most, counted from the block that it was killed at. */
const mostTurns = 40

export const run = async ({ driver, height, nodes, progress, rounds, seed }: Options): Promise<Outcome> => {
  const rng = new Rng(seed, "kills")
  const faults: Array<string> = []
  const heights: Array<number> = []
  let laps = 0
  const source = await nodes.node("postgres")
  const tip = await source.end.call("fill", { place: source.place, settings: open, to: height })
  await source.open(open)

  /** Begins a life and looks at what the last one has left; its height. */
  const begin = async (node: ChainNode, atLeast: number): Promise<number> => {
    await node.open(open)
    // It dials the one that it has dialled before at once: what it has grows meanwhile.
    const { height: found } = await node.end.call("found", undefined)
    const checked = await node.end.call("verify", undefined)
    const [here, there] = [await node.end.call("digest", found), await source.end.call("digest", found)]
    if (checked < found) faults.push(`the tip is at ${found}, and ${checked} blocks are valid`)
    if (here !== there) faults.push(`the first ${found} blocks are not those of the chain`)
    if (found < atLeast) faults.push(`${found} blocks are here, and ${atLeast} had been applied`)
    return found
  }
  const finish = async (node: ChainNode): Promise<void> => {
    await node.connect(source)
    await node.end.call("agreed", tip)
    if ((await node.end.call("verify", undefined)) !== height) faults.push("the whole chain is not valid")
    laps++
    await node.stop()
  }

  const stride = Math.max(2, Math.ceil((2 * height) / rounds))
  let node = await nodes.node(driver)
  let known = 0
  for (let round = 0; round < rounds && faults.length === 0; round++) {
    const found = await begin(node, known)
    if (round > 0) heights.push(found)
    progress?.(`round ${round + 1} of ${rounds}: it has ${found} blocks`)
    if (found >= height - 1) {
      await finish(node)
      node = await nodes.node(driver)
      await begin(node, 0)
    }
    const from = found >= height - 1 ? 0 : found
    await node.connect(source)
    const turns = Math.floor(rng.next() * mostTurns)
    const target = Math.min(height, from + Math.floor(rng.next() * stride))
    known = await node.end.call("reached", { height: target, turns })
    await node.kill()
  }
  heights.push(await begin(node, known))
  await finish(node)
  return { heights, laps, faults }
}
