/**
 * How fast blocks come: of the last seconds, for people who wait. Plain counts by second, bounded.
 */

/** Seconds that are looked back. */
const seconds = 10

export class Progress {
  #counts: Array<{ readonly second: number; blocks: number }> = []
  #since: number | undefined

  applied(blocks: number, now: number): void {
    const second = Math.floor(now / 1_000)
    this.#since ??= now
    const last = this.#counts.at(-1)
    if (last?.second === second) last.blocks += blocks
    else this.#counts.push({ second, blocks })
    if (this.#counts.length > seconds + 1) this.#counts.shift()
  }

  /** Blocks a second, over the last ten or as many as there were. */
  perSecond(now: number): number {
    if (this.#since === undefined) return 0
    const second = Math.floor(now / 1_000)
    const recent = this.#counts.filter((count) => second - count.second < seconds)
    const blocks = recent.reduce((sum, count) => sum + count.blocks, 0)
    return blocks / Math.min(seconds, Math.max(1, (now - this.#since) / 1_000))
  }
}
