/**
 * A whole node on real TCP that keeps everything in memory and logs nothing, for tests of its links: what it measures of
 * them, and a way to wait for what becomes of them.
 *
 * Its key follows from its number, so that a node that is started again is the same node.
 */
import { Context, Effect, Layer, Logger } from "effect"
import { SecureRandom } from "effect/crypto"
import * as IdentityMemory from "../../../src/layers/IdentityMemory.ts"
import * as StoresMemory from "../../../src/layers/StoresMemory.ts"
import * as TransportTcp from "../../../src/layers/TransportTcp.ts"
import type { Address } from "../../../src/protocol/Address.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import * as NodeSecret from "../../../src/protocol/NodeSecret.ts"
import * as LinkConfig from "../../../src/services/link/LinkConfig.ts"
import * as LinkMeter from "../../../src/services/link/LinkMeter.ts"
import * as LinkObserver from "../../../src/services/link/LinkObserver.ts"
import { Registry } from "../../../src/services/link/Registry.ts"
import { Supervisor } from "../../../src/services/link/Supervisor.ts"
import { Transport } from "../../../src/services/link/Transport.ts"
import { Node } from "../../../src/services/Node.ts"

export interface Options {
  readonly number: number
  /** Port 0 takes a free one. Without it the node can only dial. */
  readonly listen?: { readonly host: string; readonly port: number } | undefined
  readonly link?: Partial<LinkConfig.Config> | undefined
  readonly tcp?: TransportTcp.Options | undefined
  /** What comes between the node and TCP. */
  readonly through?: ((transport: Transport["Service"]) => Transport["Service"]) | undefined
  /** Hears of everything that happens to its connections. */
  readonly observer?: Partial<LinkObserver.Observer> | undefined
}

export interface TcpNode {
  readonly key: NodeKey
  /** Where it listens, if it does. */
  readonly address: Address | undefined
  readonly node: Node["Service"]
  readonly registry: Registry["Service"]
  readonly supervisor: Supervisor["Service"]
  readonly transport: Transport["Service"]
  readonly reading: () => LinkMeter.Reading
  /** The distinct peers that have a session. */
  readonly peers: () => ReadonlySet<NodeKey>
  /** Waits until it holds; looked at whenever something has happened to a connection of this node. */
  readonly until: (holds: () => boolean) => Effect.Effect<void>
}

export const seedOf = (number: number): Uint8Array => {
  const seed = new Uint8Array(NodeSecret.seedSize)
  new DataView(seed.buffer).setUint32(0, number)
  return seed
}

export const keyOf = (number: number): NodeKey => NodeSecret.fromSeed(seedOf(number)).key

/** Two numbers, the one whose key is the lower, the arbiter of the pair, first. */
export const [arbiter, follower] = keyOf(1) < keyOf(2) ? ([1, 2] as const) : ([2, 1] as const)

/** Turns of the event loop in which one looks again after a transition, and how often besides, in milliseconds. */
const turns = 16
const every = 5

interface Waiter {
  readonly holds: () => boolean
  readonly resume: () => void
}

/** Those who wait for something to hold: a transition is seen at once, what comes about behind it soon after. */
class Watch {
  #waiting: ReadonlyArray<Waiter> = []
  #left = 0
  #timer: NodeJS.Timeout | undefined

  /** Something has happened. */
  readonly stir = (): void => {
    const isLooking = this.#left > 0
    this.#left = turns
    if (!isLooking) setImmediate(this.#turn)
  }

  readonly #turn = (): void => {
    this.#left = this.#waiting.length === 0 ? 0 : this.#left - 1
    if (this.#left > 0) setImmediate(this.#turn)
    this.#look()
  }

  readonly #look = (): void => {
    const ready = this.#waiting.filter(({ holds }) => holds())
    if (ready.length === 0) return
    this.#wait(this.#waiting.filter((it) => !ready.includes(it)))
    // Last, for whoever goes on may wait again.
    for (const { resume } of ready) resume()
  }

  #wait(waiting: ReadonlyArray<Waiter>): void {
    this.#waiting = waiting
    if (waiting.length > 0) this.#timer ??= setInterval(this.#look, every)
    else {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  readonly until = (holds: () => boolean): Effect.Effect<void> =>
    Effect.callback<void>((resume) => {
      if (holds()) return resume(Effect.void)
      const waiter = { holds, resume: () => resume(Effect.void) }
      this.#wait([...this.#waiting, waiter])
      return Effect.sync(() => this.#wait(this.#waiting.filter((it) => it !== waiter)))
    })
}

const ignored: LinkObserver.Observer = {
  dialling: () => () => undefined,
  entered: () => undefined,
  left: () => undefined,
  noted: () => undefined
}

/** A running node, until the scope closes. */
export const start = Effect.fnUntraced(function* (options: Options) {
  const { link, listen, number, through, tcp = {} } = options
  const config = { ...LinkConfig.defaults, ...link }
  const meter = LinkMeter.make(() => performance.now(), config.heartbeat.timeout)
  const watch = new Watch()
  const stirring = { ...ignored, left: watch.stir, noted: watch.stir }
  const observer = LinkObserver.all([meter.observer, { ...ignored, ...options.observer }, stirring])
  const wrapped = Layer.effect(
    Transport,
    Effect.map(Transport, (plain) => Transport.of(through?.(plain) ?? plain))
  )
  const base = Layer.mergeAll(
    IdentityMemory.layerFromSeed(seedOf(number)),
    StoresMemory.layer,
    wrapped.pipe(Layer.provide(TransportTcp.layerWith(tcp))),
    Layer.succeed(LinkConfig.LinkConfig, config),
    Layer.succeed(LinkObserver.LinkObserver, observer),
    Logger.layer([])
  ).pipe(Layer.provideMerge(SecureRandom.layerWebCrypto))
  const layer = Node.layer<never>({ protocols: [], listen, network: "test" }).pipe(Layer.provideMerge(base))
  const context = yield* Layer.build(Layer.fresh(layer)).pipe(Effect.orDie)
  const node = Context.get(context, Node)
  const registry = Context.get(context, Registry)
  const running: TcpNode = {
    key: node.key,
    address: node.address,
    node,
    registry,
    supervisor: Context.get(context, Supervisor),
    transport: Context.get(context, Transport),
    reading: meter.reading,
    peers: () => new Set(registry.sessions().map(({ session }) => session.peer)),
    until: watch.until
  }
  return running
})
