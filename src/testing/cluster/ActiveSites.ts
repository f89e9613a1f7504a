/**
 * The sites of a node's code that faults have made active, over all of its lives: a life that begins takes over what is
 * active by then, and a fault that is over leaves the others as they are, also those at the same site.
 */
import type { Site } from "../../services/Buggify.ts"
import type { SimulatedBuggify } from "../faults/SimulatedBuggify.ts"

interface Activation {
  readonly site: Site
  readonly share: number
  /** Takes it back in the life that runs. */
  undo: (() => void) | undefined
}

export class ActiveSites {
  readonly #active = new Set<Activation>()
  #life: SimulatedBuggify | undefined

  /** From now on the site fires at this share of its passes, in this life and the next ones, until it is taken back. */
  activate(site: Site, share: number): () => void {
    const activation: Activation = { site, share, undo: this.#life?.activate(site, share) }
    this.#active.add(activation)
    return () => {
      this.#active.delete(activation)
      activation.undo?.()
    }
  }

  /** These are the points of the life that runs from now on. */
  begin(life: SimulatedBuggify): void {
    this.#life = life
    for (const activation of this.#active) activation.undo = life.activate(activation.site, activation.share)
  }

  /** No life runs. */
  end(): void {
    this.#life = undefined
    for (const activation of this.#active) activation.undo = undefined
  }
}
