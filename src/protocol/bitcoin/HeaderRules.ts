/**
 * Whether a header may come after the one it names: its proof of work, its bits and its time. What it costs a peer to say
 * otherwise is in `Misbehaviour.ts`.
 */
import type { Objection } from "../chain/ChainRules.ts"
import type { HeaderTree, Node } from "../chain/HeaderTree.ts"
import type { BlockHeader } from "./BlockHeader.ts"
import type { Fault } from "./Misbehaviour.ts"
import type { Network } from "./Network.ts"
import * as ProofOfWork from "./ProofOfWork.ts"

type Tree = HeaderTree<BlockHeader>
type Place = Node<BlockHeader>

/** Headers whose middle time a new one must be after. */
const medianOf = 11
/** How far ahead of this node's clock a header may be, in seconds. */
const ahead = 2 * 3_600

/** The middle of the times of this header and the ten before it, in seconds since 1970. */
export const medianTime = (tip: Place): number => {
  const times: Array<number> = []
  for (let at: Place | undefined = tip; at !== undefined && times.length < medianOf; at = at.parent) {
    times.push(at.header.time)
  }
  times.sort((a, b) => a - b)
  return times[times.length >> 1] ?? 0
}

/** The bits that the header after this one must have; any, or unknown where what they follow from is not kept. */
export const nextBits = ({ bits, limit }: Network, tree: Tree, parent: Place): number | "any" | "unknown" => {
  const { header } = parent
  const height = parent.height + 1
  if (bits._tag === "Kept") return header.bits
  if (bits._tag === "Any" || height > bits.until) return "any"
  if (height % ProofOfWork.retargetEvery !== 0) return header.bits
  const first = tree.ancestor(parent, height - ProofOfWork.retargetEvery)?.header
  return first === undefined ? "unknown" : ProofOfWork.retarget(header.bits, first.time, header.time, limit)
}

/** Headers behind the root for which `nextBits` and `medianTime` have all that they look at. */
export const depthNeeded = ProofOfWork.retargetEvery

/** What is wrong with a header behind `parent`, at `now` in seconds since 1970; nothing if it may come there. */
export const objection = (
  network: Network,
  tree: Tree,
  parent: Place,
  header: BlockHeader,
  now: number
): Objection<Fault> | undefined => {
  const pinned = network.pinned.get(parent.height + 1)
  if (pinned !== undefined && pinned !== header.id) {
    return { fault: undefined, detail: `block ${header.id} is of another chain than ${network.name}` }
  }
  const work = network.proofOfWork(header)
  if (work !== undefined) return { fault: "header-work", detail: work }
  const bits = nextBits(network, tree, parent)
  if (bits === "unknown") return { fault: undefined, detail: `block ${header.id} is on a branch that begins too deep` }
  if (bits !== "any" && header.bits !== bits) {
    const [given, asked] = [header.bits, bits].map((one) => one.toString(16).padStart(8, "0"))
    return { fault: "header-bits", detail: `block ${header.id} has bits ${given}, and must have ${asked}` }
  }
  if (header.time <= medianTime(parent)) {
    return { fault: undefined, detail: `block ${header.id} is not later than the middle of the eleven before it` }
  }
  if (header.time > now + ahead) {
    return { fault: undefined, detail: `block ${header.id} is more than two hours ahead of this node's clock` }
  }
  return undefined
}
