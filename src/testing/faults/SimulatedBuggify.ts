/**
 * The `Buggify` points of one life of a process in a simulated world.
 *
 * By `swarm` a site is active in a quarter of all lives and then fires at a quarter of its passes, so that every life has
 * a few strange habits instead of all of them. By `none` only what is activated fires. Every site draws from a stream of
 * its own: activating one moves nothing at another.
 */
import { Effect } from "effect"
import { type PassingSite, type Points, type Site, sites } from "../../services/Buggify.ts"
import type { Process } from "../world/Process.ts"

export interface Options {
  readonly active: "swarm" | "none"
  /** Hears of every pass of a site before it is decided whether it fires; may kill or pause the process, or activate. */
  readonly onPass?: ((site: Site) => void) | undefined
}

/** How often a site has been passed, and how often it fired then. */
export interface Count {
  readonly passes: number
  readonly fires: number
}

/** The share of lives in which a site is active, and of its passes at which it fires then. */
const quarter = 0.25
/** The longest wait at a site, in milliseconds. Half of all waits are below 32 ms. */
const longest = 2_000

const perMillion = (share: number): number => Math.round(share * 1_000_000)

export class SimulatedBuggify {
  readonly points: Points
  readonly #process: Process
  readonly #onPass: Options["onPass"]
  readonly #counts = new Map<Site, { passes: number; fires: number }>(
    sites.map((site) => [site, { passes: 0, fires: 0 }])
  )
  /** The shares of everybody who has activated a site. */
  readonly #shares = new Map<Site, Array<number>>()

  constructor(process: Process, { active, onPass }: Options) {
    this.#process = process
    this.#onPass = onPass
    this.points = { fires: (site) => this.#fires(site), pass: (site) => this.#pass(site) }
    if (active === "none") return
    for (const site of sites) if (this.#rng(site).chance(perMillion(quarter))) this.activate(site, quarter)
  }

  /** From now on the site fires at this share of its passes, or at the greatest of several; until it is taken back. */
  activate(site: Site, share: number): () => void {
    const shares = this.#shares.get(site) ?? []
    this.#shares.set(site, shares)
    shares.push(share)
    let taken = false
    return () => {
      if (taken) return
      taken = true
      shares.splice(shares.indexOf(share), 1)
    }
  }

  get counts(): ReadonlyMap<Site, Count> {
    return this.#counts
  }

  #rng(site: Site) {
    return this.#process.rng(`buggify/${site}`)
  }

  #fires(site: Site): boolean {
    const count = this.#counts.get(site)!
    count.passes++
    this.#onPass?.(site)
    const share = Math.max(0, ...(this.#shares.get(site) ?? []))
    const fires = share > 0 && this.#rng(site).chance(perMillion(share))
    if (fires) count.fires++
    return fires
  }

  /** Goes no further in a process that has just been killed or paused: what it does next would have been done by nobody. */
  #pass(site: PassingSite): Effect.Effect<void> {
    return Effect.suspend(() => {
      const fires = this.#fires(site)
      if (this.#process.state === "dead") return Effect.never
      if (fires) return Effect.sleep(this.#wait(site))
      return this.#process.state === "paused" ? Effect.yieldNow : Effect.void
    })
  }

  #wait(site: Site): number {
    const draw = this.#rng(site).next()
    const cubed = draw * draw * draw
    return Math.floor(longest * cubed * cubed)
  }
}
