/**
 * A route through a proxy: which node dials which other one, and where that one really listens. As text:
 * `a>b=127.0.0.1:7001`, or with the port of the proxy that `a` is to dial, `a>b=7101:127.0.0.1:7001`.
 */
import { Result, Schema } from "effect"
import { type Endpoint, parseEndpoint, Port } from "../../protocol/Address.ts"

export interface Route {
  /** The names that the nodes have in the plan. */
  readonly from: string
  readonly to: string
  /** Where `to` listens; without it connections are turned away until `aim` says. */
  readonly target?: Endpoint | undefined
  /** Where on 127.0.0.1 the proxy listens for `from`; a free port by default. */
  readonly port?: number | undefined
}

/** A text that is not a route; the message says what one looks like. */
export class RouteInvalid extends Schema.TaggedError<RouteInvalid>()("RouteInvalid", {
  text: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return (
      `"${this.text}" is not a route: ${this.problem}. Write from>to=host:port, such as a>b=127.0.0.1:7001: the nodes ` +
      "as the plan names them, and where the second one listens. A port in front, as in a>b=7101:127.0.0.1:7001, is " +
      "where the first one dials; otherwise a free one is taken and printed"
    )
  }
}

const shape = /^([a-z][a-z0-9-]{0,15})>([a-z][a-z0-9-]{0,15})=(?:(\d{1,5}):(?=.*:))?(.+)$/

/** Reads a route. */
export const parse = (text: string): Result.Result<Route, RouteInvalid> => {
  const match = shape.exec(text.trim())
  const fail = (problem: string) => Result.fail(new RouteInvalid({ text: text.slice(0, 120), problem }))
  if (match === null) return fail("it does not have this form")
  const [, from = "", to = "", port, at = ""] = match
  if (from === to) return fail("a node does not dial itself")
  if (port !== undefined && !Schema.is(Port)(Number(port))) return fail(`${port} is not a port: 1 to 65535`)
  return Result.match(parseEndpoint(at), {
    onFailure: () => fail(`${at} is not host:port`),
    onSuccess: (target) => Result.succeed({ from, to, target, ...(port === undefined ? {} : { port: Number(port) }) })
  })
}
