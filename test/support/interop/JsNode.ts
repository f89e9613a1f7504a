/**
 * A real bcash, on BSV's regtest, or bcoin, on BTC's, as a process of its own; both in memory, so that what they knew is
 * gone when they are killed. They speak first when they are dialled, and know `reject`.
 */
import { Effect, Schema } from "effect"
import { fileURLToPath } from "node:url"
import { Endpoint } from "../../../src/protocol/Address.ts"
import { freePort } from "../FreePort.ts"
import * as JsLibrary from "./JsLibrary.ts"
import { NodeProcess } from "./NodeProcess.ts"
import * as Rpc from "./Rpc.ts"
import type { Assignment } from "./runJsNode.ts"

const program = fileURLToPath(new URL("runJsNode.ts", import.meta.url))

/** What it knows of one of its peers; `pingtime`, in seconds, is -1 before its first ping was answered. */
const Peer = Schema.Struct({
  inbound: Schema.Boolean,
  version: Schema.Int,
  subver: Schema.String,
  pingtime: Schema.Number
})

export interface Options {
  readonly library: JsLibrary.Name
  /** Dials this one and nobody else, and keeps headers only unless it is full; a full node that dials nobody otherwise. */
  readonly syncsFrom?: Endpoint
  readonly isFull?: boolean
  /** Instead of its own user agent. */
  readonly agent?: string
  /** Prints errors alone: else it prints all that it does, which takes its time. */
  readonly isQuiet?: boolean
}

/** Starts one; it goes with the scope. */
export const start = Effect.fnUntraced(function* ({
  agent,
  isFull = false,
  isQuiet = false,
  library,
  syncsFrom
}: Options) {
  const missing = JsLibrary.missing(library)
  if (missing !== undefined) return yield* Effect.die(missing)
  const [port, rpcPort] = yield* Effect.promise(() => Promise.all([freePort(), freePort()]))
  const assignment: typeof Assignment.Type = {
    library,
    kind: syncsFrom === undefined || isFull ? "FullNode" : "SPVNode",
    port,
    rpcPort,
    isQuiet,
    only: syncsFrom === undefined ? [] : [`${syncsFrom.host}:${syncsFrom.port}`],
    ...(agent === undefined ? {} : { agent })
  }
  const node = yield* NodeProcess.start({
    name: library,
    program: process.execPath,
    args: () => [program, JSON.stringify(assignment)],
    env: JsLibrary.environment,
    ready: /^ready$/
  })
  const rpc = Rpc.make(rpcPort)
  return {
    node,
    endpoint: new Endpoint({ host: "127.0.0.1", port }),
    rpc,
    peers: rpc.call("getpeerinfo", [], Schema.Array(Peer)),
    /** The id of the last block of its chain. */
    best: rpc.call("getbestblockhash", [], Schema.String),
    /** Dials once. */
    dial: ({ host, port }: Endpoint) => rpc.tell("addnode", [`${host}:${port}`, "onetry"]),
    /** Makes so many blocks, with proof of work; their ids, oldest first. */
    mine: (count: number) => rpc.call("generate", [count], Schema.Array(Schema.String))
  }
})
