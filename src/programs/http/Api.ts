/**
 * The HTTP API of a node, as a definition: the server, the client of the CLI and the OpenAPI document come from it.
 */
import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { AddressFromString } from "../../protocol/Address.ts"
import { MessageId } from "../../protocol/delivery/Message.ts"
import { SubjectFromString } from "../../protocol/link/Ban.ts"
import { NodeKey } from "../../protocol/NodeKey.ts"
import { Cursor } from "../../services/delivery/Feed.ts"
import { Transition } from "../../services/link/Transition.ts"
import { NotFound, Refused, Unavailable } from "./ApiErrors.ts"
import { Authorization, RequestCheck } from "./Authorization.ts"
import { ChainGroup } from "./ChainApi.ts"
import { CreditGroup } from "./CreditApi.ts"
import {
  Accepted,
  AttentionList,
  AuditItem,
  BanView,
  Degraded,
  Dropped,
  EventView,
  Healthy,
  InboxPage,
  Lifted,
  NewBan,
  NewNote,
  OwedPage,
  ParkedCursor,
  ParkedDropped,
  ParkedPage,
  PeerView,
  Retried,
  Wanted
} from "./Models.ts"

/** Items of one page at the most, and unless another number is asked for. */
export const maxPage = 1_000
const Limit = Schema.optionalKey(
  Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: maxPage }))
)

/** Whom something is for: what is for everybody unless somebody is named; the empty text is the operator. */
const audience = Schema.optionalKey(Schema.String.check(Schema.isMaxLength(256)))

const describe = (summary: string) => OpenApi.annotations({ summary })

