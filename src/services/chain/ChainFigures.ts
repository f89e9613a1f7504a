/**
 * How a chain stands in numbers, for metrics: read from its parts when somebody asks, at the cost of looking at each connected peer once.
 */
import type { Native } from "./Native.ts"

/**
 * Connected peers by the block that they say they have applied last: higher than this node's, as high, or lower; `silent` are those that
 * have not answered yet what they have, who count there alone.
 */
export interface Standing {
  readonly ahead: number
  readonly level: number
  readonly behind: number
  readonly silent: number
}

export interface ChainFigures {
  /** Of the block that was applied last, and of the best header that is known. */
  readonly height: number
  readonly bestHeight: number
  /** Blocks of the best chain that are not applied. */
  readonly behind: number
  /** The time that the block says which was applied last, in milliseconds since 1970; unknown where this node is far behind. */
  readonly tipTime: number | undefined
  readonly perSecond: number
  /** Bodies that wait for those before them, and their bytes. */
  readonly held: number
  readonly heldBytes: number
  /** Bodies that came since this term began: taken, with their bytes, thrown away as not needed, and not those of their blocks. */
  readonly bodies: { readonly taken: number; readonly bytes: number; readonly unneeded: number; readonly wrong: number }
  readonly peers: Standing
  /** Items that wait for a block of this node. */
  readonly waiting: number
  /** Whether the chain stands before a block that the program refuses. */
  readonly isRefused: boolean
}

const standing = ({ blocks, link }: Native): Standing => {
  const { height } = blocks.applied()
  const counts = { ahead: 0, level: 0, behind: 0, silent: 0 }
  for (const { hasAnswered, tip } of link.neighbours()) {
    if (!hasAnswered) counts.silent++
    else if (tip.height === height) counts.level++
    else counts[tip.height > height ? "ahead" : "behind"]++
  }
  return counts
}

/** As it stands now. */
export const figuresOf = (native: Native): ChainFigures => {
  const { blocks, chain, producing } = native
  const { applied, base, blocks: taken, bytes, held, heldBytes, perSecond, refused, unneeded, wrong } = blocks.status()
  const best = chain.best()
  return {
    height: applied.height,
    bestHeight: best.height,
    behind: applied.id === best.header.id ? 0 : Math.max(1, best.height - base),
    tipTime: chain.get(applied.id)?.header.time,
    perSecond,
    held,
    heldBytes,
    bodies: { taken, bytes, unneeded, wrong },
    peers: standing(native),
    waiting: producing.pool.size,
    isRefused: refused !== undefined
  }
}
