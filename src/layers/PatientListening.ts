/**
 * Listening where the port is still held by whoever ran the node before: a process that is frozen keeps its sockets.
 * The node runs and dials meanwhile, and accepts as soon as it gets the port.
 */
import { Effect, Layer, Schedule, Scope } from "effect"
import { type Listener, Transport } from "../services/link/Transport.ts"

const backOff = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")]).pipe(Schedule.jittered)

const waiting = Effect.logWarning("The port to listen at is still in use, trying again and again")
const listening = Effect.logInfo("The port to listen at is free, listening")

/** The transport below, whose `listen` does not fail because its port is in use. */
export const layer: Layer.Layer<Transport, never, Transport> = Layer.effect(
  Transport,
  Effect.map(Transport, (transport) =>
    Transport.of({
      ...transport,
      listen: Effect.fnUntraced(function* (at) {
        const scope = yield* Effect.scope
        const listen = Effect.provideService(transport.listen(at), Scope.Scope, scope)
        const patient = Effect.gen(function* () {
          yield* Effect.annotateLogs(waiting, { port: at.port })
          const listener: Listener = {
            endpoint: at,
            run: (handler) =>
              Effect.retry(listen, { schedule: backOff, while: ({ reason }) => reason === "in-use" }).pipe(
                Effect.tap(Effect.annotateLogs(listening, { port: at.port })),
                Effect.orDie,
                Effect.flatMap((listener) => listener.run(handler))
              )
          }
          return listener
        })
        return yield* Effect.catchIf(
          listen,
          (error) => error.reason === "in-use",
          () => patient
        )
      })
    })
  )
)
