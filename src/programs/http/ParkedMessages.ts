/**
 * Messages that crashed their handler, as the API shows them and as operators end them.
 */
import { Effect } from "effect"
import type { MessageId } from "../../protocol/delivery/Message.ts"
import { NodeKey } from "../../protocol/NodeKey.ts"
import { Parked, type ParkedAmbiguous, type ParkedUnknown, type StillParked } from "../../services/delivery/Parked.ts"
import type { ParkedMessage } from "../../services/delivery/ParkedStore.ts"
import { NotFound, Refused } from "./ApiErrors.ts"
import type { Page } from "./Messages.ts"
import type { ParkedView } from "./Models.ts"
import { reachable } from "./Reachable.ts"

const standardPage = 100

const view = ({ at, ...message }: ParkedMessage): ParkedView => ({ ...message, parkedAt: at })

const see = "GET /inbox/parked"
const problems = {
  ParkedUnknown: ({ message }: ParkedUnknown) =>
    Effect.fail(new NotFound({ message, fix: "It may have been handled or dropped.", see })),
  ParkedAmbiguous: ({ message }: ParkedAmbiguous) =>
    Effect.fail(new Refused({ message, fix: "Name the peer as well.", see }))
}
const stillParked = ({ message }: StillParked) =>
  Effect.fail(new Refused({ message, fix: "Mend what its handler needs and try again, or drop it.", see }))

export const make = Effect.gen(function* () {
  const parked = yield* Parked
  return {
    list: Effect.fn("Api.parked")(function* ({ after, limit = standardPage, peer }: Page<string>) {
      const place = after === undefined ? undefined : { id: after.slice(0, 36), peer: NodeKey.make(after.slice(37)) }
      const items = yield* reachable(parked.list({ peer, after: place, limit }))
      const last = items.length < limit ? undefined : items.at(-1)
      return { items: items.map(view), ...(last === undefined ? {} : { next: `${last.id}:${last.peer}` }) }
    }),

    retry: Effect.fn("Api.retryParked")(function* (id: MessageId, peer: NodeKey | undefined) {
      const result = yield* parked
        .retry(id, peer)
        .pipe(Effect.catchTags({ ...problems, StillParked: stillParked }), reachable)
      return { result }
    }),

    drop: (id: MessageId, peer: NodeKey | undefined) =>
      parked.drop(id, peer).pipe(Effect.catchTags(problems), reachable, Effect.withSpan("Api.dropParked"))
  }
})
