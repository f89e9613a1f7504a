/**
 * The newest headers of a chain, with the branches that compete for it: which tip is best, and what has to be taken back to
 * get from one to another.
 *
 * The oldest header that is kept is the root. What a header weighs, and which of two equal tips is better, is the chain's to
 * say; whether a header is valid was asked before it comes here. Plain and mutable: a sync adds a million of them.
 */

/** A header that names the one before it. */
export interface Linked {
  readonly id: string
  readonly previous: string
}

/** A header at its place. */
export interface Placed<H extends Linked> {
  readonly header: H
  readonly height: number
  /** Of this header and all before it. */
  readonly weight: bigint
}

export interface Node<H extends Linked> extends Placed<H> {
  /** Nothing at the root, and where what was before it has been forgotten. */
  readonly parent: Node<H> | undefined
}

interface Kept<H extends Linked> extends Node<H> {
  parent: Kept<H> | undefined
  /** It, or one before it, is held back. */
  isHeld: boolean
}

/** Headers that may be held back at once; of more the oldest is released. */
const mostHeld = 64

export interface Limits<H extends Linked> {
  /** Headers below the best tip that a branch may leave the chain from; those below may be forgotten. */
  readonly depth: number
  /** Headers that are not on the best chain. */
  readonly mostBeside: number
  /** Whether `one` is better than `best`, of equal weight. */
  readonly prefers: (one: H, best: H) => boolean
}

export class HeaderTree<H extends Linked> {
  readonly #limits: Limits<H>
  /** Whoever is named comes before those that name it. */
  readonly #nodes = new Map<string, Kept<H>>()
  readonly #held = new Set<string>()
  #root: Kept<H>
  #best: Kept<H>

  constructor(root: Placed<H>, limits: Limits<H>) {
    this.#limits = limits
    this.#root = { ...root, parent: undefined, isHeld: false }
    this.#best = this.#root
    this.#nodes.set(root.header.id, this.#root)
  }

  get root(): Node<H> {
    return this.#root
  }

  /** The tip with the greatest weight; of equal ones that which the chain prefers, or the first that came. */
  get best(): Node<H> {
    return this.#best
  }

  /** Headers that are kept, on the best chain and beside it. */
  get size(): number {
    return this.#nodes.size
  }

  get(id: string): Node<H> | undefined {
    return this.#nodes.get(id)
  }

  /**
   * Whether there is room for a header behind this one. Beside the best chain it is bounded: when it is full, all other branches are
   * forgotten, which whoever has them tells again.
   */
  makeRoom(parent: Node<H>): boolean {
    if (parent === this.#best || this.#beside < this.#limits.mostBeside) return true
    const kept = new Set<Node<H>>()
    for (const tip of [this.#best, parent]) {
      for (let node: Node<H> | undefined = tip; node !== undefined && !kept.has(node); node = node.parent)
        kept.add(node)
    }
    for (const [id, node] of this.#nodes) if (!kept.has(node)) this.#nodes.delete(id)
    return this.#beside < this.#limits.mostBeside
  }

  /**
   * Puts a header behind the one it names, of which it weighs so much more; the place of one that is known. Nothing if the one it
   * names is not kept.
   */
  add(header: H, weight: bigint): Node<H> | undefined {
    const known = this.#nodes.get(header.id)
    if (known !== undefined) return known
    const parent = this.#nodes.get(header.previous)
    if (parent === undefined) return undefined
    const isHeld = parent.isHeld || this.#held.has(header.id)
    const node: Kept<H> = { header, height: parent.height + 1, weight: parent.weight + weight, parent, isHeld }
    this.#nodes.set(header.id, node)
    if (!isHeld && this.#isBetter(node)) this.#best = node
    if (this.#best.height - this.#root.height > 2 * this.#limits.depth) this.#prune()
    return node
  }

  /**
   * Holds a header back: until it is released the best tip is none of it and those behind it, whatever they weigh. The root never is.
   */
  hold(id: string): void {
    if (id === this.#root.header.id) return
    this.#held.add(id)
    for (const oldest of this.#held) {
      if (this.#held.size <= mostHeld) break
      this.#held.delete(oldest)
    }
    this.#weigh()
  }

  /** False if it was not held back. */
  release(id: string): boolean {
    const isHeld = this.#held.delete(id)
    if (isHeld) this.#weigh()
    return isHeld
  }

  /** The header that is held back of those up to this one. */
  heldOf(id: string): string | undefined {
    if (this.#held.has(id)) return id
    let node = this.#nodes.get(id)
    while (node?.isHeld === true && !this.#held.has(node.header.id)) node = node.parent
    return node?.isHeld === true ? node.header.id : undefined
  }

  /** The header at this height of the branch that ends in `tip`; nothing if it is above, or not kept. */
  ancestor(tip: Node<H>, height: number): Node<H> | undefined {
    let node: Node<H> | undefined = tip
    while (node !== undefined && node.height > height) node = node.parent
    return node?.height === height ? node : undefined
  }

  /** The last header that both branches have. */
  fork(one: Node<H>, other: Node<H>): Node<H> {
    let [a, b]: [Node<H> | undefined, Node<H> | undefined] = [one, other]
    while (a !== undefined && b !== undefined && a !== b) {
      if (a.height >= b.height) a = a.parent
      else b = b.parent
    }
    // Whatever is in the tree follows the root.
    return a ?? b ?? this.#root
  }

  /** The headers after `from`, in their order, up to `tip`. */
  between(from: Node<H>, tip: Node<H>): ReadonlyArray<Node<H>> {
    const out: Array<Node<H>> = []
    for (let node: Node<H> | undefined = tip; node !== undefined && node !== from; node = node.parent) out.push(node)
    return out.reverse()
  }

  /** Finds the best tip anew. */
  #weigh(): void {
    this.#best = this.#root
    for (const node of this.#nodes.values()) {
      node.isHeld = (node.parent?.isHeld ?? false) || this.#held.has(node.header.id)
      if (!node.isHeld && this.#isBetter(node)) this.#best = node
    }
  }

  get #beside(): number {
    return this.#nodes.size - (this.#best.height - this.#root.height + 1)
  }

  #isBetter({ header, weight }: Kept<H>): boolean {
    if (weight !== this.#best.weight) return weight > this.#best.weight
    return this.#limits.prefers(header, this.#best.header)
  }

  /** Moves the root up to the depth, and forgets what does not follow it. */
  #prune(): void {
    const height = this.#best.height - this.#limits.depth
    let root = this.#best
    while (root.height > height && root.parent !== undefined) root = root.parent
    root.parent = undefined
    this.#root = root
    const follows = new Map<Kept<H>, boolean>([[root, true]])
    for (const [id, node] of this.#nodes) if (!this.#follows(node, follows)) this.#nodes.delete(id)
  }

  /** Whether a header follows the root; every header on the way learns it, so that none is asked twice. */
  #follows(node: Kept<H>, known: Map<Kept<H>, boolean>): boolean {
    const way: Array<Kept<H>> = []
    let at: Kept<H> | undefined = node
    while (at !== undefined && !known.has(at)) {
      way.push(at)
      at = at.parent
    }
    const answer = at !== undefined && known.get(at) === true
    for (const one of way) known.set(one, answer)
    return answer
  }
}
