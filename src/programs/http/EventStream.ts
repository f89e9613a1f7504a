/**
 * Server-sent events as an answer: lines as fast as the reader takes them, and a comment now and then.
 *
 * Comments keep proxies from closing a quiet stream and tell this side that the reader is gone. One that is there and
 * takes nothing is cut off by the server, see `readerPatience`.
 */
import { Schedule, Stream } from "effect"
import { HttpServerResponse } from "effect/http"

/** How often a stream is given a comment. */
const quiet = "15 seconds"
/** How long a reader may take nothing of what it is sent, in milliseconds; several comments long. */
export const readerPatience = 120_000

const comments = Stream.fromSchedule(Schedule.spaced(quiet)).pipe(Stream.map(() => ":\n\n"))

/** An answer of these lines, with comments until they end. */
export const answer = <E>(lines: Stream.Stream<string, E>): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.stream(Stream.merge(lines, comments, { haltStrategy: "left" }).pipe(Stream.encodeText), {
    contentType: "text/event-stream",
    headers: { "cache-control": "no-store", "x-accel-buffering": "no" }
  })
