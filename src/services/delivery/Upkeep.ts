/**
 * What delivery does by the clock: wants the peers to whom something is owed, takes back what is past its deadline,
 * lets nothing wait by a clock that was set back, and forgets what need not be remembered any more. Every round starts
 * from the database, so a restart is not special.
 */
import { Cause, Clock, Effect, Schedule, Stream } from "effect"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { Buggify } from "../Buggify.ts"
import { Supervisor } from "../link/Supervisor.ts"
import { DeliveryConfig } from "./DeliveryConfig.ts"
import * as Expiry from "./Expiry.ts"
import { FeedStore } from "./FeedStore.ts"
import type { Handled } from "./Protocol.ts"
import { RetryStore } from "./RetryStore.ts"
import { SetBack } from "./SetBack.ts"
import { Wakes } from "./Wakes.ts"

/** Peers asked for at once when a round looks for those to whom something is owed. */
const debtorsAtOnce = 1_024
const rowsAtOnce = 1_000
const expiryEvery = 5_000
const pruneEvery = 3_600_000
/** How far ahead another process's clock may be without this one's having been set back, in milliseconds. */
const tolerated = 1_000
/** How soon a round may follow another one whatever its interval says. */
const early = 1_000

/** The three loops of a node with these protocols, for ever; a round that fails is logged and the next one tries again. */
export const run = Effect.fnUntraced(function* <R>(protocols: ReadonlyArray<Handled<R>>) {
  const store = yield* RetryStore
  const events = yield* FeedStore
  const supervisor = yield* Supervisor
  const wakes = yield* Wakes
  const config = yield* DeliveryConfig
  const buggify = yield* Buggify
  const clock = yield* Clock.Clock
  /** The peers that this loop wants. */
  const wanted = new Set<NodeKey>()

  /** Those of them of which the present round has not found, and nobody has said, that something is owed to them. */
  let round = new Set<NodeKey>()

  const want = (peer: NodeKey) =>
    Effect.suspend(() => {
      wanted.add(peer)
      round.delete(peer)
      return supervisor.want(peer, "owed")
    })

  const wantDebtors = Effect.gen(function* () {
    const idle = new Set(wanted)
    round = idle
    let after: NodeKey | undefined
    do {
      const debtors = yield* store.debtors(debtorsAtOnce, after)
      for (const peer of debtors) yield* want(peer)
      after = debtors.length < debtorsAtOnce ? undefined : debtors.at(-1)
    } while (after !== undefined)
    for (const peer of idle) {
      wanted.delete(peer)
      yield* supervisor.unwant(peer, "owed")
    }
  })

  const expiry = yield* Expiry.make(protocols)

  const setBack = new SetBack(clock)
  const tellOfHaste = (told: { readonly millis?: number; readonly messages: number }) =>
    Effect.annotateLogs(Effect.logWarning("The clock was set back: what waits for its time is sent now"), told)
  const hasten = Effect.fnUntraced(function* (sentAfter?: number) {
    const messages = yield* store.hastenAll(clock.currentTimeMillisUnsafe(), sentAfter)
    if (messages > 0) yield* wakes.wakeAll
    return messages
  })
  let begun = false
  /** What was sent later than now tells that the clock was set back while nobody looked. */
  const hastenAtStart = Effect.gen(function* () {
    if (begun) return
    const messages = yield* hasten(clock.currentTimeMillisUnsafe() + tolerated)
    begun = true
    if (messages > 0) yield* tellOfHaste({ messages })
  })
  const hastenIfSetBack = Effect.gen(function* () {
    const millis = setBack.millis
    if (millis !== undefined) yield* tellOfHaste({ millis, messages: yield* hasten() })
    setBack.accept()
  })

  const prune = Effect.gen(function* () {
    const now = clock.currentTimeMillisUnsafe()
    const ids = { before: now - config.appliedWindow, ids: config.appliedIds, limit: rowsAtOnce }
    while ((yield* store.prune(ids)) === rowsAtOnce) yield* Effect.yieldNow
    while ((yield* events.prune(now - config.keepEvents, rowsAtOnce)) === rowsAtOnce) yield* Effect.yieldNow
  })

  const everyRound = <E>(what: string, round: Effect.Effect<void, E>) =>
    Effect.catchCause(round, (cause) =>
      Cause.hasInterrupts(cause)
        ? Effect.interrupt
        : Effect.annotateLogs(Effect.logWarning("A round of upkeep failed", cause), { what })
    )

  const spaced = (millis: number) =>
    Schedule.modifyDelay(Schedule.spaced(millis), ({ duration }) =>
      Effect.sync(() => (buggify.fires("delivery.upkeep-early") ? early : duration))
    )
  const wanting = Stream.merge(
    Stream.merge(Stream.fromSchedule(spaced(config.sweep)), wakes.everybody).pipe(
      Stream.mapEffect(() => everyRound("peers to whom something is owed", wantDebtors))
    ),
    Stream.mapEffect(wakes.unattended, want)
  )
  const lookAtTheClock = everyRound("the clock", Effect.andThen(hastenAtStart, hastenIfSetBack))
  const byTheClock = Effect.andThen(everyRound("expiry", expiry.round), lookAtTheClock)
  const expiring = Effect.repeat(byTheClock, spaced(expiryEvery))
  const pruning = Effect.repeat(everyRound("pruning", prune), spaced(pruneEvery))

  yield* lookAtTheClock
  yield* everyRound("peers to whom something is owed", wantDebtors)
  yield* Effect.all([Stream.runDrain(wanting), expiring, pruning], { concurrency: "unbounded", discard: true })
})
