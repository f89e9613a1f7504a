/**
 * This project's Bitcoin manager among scripted nodes of five families, under everything that goes wrong on a network and with
 * processes. It has no more connections than it may; whoever behaves is not banned, is answered whatever else it says, and is
 * connected again in the end; and by then the manager has the headers of the chain that they have.
 *
 * Without damaged bytes: nothing seals this wire, so that they look like another network, for which a node is banned.
 */
import { Effect, Layer, type Scope, Semaphore } from "effect"
import * as Scenario from "../cluster/Scenario.ts"
import * as HonestSide from "./HonestSide.ts"
import * as ManagerSide from "./ManagerSide.ts"
import * as RogueSide from "./RogueSide.ts"
import { castOf, type Side, SimulatedSide } from "./SimulatedSide.ts"

export const properties = {
  limits: "bitcoin: nobody that behaves is banned, left unanswered, or one too many",
  connected: "bitcoin: everybody is connected in the end"
} as const

const sideOf = Effect.fnUntraced(function* (self: Scenario.Self) {
  const cast = castOf(self)
  if (self.name === cast.manager) return yield* ManagerSide.make(cast)
  return yield* self.name === cast.rogue ? RogueSide.make(self, cast) : HonestSide.make(self, cast)
})

/** Everything that a part begins ends with the life. */
const layer: Layer.Layer<SimulatedSide, never, Scenario.Ground> = Layer.effect(
  SimulatedSide,
  Effect.gen(function* () {
    const context = yield* Effect.context<Scenario.Ground | Scope.Scope>()
    const one = Semaphore.makeUnsafe(1)
    let side: Side | undefined
    return SimulatedSide.of({
      begin: (self) =>
        one
          .withPermit(
            Effect.gen(function* () {
              return (side ??= yield* Effect.orDie(sideOf(self)))
            })
          )
          .pipe(Effect.provide(context))
    })
  })
)

const ask = (self: Scenario.Self, of: (side: Side) => Effect.Effect<string | undefined>) =>
  SimulatedSide.use(({ begin }) => Effect.flatMap(begin(self), of))

export const bitcoin = Scenario.make({
  name: "bitcoin",
  protocols: [],
  services: layer,
  without: ["corruption"],
  // Their Bitcoin peers are all that they have.
  wants: () => false,
  users: (self) => SimulatedSide.use(({ begin }) => Effect.flatMap(begin(self), ({ disturb }) => disturb)),
  properties: [
    Scenario.eventually(properties.limits, (self) => ask(self, ({ wrong }) => Effect.sync(wrong))),
    Scenario.eventually(properties.connected, (self) => ask(self, ({ check }) => check))
  ]
})
