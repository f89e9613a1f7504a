/** The simulated network and the real one, held to the same. */
import { Context, Effect, Layer } from "effect"
import * as Net from "node:net"
import * as TransportTcp from "../../../src/layers/TransportTcp.ts"
import { Transport } from "../../../src/services/link/Transport.ts"
import { calm } from "../../../src/testing/network/NetModel.ts"
import { Process } from "../../../src/testing/world/Process.ts"
import { runInWorld } from "../../support/InWorld.ts"
import { networkLab } from "../../support/NetworkLab.ts"
import { networkConformance } from "../../support/NetworkConformance.ts"

networkConformance({
  name: "the simulated network",
  run: runInWorld,
  transports: Effect.map(networkLab(calm), (lab) => ({
    near: lab.transport("a"),
    far: lab.transport("b"),
    host: lab.network.addressOf("b"),
    reach: Effect.succeed,
    crashing: (endpoint) =>
      Effect.gen(function* () {
        const process = new Process(lab.world, "c", 1)
        const socket = yield* Effect.orDie(lab.network.transport(process).dial(endpoint))
        const writer = yield* socket.writer
        return {
          write: (bytes) => Effect.orDie(writer.write(bytes)),
          crash: Effect.sync(() => lab.network.end(process, "rst"))
        }
      })
  }))
})

/** A bare socket of Node. */
const crashing = (endpoint: { readonly host: string; readonly port: number }) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<Net.Socket>((resume) => {
        const socket = Net.createConnection({ host: endpoint.host, port: endpoint.port })
        socket.on("error", () => undefined).once("connect", () => resume(Effect.succeed(socket.pause())))
      }),
      (socket) => Effect.sync(() => socket.destroy())
    ),
    (socket) => ({
      write: (bytes: Uint8Array) =>
        Effect.callback<void>((resume) => void socket.write(bytes, () => resume(Effect.void))),
      crash: Effect.callback<void>((resume) => {
        socket.once("close", () => resume(Effect.void))
        socket.resetAndDestroy()
      })
    })
  )

networkConformance({
  name: "TCP",
  run: (effect) => Effect.runPromise(Effect.scoped(effect)),
  transports: Effect.map(Layer.build(Layer.fresh(TransportTcp.layer)), (context) => {
    const transport = Context.get(context, Transport)
    return { near: transport, far: transport, host: "127.0.0.1", reach: Effect.succeed, crashing }
  })
})
