/**
 * What the API answers instead of a result. Every error has a message with the values in it and a fix: what to do;
 * some also say where to look. None of these sentences names a request, so that the command line can show them.
 */
import { Schema } from "effect"

const fields = {
  message: Schema.String,
  fix: Schema.String,
  /** What lists that which the request should have been about. */
  see: Schema.optionalKey(
    Schema.Literals(["GET /peers", "GET /bans", "GET /outbox", "GET /inbox/parked", "GET /attention"])
  )
}

/** The request has no token, or not this node's. */
export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", fields, { httpApiStatus: 401 }) {}

/** The request is not one that the API knows: a parameter or the body is wrong. */
export class BadRequest extends Schema.TaggedError<BadRequest>()("BadRequest", fields, { httpApiStatus: 400 }) {}

/** What the request is about does not exist. */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", fields, { httpApiStatus: 404 }) {}

/** The request is understood, and the node will not do it. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", fields, { httpApiStatus: 422 }) {}

/** A user's command does not fit what is: nothing was done. */
export class CommandRefused extends Schema.TaggedError<CommandRefused>()(
  "CommandRefused",
  {
    ...fields,
    /** `stale`: overtaken by what has happened since. `refused`: it does not fit at all. */
    outcome: Schema.Literals(["stale", "refused"]),
    /** A short name for programs, such as `no-room`. */
    reason: Schema.String,
    detail: Schema.String,
    /** Where the state is, such as a revision. */
    revision: Schema.String
  },
  { httpApiStatus: 409 }
) {}

/** The database does not answer; the same request may succeed later. */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", fields, { httpApiStatus: 503 }) {}
