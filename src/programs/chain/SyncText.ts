/**
 * How the blocks of a chain come, as `holdfast chain sync` shows it. Pure.
 */
import * as Claims from "../cli/Claims.ts"
import { lasting, printable } from "../cli/Table.ts"
import type { ChainEvent, ChainStatus } from "../http/ChainModels.ts"
import { counted, rate } from "./ChainText.ts"

/** A moment of it. */
export interface State {
  readonly height: number
  /** The best header that is known, or the height that half of the peers have at the least if that is greater. */
  readonly goal: number
  /** Of the goal, 0 to 100, to a tenth. */
  readonly percent: number
  /** Blocks a second. */
  readonly rate: number
  /** Until the goal at this rate, in seconds; missing while nothing comes. */
  readonly leftSeconds?: number
  readonly peers: number
}

const medianOf = ({ peers }: ChainStatus): number => Claims.of(peers.map(({ tip }) => tip.height)).median

export const state = (chain: ChainStatus): State => {
  const { best, peers, perSecond, secondsLeft, tip } = chain
  const goal = Math.max(best.height, tip.height, medianOf(chain))
  return {
    height: tip.height,
    goal,
    percent: Claims.percent(tip.height, goal),
    rate: Math.round(perSecond * 10) / 10,
    ...(secondsLeft === undefined || tip.height === goal ? {} : { leftSeconds: Math.ceil(secondsLeft) }),
    peers: peers.length
  }
}

/** Every block that is known is here, and half of the peers have no more. Who says that it has, and gives no headers, has not. */
export const isCaughtUp = (chain: ChainStatus): boolean =>
  chain.peers.length > 0 && chain.behind === 0 && chain.tip.height >= medianOf(chain)

/** Characters of the bar. */
const width = 20

export const bar = (percent: number): string => {
  const full = Math.floor((percent * width) / 100)
  return `[${"#".repeat(full)}${".".repeat(width - full)}]`
}

/** One line of it. */
export const line = ({ goal, height, leftSeconds, peers, percent, rate: speed }: State): string => {
  if (peers === 0 && height === goal) return `height ${height}, no connected peer keeps this chain yet`
  const left = leftSeconds === undefined ? "" : `, ${lasting(leftSeconds * 1_000)} left`
  const blocks = `height ${height} of ${goal} (${percent.toFixed(1)}%)`
  return `${bar(percent)} ${blocks}, ${rate(speed)} a second${left}, ${counted(peers, "peer")}`
}

/** What is worth a line that stays. */
export const notice = (event: ChainEvent): string | undefined => {
  switch (event._tag) {
    case "Reorganised":
      return `Another branch is better: ${counted(event.left, "block")} above height ${event.fork} left for ${event.joined}`
    case "Stalled":
      return `Block ${event.height} has not come for ${lasting(event.millis)}; it is asked for again`
    case "SlowPeer":
      return `${printable(event.remote)} is slow, others are asked first`
    case "FalsePeer":
      return `${printable(event.remote)} has said what is not so: ${printable(event.detail)}`
    case "Tip":
    case "Refused":
    case "CaughtUp":
      return undefined
  }
}
