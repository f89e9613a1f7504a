/**
 * Streams of numbers over the lanes of sessions, as whoever uses lanes would write them: each stays on the lane that its
 * number gives, and goes on, whenever that lane has been opened anew, from the position that its receiver tells.
 */
import { Effect } from "effect"
import * as Lanes from "../../../src/protocol/link/Lanes.ts"
import type { Session, SessionLane } from "../../../src/services/link/Session.ts"

/** What a lane carries: an item of a stream, or to where the receiver has it. */
const encode = (stream: number, number: number): Uint8Array => {
  const body = new Uint8Array(8)
  const view = new DataView(body.buffer)
  view.setUint32(0, stream)
  view.setUint32(4, number)
  return body
}

const decode = (body: Uint8Array): readonly [stream: number, number: number] => {
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  return [view.getUint32(0), view.getUint32(4)]
}

/** Runs `work` on each lane that streams use, anew on every lane of its number. */
const onLanes = (
  session: Session,
  streams: number,
  work: (lane: SessionLane, streams: ReadonlyArray<number>) => Effect.Effect<void>
): Effect.Effect<void> => {
  const all = Array.from({ length: streams }, (_, stream) => stream)
  const ofLane = Map.groupBy(all, (stream) => Lanes.laneOf(stream, session.lanes))
  return Effect.forEach(
    ofLane,
    ([number, own]) =>
      Effect.forever(Effect.flatMap(session.lane(number), (lane) => Effect.raceFirst(work(lane, own), lane.lost))),
    { concurrency: "unbounded", discard: true }
  )
}

export interface Sent {
  /** Items that were sent, those that were sent again included. */
  items: number
}

/** Sends each stream its items, 0 to `length` - 1, one a turn of `millis`. */
export const sender =
  (streams: number, length: number, millis: number, sent: Sent) =>
  (session: Session): Effect.Effect<void> =>
    onLanes(session, streams, (lane, own) =>
      Effect.gen(function* () {
        const next = new Map<number, number>()
        while (next.size < own.length) {
          for (const { body } of yield* lane.frames.takeAll) next.set(...decode(body))
        }
        while ([...next.values()].some((item) => item < length)) {
          for (const [stream, item] of next) {
            if (item >= length) continue
            yield* lane.send(encode(stream, item))
            sent.items++
            next.set(stream, item + 1)
          }
          yield* Effect.sleep(millis)
        }
        return yield* Effect.never
      })
    )

/** What came of each stream, in its order, over all its lanes and sessions. */
export type Received = Map<number, Array<number>>

export const receiver =
  (streams: number, received: Received) =>
  (session: Session): Effect.Effect<void> =>
    onLanes(session, streams, (lane, own) =>
      Effect.gen(function* () {
        yield* lane.sendAll(own.map((stream) => encode(stream, received.get(stream)?.length ?? 0)))
        while (true) {
          for (const { body } of yield* lane.frames.takeAll) {
            const [stream, item] = decode(body)
            const items = received.get(stream) ?? []
            items.push(item)
            received.set(stream, items)
          }
        }
      })
    )
