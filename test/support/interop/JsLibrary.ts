/**
 * The JavaScript libraries bcash and bcoin as `scripts/install-nodes.sh` leaves them, and their nodes as tests and benchmarks run
 * them: on regtest, on loopback, all in memory. Such a node dials nobody by itself, looks up no name and bans nobody.
 *
 * Both bring JavaScript for what they have in C++ too, and declare it under `browser`; here it takes the place of the C++. Murmur
 * hashes by JavaScript they have with `environment` alone.
 */
import { existsSync } from "node:fs"
import { createRequire, registerHooks } from "node:module"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export type Name = "bcash" | "bcoin"

/** Variables of a process that loads one. */
export const environment = { NODE_BACKEND: "js" } as const

/** Where both are installed. */
export const folder = fileURLToPath(new URL("../../../.interop", import.meta.url))

/** What to do if it is not installed, in this folder. */
export const missing = (library: Name, at = folder): Error | undefined =>
  existsSync(`${at}/node_modules/${library}`)
    ? undefined
    : new Error(`No ${library} was found: run "scripts/install-nodes.sh".`)

/** What is used here of their nodes; they declare no types. */
export interface JsNode {
  readonly pool: {
    readonly options: { agent: string }
    discoverExternal: () => Promise<void>
    readonly hosts: { isBanned: () => boolean }
  }
  readonly chain: {
    /** A block has become the tip, and is stored. Its id in the order of the wire, as hex. */
    on(event: "connect", heard: (entry: { readonly height: number; rhash(): string }) => void): void
  }
  /** Of full nodes. */
  readonly miner?: { addAddress(address: unknown): void }
  open(): Promise<void>
  connect(): Promise<void>
  startSync(): void
}
type NodeClass = new (options: Readonly<Record<string, unknown>>) => JsNode
interface Library {
  readonly FullNode: NodeClass
  readonly SPVNode: NodeClass
  readonly Address: { fromHash(hash: Uint8Array): unknown }
}

export interface Options {
  readonly library: Name
  /** `SPVNode` keeps headers only. */
  readonly kind: "FullNode" | "SPVNode"
  readonly port: number
  readonly rpcPort: number
  /** Instead of its own user agent. */
  readonly agent?: string | undefined
  /** The only ones that it dials, as `host:port`: as soon as it is connected, once it is told to sync. */
  readonly only: ReadonlyArray<string>
  /** Whether it prints all that it does, or errors alone. */
  readonly isQuiet?: boolean | undefined
}

const settings = ({ isQuiet = false, kind, only, port, rpcPort }: Options): Readonly<Record<string, unknown>> => ({
  network: "regtest",
  memory: true,
  host: "127.0.0.1",
  port,
  publicHost: "127.0.0.1",
  httpHost: "127.0.0.1",
  httpPort: rpcPort,
  noAuth: true,
  workers: false,
  listen: kind === "FullNode",
  // None is refused.
  maxOutbound: 1,
  only: [...only],
  seeds: [],
  upnp: false,
  discover: false,
  persistent: false,
  logConsole: true,
  logFile: false,
  logLevel: isQuiet ? "error" : "spam"
})

/** Loads the library into this process, once, and makes a node that is not open yet. */
export const make = (options: Options): JsNode => {
  const { agent, kind, library } = options
  registerHooks({
    resolve: (specifier, context, next) => {
      const found = next(specifier, context)
      return found.url.endsWith("/bdb/lib/level.js")
        ? { ...found, url: found.url.replace(/level\.js$/, "level-browser.js") }
        : found
    }
  })
  const load = createRequire(join(folder, "package.json"))
  const { Address, [kind]: Node }: Library = load(library)
  const node = new Node(settings(options))
  node.pool.discoverExternal = () => Promise.resolve()
  node.pool.hosts.isBanned = () => false
  // Whose the coins are does not matter.
  node.miner?.addAddress(Address.fromHash(Buffer.alloc(20, 1)))
  if (agent !== undefined) node.pool.options.agent = agent
  return node
}
