/** A scheduler that lets somebody else do something before a fiber's nth operation, as if it had yielded there. */
import { MixedScheduler } from "effect/Scheduler"

export class Between extends MixedScheduler {
  #left: number
  readonly #act: () => void

  /** The first operation is number 0. */
  constructor(nth: number, act: () => void) {
    super()
    this.#left = nth
    this.#act = act
  }

  override shouldYield(): boolean {
    if (this.#left-- === 0) this.#act()
    return false
  }
}
