/**
 * A client of the API of the node that runs on a data folder.
 */
import { Effect, FileSystem, Layer, Option, Redacted, Schema } from "effect"
import { FetchHttpClient, type HttpClientError, HttpClientRequest } from "effect/http"
import { HttpApiClient, HttpApiMiddleware } from "effect/http-api"
import * as path from "node:path"
import { NodeKey, short } from "../../protocol/NodeKey.ts"
import { files } from "../FolderFiles.ts"
import { Api } from "../http/Api.ts"
import { BadRequest, Unauthorized } from "../http/ApiErrors.ts"
import { Authorization } from "../http/Authorization.ts"
import { Running } from "../http/Running.ts"
import { folder } from "./Root.ts"

/** No node runs on the data folder. */
export class NoNode extends Schema.TaggedError<NoNode>()("NoNode", { folder: Schema.String }) {
  override get message(): string {
    return (
      `No node runs on the data folder ${this.folder}. Start one there with: holdfast start --data ${this.folder}` +
      ` - or name the folder of the one that runs with --data.`
    )
  }
}

/** The node of the data folder does not answer as its API should. */
export class NodeSilent extends Schema.TaggedError<NodeSilent>()("NodeSilent", {
  url: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `The node at ${this.url} does not answer: ${this.problem}. See its log; start it again if it does not run.`
  }
}

/** The node runs another version of the software, and does not understand what this one asks. */
export class NodeDiffers extends Schema.TaggedError<NodeDiffers>()("NodeDiffers", { folder: Schema.String }) {
  override get message(): string {
    return (
      `The node on the data folder ${this.folder} does not understand this command, as it is of another version. ` +
      `Start it again with this one, or use the command of that one.`
    )
  }
}

/** The node that answers does not take the token in the data folder. */
export class TokenRefused extends Schema.TaggedError<TokenRefused>()("TokenRefused", { file: Schema.String }) {
  override get message(): string {
    return (
      `The node does not take the token in ${this.file}: it has been changed, or another node answers there. ` +
      `Start the node of this data folder again, which reads it.`
    )
  }
}

/** A prefix that several peers share. */
export class PeerAmbiguous extends Schema.TaggedError<PeerAmbiguous>()("PeerAmbiguous", {
  prefix: Schema.String,
  peers: Schema.Array(NodeKey)
}) {
  override get message(): string {
    return this.peers.length === 0
      ? `No peer's key begins with "${this.prefix}". See them with: holdfast peers; a node that is not yet a peer takes its whole key.`
      : `Several peers' keys begin with "${this.prefix}": ${this.peers.map(short).join(", ")}. Give more of the key.`
  }
}

/** Where the node of a folder listens, from the file that it keeps there while it runs. */
export const find = Effect.fn("Client.find")(function* (data: string) {
  const fs = yield* FileSystem.FileSystem
  const text = yield* Effect.orElseSucceed(fs.readFileString(path.join(data, files.api)), () => "")
  const running = Schema.decodeUnknownOption(Running)(text)
  const token = yield* Effect.orElseSucceed(fs.readFileString(path.join(data, files.token)), () => "")
  if (Option.isNone(running) || token === "") return yield* new NoNode({ folder: data })
  return { ...running.value, token: Redacted.make(token.trim()) }
})

const authorized = (token: Redacted.Redacted) =>
  HttpApiMiddleware.layerClient(Authorization, ({ next, request }) =>
    next(HttpClientRequest.bearerToken(request, Redacted.value(token)))
  )

/** A client of the node on a folder. Building it asks the node nothing yet. */
export const connect = Effect.fn("Client.connect")(function* (data: string) {
  const { token, url } = yield* find(data)
  return yield* HttpApiClient.make(Api, { baseUrl: url }).pipe(
    Effect.provide(Layer.merge(authorized(token), FetchHttpClient.layer))
  )
})

export type Client = Effect.Success<ReturnType<typeof connect>>

const isTransport = (error: unknown): error is HttpClientError.HttpClientError =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "HttpClientError"

/** What went wrong on the way, without the request, which says nothing to who has typed a command. */
const problemOf = (error: HttpClientError.HttpClientError | Schema.SchemaError): string => {
  if (!isTransport(error) || error.response === undefined) return "what it said makes no sense"
  const { status } = error.response
  return status >= 200 && status < 300 ? "what it said makes no sense" : `it answered with the status ${status}`
}

type Lost = HttpClientError.HttpClientError | Schema.SchemaError | BadRequest | Unauthorized

const isLost = (error: unknown): error is Lost =>
  isTransport(error) || Schema.isSchemaError(error) || error instanceof BadRequest || error instanceof Unauthorized

const other = <E>(error: E): error is Exclude<E, Lost> => !isLost(error)

/** What a command says that could not be asked of the node. */
const lost = (error: unknown, data: string, url: string) => {
  if (error instanceof BadRequest) return new NodeDiffers({ folder: data })
  if (error instanceof Unauthorized) return new TokenRefused({ file: path.join(data, files.token) })
  if (isTransport(error) && error.reason._tag === "TransportError") return new NoNode({ folder: data })
  const problem = isTransport(error) || Schema.isSchemaError(error) ? problemOf(error) : "the reason is unknown"
  return new NodeSilent({ url, problem })
}

/** Asks the node of the data folder; a node that cannot be asked is one of the failures above. */
export const ask = Effect.fn("Client.ask")(function* <A, E, R>(request: (client: Client) => Effect.Effect<A, E, R>) {
  const data = yield* folder
  const { url } = yield* find(data)
  const client = yield* connect(data)
  return yield* Effect.catch(
    request(client),
    (error): Effect.Effect<never, Exclude<E, Lost> | ReturnType<typeof lost>> =>
      other(error)
        ? Effect.fail(error)
        : Effect.andThen(Effect.logDebug("The node could not be asked", error), Effect.fail(lost(error, data, url)))
  )
})

const wholeKey = Schema.is(NodeKey)

/** The key of a peer from the beginning of it, or a whole key, which need not be a peer's yet. */
export const peerOf = Effect.fn("Client.peerOf")(function* (text: string) {
  const prefix = text.toLowerCase()
  if (wholeKey(prefix)) return prefix
  const peers = yield* ask((client) => client.peers())
  const found = peers.map(({ key }) => key).filter((key) => key.startsWith(prefix))
  const [only] = found
  return only !== undefined && found.length === 1
    ? only
    : yield* new PeerAmbiguous({ prefix, peers: found.slice(0, 8) })
})
