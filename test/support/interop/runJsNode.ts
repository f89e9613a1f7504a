/**
 * A program that runs one bcash or bcoin node on regtest, all in memory, until it is killed. It is told what to run as JSON in
 * its first argument, prints what the node logs, and `ready` once it answers.
 *
 * It dials nobody by itself, looks up no name and bans nobody, so that a test can go on after a fault. Both libraries
 * come with JavaScript for what they have in C++ too, and declare it under `browser`; here it takes the place of the C++.
 */
import { Schema } from "effect"
import { createRequire, registerHooks } from "node:module"
import { join } from "node:path"

export const Assignment = Schema.Struct({
  /** Where its package is installed. */
  folder: Schema.String,
  library: Schema.Literals(["bcash", "bcoin"]),
  /** `SPVNode` keeps headers only, and dials `only`. */
  kind: Schema.Literals(["FullNode", "SPVNode"]),
  port: Schema.Int,
  rpcPort: Schema.Int,
  /** Instead of its own user agent. */
  agent: Schema.optionalKey(Schema.String),
  only: Schema.Array(Schema.String)
})

/** What is used here of the two libraries, which declare no types. */
interface JsNode {
  readonly pool: {
    readonly options: { agent: string }
    discoverExternal: () => Promise<void>
    readonly hosts: { isBanned: () => boolean }
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

const assignment = Schema.decodeUnknownSync(Schema.fromJsonString(Assignment))(process.argv[2])
const { agent, folder, kind, library, only, port, rpcPort } = assignment

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

const node = new Node({
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
  logLevel: "spam"
})
node.pool.discoverExternal = () => Promise.resolve()
node.pool.hosts.isBanned = () => false
// Whose the coins are does not matter.
node.miner?.addAddress(Address.fromHash(Buffer.alloc(20, 1)))
if (agent !== undefined) node.pool.options.agent = agent

await node.open()
await node.connect()
if (only.length > 0) node.startSync()
process.stdout.write("ready\n")
