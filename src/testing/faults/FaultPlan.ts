/**
 * What goes wrong in a run, and when: plain data, written by hand, drawn by a swarm, shrunk by machine, kept as JSON. The
 * same plan drives simulated worlds and, as far as a proxy can do it, real processes.
 *
 * The engine that carries it out rolls no dice but inside a named entry, so that taking one entry out leaves the others
 * as they were. Nodes are named "a", "b", "c"... Times are milliseconds since the run began.
 */
import { Schema } from "effect"
import type { Kind } from "../../protocol/link/Frame.ts"
import { sites } from "../../services/Buggify.ts"
import { nodeNames } from "../cluster/NodeNames.ts"
import { Latency, NetModel } from "../network/NetModel.ts"
import { Schedule } from "../world/Schedule.ts"
import { Knobs } from "./Knobs.ts"

const time = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 366 * 86_400_000 }))
const count = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const Name = Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9-]{0,15}$/))
const Names = Schema.Array(Name).check(Schema.isMaxLength(64))

/** Kinds of frames by their names in docs/PROTOCOL.md, 3. */
export const FrameKind = Schema.Literals([
  "HELLO",
  "COMMIT",
  "REJECT",
  "GOODBYE",
  "PING",
  "PONG",
  "RESUME",
  "DATA",
  "RECEIPT",
  "GOSSIP"
] as const satisfies ReadonlyArray<Uppercase<keyof typeof Kind>>)
export type FrameKind = typeof FrameKind.Type

const Site = Schema.Literals(sites)

/** When a fault begins. */
export const When = Schema.Union([
  Schema.Struct({ at: time }),
  /** Right after a node handed the nth frame of a kind to its connection with another. */
  Schema.Struct({ frame: Schema.Struct({ kind: FrameKind, from: Name, to: Name, nth: count(1, 1_000_000) }) }),
  /** Right after a node's nth commit, counted over all of its lives. */
  Schema.Struct({ commit: Schema.Struct({ node: Name, nth: count(1, 1_000_000) }) }),
  /** At the nth event of the world. */
  Schema.Struct({ event: count(1, 1_000_000_000) }),
  /** At the nth pass of a `Buggify` site at a node. */
  Schema.Struct({ site: Schema.Struct({ name: Site, node: Name, nth: count(1, 1_000_000) }) })
])
export type When = typeof When.Type

/** The connections that a network fault strikes: those between two nodes, in one direction or both; of a node; or all. */
const link = { from: Schema.optional(Name), to: Schema.optional(Name), oneWay: Schema.optional(Schema.Boolean) }
const lasting = { for: time }
/** To the end of the disturbed part unless it says otherwise. */
const lingering = { for: Schema.optional(time) }

