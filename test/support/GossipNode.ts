/**
 * A node that does nothing but gossip, and links between such nodes that carry what is said at once, in a buffer that
 * is overwritten after it was heard.
 */
import { Context, Effect, Exit, Layer, Scope, Stream } from "effect"
import { Endpoint } from "../../src/protocol/Address.ts"
import type { NodeKey } from "../../src/protocol/NodeKey.ts"
import * as NodeSecret from "../../src/protocol/NodeSecret.ts"
import { Discovery } from "../../src/services/gossip/Discovery.ts"
import { Gossip, type Neighbour } from "../../src/services/gossip/Gossip.ts"
import * as GossipConfig from "../../src/services/gossip/GossipConfig.ts"
import { fromSecret, Identity } from "../../src/services/link/Identity.ts"
import { Self } from "../../src/services/link/Self.ts"

export interface GossipNode {
  readonly key: NodeKey
  readonly secret: NodeSecret.NodeSecret
  /** Where it listens, and where it is. */
  readonly host: string
  readonly ip: string
  readonly gossip: Gossip["Service"]
  /** What it has learned, in order, as `key host:port`. */
  readonly learned: Array<string>
}

export interface Options {
  readonly seed: number
  readonly config?: Partial<GossipConfig.Config>
  readonly host?: string
  readonly listens?: boolean
  readonly learn?: Discovery["Service"]["learn"]
}

const uuid = "00000000-0000-4000-8000-000000000000"

export const start = Effect.fnUntraced(function* (options: Options) {
  const secret = NodeSecret.fromSeed(new Uint8Array(32).fill(options.seed))
  const ip = `10.0.0.${options.seed}`
  const host = options.host ?? ip
  const learned: Array<string> = []
  const note: Discovery["Service"]["learn"] = (key, endpoint) =>
    Effect.sync(() => void learned.push(`${key} ${endpoint.toString()}`))
  const self = Self.of({
    key: secret.key,
    network: "test",
    instance: uuid,
    database: uuid,
    incarnation: 1n,
    versions: { min: 1, max: 1 },
    agent: "test",
    protocols: [],
    listen: options.listens === false ? undefined : new Endpoint({ host, port: 4_000 })
  })
  const context = yield* Layer.build(
    Gossip.layer.pipe(
      Layer.provide([
        Layer.succeed(Identity, fromSecret(secret)),
        Layer.succeed(Self, self),
        Layer.succeed(Discovery, { learn: options.learn ?? note, heardOf: Stream.empty }),
        Layer.succeed(GossipConfig.GossipConfig, { ...GossipConfig.defaults, ...options.config })
      ])
    )
  )
  const node: GossipNode = { key: secret.key, secret, host, ip, gossip: Context.get(context, Gossip), learned }
  return node
})

/** A session with a peer that is not there: what it is told, and a way to say something. */
export const session = Effect.fnUntraced(function* (
  node: Pick<GossipNode, "gossip">,
  peer: NodeKey,
  remote = "10.9.9.9:4000"
) {
  const said: Array<{ readonly kind: number; readonly body: Uint8Array }> = []
  const neighbour: Neighbour = { peer, remote, gossip: (kind, body) => void said.push({ kind, body }) }
  const scope = yield* Scope.make()
  yield* Scope.provide(node.gossip.join(neighbour), scope)
  return {
    said,
    hear: (body: Uint8Array) => node.gossip.receive(neighbour, body),
    end: Scope.close(scope, Exit.void)
  }
})

export interface GossipLink {
  /** Frames both ways. */
  readonly frames: () => number
  readonly violations: ReadonlyArray<string>
  readonly end: Effect.Effect<void>
}

/** A session between two nodes. */
export const link = Effect.fnUntraced(function* (a: GossipNode, b: GossipNode) {
  const violations: Array<string> = []
  /** What was said before both ends have joined. */
  let early: Array<() => void> | undefined = []
  let frames = 0
  let open = true
  const hear = (by: GossipNode, from: () => Neighbour) => (kind: number, body: Uint8Array) => {
    if (!open) return
    if (early !== undefined) return void early.push(() => hear(by, from)(kind, body))
    frames++
    const passing = Uint8Array.from(body)
    const violation = by.gossip.receive(from(), passing)
    passing.fill(0)
    if (violation !== undefined) violations.push(violation)
  }
  const atA: Neighbour = { peer: b.key, remote: `${b.ip}:4000`, gossip: hear(b, () => atB) }
  const atB: Neighbour = { peer: a.key, remote: `${a.ip}:50000`, gossip: hear(a, () => atA) }
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  yield* Scope.provide(Effect.andThen(a.gossip.join(atA), b.gossip.join(atB)), scope)
  const waiting = early
  early = undefined
  for (const arrive of waiting) arrive()
  const between: GossipLink = {
    frames: () => frames,
    violations,
    end: Effect.andThen(
      Effect.sync(() => void (open = false)),
      Scope.close(scope, Exit.void)
    )
  }
  return between
})
