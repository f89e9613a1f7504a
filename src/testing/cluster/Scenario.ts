/**
 * What is simulated: which protocols the nodes run, what their users do meanwhile, and what must hold.
 *
 * The nodes are the production ones, `Node.layer` over the simulated transport. A protocol of one's own goes in as it is.
 */
import type { Effect, Layer } from "effect"
import type { SecureRandom } from "effect/crypto"
import type { SqlClient } from "effect/sql"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Delivery } from "../../services/delivery/Delivery.ts"
import type { Feed } from "../../services/delivery/Feed.ts"
import type { FeedStore } from "../../services/delivery/FeedStore.ts"
import type { Handled } from "../../services/delivery/Protocol.ts"
import type { RetryStore } from "../../services/delivery/RetryStore.ts"
import type { Identity } from "../../services/link/Identity.ts"
import type { Links } from "../../services/link/Links.ts"
import type { PeerBook } from "../../services/link/PeerBook.ts"
import type { Registry } from "../../services/link/Registry.ts"
import type { Supervisor } from "../../services/link/Supervisor.ts"
import type { Transport } from "../../services/link/Transport.ts"
import type { Node } from "../../services/Node.ts"
import type { Transactions } from "../../services/Transactions.ts"
import type { Rng } from "../world/Rng.ts"

/** What the world gives every node to stand on. */
export type Ground =
  | Transport
  | Identity
  | RetryStore
  | FeedStore
  | PeerBook
  | Transactions
  | SecureRandom.SecureRandom
  /** On PGlite only: with the memory database its use is a defect that says so. */
  | SqlClient.SqlClient

/** What runs on every node, and what a user of the node can reach. */
export type Running = Ground | Node | Delivery | Feed | Registry | Supervisor | Links

/** A node as its users see it. */
export interface Self {
  readonly name: string
  readonly key: NodeKey
  /** Which life of the process this is, from 1. */
  readonly life: number
  /** The other nodes, by name. */
  readonly peers: ReadonlyArray<{ readonly name: string; readonly key: NodeKey }>
  /** What its users are to do in this run. */
  readonly operations: number
  /** Random choices of the users. */
  readonly random: Rng
}

/** All nodes, for checks. */
export interface View {
  readonly nodes: ReadonlyArray<NodeView>
  /** Microseconds of world time. */
  readonly now: number
}

export interface NodeView {
  readonly name: string
  readonly key: NodeKey
  readonly life: number
  readonly state: "running" | "paused" | "dead"
  /** The services of the life that runs; `undefined` while it is down or starting. Synchronous reads only. */
  readonly registry: Registry["Service"] | undefined
}

/** What must hold. A text says what is wrong. */
export type Property<R> =
  /** Looked at whenever nothing can run, before time moves. Cheap and synchronous. */
  | { readonly _tag: "Always"; readonly name: string; readonly check: (view: View) => string | undefined }
  /** Asked at every node in the quiet last fifth, again and again, until it holds everywhere. */
  | {
      readonly _tag: "Eventually"
      readonly name: string
      readonly check: (self: Self) => Effect.Effect<string | undefined, unknown, R>
    }
  /** Must come true in some run of a campaign, or the campaign has shown nothing about it. */
  | { readonly _tag: "Sometimes"; readonly name: string; readonly check: (view: View) => boolean }

export interface Scenario<R = never> {
  readonly name: string
  readonly protocols: ReadonlyArray<Handled<Running | R>>
  /** Services of the user's own, over what the world gives. */
  readonly services?: Layer.Layer<R, unknown, Ground> | undefined
  /** Once for every new database, before its node starts: tables. */
  readonly prepare?: Effect.Effect<unknown, unknown, Ground> | undefined
  /** Users of a node, from the start of each of its lives; interrupted when the quiet fifth begins. */
  readonly users?: ((self: Self) => Effect.Effect<unknown, unknown, Running | R>) | undefined
  readonly properties?: ReadonlyArray<Property<Running | R>> | undefined
  /** The database that runs use unless their plan says otherwise; "memory" by default. */
  readonly database?: "memory" | "pglite" | undefined
}

/** Whatever its services are: what campaigns handle. */
export type AnyScenario = Scenario<never>

export const make = <R = never>(scenario: Scenario<R>): Scenario<R> => scenario

export const always = (name: string, check: (view: View) => string | undefined): Property<never> => ({
  _tag: "Always",
  name,
  check
})

export const eventually = <R>(
  name: string,
  check: (self: Self) => Effect.Effect<string | undefined, unknown, R>
): Property<R> => ({ _tag: "Eventually", name, check })

export const sometimes = (name: string, check: (view: View) => boolean): Property<never> => ({
  _tag: "Sometimes",
  name,
  check
})
