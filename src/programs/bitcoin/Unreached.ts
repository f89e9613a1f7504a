/**
 * What may keep a command from its Bitcoin nodes, each with what to do about it.
 */
import { Schema } from "effect"
import { type Failure, type Reach, text } from "./Reach.ts"

const others = "Give other nodes with --connect host:port, or another network with --network"

/** No node has answered. */
export class PeersUnreached extends Schema.TaggedError<PeersUnreached>()("BitcoinPeersUnreached", {
  problem: Schema.String
}) {
  readonly fix = `${others}.`
  override get message(): string {
    return this.problem
  }
}

/** Nodes have answered, and they or this one would not go on. */
export class PeersRefused extends Schema.TaggedError<PeersRefused>()("BitcoinPeersRefused", {
  problem: Schema.String
}) {
  readonly fix = `${others}.`
  override get message(): string {
    return this.problem
  }
}

/** Nodes do not give what they are asked for. */
export class NoAnswer extends Schema.TaggedError<NoAnswer>()("BitcoinNoAnswer", {
  problem: Schema.String
}) {
  readonly fix = "Give other nodes with --connect host:port, or more time with --timeout."
  override get message(): string {
    return this.problem
  }
}

/** A network without seeds was named, and no node. */
export class NobodyToDial extends Schema.TaggedError<NobodyToDial>()("BitcoinNobodyToDial", {
  network: Schema.String
}) {
  readonly fix = "Give nodes with --connect host:port."
  override get message(): string {
    return `nobody is known whom to ask for nodes of ${this.network}`
  }
}

/** Failures that one message lists. */
const mostListed = 5

/** An error that says what came of the attempts. */
export const unreached = (failures: Iterable<Failure>, otherwise: string): PeersUnreached | PeersRefused => {
  const all = [...failures]
  if (all.length === 0) return new PeersUnreached({ problem: otherwise })
  const more = all.length > mostListed ? ` (and ${all.length - mostListed} more)` : ""
  const listed = all.slice(0, mostListed).map(text)
  const problem = `${listed.join("; ")}${more}`
  return all.every(({ isRefusal }) => isRefusal) ? new PeersRefused({ problem }) : new PeersUnreached({ problem })
}

/** What to say where nobody has been found. */
export const nobodyFound = (network: string, { discovered }: Reach): string =>
  discovered === undefined || discovered.failed.length === 0
    ? `no node of ${network} has answered`
    : `no node of ${network} has answered: no addresses were found of ${discovered.failed.join(", ")}`