export const Fault = Schema.Union([
  // The network.
  /**
   * Bytes wait and nothing is lost; dials hang. TCP's own retransmission makes it last up to twice as long.
   * `split` parts two sides, `isolate` some nodes from all, `bridge` two halves but for the nodes that both see, and in
   * a `ring` every node hears a majority and no two the same one.
   */
  Schema.TaggedStruct("Partition", {
    ...lasting,
    shape: Schema.Literals(["split", "isolate", "ring", "bridge"]),
    /** One side of a `split`, the nodes of `isolate`, the bridge of `bridge`; unused by `ring`. */
    side: Names,
    /** Only what `side` sends waits; of a `bridge` what the first half sends. A `ring` is one way as it is. */
    oneWay: Schema.optional(Schema.Boolean)
  }),
  /** No byte moves for a while, none is lost. */
  Schema.TaggedStruct("Stall", { ...link, ...lasting }),
  /** Every node of `nodes` is stalled, one after the other, and they recover in an order of their own. */
  Schema.TaggedStruct("Swizzle", { ...lasting, nodes: Names, heal: Schema.Literals(["forward", "reverse", "random"]) }),
  /** The connections that are open now never carry a byte again, and neither end is told: half-open. */
  Schema.TaggedStruct("Silence", link),
  /** Ends open connections: FIN after what is under way, RST instead of it, or RST that the reader takes for an end. */
  Schema.TaggedStruct("Close", { ...link, how: Schema.Literals(["fin", "rst", "rst-as-end"]) }),
  /** As `Close` with `rst`, once this many more bytes have passed. */
  Schema.TaggedStruct("CloseAfter", { ...link, ...lingering, bytes: count(0, 1_000_000_000) }),
  Schema.TaggedStruct("Slow", { ...link, ...lasting, latency: Latency }),
  Schema.TaggedStruct("Bandwidth", { ...link, ...lasting, bitsPerSecond: count(1, 100_000_000_000) }),
  Schema.TaggedStruct("Loss", { ...link, ...lasting, share }),
  /** Chunks of 1 to `most` bytes. */
  Schema.TaggedStruct("Chunks", { ...link, ...lasting, most: count(1, 65_536) }),
  /** Windows of this size; 0 closes them. */
  Schema.TaggedStruct("Window", { ...link, ...lasting, bytes: count(0, 64 * 1024 * 1024) }),
  /** This share of chunks has 1 to 32 bits turned over. */
  Schema.TaggedStruct("BitFlips", { ...link, ...lasting, share }),
  /** What `from` sent on an ended connection comes again, on a connection of the ghost's own, `after` milliseconds later. */
  Schema.TaggedStruct("Ghost", { from: Name, to: Name, after: time }),
  // Dials.
  Schema.TaggedStruct("Dials", {
    ...link,
    ...lasting,
    how: Schema.Literals(["refuse", "hang", "slow", "accept-then-reset"]),
    share,
    /** With `slow`: how long the dial takes. */
    takes: Schema.optional(time)
  }),
  Schema.TaggedStruct("Backlog", { node: Name, ...lasting, connections: count(0, 4_096) }),
  /** No more open connections than this at one host: dials fail as exhausted, accepts wait. */
  Schema.TaggedStruct("Exhaustion", { node: Name, ...lasting, connections: count(0, 1_000_000) }),
  /** The node's name resolves to nothing, late, or to an address where it is not. */
  Schema.TaggedStruct("Dns", { node: Name, ...lasting, how: Schema.Literals(["unknown", "slow", "elsewhere"]) }),
  /** The node moves to another address, and its name with it. */
  Schema.TaggedStruct("Move", { node: Name }),
  // Processes.
  /** SIGKILL, and a new life after `down`. `end` is what peers see of its connections: RST, FIN, or nothing at all. */
  Schema.TaggedStruct("Kill", {
    node: Name,
    down: time,
    end: Schema.Literals(["rst", "fin", "silence"]),
    /** The disk is lost with the process: it comes back as an empty node with the same key. */
    wipe: Schema.optional(Schema.Boolean)
  }),
  /** A graceful stop, and a new life after `down`. */
  Schema.TaggedStruct("Restart", { node: Name, down: time }),
  Schema.TaggedStruct("Pause", { node: Name, ...lasting }),
  // Clocks.
  Schema.TaggedStruct("ClockStep", {
    node: Name,
    by: Schema.Finite.check(Schema.isBetween({ minimum: -864e5, maximum: 864e5 }))
  }),
  Schema.TaggedStruct("ClockDrift", { node: Name, ...lingering, partsPerMillion: count(-10_000, 10_000) }),
  /** A share of the node's timers is late, by up to `most` milliseconds, mostly little. */
  Schema.TaggedStruct("LateTimers", { node: Name, ...lasting, share, most: time }),
  // Databases.
  Schema.TaggedStruct("SlowDatabase", { node: Name, ...lasting, latency: Latency }),
  /** This share of transactions fails, before its commit took place or after: the node cannot tell which. */
  Schema.TaggedStruct("FailingDatabase", {
    node: Name,
    ...lasting,
    share,
    when: Schema.Literals(["before-commit", "after-commit"])
  }),
  /** Every connection is lost, open transactions with them, and new ones fail for `for`. */
  Schema.TaggedStruct("DatabaseRestart", { node: Name, ...lasting }),
  /** The database goes back to what it was at a moment: a backup is restored. The node restarts on it. */
  Schema.TaggedStruct("RestoreBackup", { node: Name, takenAt: time, down: time }),
  // The code itself.
  /** A `Buggify` site of the node is active: it fires this share of the times it is passed. */
  Schema.TaggedStruct("Buggify", { node: Name, ...lasting, site: Site, share })
]).pipe(Schema.toTaggedUnion("_tag"))
export type Fault = typeof Fault.Type
export type FaultKind = Fault["_tag"]
export type FaultOf<K extends FaultKind> = Extract<Fault, { readonly _tag: K }>

export const Entry = Schema.Struct({ when: When, fault: Fault })
export type Entry = typeof Entry.Type

/** Every node that an entry names. */
export const nodesIn = ({ fault, when }: Entry): ReadonlyArray<string> => {
  const named: Array<string | undefined> = []
  if ("frame" in when) named.push(when.frame.from, when.frame.to)
  if ("commit" in when) named.push(when.commit.node)
  if ("site" in when) named.push(when.site.node)
  if ("node" in fault) named.push(fault.node)
  if ("from" in fault) named.push(fault.from)
  if ("to" in fault) named.push(fault.to)
  if ("side" in fault) named.push(...fault.side)
  if ("nodes" in fault) named.push(...fault.nodes)
  return named.filter((name) => name !== undefined)
}

/** A fault at a node that is not there would do nothing, and nobody would know. */
const namesOnlyItsNodes = Schema.makeFilter(
  ({ faults, nodes }: { readonly nodes: number; readonly faults: ReadonlyArray<Entry> }) => {
    const names = nodeNames(nodes)
    const known = new Set(names)
    for (const [index, entry] of faults.entries()) {
      const stranger = nodesIn(entry).find((name) => !known.has(name))
      if (stranger === undefined) continue
      const there = `the ${nodes} nodes of the plan are called ${names[0]} to ${names.at(-1)}`
      return { path: ["faults", index], issue: `it names "${stranger}", but ${there}` }
    }
    return undefined
  }
)

export const FaultPlan = Schema.Struct({
  version: Schema.Literal(1),
  nodes: count(1, 1_000),
  /** Milliseconds of work under faults; a quiet fifth of the whole follows, in which everything must come right. */
  duration: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 366 * 86_400_000 })),
  schedule: Schedule,
  network: NetModel,
  /** What is unusual about the nodes themselves. */
  knobs: Schema.optional(Knobs),
  /** How much the workload does: operations at each node. */
  operations: count(0, 10_000_000),
  database: Schema.Literals(["memory", "pglite"]),
  faults: Schema.Array(Entry).check(Schema.isMaxLength(10_000))
}).check(namesOnlyItsNodes)
export type FaultPlan = typeof FaultPlan.Type

/** How a plan of somebody else's is read: a key that is misspelt would be left out, and its plan would do something else. */
export const strictly = { onExcessProperty: "error" } as const
