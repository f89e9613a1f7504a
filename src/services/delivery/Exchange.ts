/**
 * Durable delivery on one live session, both ways: RESUME first, then a pump, a receiver and a settler
 * (docs/PROTOCOL.md, 7).
 *
 * It starts only after the peer's previous session has let go of the link, and raises the link's epoch, so that nothing
 * of an older session can write any more.
 */
import { Clock, Effect, Fiber, Queue, Result } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import * as DeliveryFrame from "../../protocol/delivery/DeliveryFrame.ts"
import * as Sequence from "../../protocol/delivery/Sequence.ts"
import { type Frame, Kind } from "../../protocol/link/Frame.ts"
import { Buggify } from "../Buggify.ts"
import { monotonic } from "../Monotonic.ts"
import type { Beside } from "../link/Beside.ts"
import type { Session } from "../link/Session.ts"
import { DeliveryConfig } from "./DeliveryConfig.ts"
import * as IntakeService from "./Intake.ts"
import * as Necessity from "./Necessity.ts"
import { Outbound } from "./Outbound.ts"
import { Outbounds } from "./Outbounds.ts"
import { persist } from "./Persist.ts"
import type { Handled } from "./Protocol.ts"
import * as Pump from "./Pump.ts"
import { type Claimed, type Link, type LinkFenced, RetryStore } from "./RetryStore.ts"
import * as SettlementService from "./Settlement.ts"
import { Wakes } from "./Wakes.ts"

const { StreamViolated } = IntakeService

/** What is settled in one transaction; and of messages of which this process does not know the size. */
const settledAtOnce: Sequence.Window = { messages: 1_024, bytes: 4 * 1024 * 1024 }
const unknownAtOnce = 64

/**
 * The peer's messages on their way through this session. They are taken in however long handling takes, so that the
 * receipts behind them are always read: two peers that both wait for room would wait for each other. The stated window
 * bounds them.
 */
