/**
 * A node from its configuration: stands by until this process owns the node, then runs it with its API and says what
 * it is, each time anew.
 */
import { Effect, Layer } from "effect"
import type { SqlClient } from "effect/sql"
import { whileOwning } from "../services/delivery/Ownership.ts"
import { Credit, type Services as CreditServices } from "../services/credit/CreditProtocol.ts"
import type { Feed } from "../services/delivery/Feed.ts"
import type { Handled } from "../services/delivery/Protocol.ts"
import { Node } from "../services/Node.ts"
import { DataFolder } from "../layers/DataFolder.ts"
import * as Composition from "./Composition.ts"
import type { Config } from "./Config.ts"
import * as Figures from "./Figures.ts"
import { files } from "./FolderFiles.ts"
import { ApiServer, layer as apiServer } from "./http/Server.ts"
import { Note } from "./NoteProtocol.ts"
import * as Observability from "./Observability.ts"
import * as OpenFiles from "./OpenFiles.ts"
import { standardPlace } from "./Settings.ts"
import { agent } from "./Version.ts"

/** What a node that is ready says of itself. */
export interface Ready {
  readonly node: string
  readonly address: string | undefined
  readonly data: string
  readonly database: string
  readonly api: string
  readonly token: string
}

type Protocols = ReadonlyArray<Handled<CreditServices | Feed | SqlClient.SqlClient>>

const protocols = ({ credit }: Config): Protocols => (credit ? [Note.handled, Credit.handled] : [Note.handled])

const options = (config: Config) => ({
  protocols: protocols(config),
  data: config.data,
  database: config.databaseUrl,
  maxConnections: config.databaseConnections,
  allowDataLoss: config.allowDataLoss,
  lease: config.lease,
  standby: !config.noStandby,
  listen: config.listen ?? standardPlace,
  freePortIfTaken: config.listen === undefined,
  advertise: config.advertise,
  network: config.network,
  peers: config.peers,
  dialTimeout: config.dialTimeout,
  link: Figures.link(config),
  delivery: Figures.delivery(config),
  chain: config.chainSettings && {
    settings: config.chainSettings,
    produce: config.produce,
    keep: config.chainKeep
  },
  credit: config.credit ? Figures.credit(config) : undefined,
  agent
})

const enoughFiles = (config: Config) =>
  Layer.effectDiscard(
    Effect.flatMap(OpenFiles.allowed, (limit) =>
      OpenFiles.check(limit, OpenFiles.needed(Figures.link(config), config.databaseConnections))
    )
  )

/** The node of one term, what it tells about itself, and its API. */
export const node = (config: Config) =>
  apiServer({ place: config.api, database: config.databaseUrl === undefined ? "embedded" : "postgres" }).pipe(
    Layer.provideMerge(Observability.above(config)),
    Layer.provideMerge(Composition.node(options(config)))
  )

/** What lives as long as the process; its figures count through all terms. */
export const standing = (config: Config, onStandby: Effect.Effect<void> = Effect.void) =>
  Composition.standing({ ...options(config), onStandby }).pipe(
    Layer.provideMerge(Observability.below(config)),
    Layer.provideMerge(enoughFiles(config))
  )

/**
 * Runs the node whenever this process owns it, for ever. `onReady` runs each time that the node is ready, `onStandby`
 * each time that another process owns it.
 */
export const run = <E>(
  config: Config,
  {
    onReady,
    onStandby
  }: { readonly onReady: (ready: Ready) => Effect.Effect<void, E>; readonly onStandby: Effect.Effect<void> }
) => {
  const running = Effect.andThen(Effect.flatMap(ready(config), onReady), Effect.never)
  return whileOwning(Effect.provide(running, Layer.fresh(node(config)))).pipe(
    Effect.provide(standing(config, onStandby))
  )
}

const ready = Effect.fnUntraced(function* (config: Config) {
  const { address, key } = yield* Node
  const folder = yield* DataFolder
  const api = yield* ApiServer
  const ready: Ready = {
    node: key,
    address: address?.toString(),
    data: folder.path,
    database: config.databaseUrl === undefined ? `embedded, in ${folder.file(files.database)}` : "PostgreSQL",
    api: api.url,
    token: folder.file(files.token)
  }
  return ready
})

/** The address as a process on this machine can dial it. */
const localAddress = (address: string): string =>
  address.replace("@0.0.0.0:", "@127.0.0.1:").replace("@[::]:", "@[::1]:")

/** Whether an address tells other machines nothing. */
export const isVague = (address: string): boolean => localAddress(address) !== address

/** What to type in a second terminal to have a second node connected to this one. */
export const secondNode = (ready: Ready, env: Readonly<Record<string, string | undefined>>): string | undefined => {
  if (ready.address === undefined) return undefined
  const start = env["npm_lifecycle_event"] === "start" ? "npm start --" : "holdfast start"
  return `${start} --data ./second --connect ${localAddress(ready.address)}`
}
