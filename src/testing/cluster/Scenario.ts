/**
 * What is simulated: which protocols the nodes run, what their users do meanwhile, and what must hold.
 *
 * The nodes are the production ones, `Node.layer` over the simulated transport. A protocol of one's own goes in as it is.
 */
import { Effect, Layer } from "effect"
import type { SecureRandom } from "effect/crypto"
import type { SqlClient } from "effect/sql"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { BlockStore } from "../../services/chain/BlockStore.ts"
import type { HeaderStore } from "../../services/chain/HeaderStore.ts"
import type { Delivery } from "../../services/delivery/Delivery.ts"
import type { Feed } from "../../services/delivery/Feed.ts"
import type { FeedStore } from "../../services/delivery/FeedStore.ts"
import type { Handled } from "../../services/delivery/Protocol.ts"
import type { RetryStore } from "../../services/delivery/RetryStore.ts"
import type { Timers } from "../../services/delivery/Timers.ts"
import type { TimerStore } from "../../services/delivery/TimerStore.ts"
import type { Identity } from "../../services/link/Identity.ts"
import type { Links } from "../../services/link/Links.ts"
import type { PeerBook } from "../../services/link/PeerBook.ts"
import type { Registry } from "../../services/link/Registry.ts"
import type { Supervisor } from "../../services/link/Supervisor.ts"
import type { Transition } from "../../services/link/Transition.ts"
import type { Transport } from "../../services/link/Transport.ts"
import type { Node } from "../../services/Node.ts"
import type { Records } from "../../services/Records.ts"
import type { Transactions } from "../../services/Transactions.ts"
import type { SimulatedDatabase } from "../database/SimulatedDatabase.ts"
import type { Family } from "../faults/Families.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import type { Rng } from "../world/Rng.ts"
import type { Place } from "./Place.ts"
import type { Nodes, View, Watching } from "./Watching.ts"

export type { Nodes, NodeView, View, Watching } from "./Watching.ts"

/** What the world gives every node to stand on. */
export type Ground =
  | Transport
  | Identity
  | RetryStore
  | FeedStore
  | TimerStore
  | PeerBook
  | HeaderStore
  | BlockStore
  | Records
  | Transactions
  | Place
  | SecureRandom.SecureRandom
  /** On PGlite only: with the memory database its use is a defect that says so. */
  | SqlClient.SqlClient

/** What a protocol can use. */
export type Handling = Ground | Delivery | Feed | Timers

/** What runs on every node, and what a user of the node can reach. */
export type Running = Handling | Node | Registry | Supervisor | Links

/** A node as its users see it. */
export interface Self {
  readonly name: string
  readonly key: NodeKey
  /** Which life of the process this is, from 1. */
  readonly life: number
  /** The other nodes. */
  readonly peers: ReadonlyArray<{ readonly name: string; readonly key: NodeKey }>
  /** What its users are to do in this run, and how many milliseconds they have for it. */
  readonly operations: number
  readonly duration: number
  /** Random choices of the users. */
  readonly random: Rng
}

/** Everything here is called at the moment it happens, synchronously, and must change nothing. */
export interface Watcher {
  /** A node's database has committed. */
  readonly committed?: (node: string, database: SimulatedDatabase) => void
  /** A node's database is what it once was, or empty. */
  readonly restored?: (node: string) => void
  /** A life of a node begins to dial a peer. */
  readonly dialled?: (node: string, life: number, peer: string) => void
  /** What has happened to a connection of a life with a peer that is known. */
  readonly transition?: (node: string, life: number, peer: string, transition: Transition) => void
  /** Nothing can run before time moves. */
  readonly look?: () => void
}

/** What must hold. A text says what is wrong. */
export type Property<R> =
  /** Looked at whenever nothing can run, before time moves. Cheap and synchronous. */
  | { readonly _tag: "Always"; readonly name: string; readonly check: (view: View) => string | undefined }
  /** Asked in the quiet end of a run, round after round, until it holds: every node first, then all answers together. */
  | { readonly _tag: "Eventually"; readonly name: string; readonly round: () => Round<R> }
  /** Must come true in some run of a campaign, or the campaign has shown nothing about it. */
  | { readonly _tag: "Sometimes"; readonly name: string; readonly check: (view: View) => boolean }

/** One asking round. */
export interface Round<R> {
  readonly ask: (self: Self) => Effect.Effect<void, Error, R>
  /** After every node has answered: what is wrong, if anything. */
  readonly judge: () => string | undefined
}

export interface Scenario<R = never> {
  readonly name: string
  readonly protocols: ReadonlyArray<Handled<Handling | R>>
  /** Services of the user's own, over what the world gives. */
  readonly services: Layer.Layer<R, Error, Ground>
  /** Makes the scenario's own tables if they are not there yet: on SQL databases, at the start of every life. */
  readonly tables?: Effect.Effect<unknown, Error, SqlClient.SqlClient> | undefined
  /** Whether a node stays connected to another, by their names; every one to every other by default. */
  readonly wants?: ((node: string, peer: string, nodes: Nodes) => boolean) | undefined
  /** Whether a node breaks the protocol: nobody is to blame for accusing it, or for ending a session with it. */
  readonly misbehaves?: ((node: string, nodes: Nodes) => boolean) | undefined
  /** Users of a node, from the start of each of its lives; interrupted when the quiet fifth begins. */
  readonly users?: ((self: Self) => Effect.Effect<unknown, Error, Running | R>) | undefined
  readonly properties?: ReadonlyArray<Property<Running | R>> | undefined
  /** Something that watches one run from outside, made anew for each. */
  readonly watch?: ((watching: Watching, plan: FaultPlan) => Watcher) | undefined
  /** Families of faults that it cannot stand: they are in none of its plans. */
  readonly without?: ReadonlyArray<Family> | undefined
  /** The database that runs use unless their plan says otherwise; "memory" by default. */
  readonly database?: "memory" | "pglite" | undefined
}

/** What a scenario without services of its own leaves out. */
export type Plain = Omit<Scenario, "services">

/** A scenario; one without services of its own needs not say so. */
export function make(scenario: Plain): Scenario
export function make<R>(scenario: Scenario<R>): Scenario<R>
export function make<R>(scenario: Plain | Scenario<R>): Scenario | Scenario<R> {
  return "services" in scenario ? scenario : { services: Layer.empty, ...scenario }
}

export const always = (name: string, check: (view: View) => string | undefined): Property<never> => ({
  _tag: "Always",
  name,
  check
})

/** In the end this holds at every node; the effect says what is wrong there. */
export const eventually = <R>(
  name: string,
  check: (self: Self) => Effect.Effect<string | undefined, Error, R>
): Property<R> =>
  together(name, check, (answers) => {
    for (const [node, wrong] of answers) if (wrong !== undefined) return `${node}: ${wrong}`
    return undefined
  })

/** In the end what the nodes answer fits together. */
export const together = <A, R>(
  name: string,
  ask: (self: Self) => Effect.Effect<A, Error, R>,
  judge: (answers: ReadonlyMap<string, A>) => string | undefined
): Property<R> => ({
  _tag: "Eventually",
  name,
  round: () => {
    const answers = new Map<string, A>()
    return {
      ask: (self) => Effect.map(ask(self), (answer) => void answers.set(self.name, answer)),
      judge: () => judge(answers)
    }
  }
})

export const sometimes = (name: string, check: (view: View) => boolean): Property<never> => ({
  _tag: "Sometimes",
  name,
  check
})
