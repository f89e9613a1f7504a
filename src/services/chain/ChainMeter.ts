/**
 * Counts what operators ask about a chain and its present state does not say: reorganisations, stalls, penalties, what was made.
 *
 * Plain functions that allocate next to nothing, called once per event and never per byte. Everything begins at 0 with the process, and
 * nothing in it grows with what peers say.
 */
import { Context } from "effect"
import type { Fault } from "../../protocol/chain/NativeRules.ts"
import * as Histogram from "../../protocol/Histogram.ts"
import type { ChainEvent } from "./ChainEvent.ts"
import type { Lapse } from "./HeaderPeer.ts"

/**
 * Why a session with a peer was ended for the sake of the chain: a fault of headers that it gave, a body that is not its block's, or a
 * message that does not belong there.
 */
export type Penalty = Fault | Lapse | "body" | "message"

/** All of them. */
export const penalties: ReadonlyArray<Penalty> = [
  "height",
  "time",
  "weight",
  "producer",
  "signature",
  "broken",
  "unconnected",
  "body",
  "message"
]

export interface Reading {
  /** Blocks that became part of the chain, and those that have left it for others. */
  readonly joined: number
  readonly left: number
  /** Blocks that this node has made. */
  readonly produced: number
  /** Blocks that each reorganisation has taken away. */
  readonly depths: Histogram.Histogram
  /** How often the next block was waited for for long, and how often the program refused it. */
  readonly stalls: number
  readonly refusals: number
  /** Branches that were set aside because nobody gave a block of theirs. */
  readonly setAside: number
  /** Peers that were slow with blocks, and those that have not answered when they were asked for headers: each time. */
  readonly slow: number
  readonly unanswered: number
  readonly penalties: ReadonlyMap<Penalty, number>
}

export interface Meter {
  readonly told: (event: ChainEvent) => void
  /** A block of this node's own was committed. */
  readonly produced: () => void
  /** A branch was set aside. */
  readonly setAside: () => void
  /** A peer was asked for headers and has not answered. */
  readonly unanswered: () => void
  readonly penalised: (penalty: Penalty) => void
  readonly reading: () => Reading
}

const depthBounds = [1, 2, 3, 6, 12, 25, 50, 100, 250, 1_000]

/** A meter at 0. */
export const make = (): Meter => {
  const totals = {
    joined: 0,
    left: 0,
    produced: 0,
    stalls: 0,
    refusals: 0,
    setAside: 0,
    slow: 0,
    unanswered: 0
  }
  let depths = Histogram.empty(depthBounds)
  const charged = new Map<Penalty, number>()
  const told = (event: ChainEvent): void => {
    switch (event._tag) {
      case "Tip":
        totals.joined += event.joined
        totals.left += event.left
        return
      case "Reorganised":
        depths = Histogram.add(depths, event.left)
        return
      case "Stalled":
        return void totals.stalls++
      case "SlowPeer":
        return void totals.slow++
      case "Refused":
        return void totals.refusals++
      // A penalty, which is counted as such, and what happens with each block of this node's own.
      case "FalsePeer":
      case "CaughtUp":
        return
    }
  }
  return {
    told,
    produced: () => void totals.produced++,
    setAside: () => void totals.setAside++,
    unanswered: () => void totals.unanswered++,
    penalised: (penalty) => void charged.set(penalty, (charged.get(penalty) ?? 0) + 1),
    reading: () => ({ ...totals, depths, penalties: charged })
  }
}

/** The meter of the node; one that nobody reads unless a program gives it one of its own. */
export const ChainMeter = Context.Reference<Meter>("holdfast/services/chain/ChainMeter", { defaultValue: make })
