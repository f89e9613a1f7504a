/**
 * What the nodes of the scenario `bitcoin` are to each other, by their names, and what each of them offers the scenario.
 *
 * The first runs this project's manager. Of the others those in even places listen and are dialled by it, those in odd places dial
 * it; the last one, where there are three or more, misbehaves.
 */
import { Context, type Effect } from "effect"
import { Endpoint } from "../../protocol/Address.ts"
import { networks } from "../../protocol/bitcoin/Network.ts"
import type { Self } from "../cluster/Scenario.ts"
import { RegtestChain } from "./RegtestChain.ts"

/** One life of a node in its part. */
export interface Side {
  /** What its users do, while anything may go wrong. */
  readonly disturb: Effect.Effect<void>
  /** What is not right, in the quiet end. */
  readonly check: Effect.Effect<string | undefined>
  /** What has happened that never may, at any time of this life. */
  readonly wrong: () => string | undefined
}

export class SimulatedSide extends Context.Service<
  SimulatedSide,
  {
    /** Takes up the part of the node, once in each life. */
    readonly begin: (self: Self) => Effect.Effect<Side>
  }
>()("holdfast/testing/bitcoin/SimulatedSide") {}

export const network = networks.get("bsv-regtest")!

/** What all of them have; made once, and never changed. */
export const chain = RegtestChain.make({ seed: "simulated", blocks: 12 })

export interface Cast {
  readonly manager: string
  readonly listening: ReadonlyArray<string>
  readonly dialling: ReadonlyArray<string>
  readonly rogue: string | undefined
}

export const castOf = ({ name, peers }: Pick<Self, "name" | "peers">): Cast => {
  const [manager = name, ...others] = [name, ...peers.map((peer) => peer.name)].toSorted()
  const rogue = others.length > 1 ? others.at(-1) : undefined
  const honest = others.filter((other) => other !== rogue)
  return {
    manager,
    listening: honest.filter((_, place) => place % 2 === 0),
    dialling: honest.filter((_, place) => place % 2 === 1),
    rogue
  }
}

/** Wherever it is: the name follows a node that moves. */
export const endpointOf = (name: string): Endpoint => new Endpoint({ host: `${name}.sim`, port: network.port })

/** By which a manager knows an honest peer. */
export const markOf = (name: string): string => `/sim-${name}/`
