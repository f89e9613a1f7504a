/**
 * Waits until a manager has the headers or the blocks that its peers have, and tells how that goes.
 */
import { Clock, Effect } from "effect"
import type { Manager } from "../../services/bitcoin/Manager.ts"
import * as Claims from "../cli/Claims.ts"
import * as Progress from "./Progress.ts"
import * as Reach from "./Reach.ts"
import { NoAnswer, nobodyFound, type PeersRefused, type PeersUnreached, unreached } from "./Unreached.ts"

export interface Options {
  readonly manager: Manager["Service"]
  /** Where each node is that was named. */
  readonly named: ReadonlyArray<string>
  /** What has come of the attempts so far. */
  readonly reach: () => Reach.Reach
  /** It gives up when nothing is new for so long, in milliseconds. */
  readonly timeout: number
  readonly show: (state: Progress.State) => void
}

/** How often it looks, in milliseconds. */
const every = 50

/** What is brought up to date. */
export interface Subject {
  readonly noun: "headers" | "blocks"
  readonly height: () => number
  /** Whether something is under way. */
  readonly isBusy: () => boolean
}

/** The heights that connected peers have named. */
export const claimsOf = (manager: Manager["Service"]): { readonly claims: Claims.Claims; readonly peers: number } => {
  const peers = manager.connections().filter(({ peer }) => peer?.isConnected === true)
  return { claims: Claims.of(peers.map(({ peer }) => peer?.version?.height ?? -1)), peers: peers.length }
}

/** Whether nobody has more. Who says that it has, and gives none, has not. */
const isCaughtUp = ({ height, isBusy }: Subject, peers: number, { median }: Claims.Claims): boolean =>
  peers > 0 && !isBusy() && height() >= median

const tooLong = (
  options: Options,
  { noun }: Subject,
  { height, goal }: Progress.State
): NoAnswer | PeersRefused | PeersUnreached => {
  const { manager, reach, timeout } = options
  const { network } = manager.config()
  const { connected, failures } = reach()
  if (connected === 0) return unreached(failures.values(), `${nobodyFound(network.name, reach())} within ${timeout} ms`)
  const problem = `no peer has given ${noun} above height ${height} for ${timeout} ms, and ${goal ?? 0} was named`
  return new NoAnswer({ problem })
}

/** To the end of what its peers have. */
export const untilCaughtUp = Effect.fnUntraced(function* (options: Options, subject: Subject) {
  const { manager, named, reach, show, timeout } = options
  const began = yield* Clock.currentTimeMillis
  let progress = Progress.start(began, subject.height())
  while (true) {
    const now = yield* Clock.currentTimeMillis
    const { claims, peers } = claimsOf(manager)
    progress = Progress.look(progress, now, subject.height())
    const state = Progress.state(progress, claims, peers)
    show(state)
    if (isCaughtUp(subject, peers, claims)) return state
    if (Reach.isHopeless(reach(), named, manager.connections().length))
      return yield* unreached(reach().failures.values(), nobodyFound(manager.config().network.name, reach()))
    if (now - progress.changedAt > timeout) return yield* tooLong(options, subject, state)
    yield* Effect.sleep(every)
  }
})
