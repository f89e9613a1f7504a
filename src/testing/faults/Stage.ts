/**
 * What a fault engine acts on: a network, databases, processes and their clocks. A simulated cluster is one; tests use
 * one that only writes down what is asked of it.
 *
 * Everything takes effect at once. Faults of the same kind may overlap, also on the same nodes: undoing one leaves the
 * others as they are. Whatever is random in a fault is drawn from the `random` that comes with it, so that a fault more
 * or less moves no other draw.
 */
import type { Latency } from "../network/NetModel.ts"
import type { Rng } from "../world/Rng.ts"
import type { World } from "../world/World.ts"
import type { FaultOf } from "./FaultPlan.ts"

/** Which bytes are struck: those that go from one node to another. Of dials: those that a node makes to another. */
export type Select = (from: string, to: string) => boolean

/** How many things were touched (connections, chunks, dials, transactions); nothing if nobody counts, and then it is one. */
export type Touched = number | void

/** Ends a fault before its time or at it, once or often, and tells what it touched while it lasted. */
export type Undo = () => Touched

/** What may be wrong with the way from one node to another. Where several faults meet, the worst of each counts. */
export interface Impairment {
  /** Bytes wait, and what a dial sends; nothing is lost. */
  readonly stalled?: boolean | undefined
  /** Added to the latency there is. */
  readonly latency?: Latency | undefined
  /** Bits a second, at most. */
  readonly bandwidth?: number | undefined
  /** Share of packets lost: they come later. */
  readonly loss?: number | undefined
  /** Bytes of a chunk, at most. */
  readonly chunk?: number | undefined
  /** Bytes under way or unread, at most; 0 stops the writer. */
  readonly window?: number | undefined
  /** Share of chunks that have bits turned over. */
  readonly bitFlips?: number | undefined
}

export interface Dialling {
  readonly how: FaultOf<"Dials">["how"]
  /** Of the dials. */
  readonly share: number
  /** Milliseconds, with `slow`. */
  readonly takes: number
}

export interface StageNetwork {
  readonly impair: (select: Select, impairment: Impairment, random: Rng) => Undo
  /** The open connections with a selected direction go silent for good. */
  readonly silence: (select: Select) => Touched
  /** Ends the open connections with a selected direction; FIN or RST goes that way. */
  readonly close: (select: Select, how: FaultOf<"Close">["how"]) => Touched
  /** Resets the first connection by which this many more selected bytes have gone, all counted together. */
  readonly closeAfter: (select: Select, bytes: number) => Undo
  readonly dials: (select: Select, dialling: Dialling, random: Rng) => Undo
  /** No more than this many connections wait to be accepted at a node. */
  readonly backlog: (node: string, connections: number) => Undo
  /** No more than this many connections are open at a node. */
  readonly exhaust: (node: string, connections: number) => Undo
  readonly dns: (node: string, how: FaultOf<"Dns">["how"]) => Undo
  readonly move: (node: string) => void
  /** Replays what `from` sent to `to` on a connection that has ended; whether there was one. */
  readonly ghost: (from: string, to: string) => boolean
  /** Nothing is wrong any more. Connections that were silenced stay silent. */
  readonly heal: () => void
}

export interface StageDatabase {
  /** Every query takes this many milliseconds more, drawn for each. */
  readonly slow: (sampleMillis: () => number) => Undo
  readonly failing: (share: number, when: FaultOf<"FailingDatabase">["when"], random: Rng) => Undo
  /** Loses every connection, and fails new ones for a time or until it is undone. */
  readonly restart: (forMillis: number) => Undo
  /** A backup, by the number it is restored with. */
  readonly snapshot: () => number
  /** Nobody will restore this backup any more. */
  readonly drop: (snapshot: number) => void
}

/** The clock and the timers of a host, in this life of its process and the following ones. */
export interface StageClock {
  readonly step: (millis: number) => void
  /** In parts a million, instead of what it was. */
  readonly drift: (partsPerMillion: number) => void
  /** Microseconds that a timer is late, drawn for each; `undefined` for none. */
  readonly lateness: (sample: (() => number) | undefined) => void
}

export interface Stage {
  readonly world: World
  readonly nodes: ReadonlyArray<string>
  readonly network: StageNetwork
  readonly database: (node: string) => StageDatabase
  readonly kill: (node: string, how: Omit<FaultOf<"Kill">, "_tag" | "node">) => Touched
  readonly restart: (node: string, down: number) => Touched
  readonly pause: (node: string) => Touched
  readonly resume: (node: string) => void
  readonly restoreBackup: (node: string, snapshot: number, down: number) => Touched
  /** Starts a node that is down, whenever it was to come back. */
  readonly revive: (node: string) => void
  readonly clock: (node: string) => StageClock
  readonly buggify: (node: string, site: FaultOf<"Buggify">["site"], share: number, random: Rng) => Undo
}
