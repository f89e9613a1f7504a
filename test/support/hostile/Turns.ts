/**
 * Whether others have their turn beside a connection that has much to read or to write, whatever makes it much: bytes,
 * frames, or records.
 */
import { Effect, Latch } from "effect"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import { type Chance, joined } from "./Fuzz.ts"
import * as Lanes from "./Lanes.ts"
import * as Stack from "./Stack.ts"

const data = (size: number): Uint8Array => Frame.encode(Frame.Kind.Data, new Uint8Array(size))

/** What happens at the most between two turns of a fiber that looks at a count in each. */
const mostBetweenTurns = Effect.fnUntraced(function* (count: () => number) {
  let [last, most] = [count(), 0]
  const look = Effect.sync(() => {
    most = Math.max(most, count() - last)
    last = count()
  })
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(look, Effect.yieldNow)), { startImmediately: true })
  return () => most
})

const turns = ({ settle }: Lanes.Stuck) => Effect.forEach(Array.from({ length: 8 }), () => settle, { discard: true })

/** Much is queued for one connection. */
const othersBesideWrites = () =>
  Lanes.run((stuck) =>
    Effect.gen(function* () {
      const { channel, connection } = stuck
      const most = yield* mostBetweenTurns(() => channel.writes.length)
      for (let count = 0; count < 20; count++) yield* connection.bulk(data(84))
      yield* turns(stuck)
      return most() > 2 ? `${most()} writes between two turns of somebody else` : undefined
    })
  )

/** Chunks come that are full of records with nothing in them. */
const othersBesideRecords = async () => {
  let seen = 0
  const look = Effect.andThen(
    Effect.sync(() => seen++),
    Effect.yieldNow
  )
  const chunks = Stack.full(12)
  const reading = Effect.gen(function* () {
    const read = yield* Stack.make
    yield* Effect.forkScoped(Effect.forever(look, { disableYield: true }), { startImmediately: true })
    const before = seen
    yield* read(chunks)
    return seen - before
  })
  const turns = await Effect.runPromise(Effect.scoped(reading))
  return turns < 10 ? `others have ${turns} turns beside ${chunks.length} chunks full of records` : undefined
}

/** Much comes on one connection, in pieces that are hard to handle for their bytes or for their frames. */
const othersBesideReads = (chance: Chance) => {
  const begin = Latch.makeUnsafe(false)
  const isLarge = chance.oneIn(2)
  const piece = isLarge ? data(64 * 1024) : joined(...Array.from({ length: 4_000 }, () => data(0)))
  const most = isLarge ? 10 : 16_000
  let left = 60
  const work = (stuck: Lanes.Stuck) =>
    Effect.gen(function* () {
      const { connection } = stuck
      connection.established()
      const handled = yield* mostBetweenTurns(() => connection.framesIn)
      begin.openUnsafe()
      yield* turns(stuck)
      if (left > 0) return "not everything is read"
      return handled() > most ? `${handled()} frames handled between two turns of somebody else` : undefined
    })
  const next = (take: (piece: Uint8Array) => void) => (left-- > 0 ? Effect.sync(() => take(piece)) : Effect.never)
  return Lanes.run(work, (take) => begin.whenOpen(Effect.suspend(() => next(take))))
}

/** What is wrong, if anything is. */
export const broken = async (chance: Chance): Promise<string | undefined> =>
  (await othersBesideReads(chance)) ?? (await othersBesideWrites()) ?? (await othersBesideRecords())
