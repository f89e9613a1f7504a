/**
 * Real TCP through a fault proxy in which nothing goes wrong keeps all promises of a transport: the proxy adds nothing
 * and hides nothing.
 */
import { it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import * as TransportTcp from "../../../src/layers/TransportTcp.ts"
import { type Listener, Transport } from "../../../src/services/link/Transport.ts"
import * as FaultProxy from "../../../src/testing/proxy/FaultProxy.ts"
import { breakable, silentHost } from "../../support/BareSockets.ts"
import { transportContract } from "../../support/TransportContract.ts"

const tcp = (dialTimeout: number) =>
  Effect.map(Layer.build(Layer.fresh(TransportTcp.layerWith({ dialTimeout }))), (context) =>
    Context.get(context, Transport)
  )

/** Every listener stands behind a proxy: who dials it dials the proxy. */
const behindProxy = (transport: Transport["Service"]): Transport["Service"] => ({
  dial: transport.dial,
  listen: Effect.fnUntraced(function* (at) {
    const routes = [{ from: "a", to: "b", port: at.port }]
    const proxy = yield* Effect.catchTag(FaultProxy.make({ routes }), "PlanUnsupported", Effect.die)
    const listener = yield* transport.listen({ ...at, port: 0 })
    proxy.aim("a", "b", listener.endpoint)
    const shut = Effect.sync(() => proxy.shut("a", "b"))
    const proxied: Listener = {
      endpoint: proxy.endpoint("a", "b") ?? listener.endpoint,
      run: (handler) => Effect.ensuring(listener.run(handler), shut)
    }
    return proxied
  })
})

transportContract(
  "TransportTcp through a fault proxy",
  it.live,
  Effect.gen(function* () {
    return {
      transport: behindProxy(yield* tcp(120_000)),
      impatient: yield* tcp(100),
      host: "127.0.0.1",
      breakable,
      silentHost,
      waitForTimeout: Effect.void
    }
  })
)
