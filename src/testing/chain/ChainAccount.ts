/**
 * What a node of the scenario `chain` says of its chain in the end, whether it is judged by that, and what keeps the chains of all
 * from being one that goes on.
 *
 * Whether a chain goes on is seen by the node's own clock. A block has the time at which its maker's clock says that it is due, and
 * every judged node is a maker: by its own clock none of them lets a block grow old, whatever that clock shows. By the true time a
 * chain is as old as the clocks of its makers are slow, for ever, although it never stops.
 */

/** Milliseconds: by which a clock may be wrong, and within which the next block comes beside the turns of all producers. */
const [wrongClock, patience] = [60_000, 10_000]

/** What a node says of its chain. */
export interface ChainAccount {
  /** Whether it is judged with the others. */
  readonly isJudged: boolean
  readonly tip: { readonly id: string; readonly height: number }
  /** Ids of the last blocks, by height. */
  readonly ids: ReadonlyMap<number, string>
  /** What is wrong with its chain by itself. */
  readonly wrong: string | undefined
  /** That the last block is old. */
  readonly old: string | undefined
  /** The id of the best header that it knows. */
  readonly best: string
  /** How far tips may lie apart: a block may be on its way where they are made all the time. */
  readonly slack: number
}

/** Three times of one moment at a node, in milliseconds since 1970. */
export interface Times {
  /** What its clock shows. */
  readonly clock: number
  /** What the time is. */
  readonly truth: number
  /** What its last block says. */
  readonly block: number
}

/** Whether its clock is less than a minute wrong, and its chain less than that ahead of time. */
export const isTimely = ({ block, clock, truth }: Times): boolean =>
  Math.abs(clock - truth) < wrongClock && block - truth < wrongClock

/** That the last block is old where so many nodes have blocks made every `interval` ms, and nothing where nobody has to make them. */
export const oldOf = ({ block, clock }: Times, interval: number | undefined, nodes: number): string | undefined => {
  const age = clock - block
  return interval !== undefined && age > interval * (1 + nodes) + patience
    ? `its last block is ${age} ms old by its clock`
    : undefined
}

/** What keeps the chains of these nodes, by name, from being one. */
export const compare = (answers: ReadonlyMap<string, ChainAccount>): string | undefined => {
  const judged = [...answers].filter(([, { isJudged }]) => isJudged)
  const [lowest] = judged.toSorted(([, one], [, other]) => one.tip.height - other.tip.height)
  if (lowest === undefined) return undefined
  for (const [name, { wrong }] of judged) if (wrong !== undefined) return `${name}: ${wrong}`
  const all = new Set(judged.flatMap(([, { ids }]) => [...ids.values()]))
  // Nobody gives the body of the best block: its maker has lost it with its database.
  if (judged.some(([, { best }]) => !all.has(best))) return undefined
  const [name, { tip }] = lowest
  for (const [other, { ids, old, slack, tip: highest }] of judged) {
    const there = ids.get(tip.height)
    if (there !== tip.id) return `${name} has block ${tip.id} at ${tip.height}, and ${other} has ${there}`
    if (highest.height - tip.height > slack) return `${name} is at ${tip.height}, and ${other} at ${highest.height}`
    if (old !== undefined) return `${other}: ${old}`
  }
  return undefined
}
