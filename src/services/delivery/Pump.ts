/**
 * Sending on one live session: takes what is owed, numbers it, and keeps a window of batches ahead of the receipts
 * (docs/PROTOCOL.md, 7.2). It is the only writer of numbers; its link's epoch says so.
 *
 * It never acknowledges anything: a batch that the socket took is still owed.
 */
import { Clock, Effect, Latch } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { data as dataCodec, type Item } from "../../protocol/delivery/DeliveryFrame.ts"
import type { Numbered } from "../../protocol/delivery/Message.ts"
import * as Sequence from "../../protocol/delivery/Sequence.ts"
import { Kind } from "../../protocol/link/Frame.ts"
import { Buggify, type Points } from "../Buggify.ts"
import { monotonic } from "../Monotonic.ts"
import type { Session } from "../link/Session.ts"
import { type Config, DeliveryConfig } from "./DeliveryConfig.ts"
import type { Necessity } from "./Necessity.ts"
import { DeliveryMeter, type Meter } from "./DeliveryMeter.ts"
import { persist } from "./Persist.ts"
import { type Link, type LinkFenced, RetryStore } from "./RetryStore.ts"

/** What the fibers of one session share about its outgoing stream. */
export class Outbound {
  state: Sequence.Outgoing
  /** The last number that has been given out. */
  last: bigint
  /** The position that is settled for good. */
  settled: bigint
  /** Monotonic milliseconds of the last receipt, or of the first batch after there was none in flight. */
  progressAt = 0
  /** Open when something may have changed for the pump: work, room, time. */
  readonly look: Latch.Latch

  constructor(stream: string, position: bigint, last: bigint, look: Latch.Latch) {
    this.state = Sequence.outgoing(stream, position)
    this.settled = position
    this.last = last
    this.look = look
  }
}

const itemOf = ({ body, id, protocol, subject, ...message }: Numbered): Item =>
  message.void ? { id, protocol, subject, body, void: true } : { id, protocol, subject, body }

const smaller = (a: Sequence.Window, b: Sequence.Window): Sequence.Window => ({
  messages: Math.min(a.messages, b.messages),
  bytes: Math.min(a.bytes, b.bytes)
})

const oneOf = ({ bytes }: Sequence.Window): Sequence.Window => ({ bytes, messages: 1 })

/** What every pump of a node works with. */
interface Tools {
  readonly store: RetryStore["Service"]
  readonly buggify: Points
  readonly config: Config
  readonly meter: Meter
  readonly clock: Clock.Clock
  readonly necessity: Necessity
}

/** Sends for ever. Fails when the link belongs to somebody else, or the database will not answer again. */
export type Pump = (session: Session, link: Link, outbound: Outbound) => Effect.Effect<never, SqlError | LinkFenced>

export const make = Effect.fnUntraced(function* (necessity: Necessity): Effect.fn.Return<Pump, never, RetryStore> {
  const tools = {
    necessity,
    store: yield* RetryStore,
    buggify: yield* Buggify,
    config: yield* DeliveryConfig,
    meter: yield* DeliveryMeter,
    clock: yield* Clock.Clock
  }
  return (session, link, outbound) => run(tools, session, link, outbound)
})

const run = Effect.fnUntraced(function* (
  { buggify, clock, config, meter, necessity, store }: Tools,
  session: Session,
  link: Link,
  outbound: Outbound
) {
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

  /** Set while numbers may have been given out, and committed, in an attempt of which we only saw the failure. */
  let unsure = false
  const number = (room: Sequence.Window) =>
    Effect.tapError(store.number(link, room, clock.currentTimeMillisUnsafe()), () =>
      Effect.sync(() => {
        unsure = true
      })
    )
  const makeSure = Effect.map(store.positions(link), ({ sending }) => {
    outbound.last = sending.last
    unsure = false
  })

  /** Numbered messages that this session has not sent yet, else the next ones that are due. */
  const take = Effect.suspend((): Effect.Effect<ReadonlyArray<Numbered>, SqlError | LinkFenced> => {
    const some = smaller(room(), buggify.fires("delivery.batch-of-one") ? oneOf(config.batch) : config.batch)
    if (some.messages === 0) return Effect.succeed([])
    if (unsure) return Effect.andThen(makeSure, take)
    return outbound.state.sent < outbound.last ? store.numbered(link, outbound.state.sent, some) : number(some)
  })
  const taken = persist("taking messages to send", config)(take)

  const send = Effect.fnUntraced(function* (batch: ReadonlyArray<Numbered>) {
    const [first, last] = [batch[0]!.seq, batch.at(-1)!.seq]
    const bytes = batch.reduce((sum, message) => sum + message.body.length, 0)
    const { stream } = outbound.state
    const body = dataCodec.encode({ stream, first, seen: outbound.settled, items: batch.map(itemOf) })
    if (outbound.state.inFlight.length === 0) outbound.progressAt = monotonic(clock)
    outbound.state = Sequence.sent(outbound.state, { upTo: last, messages: batch.length, bytes })
    if (last > outbound.last) outbound.last = last
    yield* buggify.pass("delivery.numbered-before-sent")
    yield* session.send(Kind.Data, body)
    meter.batchSent(batch.length)
    if (buggify.fires("delivery.batch-sent-again")) yield* session.send(Kind.Data, body)
  })

  /** Until somebody says that there is work or room, the next message is due, or the sweep. */
  const rest = Effect.gen(function* () {
    const due = yield* store.nextDue(link.peer).pipe(persist("looking for the next message", config))
    const wait = due === undefined ? config.sweep : Math.min(config.sweep, due - clock.currentTimeMillisUnsafe())
    if (wait > 0 && !outbound.look.isOpen()) yield* Effect.timeoutOption(outbound.look.await, wait)
  })

  while (true) {
    outbound.look.closeUnsafe()
    const batch = yield* necessity(link, yield* taken)
    if (batch.length > 0) yield* send(batch)
    else if (room().messages === 0) yield* outbound.look.await
    else yield* rest
  }
})
