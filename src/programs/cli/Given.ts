/**
 * The kinds of values that several commands take, each with a sentence that says what to write.
 */
import { Option, Schema } from "effect"
import { Argument, Flag } from "effect/cli"
import { MessageId } from "../../protocol/delivery/Message.ts"
import { Cursor } from "../../services/delivery/Feed.ts"
import { maxPage } from "../http/Api.ts"
import { ParkedCursor } from "../http/Models.ts"
import { count, fromText, type FromText } from "../SettingValue.ts"

/** A text that this schema takes as it is. */
const asked = <A extends string>(expected: string, schema: Schema.Codec<A, string>): FromText<A> =>
  fromText(
    expected,
    (text) => Option.getOrUndefined(Schema.decodeUnknownOption(schema)(text)),
    (value) => value
  )

/** The id of a message. */
export const messageId = asked("the id of a message, as holdfast outbox shows it", MessageId)

/** The id of a message that is parked. */
export const parkedId = asked("the id of a message, as holdfast inbox parked shows it", MessageId)

/** The id of a message in the action list. */
export const untoldId = asked("the id of a message, as holdfast attention shows it", MessageId)

/** Where to go on in the list of parked messages. */
export const parkedCursor = asked('a cursor as it was printed, "<message id>:<node key>"', ParkedCursor)

/** Where to go on in the feed. */
export const after = asked(
  'a cursor as it was printed, "<feed id>:<position>", or now',
  Schema.Union([Schema.Literal("now"), Cursor])
)

/** A key or the beginning of one. An empty text would be the beginning of any. */
export const peerText = Schema.String.check(
  Schema.isPattern(/^[0-9A-Fa-f]{1,64}$/, {
    message: "give the key of a node or the beginning of a peer's key, up to 64 hex digits; see: holdfast peers"
  })
)

/** The peer that a command is about. */
export const peer = Argument.String("peer").pipe(
  Argument.withDescription("The key of the peer, or its beginning"),
  Argument.withSchema(peerText)
)

/** The name of a file or folder. */
export const path = (what: string) =>
  Schema.String.check(Schema.isPattern(/\S/, { message: `give ${what}, or leave it out` }))

/** How many of something to show. */
export const limit = (about: string, standard: number): Flag.Flag<number> =>
  Flag.String("limit").pipe(
    Flag.withMetavar("<n>"),
    Flag.withDescription(`${about}, 1 to ${maxPage} (default ${standard})`),
    Flag.withSchema(count(1, maxPage)),
    Flag.withDefault(standard)
  )
