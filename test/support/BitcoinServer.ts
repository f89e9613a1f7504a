/** Bitcoin nodes of this project over real TCP, listening at 127.0.0.1, with a chain of headers; and peers that are none. */
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import * as Net from "node:net"
import * as StoresMemory from "../../src/layers/StoresMemory.ts"
import * as TransportTcp from "../../src/layers/TransportTcp.ts"
import { Endpoint } from "../../src/protocol/Address.ts"
import type { BlockHeader } from "../../src/protocol/bitcoin/BlockHeader.ts"
import * as Command from "../../src/protocol/bitcoin/Command.ts"
import * as Config from "../../src/services/bitcoin/Config.ts"
import { HeaderStore } from "../../src/services/chain/HeaderStore.ts"
import { Manager } from "../../src/services/bitcoin/Manager.ts"
import { LookupFailed, Resolver } from "../../src/services/bitcoin/Resolver.ts"
import { Bans, make as makeBans } from "../../src/services/link/Bans.ts"
import { stored } from "./BitcoinStored.ts"
import { networkNamed } from "./BitcoinVectors.ts"
import { freePort } from "./FreePort.ts"

const host = "127.0.0.1"

const bans = Layer.effect(
  Bans,
  makeBans(() => [])
)
const nobody = Layer.succeed(Resolver, { addresses: (name) => Effect.fail(new LookupFailed({ name })) })
const ground = Layer.mergeAll(TransportTcp.layer, nobody, bans).pipe(
  Layer.provideMerge(Layer.provide(StoresMemory.layer, SecureRandom.layerWebCrypto))
)

export interface Server {
  readonly port: number
  readonly at: string
  readonly manager: Manager["Service"]
  /** Tells everybody who is connected. */
  readonly say: (command: Command.Command, payload: Uint8Array) => Promise<void>
  readonly stop: () => Promise<void>
}

/** Starts a node; it listens when this resolves. */
export const serve = async (
  headers: ReadonlyArray<BlockHeader>,
  changes: Partial<Config.Config> = {}
): Promise<Server> => {
  const network = changes.network ?? networkNamed("bsv-regtest")
  const port = await freePort()
  const scope = Scope.makeUnsafe()
  const listen = new Endpoint({ host, port })
  const config: Config.Config = {
    ...Config.defaults(network),
    required: 0n,
    peers: { _tag: "Fixed", endpoints: [] },
    listen,
    ...changes
  }
  const manager = await Effect.runPromise(
    Effect.gen(function* () {
      const context = yield* Layer.buildWithScope(ground, scope)
      const store = Context.get(context, HeaderStore)
      yield* store.replace(network.name, undefined, -1, stored([network.first, ...headers]))
      const layer = Layer.provide(Manager.layer(config), Layer.succeedContext(context))
      return Context.get(yield* Layer.buildWithScope(layer, scope), Manager)
    })
  )
  await listening(port)
  return {
    port,
    at: `${host}:${port}`,
    manager,
    say: (command, payload) =>
      Effect.runPromise(
        Effect.forEach(manager.connections(), ({ id }) => manager.send(id, command, payload), { discard: true })
      ),
    stop: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

/** Resolves when somebody listens: the node opens its port beside everything else. */
const listening = async (port: number): Promise<void> => {
  for (let tries = 0; tries < 1_000; tries++) {
    if (await dials(port)) return
  }
  throw new Error(`nobody listens at ${port}`)
}

const dials = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = Net.connect(port, host, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once("error", () => resolve(false))
  })

export interface Impostor {
  readonly at: string
  readonly stop: () => Promise<void>
}

/** Listens and says these bytes to everybody, whatever they say. */
export const impostor = (bytes: Uint8Array): Promise<Impostor> =>
  new Promise((resolve) => {
    const sockets = new Set<Net.Socket>()
    const server = Net.createServer((socket) => {
      sockets.add(socket)
      socket.on("error", () => undefined).on("close", () => sockets.delete(socket))
      socket.resume()
      socket.write(bytes)
    })
    server.listen(0, host, () => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      const stop = () =>
        new Promise<void>((done) => {
          for (const socket of sockets) socket.destroy()
          server.close(() => done())
        })
      resolve({ at: `${host}:${port}`, stop })
    })
  })
