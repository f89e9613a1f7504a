/**
 * What a node does on a Bitcoin network: where it listens, whom it dials and lets in, and its figures. May be changed
 * while it runs: what holds from then on is said with each.
 *
 * Times are milliseconds.
 */
import { Result, Schema } from "effect"
import type { Endpoint } from "../../protocol/Address.ts"
import * as AgentPolicy from "../../protocol/bitcoin/AgentPolicy.ts"
import type { Network } from "../../protocol/bitcoin/Network.ts"
import * as PayloadLimits from "../../protocol/bitcoin/PayloadLimits.ts"
import * as Pool from "../../protocol/bitcoin/Pool.ts"
import * as Restarts from "../../protocol/bitcoin/Restarts.ts"
import * as Version from "../../protocol/bitcoin/Version.ts"
import type { BlockSource } from "./BlockSource.ts"
import type * as Heartbeat from "../../protocol/link/Heartbeat.ts"

/** Whom it dials: who is known, up to the target; or these nodes and nobody else, for ever, whatever the target. */
export type Peers = { readonly _tag: "Known" } | { readonly _tag: "Fixed"; readonly endpoints: ReadonlyArray<Endpoint> }

/** What becomes of the blocks of the best chain, which are fetched and applied in their order. */
export interface Sync {
  /**
   * Whether all of them stay, and are given to others: `services` says so then. Without it the last 288 stay, so that branches can be
   * gone over to.
   */
  readonly store: boolean
}

export interface Config {
  readonly network: Network
  readonly peers: Peers
  /** Where it listens, if it does. A change closes nothing but the old port. */
  readonly listen: Endpoint | undefined
  /** What it says of itself. */
  readonly agent: string
  readonly services: bigint
  /** Names that are looked up for addresses of nodes, where it dials who is known. */
  readonly seeds: ReadonlyArray<string>
  /** How often they are, once they have been. */
  readonly seedsEvery: number
  /** A lower limit closes nobody. */
  readonly pool: Pool.Settings
  /** For handshakes from then on. */
  readonly agents: AgentPolicy.AgentPolicy
  /** What a node must have that is dialled. */
  readonly required: bigint
  readonly restarts: Restarts.Policy
  /** How long a node of a fixed list is left alone that is inaccessible. */
  readonly fixedAgain: number
  readonly largest: PayloadLimits.Largest
  /** Whether it keeps the headers of the network's best chain. Not to be changed while it runs, nor is the network. */
  readonly headers: boolean
  /** Whether it fetches the blocks of the best chain, which needs headers. Not to be changed while it runs. */
  readonly sync: Sync | undefined
  /**
   * Where blocks are found that peers ask for, if they are given any: say so in `services` as well. Without it those that `sync`
   * stores.
   */
  readonly blocks: BlockSource | undefined
  /** For how long one peer is waited for that was asked for a block. */
  readonly blockTimeout: number
  /** From the connection to the end of the handshake. */
  readonly handshakeTimeout: number
  /** A ping after this much silence; dead when it is not answered. */
  readonly heartbeat: Heartbeat.Profile
  /** How long it waits before it tries again to listen. */
  readonly listenAgain: number
}

const minute = 60_000

export const defaults = (network: Network): Config => ({
  network,
  peers: { _tag: "Known" },
  listen: undefined,
  agent: "/Holdfast:0.1.0/",
  services: 0n,
  seeds: network.seeds,
  seedsEvery: 60 * minute,
  pool: Pool.defaults,
  agents: network.extended ? AgentPolicy.notOtherChains : AgentPolicy.everybody,
  required: Version.Service.network,
  restarts: Restarts.defaults,
  fixedAgain: 10 * minute,
  largest: PayloadLimits.defaults,
  headers: true,
  sync: undefined,
  blocks: undefined,
  blockTimeout: minute,
  handshakeTimeout: 10_000,
  heartbeat: { interval: 5 * minute, timeout: 5 * minute + 30_000, missed: 1, stable: minute },
  listenAgain: 30_000
})

/** Figures that contradict each other. */
export class ConfigInvalid extends Schema.TaggedError<ConfigInvalid>()("BitcoinConfigInvalid", {
  problem: Schema.String
}) {
  override get message(): string {
    return `the Bitcoin configuration cannot be: ${this.problem}`
  }
}

const problemOf = ({ agent, headers, pool: { most, target }, sync }: Config): string | undefined => {
  if (sync !== undefined && !headers) return "blocks are fetched by their headers, which it is not to keep"
  if (!Number.isSafeInteger(target) || target < 1) return `the target is ${target} connections, 1 at the least`
  if (!Number.isSafeInteger(most) || most < target)
    return `${most} connections at the most are fewer than the target, ${target}`
  if (Buffer.byteLength(agent) > Version.mostAgent) return `the user agent has more than ${Version.mostAgent} bytes`
  return undefined
}

/** Whether `next` may be from now on, where `config` was until now. */
export const checkChange = (config: Config, next: Config): Result.Result<Config, ConfigInvalid> => {
  const isSame =
    next.network.name === config.network.name &&
    next.headers === config.headers &&
    next.sync?.store === config.sync?.store
  const problem = "the network, and whether headers and blocks are kept, cannot be changed while it runs"
  return isSame ? check(next) : Result.fail(new ConfigInvalid({ problem }))
}

/** Who stores blocks gives them, and says so. */
const completed = (config: Config): Config =>
  config.sync?.store === true ? { ...config, services: config.services | Version.Service.network } : config

/** The configuration as it holds. */
export const check = (config: Config): Result.Result<Config, ConfigInvalid> => {
  const problem = problemOf(config)
  return problem === undefined ? Result.succeed(completed(config)) : Result.fail(new ConfigInvalid({ problem }))
}
