/**
 * The audit as server-sent events: what is looked at while it is looked at, then what was found.
 *
 * One at a time: an audit reads whole tables. A reader that goes away ends it.
 */
import { Effect, Queue, Schema, Stream } from "effect"
import { Audit } from "../../services/delivery/Audit.ts"
import { Refused } from "./ApiErrors.ts"
import * as EventStream from "./EventStream.ts"
import { AuditItem } from "./Models.ts"
import { reachable } from "./Reachable.ts"
import { Readers } from "./Readers.ts"

const encode = Schema.encodeSync(Schema.fromJsonString(Schema.toCodecJson(AuditItem)))

const render = (item: AuditItem): string => `data: ${encode(item)}\n\n`

export const make = Effect.gen(function* () {
  const audit = yield* Audit
  const running = new Readers(1)

  /** As many items as there are checks and findings: neither is without bounds. */
  const items = Stream.callback<AuditItem>((queue) =>
    audit
      .run((check) => Effect.asVoid(Queue.offer(queue, { _tag: "Checking", ...check })))
      .pipe(
        reachable,
        Effect.match({
          onSuccess: (report): AuditItem => ({ _tag: "Report", ...report }),
          onFailure: ({ fix, message }): AuditItem => ({ _tag: "Failed", message, fix })
        }),
        Effect.flatMap((last) => Queue.offer(queue, last)),
        Effect.andThen(Queue.end(queue))
      )
  )

  return {
    stream: Effect.fn("Api.audit")(function* () {
      if (running.isFull) {
        return yield* new Refused({ message: "an audit is under way", fix: "Wait for its end, then begin another." })
      }
      return EventStream.answer(running.counted(Stream.map(items, render)))
    })
  }
})
