import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Stream } from "effect"
import { type Cursor, Feed, type Item } from "../../../src/services/delivery/Feed.ts"
import { Unavailable } from "../../../src/programs/http/ApiErrors.ts"
import * as Events from "../../../src/programs/http/Events.ts"

const cursorAt = (position: number): Cursor => `00000000-0000-4000-8000-000000000000:${position}`
const item = (position: number): Item => ({
  _tag: "Event",
  cursor: cursorAt(position),
  event: {
    position: BigInt(position),
    at: 0,
    audience: "",
    protocol: "",
    subject: "",
    kind: "test",
    body: "x".repeat(1_000)
  }
})

/** A feed without an end, which counts the pages that are read of it, and the readers that have left. */
const endless = () => {
  let pages = 0
  let left = 0
  const page = (from: number) => Array.from({ length: 100 }, (_, n) => item(from + n))
  const feed = Feed.of({
    append: () => Effect.void,
    read: () => Effect.sync(() => (pages++, page(1))),
    follow: () =>
      Stream.fromEffectRepeat(Effect.sync(() => page(++pages * 100))).pipe(
        Stream.flattenIterable,
        Stream.ensuring(Effect.sync(() => left++))
      ),
    now: Effect.succeed(cursorAt(0))
  })
  return { feed, pages: () => pages, left: () => left }
}

const bodyOf = Effect.fn(function* (events: Effect.Success<typeof Events.make>) {
  const { body } = yield* events.stream({})
  return body._tag === "Stream" ? Stream.orDie(body.stream) : Stream.die("no stream")
})

it.effect("reads no further ahead of a slow reader than a few pages, however much there is", () =>
  Effect.gen(function* () {
    const { feed, left, pages } = endless()
    const events = yield* Effect.provideService(Events.make, Feed, feed)
    const some = Deferred.makeUnsafe<void>()
    const reader = yield* (yield* bodyOf(events)).pipe(
      Stream.runForEach(() => Effect.andThen(Deferred.succeed(some, undefined), Effect.never)),
      Effect.forkChild
    )
    yield* Deferred.await(some)
    // Whatever could run ahead of the reader does so in these turns.
    yield* Effect.repeat(Effect.yieldNow, { times: 1_000 })
    assert.isAtMost(pages(), 20)
    assert.strictEqual(left(), 0)
    yield* Fiber.interrupt(reader)
    assert.strictEqual(left(), 1)
  })
)

it.effect("takes so many readers, and another one once one of them has left", () =>
  Effect.gen(function* () {
    const events = yield* Effect.provideService(Events.make, Feed, endless().feed)
    const read = Effect.gen(function* () {
      const open = Deferred.makeUnsafe<void>()
      const body = yield* bodyOf(events)
      const hold = Stream.runForEach(body, () => Effect.andThen(Deferred.succeed(open, undefined), Effect.never))
      const fiber = yield* Effect.forkChild(Effect.ignore(hold))
      yield* Deferred.await(open)
      return fiber
    })
    const readers = yield* Effect.replicateEffect(read, Events.maxReaders)
    const refused = yield* Effect.flip(events.stream({}))
    assert.instanceOf(refused, Unavailable)
    yield* Fiber.interrupt(readers[0]!)
    yield* Fiber.interrupt(yield* read)
  })
)