export class NodeGroup extends HttpApiGroup.make("node", { topLevel: true })
  .add(
    HttpApiEndpoint.get("health", "/health", {
      success: [Healthy, Degraded.pipe(HttpApiSchema.status(503))]
    }).annotateMerge(describe("How the node is; 503 while its database does not answer"))
  )
  .add(
    HttpApiEndpoint.get("metrics", "/metrics", {
      success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain; version=0.0.4; charset=utf-8" }))
    }).annotateMerge(describe("Metrics in the text format of Prometheus"))
  )
  .add(
    HttpApiEndpoint.get("peers", "/peers", { success: Schema.Array(PeerView), error: Unavailable }).annotateMerge(
      describe("Peers that are known, wanted or connected")
    )
  )
  .add(
    HttpApiEndpoint.get("transitions", "/peers/:key/transitions", {
      params: { key: NodeKey },
      success: Schema.Array(Transition)
    }).annotateMerge(describe("What happened to the connections with a peer, oldest first"))
  )
  .add(
    HttpApiEndpoint.post("connect", "/peers", {
      payload: Schema.Struct({ address: AddressFromString }),
      success: Wanted,
      error: [Refused, Unavailable]
    }).annotateMerge(describe("Stay connected to a node from now on, over restarts"))
  )
  .add(
    HttpApiEndpoint.delete("disconnect", "/peers/:key", {
      params: { key: NodeKey },
      success: Wanted,
      error: [NotFound, Unavailable]
    }).annotateMerge(describe("No longer dial a peer, and say goodbye to it"))
  )
  .add(
    HttpApiEndpoint.get("bans", "/bans", { success: Schema.Array(BanView) }).annotateMerge(
      describe("Who is kept out, why and until when; the newest first")
    )
  )
  .add(
    HttpApiEndpoint.post("ban", "/bans", {
      payload: NewBan,
      success: BanView,
      error: [Refused, Unavailable]
    }).annotateMerge(describe("Keep a node or a host out, and end the sessions with it"))
  )
  .add(
    HttpApiEndpoint.delete("unban", "/bans/:subject", {
      params: { subject: SubjectFromString },
      success: Lifted,
      error: [NotFound, Unavailable]
    }).annotateMerge(describe("Let a node or a host in again, and forget its former bans"))
  )
  .add(
    HttpApiEndpoint.post("send", "/messages", {
      payload: NewNote,
      success: Accepted,
      error: [Refused, Unavailable]
    }).annotateMerge(describe("Send a note; answered once it is durable, whether the peer is connected or not"))
  )
  .add(
    HttpApiEndpoint.get("outbox", "/outbox", {
      query: { peer: Schema.optionalKey(NodeKey), after: Schema.optionalKey(MessageId), limit: Limit },
      success: OwedPage,
      error: Unavailable
    }).annotateMerge(describe("What is still owed to peers, why, and when something happens next; oldest first"))
  )
  .add(
    HttpApiEndpoint.post("retry", "/outbox/:id/retry", {
      params: { id: MessageId },
      success: Accepted,
      error: [NotFound, Unavailable]
    }).annotateMerge(describe("Offer a message that waits for its time now"))
  )
  .add(
    HttpApiEndpoint.delete("drop", "/outbox/:id", {
      params: { id: MessageId },
      success: Dropped,
      error: [NotFound, Unavailable]
    }).annotateMerge(describe("Take a message back"))
  )
  .add(
    HttpApiEndpoint.get("inbox", "/inbox", {
      query: { peer: Schema.optionalKey(NodeKey), after: Schema.optionalKey(Schema.BigIntFromString), limit: Limit },
      success: InboxPage,
      error: Unavailable
    }).annotateMerge(describe("Notes that have arrived, after a position or else the last ones, oldest first"))
  )
  .add(
    HttpApiEndpoint.get("parked", "/inbox/parked", {
      query: { peer: Schema.optionalKey(NodeKey), after: Schema.optionalKey(ParkedCursor), limit: Limit },
      success: ParkedPage,
      error: Unavailable
    }).annotateMerge(describe("Messages that crashed their handler and wait for an operator, and why"))
  )
  .add(
    HttpApiEndpoint.post("retryParked", "/inbox/parked/:id/retry", {
      params: { id: MessageId },
      query: { peer: Schema.optionalKey(NodeKey) },
      success: Retried,
      error: [NotFound, Refused, Unavailable]
    }).annotateMerge(describe("Run the handler of a parked message once more"))
  )
  .add(
    HttpApiEndpoint.delete("dropParked", "/inbox/parked/:id", {
      params: { id: MessageId },
      query: { peer: Schema.optionalKey(NodeKey) },
      success: ParkedDropped,
      error: [NotFound, Refused, Unavailable]
    }).annotateMerge(describe("Forget a parked message"))
  )
  .add(
    HttpApiEndpoint.get("attention", "/attention", {
      query: { audience, limit: Limit },
      success: AttentionList,
      error: Unavailable
    }).annotateMerge(describe("What waits for users and for the operator, from the state of this moment; oldest first"))
  )
  .add(
    HttpApiEndpoint.delete("dropUntold", "/attention/:id", {
      params: { id: MessageId },
      success: Accepted,
      error: [NotFound, Unavailable]
    }).annotateMerge(describe("Forget a message that has ended and whose protocol could not take that in"))
  )
  .add(
    HttpApiEndpoint.get("audit", "/audit", {
      success: HttpApiSchema.StreamSse({ data: AuditItem }),
      error: Refused
    }).annotateMerge(
      describe(
        "Look for what contradicts and what has waited for too long, as server-sent events; the last is the report"
      )
    )
  )
  .add(
    HttpApiEndpoint.get("events", "/events", {
      query: {
        after: Schema.optionalKey(Schema.Union([Cursor, Schema.Literal("now")])),
        follow: Schema.optionalKey(Schema.Literals(["true", "false"])),
        audience
      },
      headers: { "last-event-id": Schema.optionalKey(Cursor) },
      success: HttpApiSchema.StreamSse({ data: EventView }),
      error: Unavailable
    }).annotateMerge(
      describe(
        "What has happened, after a cursor or from the oldest event on, as server-sent events; then what happens. " +
          "With an audience only what is for this user"
      )
    )
  )
  .middleware(RequestCheck)
  .middleware(Authorization) {}

export class Api extends HttpApi.make("holdfast")
  .add(NodeGroup)
  .add(ChainGroup)
  .add(CreditGroup)
  .annotateMerge(
    OpenApi.annotations({
      title: "Holdfast node",
      version: "1",
      description: "The local API of a Holdfast node. Every request carries the token from its data folder."
    })
  ) {}
