/**
 * The Bitcoin nodes that a data folder knows, as they are shown. Pure.
 */
import type { KnownPeer, Status } from "../../services/bitcoin/PeerStore.ts"
import { printable, table } from "../cli/Table.ts"

export interface Known {
  readonly counts: Readonly<Record<Status, number>>
  /** Some of them. */
  readonly peers: ReadonlyArray<KnownPeer>
}

const statuses: ReadonlyArray<Status> = ["Valid", "Unknown", "Inaccessible", "Banned"]

/** `3 valid, 1 banned`. */
const summary = ({ counts }: Known): string => {
  const parts = statuses.flatMap((status) =>
    counts[status] === 0 ? [] : [`${counts[status]} ${status.toLowerCase()}`]
  )
  return parts.length === 0 ? "No node is known." : `Known nodes: ${parts.join(", ")}`
}

const cells = ({ endpoint, reason = "", since, status }: KnownPeer): ReadonlyArray<string> => [
  String(endpoint),
  status,
  new Date(since).toISOString().replace(/\.\d+Z$/, "Z"),
  printable(reason)
]

export const text = (known: Known): string =>
  known.peers.length === 0
    ? summary(known)
    : `${summary(known)}\n${table(["NODE", "STATUS", "SINCE", "WHY"], known.peers.map(cells))}`

/** One value a line: how many there are of each status, then nodes. */
export const lines = ({ counts, peers }: Known): ReadonlyArray<object> => [
  { _tag: "KnownCounts", ...counts },
  ...peers.map(({ endpoint, ...peer }) => ({ _tag: "Known", remote: String(endpoint), ...peer }))
]
