/**
 * The API of a running node, on its own address: loopback unless the operator says otherwise.
 *
 * Where it listens is written to a file in the data folder while it does, which is how the CLI finds the node.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { ByteSize, Context, Effect, FileSystem, Layer, Schema } from "effect"
import { HttpIncomingMessage, HttpRouter, HttpServer, HttpServerError, HttpServerResponse } from "effect/http"
import { HttpApiBuilder, HttpApiSwagger } from "effect/http-api"
import * as http from "node:http"
import { isLoopback } from "../../protocol/Address.ts"
import { Node } from "../../services/Node.ts"
import { DataFolder } from "../../layers/DataFolder.ts"
import { files } from "../FolderFiles.ts"
import type { Place } from "../SettingValue.ts"
import { Api } from "./Api.ts"
import { authorize, checkRequests } from "./Authorization.ts"
import * as ChainHandlers from "./ChainHandlers.ts"
import * as CreditHandlers from "./CreditHandlers.ts"
import { readerPatience } from "./EventStream.ts"
import * as Handlers from "./Handlers.ts"
import type { Health } from "./Models.ts"
import { Running } from "./Running.ts"

/** Largest request body. */
const maxBody = ByteSize.kibibytes(512)
/** How long requests that are being answered may take when the node stops. */
const farewell = "300 millis"

/** The API cannot listen where it was told to. */
export class ApiUnavailable extends Schema.TaggedError<ApiUnavailable>()("ApiUnavailable", {
  place: Schema.String,
  cause: Schema.optional(Schema.Defect())
}) {
  override get message(): string {
    const reason = this.cause instanceof Error ? this.cause.message : "unknown reason"
    return `The API cannot listen at ${this.place}: ${reason}. Choose another place with --api <host:port>; port 0 takes a free one.`
  }
}

export class ApiServer extends Context.Service<ApiServer, { readonly url: string }>()(
  "holdfast/programs/http/Server/ApiServer"
) {}

const urlOf = (address: HttpServer.HttpServer["Service"]["address"], place: Place): string => {
  const port = "port" in address ? address.port : place.port
  const host = place.host === "0.0.0.0" ? "127.0.0.1" : place.host === "::" ? "::1" : place.host
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`
}

const announce = (place: Place) =>
  Layer.effect(
    ApiServer,
    Effect.gen(function* () {
      const folder = yield* DataFolder
      const fs = yield* FileSystem.FileSystem
      const node = yield* Node
      const { address } = yield* HttpServer.HttpServer
      const url = urlOf(address, place)
      const file = folder.file(files.api)
      const text = yield* Schema.encodeEffect(Running)({ url, node: node.key, pid: process.pid }).pipe(Effect.orDie)
      yield* Effect.acquireRelease(fs.writeFileString(file, `${text}\n`, { mode: 0o600 }), () =>
        Effect.ignore(fs.remove(file, { force: true }))
      )
      if (!isLoopback(place.host)) {
        yield* Effect.logWarning("The API listens beyond this machine, without encryption: put a proxy before it").pipe(
          Effect.annotateLogs({ url })
        )
      }
      return ApiServer.of({ url })
    })
  )

/** A server of HTTP that cuts off whoever neither sends nor takes anything for so many milliseconds. */
export const server = (patience: number): http.Server =>
  http.createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }).setTimeout(patience)

/** A body above the limit, told as other errors are; without this the answer would be empty. */
const tooLarge = HttpRouter.middleware(
  (handle) =>
    Effect.catchCause(handle, (cause) =>
      cause.reasons.some(
        (reason) =>
          reason._tag === "Die" &&
          HttpServerError.isHttpServerError(reason.defect) &&
          reason.defect.reason._tag === "RequestParseError" &&
          reason.defect.reason.reason === "BodyTooLarge"
      )
        ? HttpServerResponse.json(
            {
              _tag: "TooLarge",
              message: `the body has more than ${maxBody} bytes`,
              fix: "Send less at a time; a note has 65536 characters at most, an item of the chain about 250000 bytes."
            },
            { status: 413 }
          ).pipe(Effect.orDie)
        : Effect.failCause(cause)
    ),
  { global: true }
)

const unknownPath = HttpRouter.add(
  "*",
  "/*",
  HttpServerResponse.json(
    { _tag: "NotFound", message: "the API has no such path", fix: "GET /openapi.json describes every request." },
    { status: 404 }
  ).pipe(Effect.orDie)
)

/** Serves the API while the scope is open. `database` is what its health says of the database. */
export const layer = (options: { readonly place: Place; readonly database: Health["database"] }) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const folder = yield* DataFolder
      const token = yield* folder.token(files.token)
      const { place } = options
      const serving = NodeHttpServer.layer(() => server(readerPatience), {
        host: place.host,
        port: place.port,
        gracefulShutdownTimeout: farewell
      })
      const routes = Layer.mergeAll(
        HttpApiBuilder.layer(Api, { openapiPath: "/openapi.json" }),
        HttpApiSwagger.layer(Api, { path: "/docs" }),
        unknownPath,
        tooLarge
      ).pipe(
        Layer.provide(
          Layer.mergeAll(Handlers.layer(options.database), ChainHandlers.layer, CreditHandlers.layer).pipe(
            Layer.provide([authorize(token), checkRequests])
          )
        )
      )
      return Layer.merge(
        HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }),
        announce(place)
      ).pipe(
        Layer.provide(Layer.succeed(HttpIncomingMessage.MaxBodySize, maxBody)),
        Layer.provide(serving),
        Layer.catchTag("ServeError", ({ cause }) =>
          Layer.effect(ApiServer, Effect.fail(new ApiUnavailable({ place: `${place.host}:${place.port}`, cause })))
        )
      )
    })
  )
