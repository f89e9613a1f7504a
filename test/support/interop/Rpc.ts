/** JSON-RPC over HTTP, as Bitcoin nodes have it for their operators. */
import { Effect, Schema } from "effect"

/** How long an answer may take, in milliseconds: thousands of blocks are made in one call. */
const patience = 300_000

const answerOf = <A>(result: Schema.Decoder<A>) =>
  Schema.fromJsonString(
    Schema.Struct({ result: Schema.NullOr(result), error: Schema.NullOr(Schema.Struct({ message: Schema.String })) })
  )

export interface Rpc {
  /** Dies if the node refuses, or answers something else. */
  readonly call: <A>(
    method: string,
    params: ReadonlyArray<string | number | boolean>,
    result: Schema.Decoder<A>
  ) => Effect.Effect<A>
  /** The same where nothing is answered. */
  readonly tell: (method: string, params?: ReadonlyArray<string | number | boolean>) => Effect.Effect<void>
}

/** Of the node at this port of loopback; `user` is `name:password` where it wants one. */
export const make = (port: number, user?: string): Rpc => {
  const headers = {
    "content-type": "application/json",
    ...(user === undefined ? {} : { authorization: `Basic ${Buffer.from(user).toString("base64")}` })
  }

  const ask = Effect.fnUntraced(
    function* <A>(method: string, params: ReadonlyArray<string | number | boolean>, result: Schema.Decoder<A>) {
      const text = yield* Effect.tryPromise((signal) =>
        fetch(`http://127.0.0.1:${port}/`, {
          method: "POST",
          headers,
          body: JSON.stringify({ id: 1, method, params }),
          signal
        }).then((response) => response.text())
      )
      const answer = yield* Schema.decodeUnknownEffect(answerOf(result))(text)
      if (answer.error !== null) return yield* Effect.die(new Error(`${method} is refused: ${answer.error.message}`))
      return answer.result
    },
    Effect.timeout(patience),
    Effect.orDie
  )

  return {
    call: (method, params, result) =>
      Effect.flatMap(ask(method, params, result), (answer) =>
        answer === null ? Effect.die(new Error(`${method} is answered with nothing`)) : Effect.succeed(answer)
      ),
    tell: (method, params = []) => Effect.asVoid(ask(method, params, Schema.Unknown))
  }
}
