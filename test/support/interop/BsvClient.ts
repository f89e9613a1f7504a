/** A client of the npm package `bsv-p2p`, which shares no code with this project. */
import { Effect } from "effect"
import { createRequire } from "node:module"
import type { Endpoint } from "../../../src/protocol/Address.ts"
import { networkNamed } from "../BitcoinVectors.ts"
import { Seen } from "./Seen.ts"

// It is CommonJS, whose default export Node and vitest give differently to an import.
const load = createRequire(import.meta.url)
const { default: Peer }: typeof import("bsv-p2p") = load("bsv-p2p")

export interface Options {
  readonly network?: string
  readonly agent?: string
}

/** What it has been told, by its own decoder; `gone` when the connection is over. */
export interface Told {
  readonly command: string
  readonly payload: Buffer
}

/** One that has not dialled yet. It dials once, and hangs up with the scope. */
export const make = Effect.fnUntraced(function* (at: Endpoint, options: Options = {}) {
  const { agent = "/Bitcoin SV:1.2.2/", network = "bsv-regtest" } = options
  const client = new Peer({
    node: at.host,
    port: at.port,
    ticker: "BSV",
    magic: Buffer.from(networkNamed(network).magic),
    user_agent: agent,
    start_height: 5,
    autoReconnect: false
  })
  const told = new Seen<Told>(({ command, payload }) => `${command} ${payload.toString("hex")}`)
  const rejects = new Seen<{ readonly message: string; readonly ccode: number; readonly reason: string }>((reject) =>
    JSON.stringify(reject)
  )
  const errors: Array<string> = []
  client.on("message", ({ command, payload }) => told.add({ command, payload }))
  client.on("disconnected", () => told.add({ command: "gone", payload: Buffer.alloc(0) }))
  client.on("reject", (reject) => rejects.add(reject))
  client.on("error_message", ({ error }) => void errors.push(error.message))
  yield* Effect.addFinalizer(() => Effect.sync(() => client.disconnect(false)))
  const asked = <A>(ask: () => Promise<A>) => Effect.tryPromise({ try: ask, catch: (cause) => String(cause) })
  return {
    told,
    rejects,
    /** What it could not decode. */
    errors,
    /** Dials and completes the handshake, or fails with its words. */
    connect: asked<void>(() => client.connect()),
    /** Waits for the pong. */
    ping: asked(() => client.ping(30)),
    /** The ids of the headers after this block, the oldest first. */
    getHeaders: (after: string) =>
      Effect.map(
        asked(() => client.getHeaders({ from: Buffer.from(after, "hex") })),
        (headers) => headers.map((header) => header.getHash().toString("hex"))
      ),
    getTxs: (ids: ReadonlyArray<Buffer>): Effect.Effect<void> => Effect.sync(() => client.getTxs([...ids])),
    disconnect: Effect.sync(() => client.disconnect(false)),
    /** The next message with this command from this place on. */
    heard: (command: string, place = 0): Effect.Effect<Told> =>
      told.until(command, (one) => (one.command === command ? one : undefined), place),
    version: new Promise<Parameters<Parameters<typeof client.on<"version">>[1]>[0]["version"]>((resolve) =>
      client.once("version", ({ version }) => resolve(version))
    )
  }
})
