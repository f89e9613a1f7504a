/**
 * What takes part in an exploration of the link: a few processes with their keys and databases, and the faults that
 * may happen to them.
 */
import type * as Admission from "../../../src/protocol/link/Admission.ts"
import * as Arbiter from "../../../src/protocol/link/Arbiter.ts"
import { NodeKey } from "../../../src/protocol/NodeKey.ts"

/** One process. Nodes of one key are the same peer to others, whoever they are. */
export interface NodeSpec {
  readonly name: string
  /** One hex digit; the key is 64 of them. The lower key of a pair is its arbiter. */
  readonly key: string
  readonly database: string
  /** The node that it dials, by index; none if it only answers. */
  readonly dials: number | undefined
  /** Its dials never connect. */
  readonly firewalled?: boolean
  /** It notices a dead session by itself. */
  readonly heartbeat: boolean
  readonly incarnation?: number
  /** How often it crashes and comes back, and how often it comes back from an older database. */
  readonly crashes?: number
  readonly rollbacks?: number
  /** Whom it lets in, where all that come to it have one IP address. By default admission is not asked. */
  readonly admits?: Admission.Policy
  /** The agent that keeps its links, to whom it sends everybody. */
  readonly owner?: number
}

export interface Scenario {
  readonly name: string
  readonly nodes: ReadonlyArray<NodeSpec>
  /** Dials that each node has between two faults. */
  readonly budget: number
  readonly cuts: number
  /** What a cut is: silence for both sides, or the end of the input for both. */
  readonly cutBy?: ReadonlyArray<"silence" | "end">
  /** A crash says nothing to the other side, as when a machine loses its power. */
  readonly silentCrashes?: boolean
  /** Sessions that may be given up although they work: a heartbeat or a handshake deadline that fires too early. */
  readonly hasty?: number
  /**
   * How often the rule may close a live session, because its peer is another process by now, or again. Not at all by
   * default: that would be flapping.
   */
  readonly supersedes?: number
}

const keys = new Map([..."0123456789abcdef"].map((digit) => [digit, NodeKey.make(digit.repeat(64))]))

export const keyOf = ({ nodes }: Scenario, node: number): NodeKey => keys.get(nodes[node]!.key)!

export const roleTowards = (scenario: Scenario, node: number, peer: number): Arbiter.Role =>
  Arbiter.roleOf(keyOf(scenario, node), keyOf(scenario, peer))
