/**
 * What the generator of plans draws with: one stream of random numbers, and the nodes and the time there are.
 */
import type { Rng } from "../world/Rng.ts"
import { sites } from "../../services/Buggify.ts"
import type { FrameKind, When } from "./FaultPlan.ts"
import type { Link } from "./Shapes.ts"

/** Frames that are worth waiting for; those of the handshake as often as those of delivery. */
const telling = [
  "HELLO",
  "COMMIT",
  "RESUME",
  "DATA",
  "RECEIPT",
  "GOODBYE",
  "PING",
  "PONG"
] as const satisfies ReadonlyArray<FrameKind>

/** Entries of one family, at most, however long the run. */
const maxTimes = 100

export class Dice {
  readonly rng: Rng
  readonly nodes: ReadonlyArray<string>
  /** Milliseconds. */
  readonly duration: number
  /** Whether this family is to be extreme in this plan. */
  readonly spiked: boolean

  constructor(rng: Rng, nodes: ReadonlyArray<string>, duration: number, spiked: boolean) {
    this.rng = rng
    this.nodes = nodes
    this.duration = duration
    this.spiked = spiked
  }

  /** An integer of [least, most], every order of magnitude as likely as the others. */
  log(least: number, most: number): number {
    if (least === 0) return this.log(1, most + 1) - 1
    let octaves = 1
    while (least * 2 ** octaves < most) octaves++
    const low = least * 2 ** this.rng.below(octaves)
    return this.rng.between(low, Math.min(most, low * 2))
  }

  /** A share, every order of magnitude as likely as the others. */
  share(least: number, most: number): number {
    return this.log(Math.round(least * 1e6), Math.round(most * 1e6)) / 1e6
  }

  /** One of two figures: the second in a plan in which this family is to be extreme. */
  upTo(usual: number, extreme: number): number {
    return this.spiked ? extreme : usual
  }

  percent(chance: number): boolean {
    return this.rng.chance(chance * 10_000)
  }

  /** 1 to `most` of something in half a minute, and accordingly more in a longer run. */
  times<A>(most: number, draw: () => A): ReadonlyArray<A> {
    const scaled = Math.round((most * this.duration) / 30_000)
    const times = Math.min(this.rng.between(1, Math.max(1, scaled)), maxTimes)
    return Array.from({ length: times }, draw)
  }

  node(): string {
    return this.nodes[this.rng.below(this.nodes.length)]!
  }

  pair(): { readonly from: string; readonly to: string } {
    const from = this.node()
    const others = this.nodes.filter((node) => node !== from)
    return { from, to: this.rng.pick(others) ?? from }
  }

  /** Two nodes, one, or all; half of them one way. */
  link(): Link {
    const oneWay = this.percent(50) ? { oneWay: true } : {}
    if (this.percent(60)) return { ...this.pair(), ...oneWay }
    if (this.percent(60)) return this.percent(50) ? { from: this.node(), ...oneWay } : { to: this.node(), ...oneWay }
    return {}
  }

  /** Some of the nodes, but neither none nor all, in any order. */
  some(): ReadonlyArray<string> {
    return this.rng.shuffle(this.nodes).slice(0, this.rng.between(1, Math.max(1, this.nodes.length - 1)))
  }

  /** Milliseconds within these, and half of the run at most. */
  lasts(least: number, most: number): { readonly for: number } {
    const half = Math.max(1, Math.floor(this.duration / 2))
    return { for: this.log(Math.min(least, half), Math.min(most, half)) }
  }

  /** At any time, and in every fifth case while the nodes find each other. */
  at(): { readonly at: number } {
    const end = Math.max(1, Math.floor(this.duration))
    return { at: this.rng.below(this.percent(20) ? Math.min(1_000, end) : end) }
  }

  /** Mostly at a time; else at a moment that matters to what is struck. */
  when({ from, node, to }: Link & { readonly node?: string | undefined } = {}): When {
    if (this.percent(75)) return this.at()
    const one = node ?? from ?? to ?? this.node()
    const nth = this.log(1, 32)
    if (this.percent(50)) {
      const other = this.rng.pick(this.nodes.filter((name) => name !== one)) ?? one
      const pair = from !== undefined && to !== undefined ? { from, to } : { from: one, to: other }
      const way = this.percent(50) ? pair : { from: pair.to, to: pair.from }
      return { frame: { kind: this.rng.pick(telling), ...way, nth } }
    }
    if (this.percent(50)) return { commit: { node: one, nth } }
    if (this.percent(70)) return { site: { name: this.rng.pick(sites), node: one, nth } }
    return { event: this.log(10, 20_000) }
  }
}
