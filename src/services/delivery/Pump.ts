/**
 * Sending on one live session: takes what is owed, numbers it, and keeps a window of batches ahead of the receipts
 * (docs/PROTOCOL.md, 7.2). It looks into the database when it was woken or something is due, and not otherwise.
 *
 * It never acknowledges anything: a batch that the socket took is still owed.
 */
import { Clock, Effect, Semaphore } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { data as dataCodec, type Item } from "../../protocol/delivery/DeliveryFrame.ts"
import type { Numbered } from "../../protocol/delivery/Message.ts"
import * as Sequence from "../../protocol/delivery/Sequence.ts"
import { Kind } from "../../protocol/link/Frame.ts"
import { Buggify, type Points } from "../Buggify.ts"
import { monotonic } from "../Monotonic.ts"
import type { Session } from "../link/Session.ts"
import { type Config, DeliveryConfig } from "./DeliveryConfig.ts"
import { DeliveryMeter, type Meter } from "./DeliveryMeter.ts"
import type { Necessity } from "./Necessity.ts"
import type { Outbound } from "./Outbound.ts"
import { Outbounds } from "./Outbounds.ts"
import { persist } from "./Persist.ts"
import { type Link, type LinkFenced, RetryStore } from "./RetryStore.ts"

/** Pumps that read from the database at the same time. The others wait in line, so peers take turns by batches. */
const readersAtOnce = 4

const itemOf = ({ body, id, protocol, subject, ...message }: Numbered): Item =>
  message.void ? { id, protocol, subject, body, void: true } : { id, protocol, subject, body }

const smaller = (a: Sequence.Window, b: Sequence.Window): Sequence.Window => ({
  messages: Math.min(a.messages, b.messages),
  bytes: Math.min(a.bytes, b.bytes)
})

const oneOf = ({ bytes }: Sequence.Window): Sequence.Window => ({ bytes, messages: 1 })

const none: ReadonlyArray<Numbered> = []

/** What every pump of a node works with. */
interface Tools {
  readonly store: RetryStore["Service"]
  readonly outbounds: Outbounds["Service"]
  readonly necessity: Necessity
  readonly turns: Semaphore.Semaphore
  readonly buggify: Points
  readonly config: Config
  readonly meter: Meter
  readonly clock: Clock.Clock
}

/** Sends for ever. Fails when the link belongs to somebody else, or the database will not answer again. */
export type Pump = (session: Session, link: Link, outbound: Outbound) => Effect.Effect<never, SqlError | LinkFenced>

/** `necessity` says which messages are still to be offered. */
export const make = Effect.fnUntraced(function* (
  necessity: Necessity
): Effect.fn.Return<Pump, never, RetryStore | Outbounds> {
  const tools: Tools = {
    store: yield* RetryStore,
    outbounds: yield* Outbounds,
    necessity,
    turns: Semaphore.makeUnsafe(readersAtOnce),
    buggify: yield* Buggify,
    config: yield* DeliveryConfig,
    meter: yield* DeliveryMeter,
    clock: yield* Clock.Clock
  }
  return (session, link, outbound) => run(tools, session, link, outbound)
})

const run = Effect.fnUntraced(function* (
  { buggify, clock, config, meter, necessity, outbounds, store, turns }: Tools,
  session: Session,
  link: Link,
  outbound: Outbound
) {
  const { look } = outbound
  /** Milliseconds since 1970 at which something is due that has no number. */
  let due: number | undefined

  /**
   * What may be sent now. Never so far ahead of what is settled that the answers which the peer keeps for us would not
   * fit its RESUME.
   */
  const room = (): Sequence.Window => {
    const window = buggify.fires("delivery.window-of-one") ? oneOf(config.window) : config.window
    const { bytes, messages } = Sequence.room(window, outbound.state)
    const unsettled = Number(outbound.state.sent - outbound.settled)
    return { bytes, messages: Math.max(0, Math.min(messages, Sequence.maxAhead.messages - unsettled)) }
  }

  const isDue = (): boolean => due !== undefined && due <= clock.currentTimeMillisUnsafe()

  /** Gives the next ones that are due their numbers. */
  const number = Effect.fnUntraced(function* (some: Sequence.Window) {
    const { settled } = outbound
    look.database = false
    const { messages, next } = yield* Effect.tapError(store.take(link, some, clock.currentTimeMillisUnsafe()), () =>
      Effect.sync(() => {
        look.database = true
        outbound.unsure = true
      })
    )
    due = next
    // Numbering is forced to the disk, and with it whatever was settled before.
    if (messages.length > 0 && settled > outbound.seen) outbound.seen = settled
    return messages
  })

  /** What has been given out, after an attempt of which we do not know. */
  const makeSure = Effect.map(store.positions(link), ({ sending }) => {
    outbound.last = sending.last
    outbound.unsure = false
  })

  const handedOver = (some: Sequence.Window): ReadonlyArray<Numbered> =>
    some.messages === 0 ? none : outbound.takeGiven(some)
  const wantsDatabase = (): boolean =>
    outbound.unsure || outbound.state.sent < outbound.last || look.database || isDue()

  /** Numbered messages that this session has not sent yet, else the next ones that are due. */
  const read = (some: Sequence.Window): Effect.Effect<ReadonlyArray<Numbered>, SqlError | LinkFenced> =>
    Effect.suspend(() => {
      if (outbound.unsure) return Effect.andThen(makeSure, read(some))
      const given = handedOver(some)
      if (given.length > 0) return Effect.succeed(given)
      if (outbound.state.sent < outbound.last) return store.numbered(link, outbound.state.sent, some)
      return wantsDatabase() ? number(some) : Effect.succeed(none)
    })
  const inTurn = outbounds.inTurn([link.peer])
  const take = Effect.suspend(() => {
    const some = smaller(room(), buggify.fires("delivery.batch-of-one") ? oneOf(config.batch) : config.batch)
    const given = handedOver(some)
    if (given.length > 0 || some.messages === 0 || !wantsDatabase()) return Effect.succeed(given)
    return inTurn(turns.withPermit(read(some)))
  })
  const taken = persist("taking messages to send", config)(take)

  const send = Effect.fnUntraced(function* (batch: ReadonlyArray<Numbered>) {
    const [first, last] = [batch[0]!.seq, batch.at(-1)!.seq]
    const bytes = batch.reduce((sum, message) => sum + message.body.length, 0)
    const { stream } = outbound.state
    const body = dataCodec.encode({ stream, first, seen: outbound.seen, items: batch.map(itemOf) })
    if (outbound.state.inFlight.length === 0) outbound.progressAt = monotonic(clock)
    outbound.sent({ upTo: last, messages: batch.length, bytes })
    yield* buggify.pass("delivery.numbered-before-sent")
    yield* session.send(Kind.Data, body)
    meter.batchSent(batch.length)
    if (buggify.fires("delivery.batch-sent-again")) yield* session.send(Kind.Data, body)
  })

  /** Until somebody says that there is work or room, the next message is due, or the sweep. */
  const rest = Effect.suspend(() => {
    const wait = due === undefined ? config.sweep : Math.min(config.sweep, due - clock.currentTimeMillisUnsafe())
    if (wait <= 0 || look.isOpen) return Effect.void
    return Effect.map(Effect.timeoutOption(look.wait, wait), (woken) => {
      if (woken._tag === "None") look.database = true
    })
  })

  while (true) {
    look.close()
    const batch = yield* taken
    if (batch.length > 0) yield* send(yield* necessity(link, batch))
    else if (room().messages === 0) yield* look.wait
    else yield* rest
  }
})
