/**
 * How far the headers or blocks of a network have come: height, rate, and how long the rest will take. Pure: times are milliseconds that come
 * with each look.
 */
import * as Claims from "../cli/Claims.ts"
import { lasting } from "../cli/Table.ts"
import { many } from "./PeerView.ts"

/** The rate is that of the last so many milliseconds. */
const windowMillis = 10_000
/** Looks that are kept for it. */
const mostLooks = 200

interface Look {
  readonly at: number
  readonly height: number
}

export interface Progress {
  /** The oldest first; never empty. */
  readonly looks: ReadonlyArray<Look>
  /** When the height changed last. */
  readonly changedAt: number
}

export const start = (at: number, height: number): Progress => ({ looks: [{ at, height }], changedAt: at })

export const look = ({ changedAt, looks }: Progress, at: number, height: number): Progress => ({
  looks: [...looks.filter((one) => at - one.at <= windowMillis), { at, height }].slice(-mostLooks),
  changedAt: looks.at(-1)?.height === height ? changedAt : at
})

/** Headers or blocks a second. */
export const rate = ({ looks }: Progress): number => {
  const [first] = looks
  const last = looks.at(-1)
  if (first === undefined || last === undefined || last.at === first.at) return 0
  return Math.max(0, ((last.height - first.height) * 1_000) / (last.at - first.at))
}

/** A moment of it, as it is shown. */
export interface State {
  readonly height: number
  /** What there is to reach; missing while no peer has said a height. */
  readonly goal?: number
  /** Of the goal, 0 to 100, to a tenth. */
  readonly percent?: number
  /** Headers or blocks a second. */
  readonly rate: number
  /** Until the goal at this rate, in seconds; missing while nothing comes. */
  readonly leftSeconds?: number
  /** Past the handshake. */
  readonly peers: number
}

export const state = (progress: Progress, { greatest }: Claims.Claims, peers: number): State => {
  const height = progress.looks.at(-1)?.height ?? 0
  const speed = rate(progress)
  if (peers === 0) return { height, rate: Math.round(speed), peers }
  const goal = Math.max(greatest, height)
  return {
    height,
    goal,
    percent: Claims.percent(height, goal),
    rate: Math.round(speed),
    ...(speed > 0 ? { leftSeconds: Math.ceil((goal - height) / speed) } : {}),
    peers
  }
}

/** One line of it, whatever comes. */
export const line = (
  { goal, height, leftSeconds, peers, percent, rate: speed }: State,
  noun: "headers" | "blocks" = "headers"
): string => {
  if (goal === undefined || percent === undefined) return `${noun} ${height}, connecting`
  const left = leftSeconds === undefined || leftSeconds === 0 ? "" : `, ${lasting(leftSeconds * 1_000)} left`
  return `${noun} ${height} of ${goal} (${percent.toFixed(1)}%), ${speed} a second${left}, ${many(peers, "peer")}`
}
