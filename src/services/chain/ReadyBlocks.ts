/**
 * Which of the blocks that are here can be applied now, in one transaction: the next ones, or so many of another branch that it is worth
 * going over to it.
 */
import type { Policy } from "../../protocol/chain/BodyPolicy.ts"
import type { BlockWindow, Held } from "../../protocol/chain/BlockWindow.ts"
import type { Linked } from "../../protocol/chain/HeaderTree.ts"
import type { Applied } from "./Applying.ts"
import type { HeaderChain } from "./HeaderChain.ts"

/** Where the chain of blocks stands. */
export interface Standing {
  readonly applied: Applied
  /** The height of the last block that is both applied and on the best chain. */
  readonly base: number
  /** The height of a block that was refused, behind others that were to be applied with it; 0 if there is none. */
  readonly refusedAt: number
}

/** Blocks that are applied in one transaction, and about how many bytes of them. */
const atOnce = 256
const bytesAtOnce = 8 * 1024 * 1024

/** They follow each other, the first of them the base. */
export const make = <H extends Linked, Fault>(
  policy: Pick<Policy, "window" | "mostBytes">,
  chain: Pick<HeaderChain<H, Fault>, "get">,
  window: BlockWindow<H>
) => {
  /** Another branch is gone over to only with as many blocks as make it better than this one. */
  const branch = (applied: Applied): ReadonlyArray<Held<H>> => {
    const run = window.ready(policy.window, Number.POSITIVE_INFINITY)
    const last = run.at(-1)
    if (last === undefined) return []
    const weight = chain.get(last.header.id)?.weight
    const current = chain.get(applied.id)?.weight
    // After a restart the branch that is applied may be none that is known: then all of the other one is waited for.
    const isBetter = weight !== undefined && current !== undefined && weight > current
    const bytes = run.reduce((sum, { body }) => sum + body.length, 0)
    const isMost = run.length >= policy.window / 2 || bytes >= policy.mostBytes / 2
    return isBetter || run.length === window.size || isMost ? run : []
  }

  return ({ applied, base, refusedAt }: Standing): ReadonlyArray<Held<H>> => {
    if (base < applied.height) return branch(applied)
    const run = window.ready(atOnce, bytesAtOnce)
    return refusedAt > base + 1 ? run.filter(({ height }) => height < refusedAt) : run
  }
}
