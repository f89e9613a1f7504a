/**
 * What a node of the scenario `credit` has beside those of every node: the keys of its users, which follow from its own, and times
 * short enough for a run.
 */
import { Effect, Layer, Redacted } from "effect"
import * as CreditConfig from "../../services/credit/CreditConfig.ts"
import { Keyring } from "../../services/credit/Keyring.ts"
import { port } from "../cluster/NodeProgram.ts"
import { Place } from "../cluster/Place.ts"

/** Milliseconds of what takes minutes in production. */
export const config: CreditConfig.Config = {
  ...CreditConfig.defaults,
  marginMillis: 300,
  staggerMillis: 200,
  asking: { baseMillis: 500, capMillis: 20_000 },
  liftLifeMillis: 8_000,
  repair: { baseMillis: 2_000, capMillis: 30_000, checkMillis: 60_000, pageMillis: 200 },
  routes: { ...CreditConfig.defaults.routes, wait: 4_000, keep: 60_000, retryBase: 1_000, retryCap: 10_000, tries: 3 }
}

/** What differs from node to node: its place, and the secret of its users, which nobody has to keep here. */
export const layer = Layer.unwrap(
  Effect.map(Place, ({ name, nodes }) => {
    const { key = "" } = nodes.find((node) => node.name === name) ?? {}
    return Layer.merge(
      Keyring.layer(Redacted.make(Buffer.from(key, "hex"))),
      Layer.succeed(CreditConfig.CreditConfig, { ...config, place: { host: `${name}.sim`, port } })
    )
  })
)
