/**
 * What the nodes of the scenario `chain` are to each other, and which chain they keep: drawn from their keys, which are others in
 * every world, so that each node, and whoever watches, knows it without having been told.
 *
 * Where there are three or more, the last one may have a part of its own; all others are honest.
 */
import { Address } from "../../protocol/Address.ts"
import type { ChainSettings } from "../../protocol/chain/Genesis.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { port } from "../cluster/NodeProgram.ts"
import type { Nodes } from "../cluster/Scenario.ts"
import { epoch } from "../world/Process.ts"

/** What a node may be beside honest. All of them keep a chain themselves, and speak as any node does but in what they are named for. */
export const strangeParts = [
  /** Says that it has a million blocks, and has no header when it is asked. */
  "boaster",
  /** Gives other bodies than those it was asked for. */
  "forger",
  /** Gives headers and bodies that nobody has asked for, all the time. */
  "flooder",
  /** Gives headers, and never a body. */
  "frozen",
  /** Gives bodies after seconds. */
  "slow",
  /** Keeps a chain that begins otherwise. */
  "foreigner"
] as const
export type Part = "honest" | (typeof strangeParts)[number]

/** Those with whom nobody can stay connected. */
const impossible: ReadonlySet<Part> = new Set<Part>(["forger", "flooder", "foreigner"])

export interface Cast {
  /** Of the chain that all but a foreigner keep. */
  readonly settings: ChainSettings
  /** Milliseconds between blocks where producers take turns; nothing where anybody makes them. */
  readonly interval: number | undefined
  readonly partOf: (name: string) => Part
}

const byteOf = (key: NodeKey | undefined, place: number): number =>
  Number.parseInt((key ?? "").slice(2 * place, 2 * place + 2), 16) || 0

/** Of a guest, honest in a quarter of all worlds. */
const drawn = (key: NodeKey): Part => strangeParts[byteOf(key, 1) % (strangeParts.length + 2)] ?? "honest"

export const castOf = (nodes: Nodes): Cast => {
  const guest = nodes.length < 3 ? undefined : nodes.at(-1)
  const partOf = (name: string): Part => (guest === undefined || name !== guest.name ? "honest" : drawn(guest.key))
  const first = nodes[0]?.key
  const common = { id: "simulated", time: epoch - 1_000 }
  if (byteOf(first, 2) % 4 === 0) return { settings: common, interval: undefined, partOf }
  const producers = nodes.filter(({ name }) => partOf(name) === "honest").map(({ key }) => key)
  const interval = 1_000 * (1 + (byteOf(first, 3) % 3))
  return { settings: { ...common, producers, intervalMillis: interval }, interval, partOf }
}

/** What a node keeps. */
export const settingsOf = ({ partOf, settings }: Cast, name: string): ChainSettings =>
  partOf(name) === "foreigner" ? { ...settings, time: settings.time - 1 } : settings

/** Whether a node breaks the protocol, so that it is no fault to accuse it. */
export const misbehaves = (name: string, nodes: Nodes): boolean => impossible.has(castOf(nodes).partOf(name))

/** Whether two nodes can stay connected. */
export const wants = (node: string, peer: string, nodes: Nodes): boolean =>
  !misbehaves(node, nodes) && !misbehaves(peer, nodes)

/** Wherever it is: the name follows a node that moves. */
export const addressOf = ({ key, name }: Nodes[number]): Address => new Address({ key, host: `${name}.sim`, port })
