/**
 * The flags that all commands about Bitcoin share, and what they ask for.
 */
import { Flag } from "effect/cli"
import type { Endpoint } from "../../protocol/Address.ts"
import { type Network, networks } from "../../protocol/bitcoin/Network.ts"
import * as SettingValue from "../SettingValue.ts"

/** Nodes that may be named. */
const mostNamed = 100
const names = [...networks.keys()]

const network: Flag.Flag<Network> = Flag.Literals("network", names).pipe(
  Flag.withMetavar("<name>"),
  Flag.withDescription("The network (default bsv-main)"),
  Flag.withDefault("bsv-main"),
  Flag.map((name) => {
    const found = networks.get(name)
    // Only these names come through.
    if (found === undefined) throw new Error(`no network ${name}`)
    return found
  })
)

const connect: Flag.Flag<ReadonlyArray<Endpoint>> = Flag.String("connect").pipe(
  Flag.withMetavar("<host:port>"),
  Flag.withDescription("Dial this node and nobody else but those named so; without it, nodes that the seeds name"),
  Flag.withSchema(SettingValue.endpoint),
  Flag.between(0, mostNamed)
)

/** Whom a command is about. */
export interface Whom {
  readonly network: Network
  /** Empty: whoever is known. */
  readonly connect: ReadonlyArray<Endpoint>
}

export const whom = { network, connect }
