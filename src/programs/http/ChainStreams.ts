/**
 * What happens to the chain, and the check of all its blocks, as server-sent events.
 *
 * Events have no cursor: a reader that was away asks how the chain stands. One check runs at a time, as it reads every block; a reader
 * that goes away ends it.
 */
import { Effect, Schema, Stream } from "effect"
import { NotFound, Refused, Unavailable } from "./ApiErrors.ts"
import { ChainEvent, VerifyItem } from "./ChainModels.ts"
import type { Chain } from "../../services/chain/Chain.ts"
import * as EventStream from "./EventStream.ts"
import { reachable } from "./Reachable.ts"
import { Readers } from "./Readers.ts"

/** Readers of the events at once. */
export const maxReaders = 256

const lineOf = <A, I>(schema: Schema.Codec<A, I>) => {
  const encode = Schema.encodeSync(Schema.fromJsonString(Schema.toCodecJson(schema)))
  return (item: A): string => `data: ${encode(item)}\n\n`
}

const eventLine = lineOf(ChainEvent)
const verifyLine = lineOf(VerifyItem)

/** The check with its end as an item. */
const checking = ({ verify }: Chain["Service"]): Stream.Stream<VerifyItem> => {
  let end: VerifyItem = { _tag: "Sound", height: 0, pruned: 0 }
  const items = Stream.map(verify, ({ height, of, pruned }): VerifyItem => {
    end = { _tag: "Sound", height, pruned }
    return { _tag: "Checking", height, of, pruned }
  })
  return items.pipe(
    Stream.concat(Stream.suspend(() => Stream.make(end))),
    Stream.catchTag("ChainBroken", ({ height, problem }) =>
      Stream.make<[VerifyItem]>({ _tag: "Broken", height, problem })
    ),
    Stream.catch((error) =>
      Stream.fromEffect(
        Effect.match(reachable(Effect.fail(error)), {
          onSuccess: (none): VerifyItem => none,
          onFailure: ({ fix, message }): VerifyItem => ({ _tag: "Failed", message, fix })
        })
      )
    )
  )
}

/** The streams of the chain that `kept` gives. */
export const make = (kept: Effect.Effect<Chain["Service"], NotFound>) => {
  const readers = new Readers(maxReaders)
  const running = new Readers(1)
  return {
    events: Effect.fn("Api.chainEvents")(function* () {
      const { events } = yield* kept
      if (readers.isFull) {
        return yield* new Unavailable({
          message: `${maxReaders} readers follow the chain already`,
          fix: "Close readers that are no longer needed, or try again later."
        })
      }
      // The first line makes the answer's head leave at once, also when nothing happens for long.
      const lines = Stream.merge(Stream.make(":\n\n"), Stream.map(events, eventLine))
      return EventStream.answer(readers.counted(lines))
    }),

    verify: Effect.fn("Api.verify")(function* () {
      const chain = yield* kept
      if (running.isFull) {
        return yield* new Refused({
          message: "a check of the chain is under way",
          fix: "Wait for its end, then begin another."
        })
      }
      return EventStream.answer(running.counted(Stream.map(checking(chain), verifyLine)))
    })
  }
}
