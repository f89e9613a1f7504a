/**
 * The flags that all commands about Bitcoin share, and what they ask for.
 */
import { Option } from "effect"
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

const day = 86_400_000

export const duration = (name: string, what: string, least = 100) =>
  Flag.String(name).pipe(
    Flag.withMetavar("<duration>"),
    Flag.withDescription(what),
    Flag.withSchema(SettingValue.duration(least, day))
  )

/** How long something may take, in milliseconds. */
export const timeout = (what: string, standard: number): Flag.Flag<number> =>
  Flag.withDefault(duration("timeout", what), standard)

export const count = (name: string, what: string, minimum: number, maximum: number) =>
  Flag.String(name).pipe(
    Flag.withMetavar("<n>"),
    Flag.withDescription(what),
    Flag.withSchema(SettingValue.count(minimum, maximum))
  )

export const optionally = <A>(flag: Flag.Flag<A>): Flag.Flag<A | undefined> =>
  flag.pipe(Flag.optional, Flag.map(Option.getOrUndefined))
