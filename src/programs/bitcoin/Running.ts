/**
 * Runs a Bitcoin manager for one command, and lets it dial once somebody listens to what comes of it.
 */
import { Effect, Option, Stream } from "effect"
import { dataFolder } from "../Config.ts"
import { Root } from "../cli/Root.ts"
import * as Config from "../../services/bitcoin/Config.ts"
import { Manager } from "../../services/bitcoin/Manager.ts"
import type { PeerEvent } from "../../services/bitcoin/PeerEvent.ts"
import { PeerStore } from "../../services/bitcoin/PeerStore.ts"
import type { Whom } from "./BitcoinFlags.ts"
import { NobodyToDial } from "./Unreached.ts"

/** What a command changes of the configuration. */
export interface Changes extends Partial<Omit<Config.Config, "pool" | "peers" | "network">> {
  readonly target?: number | undefined
}

/** The configuration with nobody to dial yet where nodes are named. */
export const configOf = ({ connect, network }: Whom, { target, ...changes }: Changes = {}): Config.Config => {
  const defaults = Config.defaults(network)
  const { pool } = defaults
  const wanted = target ?? pool.target
  const isNamed = connect.length > 0
  return {
    ...defaults,
    // Whoever is named is wanted, whether or not it gives blocks.
    ...(isNamed ? { peers: { _tag: "Fixed", endpoints: [] }, required: 0n } : {}),
    ...changes,
    pool: {
      ...pool,
      target: wanted,
      most: Math.max(pool.most, wanted, connect.length),
      // Nodes that are named may share a host.
      identity: isNamed ? "endpoint" : pool.identity
    }
  }
}

export interface Options {
  readonly whom: Whom
  readonly changes?: Changes | undefined
  /** How long a dial may take, in milliseconds. */
  readonly dialTimeout: number
  /** Where its metrics are told, if they are. */
  readonly metrics?: Whom["connect"][number] | undefined
  readonly onEvent: (event: PeerEvent) => void
}

/** Such that there is somebody to dial or to wait for. */
const checked = Effect.fnUntraced(function* ({ connect, network }: Whom, { listen }: Config.Config) {
  if (connect.length > 0 || network.seeds.length > 0 || listen !== undefined) return
  const store = yield* PeerStore
  const known = yield* store.candidates(network.name, 1)
  if (known.length === 0) return yield* new NobodyToDial({ network: network.name })
})

/** Listens, and has the nodes dialled that are named. */
const begin = Effect.fnUntraced(function* ({ onEvent, whom }: Options) {
  const manager = yield* Manager
  yield* checked(whom, manager.config())
  yield* Effect.forkChild(
    Stream.runForEach(manager.events, (event) => Effect.sync(() => onEvent(event))),
    { startImmediately: true }
  )
  if (whom.connect.length === 0) return
  yield* manager.update({ ...manager.config(), peers: { _tag: "Fixed", endpoints: whom.connect } })
})

/** The folder to keep things in, if one was named. */
export const folder = Effect.map(Root, ({ data }) =>
  Option.isNone(data) ? undefined : dataFolder({ data: data.value, env: {} })
)

/** Runs an effect beside a manager, which ends with it. */
export const withManager = <A, E, R>(options: Options, effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    // Loaded now: no other command needs it, and the database engine takes its time.
    const session = yield* Effect.promise(() => import("./Session.ts"))
    const config = configOf(options.whom, options.changes)
    const { dialTimeout, metrics } = options
    const layer = session.layer({ config, folder: yield* folder, dialTimeout, metrics })
    return yield* Effect.andThen(begin(options), effect).pipe(Effect.provide(layer))
  })
