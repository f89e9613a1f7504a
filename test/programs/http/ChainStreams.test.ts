import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Stream } from "effect"
import type { HttpServerResponse } from "effect/http"
import { Unavailable } from "../../../src/programs/http/ApiErrors.ts"
import * as ChainStreams from "../../../src/programs/http/ChainStreams.ts"
import type { Chain } from "../../../src/services/chain/Chain.ts"
import { ChainBroken } from "../../../src/services/chain/Verifying.ts"
import { StandInChain } from "../../support/StandInChain.ts"

const textOf = ({ body }: HttpServerResponse.HttpServerResponse): Stream.Stream<string> =>
  body._tag === "Stream" ? Stream.decodeText(Stream.orDie(body.stream)) : Stream.die("no stream")

/** What a whole stream says. */
const said = <E>(answer: Effect.Effect<HttpServerResponse.HttpServerResponse, E>) =>
  Effect.flatMap(Effect.orDie(answer), (response) => Stream.mkString(textOf(response)))

const streamsOf = (chain: Chain["Service"]) => ChainStreams.make(Effect.succeed(chain))

/** Reads until it is interrupted, once the first line has come. */
const reading = Effect.fnUntraced(function* <E>(answer: Effect.Effect<HttpServerResponse.HttpServerResponse, E>) {
  const open = Deferred.makeUnsafe<void>()
  const fiber = yield* Effect.orDie(answer).pipe(
    Effect.flatMap((response) => Stream.runForEach(textOf(response), () => Deferred.succeed(open, undefined))),
    Effect.forkChild
  )
  yield* Deferred.await(open)
  return fiber
})

it.effect("the check ends with its result, whichever it is", () =>
  Effect.gen(function* () {
    const chain = new StandInChain()
    const { verify } = streamsOf(chain.service)
    assert.include(yield* said(verify()), 'data: {"_tag":"Sound","height":0,"pruned":0}')
    chain.pages = [{ height: 5, of: 9, pruned: 1 }]
    chain.broken = new ChainBroken({ height: 6, problem: "it is missing" })
    const text = yield* said(verify())
    assert.include(text, 'data: {"_tag":"Checking","height":5,"of":9,"pruned":1}')
    assert.match(text, /data: \{"_tag":"Broken","height":6,"problem":"it is missing"\}\s*$/)
    assert.notInclude(text, "Sound")
  })
)

it.effect("one check runs at a time, and a reader that goes away ends it", () =>
  Effect.gen(function* () {
    const chain = new StandInChain()
    const endless = Stream.concat(Stream.make({ height: 1, of: 2, pruned: 0 }), Stream.never)
    const { verify } = streamsOf({ ...chain.service, verify: endless })
    const first = yield* reading(verify())
    const refused = yield* Effect.flip(verify())
    assert.include(refused.message, "under way")
    yield* Fiber.interrupt(first)
    yield* Fiber.interrupt(yield* reading(verify()))
  })
)

it.effect("events go to so many readers, and to another one once one of them has left", () =>
  Effect.gen(function* () {
    const { events } = streamsOf(new StandInChain().service)
    const readers = yield* Effect.replicateEffect(reading(events()), ChainStreams.maxReaders)
    assert.instanceOf(yield* Effect.flip(events()), Unavailable)
    yield* Fiber.interrupt(readers[0]!)
    yield* Fiber.interrupt(yield* reading(events()))
    yield* Fiber.interruptAll(readers)
  })
)
