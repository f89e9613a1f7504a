/**
 * Looks at the chain of a node until it has caught up with its peers, and tells how that goes, also over restarts of the node.
 */
import { Clock, Effect, Schema, Stream } from "effect"
import { again } from "../cli/Following.ts"
import { ask } from "../cli/Client.ts"
import { isAbsent } from "../cli/Watching.ts"
import { ExitCode } from "../ExitCode.ts"
import type { ChainEvent, ChainStatus } from "../http/ChainModels.ts"
import * as SyncText from "./SyncText.ts"

/** Nothing new has come for as long as one was willing to wait. */
export class NotCaughtUp extends Schema.TaggedError<NotCaughtUp>()("ChainNotCaughtUp", { problem: Schema.String }) {
  readonly exitCode = ExitCode.noNode
  readonly fix = "See how the chain stands with: holdfast chain status"
  override get message(): string {
    return this.problem
  }
}

export interface Options<R> {
  /** It gives up when nothing is new for so long, in milliseconds; never without it. */
  readonly timeout: number | undefined
  readonly show: (state: SyncText.State, now: number) => void
  /** What happens meanwhile. */
  readonly tell: (event: ChainEvent) => Effect.Effect<void, never, R>
  /** The node is gone, and looked for. */
  readonly gone: Effect.Effect<void>
}

/** How often it looks. */
const every = "200 millis"

/** What happens, from now on; a node that went away is looked for by whoever looks at its chain. */
const events = <R>(tell: Options<R>["tell"]) =>
  Stream.unwrap(ask((client) => client.chain.events())).pipe(
    // The chain stands before a refused block as long as its status says so.
    Stream.runForEach((event) => (event._tag === "Refused" ? Effect.void : tell(event))),
    Effect.catch((error) => Effect.logDebug("The events of the chain have ended", error)),
    Effect.repeat(again),
    Effect.andThen(Effect.never)
  )

const givenUp = (timeout: number, { behind, peers, tip }: ChainStatus): NotCaughtUp => {
  const stands = behind === 0 ? "" : `, ${behind} blocks are missing`
  return new NotCaughtUp({
    problem: `nothing new has come for ${timeout} ms: height ${tip.height}${stands}, ${peers.length} connected peers keep this chain`
  })
}

/** Looks until it has caught up. The node must be there at the start, and keep a chain. */
const looking = Effect.fnUntraced(function* <R>({ gone, show, tell, timeout }: Options<R>) {
  const look = ask((client) => client.chain.status())
  let refused: string | undefined
  let isGone = false
  let changedAt = yield* Clock.currentTimeMillis
  let chain: ChainStatus = yield* look
  let last = chain
  while (true) {
    const now = yield* Clock.currentTimeMillis
    if (last.tip.id !== chain.tip.id || last.best.id !== chain.best.id) changedAt = now
    last = chain
    show(SyncText.state(chain), now)
    if (chain.refused !== undefined && chain.refused.id !== refused) yield* tell({ _tag: "Refused", ...chain.refused })
    refused = chain.refused?.id
    if (SyncText.isCaughtUp(chain)) return chain
    if (timeout !== undefined && now - changedAt > timeout) return yield* givenUp(timeout, chain)
    yield* Effect.sleep(every)
    const next = yield* Effect.catchIf(look, isAbsent, () => Effect.succeed(undefined))
    if (next === undefined && !isGone) yield* gone
    isGone = next === undefined
    chain = next ?? chain
  }
})

export const untilCaughtUp = <R>(options: Options<R>) => Effect.raceFirst(looking(options), events(options.tell))
