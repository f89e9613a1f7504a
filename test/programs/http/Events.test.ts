import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Layer, Stream } from "effect"
import { HttpServer } from "effect/http"
import { once } from "node:events"
import { connect } from "node:net"
import { type Cursor, Feed, type Item } from "../../../src/services/delivery/Feed.ts"
import { Unavailable } from "../../../src/programs/http/ApiErrors.ts"
import * as Events from "../../../src/programs/http/Events.ts"
import { server } from "../../../src/programs/http/Server.ts"

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

/** A server of an endless feed, and a reader that asks for it and then takes nothing. */
const unread = Effect.fnUntraced(function* (patience: number) {
  const { feed, left, pages } = endless()
  const events = yield* Effect.provideService(Events.make, Feed, feed)
  const http = server(patience)
  const layer = NodeHttpServer.layer(() => http, { port: 0, host: "127.0.0.1" })
  const address = yield* Effect.map(
    Layer.build(Layer.provideMerge(HttpServer.serve(Effect.orDie(events.stream({}))), layer)),
    (context) => Context.get(context, HttpServer.HttpServer).address
  )
  const port = "port" in address ? address.port : 0
  const connected = once(http, "connection")
  const socket = yield* Effect.acquireRelease(
    Effect.sync(() => connect({ port, host: "127.0.0.1" }).pause()),
    (socket) => Effect.sync(() => socket.destroy())
  )
  socket.write("GET /events HTTP/1.1\r\nhost: x\r\n\r\n")
  return { left, pages, connected }
})

it.live("paces a reader that takes nothing: what is read for it stays bounded", () =>
  Effect.gen(function* () {
    const { left, pages } = yield* unread(60_000)
    let still = 0
    let seen = 0
    // Until nothing has been read for it over many turns of the event loop; a page has 100 KB.
    for (let turn = 0; still < 200 && pages() < 1_000; turn++) {
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      still = pages() > 0 && pages() === seen ? still + 1 : 0
      seen = pages()
    }
    assert.isBelow(pages(), 200)
    assert.strictEqual(left(), 0)
  }).pipe(Effect.scoped)
)

it.live("cuts a reader off that takes nothing for too long, and keeps nothing of it", () =>
  Effect.gen(function* () {
    const { connected, left } = yield* unread(250)
    const [its] = yield* Effect.promise(() => connected)
    if (!its.destroyed) yield* Effect.promise(() => once(its, "close"))
    while (left() === 0) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    assert.strictEqual(left(), 1)
  }).pipe(Effect.scoped)
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
