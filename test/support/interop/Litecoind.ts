/**
 * A real `litecoind` on regtest, which is Core 0.21: it dials nobody by itself and looks up no name.
 *
 * 4,100 blocks take it 20 s on two busy cores.
 */
import { Effect, Schema } from "effect"
import { accessSync, constants } from "node:fs"
import { delimiter, join } from "node:path"
import { Endpoint } from "../../../src/protocol/Address.ts"
import { freePort } from "../FreePort.ts"
import { NodeProcess } from "./NodeProcess.ts"
import * as Rpc from "./Rpc.ts"

const isProgram = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The program, or an error that says how to have it. */
export const find = (env: Readonly<Record<string, string | undefined>> = process.env): string => {
  const named = env["HOLDFAST_TEST_LITECOIND"]
  const folders = (env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "")
  const places = named === undefined ? folders.map((folder) => join(folder, "litecoind")) : [named]
  const found = places.find(isProgram)
  if (found !== undefined) return found
  throw new Error(
    named === undefined
      ? 'No litecoind was found. On Debian run "scripts/install-nodes.sh", elsewhere install Litecoin Core 0.21.2 on ' +
          "the PATH, or name its program in HOLDFAST_TEST_LITECOIND."
      : `HOLDFAST_TEST_LITECOIND names ${named}, which is not a program: correct it, or unset it to look for one.`
  )
}

/** What it knows of one of its peers. */
const Peer = Schema.Struct({
  inbound: Schema.Boolean,
  version: Schema.Int,
  subver: Schema.String,
  /** In hex. */
  services: Schema.String,
  /** Seconds of the last ping that was answered. */
  pingtime: Schema.optionalKey(Schema.Number)
})

/** To whom the coins of a block go: to anybody, who says the number. Else the same block would be made again. */
const miners = { first: "raw(51)", second: "raw(52)" } as const

const user = "holdfast:holdfast"

const settings = (port: number, onion: number, rpc: number): ReadonlyArray<string> => [
  "-regtest",
  "-server=1",
  `-rpcuser=${user.split(":")[0]}`,
  `-rpcpassword=${user.split(":")[1]}`,
  "-rpcbind=127.0.0.1",
  "-rpcallowip=127.0.0.1",
  `-rpcport=${rpc}`,
  // It dials nobody, which would turn listening off.
  "-connect=0",
  "-listen=1",
  `-bind=127.0.0.1:${port}`,
  // Else it takes a port of its own choice for this.
  `-bind=127.0.0.1:${onion}=onion`,
  "-listenonion=0",
  "-dns=0",
  "-dnsseed=0",
  "-upnp=0",
  "-discover=0",
  "-printtoconsole=1",
  "-debuglogfile=0",
  "-debug=net",
  // Without it no block comes after height 431.
  "-vbparams=mweb:4000000000:4100000000"
]

export interface Options {
  /** Where it listens; a free port otherwise. */
  readonly at?: Endpoint
  /** Its blocks have no witnesses, which this project does not carry. */
  readonly isPlain?: boolean
}

/** Starts one; it goes with the scope. */
export const start = Effect.fnUntraced(function* ({ at, isPlain = false }: Options = {}) {
  const [port, onion, rpcPort] = yield* Effect.promise(() => Promise.all([freePort(), freePort(), freePort()]))
  const endpoint = at ?? new Endpoint({ host: "127.0.0.1", port })
  const node = yield* NodeProcess.start({
    name: "litecoind",
    program: find(),
    args: (folder) => [
      `-datadir=${folder}`,
      ...settings(endpoint.port, onion, rpcPort),
      ...(isPlain ? ["-segwitheight=-1"] : [])
    ],
    ready: /init message: Done loading/
  })
  const rpc = Rpc.make(rpcPort, user)
  return {
    node,
    endpoint,
    rpc,
    peers: rpc.call("getpeerinfo", [], Schema.Array(Peer)),
    /** The id of the last block of its chain. */
    best: rpc.call("getbestblockhash", [], Schema.String),
    /** Dials once. */
    dial: ({ host, port }: Endpoint) => rpc.tell("addnode", [`${host}:${port}`, "onetry"]),
    /** Gives up a block and all after it. */
    invalidate: (block: string) => rpc.tell("invalidateblock", [block]),
    /** Makes so many blocks; their ids, oldest first. Those of the second miner are others than those of the first. */
    mine: (count: number, miner: keyof typeof miners = "first") =>
      rpc.call("generatetodescriptor", [count, miners[miner]], Schema.Array(Schema.String))
  }
})

export type Litecoind = Effect.Success<ReturnType<typeof start>>
