/**
 * The `Transport` service over a simulated network: what `TransportTcp` is over the real one, with the same time-outs and
 * the same failures.
 */
import { Effect, FiberSet } from "effect"
import { Endpoint } from "../../protocol/Address.ts"
import {
  type Accepted,
  DialFailed,
  type DialReason,
  type Listener,
  ListenFailed,
  type Reached,
  type Transport
} from "../../services/link/Transport.ts"
import { Attempt } from "./Attempt.ts"
import { End, type Where } from "./End.ts"
import type { Fabric } from "./Fabric.ts"
import { Port } from "./Port.ts"
import type { Stack } from "./Stack.ts"

/** Milliseconds. */
const dialTimeout = 10_000

export const make = (fabric: Fabric, stack: Stack): Transport["Service"] => ({
  dial: (endpoint) => dial(fabric, stack, endpoint),
  listen: (where) => listen(fabric, stack, where)
})

const dial = Effect.fnUntraced(function* (fabric: Fabric, stack: Stack, endpoint: Endpoint) {
  const failed = (reason: DialReason) => new DialFailed({ endpoint: endpoint.toString(), reason })
  const attempt = yield* Effect.acquireRelease(
    Effect.sync(() => new Attempt(fabric, stack, endpoint)),
    (attempt) => Effect.sync(() => attempt.close())
  )
  const end = yield* Effect.callback<End, DialFailed>((resume) => {
    attempt.listen((outcome) => resume(outcome instanceof End ? Effect.succeed(outcome) : Effect.fail(failed(outcome))))
  }).pipe(
    Effect.timeoutOrElse({
      duration: dialTimeout,
      orElse: () =>
        Effect.suspend(() => {
          attempt.giveUp()
          return Effect.fail(failed("timed-out"))
        })
    })
  )
  const reached: Reached = { ...end.socket, remoteHost: end.remote.host }
  return reached
})

const bind = (fabric: Fabric, stack: Stack, { host, port }: Where): Effect.Effect<Port, ListenFailed> =>
  Effect.suspend(() => {
    const failed = (reason: ListenFailed["reason"]) =>
      new ListenFailed({ endpoint: `${host.includes(":") ? `[${host}]` : host}:${port}`, reason })
    if (!fabric.names.isOwn(stack.host, host)) return Effect.fail(failed("no-such-address"))
    if (port > 0 && stack.host.ports.has(port)) return Effect.fail(failed("in-use"))
    const free = port > 0 ? port : stack.host.takePort()
    if (free === undefined) return Effect.fail(failed("in-use"))
    const bound = new Port(stack, free)
    if (port === 0) stack.host.givePort(free)
    stack.record("listening", { port: free })
    return Effect.succeed(bound)
  })

const listen = Effect.fnUntraced(function* (fabric: Fabric, stack: Stack, where: Where) {
  const port = yield* Effect.acquireRelease(bind(fabric, stack, where), (port) => Effect.sync(() => port.close()))
  // After the port, so that they are interrupted first, all at once.
  const handlers = yield* FiberSet.make()
  const listener: Listener = {
    endpoint: new Endpoint({ host: where.host, port: port.number }),
    run: (handler) =>
      Effect.gen(function* () {
        const run = yield* FiberSet.runtime(handlers)()
        return yield* Effect.callback<never>(() => {
          port.takeAll((end) => void run(handled(end, handler)))
          return Effect.sync(() => port.close())
        })
      })
  }
  return listener
})

const handled = (end: End, handler: (accepted: Accepted) => Effect.Effect<void>) =>
  Effect.suspend(() => handler({ socket: end.socket, remote: end.remote })).pipe(
    Effect.ensuring(Effect.sync(() => end.close())),
    Effect.tapCause((cause) => Effect.logError("The handler of a connection failed", cause))
  )
