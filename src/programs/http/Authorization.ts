/**
 * What every request passes through: the bearer token, and an answer to requests that cannot be decoded which says
 * what is wrong with them.
 */
import { Effect, Layer, Redacted } from "effect"
import { HttpApiMiddleware, HttpApiSecurity } from "effect/http-api"
import { createHash, timingSafeEqual } from "node:crypto"
import { BadRequest, Unauthorized } from "./ApiErrors.ts"

export class Authorization extends HttpApiMiddleware.Service<Authorization>()("holdfast/programs/http/Authorization", {
  requiredForClient: true,
  security: { bearer: HttpApiSecurity.bearer },
  error: Unauthorized
}) {}

export class RequestCheck extends HttpApiMiddleware.Service<RequestCheck>()("holdfast/programs/http/RequestCheck", {
  error: BadRequest
}) {}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest()

/** Lets requests with this token pass. The time a comparison takes says nothing about the token. */
export const authorize = (token: Redacted.Redacted): Layer.Layer<Authorization> => {
  const expected = digest(Redacted.value(token))
  return Layer.succeed(Authorization, {
    bearer: (handle, { credential }) =>
      timingSafeEqual(digest(Redacted.value(credential)), expected)
        ? handle
        : Effect.fail(
            new Unauthorized({
              message: "the request does not carry this node's token",
              fix: "Send the header Authorization: Bearer <token>, with the token from api.token in the data folder."
            })
          )
  })
}

const places = { Params: "the path", Headers: "the headers", Query: "the query", Payload: "the body" } as const

export const checkRequests: Layer.Layer<RequestCheck> = HttpApiMiddleware.layerSchemaErrorTransform(
  RequestCheck,
  (error) =>
    error.kind === "Body" || error.kind === "ResponseHeaders"
      ? Effect.fail(error)
      : Effect.fail(
          new BadRequest({
            message: `${places[error.kind]} cannot be used: ${error.cause.message.replaceAll(/\s*\n\s*/g, " ").slice(0, 500)}`,
            fix: "GET /openapi.json describes every request."
          })
        )
)
