import { it } from "@effect/vitest"
import { Effect } from "effect"
import { Endpoint } from "../../../src/protocol/Address.ts"
import { calm } from "../../../src/testing/network/NetModel.ts"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import { Process } from "../../../src/testing/world/Process.ts"
import { runInWorld, thisProcess } from "../../support/InWorld.ts"
import { transportContract } from "../../support/TransportContract.ts"

transportContract(
  "SimulatedNetwork",
  (name, self) => it(name, () => runInWorld(self())),
  Effect.gen(function* () {
    const process = yield* thisProcess
    const network = new SimulatedNetwork(process.world, calm)
    network.dials((_, to) => to === "silent", { how: "hang", share: 1 })
    return {
      transport: network.transport(process),
      impatient: network.transport(process),
      host: network.addressOf(process.name),
      breakable: (endpoint) =>
        Effect.gen(function* () {
          const other = new Process(process.world, "b", 1)
          yield* Effect.orDie(network.transport(other).dial(endpoint))
          return { reset: Effect.sync(() => network.end(other, "rst")) }
        }),
      silentHost: Effect.sync(() => new Endpoint({ host: network.addressOf("silent"), port: 1 })),
      waitForTimeout: Effect.void
    }
  })
)
