/**
 * A port of this machine that nobody listens at, below those that the system gives to connections.
 */
import { Effect, Random } from "effect"
import * as Net from "node:net"

const isFree = (host: string, port: number): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const server = Net.createServer()
    server.once("error", () => resume(Effect.succeed(false)))
    server.listen({ host, port }, () => server.close(() => resume(Effect.succeed(true))))
  })

export const freePort = Effect.fnUntraced(function* (host: string) {
  while (true) {
    const port = yield* Random.nextIntBetween(20_000, 32_000)
    if (yield* isFree(host, port)) return port
  }
})
