/** The node of the scenario `bitcoin` that misbehaves: it visits the manager again and again, and does what it likes. */
import { Effect, type Scope } from "effect"
import type { Transport } from "../../services/link/Transport.ts"
import type { Self } from "../cluster/Scenario.ts"
import * as ScriptedNode from "./ScriptedNode.ts"
import { type Cast, endpointOf, network, type Side } from "./SimulatedSide.ts"
import { connectedNames, handshakeNames } from "./Stimulus.ts"

/** Milliseconds: for a handshake, and for a visit beside it. */
const [patience, stay] = [5_000, 3_000]

export const make = Effect.fnUntraced(function* (
  { duration, operations, random }: Self,
  cast: Cast
): Effect.fn.Return<Side, never, Transport | Scope.Scope> {
  const context = yield* Effect.context<Transport>()
  const plain = yield* ScriptedNode.make({ network })

  const visit = Effect.gen(function* () {
    const handshake = random.chance(300_000) ? random.pick(handshakeNames) : undefined
    const node = handshake === undefined ? plain : yield* ScriptedNode.make({ network, handshake })
    const link = yield* node.dial(endpointOf(cast.manager))
    if (handshake === undefined) {
      yield* Effect.timeoutOption(link.connected, patience)
      for (let left = random.between(1, 3); left > 0; left--) yield* link.play(random.pick(connectedNames) ?? "mempool")
    }
    yield* Effect.sleep(random.below(stay))
  }).pipe(Effect.scoped, Effect.ignore, Effect.provide(context))

  return {
    wrong: () => undefined,
    check: Effect.succeed(undefined),
    disturb: Effect.gen(function* () {
      for (let left = operations; left > 0; left--) {
        yield* Effect.sleep(random.exponential((duration / (operations + 1)) * 1_000) / 1_000)
        yield* visit
      }
    })
  }
})