class Inbound {
  readonly frames: Queue.Queue<DeliveryFrame.Data>
  #messages = 0
  #bytes = 0
  constructor(frames: Queue.Queue<DeliveryFrame.Data>) {
    this.frames = frames
  }
  /** False if it is more than any sender may send. */
  take(frame: DeliveryFrame.Data): boolean {
    this.#count(frame, 1)
    Queue.offerUnsafe(this.frames, frame)
    return !Sequence.isTooFarAhead({ messages: this.#messages, bytes: this.#bytes })
  }
  /** Of what has been taken `left` is still to be handled. */
  handled(taken: ReadonlyArray<DeliveryFrame.Data>, left: ReadonlyArray<DeliveryFrame.Data>): void {
    for (const frame of taken) this.#count(frame, -1)
    for (const frame of left) this.#count(frame, 1)
  }
  #count({ items }: DeliveryFrame.Data, sign: 1 | -1): void {
    this.#messages += sign * items.length
    for (const { body } of items) this.#bytes += sign * body.length
  }
}

const decoded = <A>(result: Result.Result<A, Error>) =>
  Result.isSuccess(result)
    ? Effect.succeed(result.success)
    : Effect.fail(new StreamViolated({ detail: result.failure.message }))

/** The frames that are read here; all others may come at any time. */
const ownKinds: ReadonlySet<number> = new Set([Kind.Resume, Kind.Data, Kind.Receipt])

/** What runs on every session of a node with these protocols. `beside` takes every frame that is not delivery's. */
export const make = Effect.fnUntraced(function* <R>(protocols: ReadonlyArray<Handled<R>>, beside: Beside["receive"]) {
  const byName = new Map(protocols.map((protocol) => [protocol.name, protocol]))
  const store = yield* RetryStore
  const wakes = yield* Wakes
  const buggify = yield* Buggify
  const config = yield* DeliveryConfig
  const clock = yield* Clock.Clock
  const outbounds = yield* Outbounds
  const pump = yield* Pump.make(yield* Necessity.make(byName))
  const intake = yield* IntakeService.make(byName)
  const settlement = yield* SettlementService.make(byName)

  /** Tells the peer where both streams stand here, and learns where they stand there. */
  const resume = Effect.fnUntraced(function* (session: Session, link: Link) {
    const { answers, receiving, sending } = yield* store.positions(link)
    const ours: DeliveryFrame.Resume = {
      sending: { stream: sending.stream, last: sending.last, receipted: sending.receipted },
      received: { stream: receiving.stream, position: receiving.position, seen: receiving.seen },
      answers
    }
    const parts = DeliveryFrame.resumes(ours)
    // Beside the reading: two peers that both only wrote would wait for each other.
    const sent = yield* Effect.forkChild(
      Effect.forEach(parts, (part) => session.send(Kind.Resume, DeliveryFrame.resume.encode(part)), { discard: true })
    )
    const theirs = yield* hearResume(session)
    yield* Fiber.join(sent)
    return { position: receiving.position, sending, theirs }
  })

  const aside = (session: Session, frame: Frame) => {
    const wrong = beside(session, frame)
    return wrong === undefined ? Effect.void : Effect.fail(new StreamViolated({ detail: wrong }))
  }

  /** The peer's RESUME, with the answers of all its parts. */
  const hearResume = Effect.fnUntraced(function* (session: Session) {
    let theirs: DeliveryFrame.Resume | undefined
    for (let part = 0; part < DeliveryFrame.maxResumes; part++) {
      let frame = yield* session.frames.take
      while (!ownKinds.has(frame.kind)) {
        yield* aside(session, frame)
        frame = yield* session.frames.take
      }
      if (frame.kind !== Kind.Resume) {
        return yield* new StreamViolated({ detail: `frame kind ${frame.kind} came before RESUME` })
      }
      const next = yield* decoded(DeliveryFrame.resume.decode(frame.body))
      theirs = theirs === undefined ? next : { ...theirs, answers: [...theirs.answers, ...next.answers] }
      if (next.more !== true) return theirs
    }
    return yield* new StreamViolated({ detail: `RESUME has more than ${DeliveryFrame.maxResumes} parts` })
  })

  /** A transaction may run again although it succeeded: its success need not be heard of. */
  const unheard = <A, E>(transaction: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.flatMap(transaction, (done) =>
      buggify.fires("delivery.transaction-run-again") ? transaction : Effect.succeed(done)
    )

  /** In steps, so that no transaction lasts long or holds much, however much is receipted at once. */
  const settleFrom = Effect.fnUntraced(function* (
    from: bigint,
    link: Link,
    { answers, upTo }: SettlementService.Receipted,
    step: (at: bigint) => bigint,
    settled: (upTo: bigint, forced: boolean) => void = () => undefined
  ) {
    for (let at = from; at < upTo;) {
      const next = buggify.fires("delivery.settled-one-by-one") ? at + 1n : step(at)
      const theirs = answers.filter(({ seq }) => seq > at && seq <= next)
      const settling = unheard(settlement.settle(link, { upTo: next, answers: theirs }))
      settled(next, yield* settling.pipe(persist("settling receipts", config)))
      at = next
    }
  })

  /**
   * Brings the own stream to where the peer has it. A restored database starts a new stream, which the peer must hear of
   * before it takes anything of it: `undefined`, and the next session begins with it.
   */
  const reconcile = Effect.fnUntraced(function* (link: Link, sending: Sequence.Sending, theirs: DeliveryFrame.Resume) {
    const resumption = Sequence.resume(sending, theirs.received)
    if (resumption._tag === "Continue") {
      const { position } = resumption
      const step = (at: bigint) => (position - at > unknownAtOnce ? at + BigInt(unknownAtOnce) : position)
      yield* settleFrom(sending.receipted, link, { upTo: position, answers: theirs.answers }, step)
      return { stream: sending.stream, position, last: sending.last }
    }
    yield* settlement.restart(link, sending, resumption, theirs)
    return undefined
  })

  /** Handles what the peer sends after `position`, as much as has gathered in one transaction, and receipts it. */
  const receive = Effect.fnUntraced(function* (session: Session, link: Claimed, inbound: Inbound, position: bigint) {
    const handle = intake.open(link)
    let at = position
    let waiting: ReadonlyArray<DeliveryFrame.Data> = []
    while (true) {
      const gathered = waiting.length === 0 ? yield* Queue.takeAll(inbound.frames) : yield* Queue.clear(inbound.frames)
      waiting = gathered.length === 0 ? waiting : [...waiting, ...gathered]
      const handling = unheard(handle(waiting))
      const progress = yield* handling.pipe(persist("handling received messages", config))
      // Something new among it was taken: not all of it was refused.
      if (progress.upTo - at > progress.answers.length) session.useful()
      at = progress.upTo
      yield* buggify.pass("delivery.committed-before-receipt")
      const most = buggify.fires("delivery.answers-split") ? 1 : DeliveryFrame.maxAnswers
      for (const receipt of DeliveryFrame.receipts(progress, most)) {
        yield* session.send(Kind.Receipt, DeliveryFrame.receipt.encode(receipt))
      }
      const left = Sequence.beyond(waiting, progress.upTo)
      inbound.handled(waiting, left)
      waiting = left
    }
  })

  /** Settles what the peer has receipted, as many receipts as have gathered at a time. */
  const settle = (link: Link, outbound: Outbound, receipts: Queue.Dequeue<DeliveryFrame.Receipt>) =>
    Effect.forever(
      Effect.gen(function* () {
        const gathered = yield* Queue.takeAll(receipts)
        yield* buggify.pass("delivery.receipted-before-settled")
        const upTo = gathered.at(-1)!.upTo
        const answers = gathered.flatMap((receipt) => receipt.answers)
        yield* settleFrom(
          outbound.settled,
          link,
          { upTo, answers },
          () => outbound.settleStep(upTo, settledAtOnce),
          (settled, forced) => outbound.settle(settled, forced)
        )
        // What was put back has a new time, which only the database knows for certain: a commit may be unheard.
        if (answers.some(({ outcome }) => outcome._tag === "Later")) outbound.look.wake()
      })
    )

  /** Notes a receipt at once, so that the window moves; what it means is settled in its own time. */
  const acknowledge = (session: Session, outbound: Outbound, receipt: DeliveryFrame.Receipt) => {
    const result = Sequence.receipted(outbound.state, receipt.stream, receipt.upTo)
    if (result._tag !== "Progress") return result
    outbound.state = result.state
    outbound.progressAt = monotonic(clock)
    outbound.look.open()
    session.useful()
    return result
  }

  /** Sorts the session's frames to the fibers that handle them. */
  const dispatch = Effect.fnUntraced(function* (
    session: Session,
    stream: string,
    outbound: Outbound,
    inbound: Inbound,
    receipts: Queue.Enqueue<DeliveryFrame.Receipt>
  ) {
    while (true) {
      const frame = yield* session.frames.take
      if (frame.kind === Kind.Data) {
        const received = yield* decoded(DeliveryFrame.data.decode(frame.body))
        if (received.stream !== stream) {
          return yield* new StreamViolated({ detail: "DATA of a stream that was not resumed" })
        }
        if (!inbound.take(received)) {
          return yield* new StreamViolated({ detail: "DATA goes farther ahead of the receipts than is allowed" })
        }
      } else if (frame.kind === Kind.Receipt) {
        const receipt = yield* decoded(DeliveryFrame.receipt.decode(frame.body))
        const result = acknowledge(session, outbound, receipt)
        if (result._tag === "Violation") return yield* new StreamViolated({ detail: result.detail })
        // As many as there are messages in flight at the most: each finishes one.
        if (result._tag === "Progress") Queue.offerUnsafe(receipts, receipt)
      } else if (frame.kind === Kind.Resume) return yield* new StreamViolated({ detail: "RESUME came twice" })
      else yield* aside(session, frame)
    }
  })

  /** Ends when messages have been in flight for too long without any receipt. */
  const watch = Effect.fnUntraced(function* (outbound: Outbound) {
    while (true) {
      yield* Effect.sleep(config.receiptTimeout / 4)
      const waiting = outbound.state.inFlight.length > 0 ? monotonic(clock) - outbound.progressAt : 0
      // A slow link is no slow peer: a large message takes its time, and would take it again on the next session.
      const travelling = (Sequence.bytesInFlight(outbound.state) / config.slowestRate) * 1_000
      if (waiting >= config.receiptTimeout + travelling || buggify.fires("delivery.taken-for-slow")) return waiting
    }
  })

  const exchange = Effect.fnUntraced(function* (session: Session) {
    const look = yield* wakes.attach(session.peer)
    const link = yield* store.claim(session.peer).pipe(persist("claiming the link", config))
    yield* buggify.pass("delivery.claimed-before-resume")
    const { position, sending, theirs } = yield* resume(session, link).pipe(persist("reading the positions", config))
    const from = yield* reconcile(link, sending, theirs).pipe(persist("resuming the stream", config))
    if (from === undefined) return yield* session.close("unwanted", "a new stream starts with the next session")
    const outbound = new Outbound(from.stream, from.position, from.last, sending.receipted, look)
    yield* outbounds.attach(link, outbound)
    const inbound = new Inbound(yield* Queue.unbounded<DeliveryFrame.Data>())
    const receipts = yield* Queue.unbounded<DeliveryFrame.Receipt>()
    const slow = Effect.flatMap(watch(outbound), (waited) =>
      session.close("slow", `no receipt for ${Math.round(waited)} ms`)
    )
    yield* Effect.raceAllFirst<Effect.Effect<void, SqlError | LinkFenced | IntakeService.StreamViolated>>([
      dispatch(session, theirs.sending.stream, outbound, inbound, receipts),
      receive(session, link, inbound, position),
      settle(link, outbound, receipts),
      pump(session, link, outbound),
      slow
    ])
  }, Effect.scoped)

  /** One session from RESUME to its end. Whatever goes wrong ends the session, is logged once, and is resumed by the next. */
  return (session: Session): Effect.Effect<void> =>
    exchange(session).pipe(
      Effect.catchTags({
        StreamViolated: (error) => session.close("violation", error.detail),
        LinkFenced: (error) => session.close("replaced", error.message),
        SqlError: (error) =>
          Effect.andThen(
            Effect.logError("The session ends because of the database", error),
            session.close("unwanted", "the database of this node failed")
          )
      })
    )
})
